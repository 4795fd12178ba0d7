"""What each command does."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from tl_core.cli.choosing import COMPARISONS, layers_for
from tl_core.cli.inspecting import machine, read
from tl_core.cli.show import Bars, EventPrinter, as_lines, percent, table
from tl_core.cli.tasks import follow
from tl_core.config import (
    NO_AUGMENT,
    PROBES,
    AugmentConfig,
    DataConfig,
    FreezeConfig,
    ModelConfig,
    RunSpec,
    TrainConfig,
    changed,
)
from tl_core.data.intake import Intake
from tl_core.errors import ConfigError, TLError
from tl_core.events import RunFinished, event_to_dict
from tl_core.jobs.gates import answer, waits_at
from tl_core.jobs.library import Library
from tl_core.jobs.log import EventLog
from tl_core.jobs.processes import alive, interrupt_on_sigterm, keep_freed_memory
from tl_core.jobs.queue import ALIVE, Queue, RunRow
from tl_core.jobs.schema import open_engine
from tl_core.jobs.submit import submit_training
from tl_core.jobs.view import RunView, fold
from tl_core.jobs.work import carry_out
from tl_core.session import Studio
from tl_core.storage import Home, read_json, write_json

START_S = 30.0  # a process that was just started may not have said its number yet


def train(options: argparse.Namespace) -> int:
    """Take the pictures in, train, and print what happens."""
    home = Home(options.home)
    engine = open_engine(home)
    measured = options.layers in COMPARISONS
    known = argparse.Namespace(**{**vars(options), "layers": "head"}) if measured else options
    spec = spec_of(known, home)
    intake = read(options.data, home, pictures=options.pictures)
    project_id = project_for(home, engine, Path(options.data).expanduser().resolve(), intake)
    if measured:
        layers = layers_for(home, engine, project_id, spec, options)
        spec = changed(spec, {"freeze.layers": layers})
    run_id = submit_training(home, engine, project_id, spec)
    return worked_off(home, engine, run_id, options)


def resume(options: argparse.Namespace) -> int:
    """Go on with an interrupted run after its last finished epoch."""
    home = Home(options.home)
    engine = open_engine(home)
    queue = Queue(engine)
    row = queue.get(options.run_id)
    if row.spec.get("freeze", {}).get("stages") == "ask":
        _somebody_to_ask(options)
    seen_at = row.heartbeat_at or row.created_at
    fresh = row.state == "starting" and time.time() - seen_at < START_S
    if row.state in ALIVE and not fresh and not alive(row.pid, seen_at):
        queue.end(row.id, "interrupted")  # its process was killed and nobody has noticed yet
    queue.requeue(row.id)
    return worked_off(home, engine, row.id, options)


def runs(options: argparse.Namespace) -> int:
    """List the training runs of this home, newest first."""
    studio = Studio(Home(options.home))
    names = {project.id: project.name for project in studio.projects()}
    rows = [_run_line(studio, row, names) for row in studio.runs()]
    if options.json:
        as_lines(rows)
    elif not rows:
        print("There are no runs yet. Start one: python -m tl_core train DATA")
    else:
        cells = [
            [
                row["run_id"],
                row["state"],
                row["project"],
                row["name"],
                percent(row["val_accuracy"]),
                percent(row["test_accuracy"]),
            ]
            for row in rows
        ]
        print(table(cells, ["run", "state", "project", "what", "validation", "test"]))
        print("".join(f"\n{one}" for one in map(_waiting_line, rows) if one), end="")
    return 0


def export(options: argparse.Namespace) -> int:
    """Write the bundle of a finished run and say what its certificate found."""
    from tl_core.export.extras import Extras
    from tl_core.export.int8 import quantised_sentence
    from tl_core.jobs.exporting import write_run_bundle

    home = Home(options.home)
    bars = Bars()
    summary = write_run_bundle(
        home,
        open_engine(home),
        options.run_id,
        Path(options.out).expanduser().resolve(),
        extras=Extras(int8=options.int8, torch_export=options.torch_export, timm=options.timm),
        report=lambda done, total: bars.report("exporting", done, total, "step"),
    )
    bars.close()
    if options.json:
        as_lines(summary)
    else:
        print(f"Wrote {summary['folder']}")
        print(summary["certificate_sentence"])
        if "int8" in summary["certificate"]:
            print(quantised_sentence(summary["certificate"]["int8"]))
    return 0


# -- parts ----------------------------------------------------------------------------------------


def project_for(home: Home, engine: Engine, data: Path, intake: Intake) -> str:
    """The project of this source, made when there is none; others of the same name are left."""
    library = Library(engine)
    book = home.root / "sources.json"  # project id -> the path it was trained from
    sources: dict[str, str] = read_json(book) if book.is_file() else {}
    there = {one.id: one for one in library.projects()}
    known = [key for key, source in sources.items() if source == str(data) and key in there]
    project = there[known[0]] if known else library.create((data.stem or "pictures")[:80])
    library.replace_images(project.id, intake, DataConfig(**project.data_config))
    write_json(book, {**sources, project.id: str(data)})
    return project.id


def _own_weights(path: Path, name: str, home: Home, *, chosen: bool) -> ModelConfig:
    """A weights file for the network of this name, or the network and weights of a bundle."""
    if path.is_dir() or (path.is_file() and path.suffix == ".zip"):
        from tl_core.jobs.bringing_bundles import weights_of

        found, digest = weights_of(path, home)
        if chosen and found != name:
            raise ConfigError(
                f"The weights in {path.name} are those of {found}, not of {name}.",
                field="weights",
                hint="Leave --model out.",
            )
        return ModelConfig(name=found, weights="file", weights_file=digest)
    if not path.is_file():
        raise ConfigError(f"There is no file {path}.", field="weights")
    return ModelConfig(name=name, weights="file", weights_file=home.put_blob(path))


def spec_of(options: argparse.Namespace, home: Home) -> RunSpec:
    """Settings from the options of ``train`` and ``lr-find``."""
    model = ModelConfig(**({"name": options.model} if options.model else {}))
    if options.stages == "ask":
        _somebody_to_ask(options)
    if options.weights:
        path = Path(options.weights).expanduser()
        model = _own_weights(path, model.name, home, chosen=bool(options.model))
    return RunSpec(
        model=replace(model, channels=options.channels),
        freeze=FreezeConfig(layers=options.layers, stages=options.stages),
        augment=replace(
            NO_AUGMENT if options.no_augment else AugmentConfig(),
            mixup=options.mixup,
            feature_noise=options.feature_noise,
            feature_brightness=options.feature_brightness,
        ),
        train=TrainConfig(
            epochs=options.epochs,
            lr=_rate(options.lr),
            backbone_lr=options.backbone_lr,
            block_decay=options.block_decay,
            block_rates=options.block_rates,
            batch_size=options.batch_size,
            image_size=options.image_size,
            resize=options.resize,
            schedule=options.schedule,
            weight_decay=options.weight_decay,
            dropout=options.dropout,
            label_smoothing=options.label_smoothing,
            patience=options.patience,
            views=options.views,
            cache=not options.no_cache,
            head_start=options.head_start,
            seed=options.seed,
        ),
    )


def _rate(text: str) -> float | None:
    if text == "auto":
        return None
    try:
        return float(text)
    except ValueError as err:
        raise ConfigError(
            f"{text!r} is not a learning rate.", field="lr", hint="Give a number, or auto."
        ) from err


def _somebody_to_ask(options: argparse.Namespace) -> None:
    """A run that asks would wait for ever where nobody reads what it says."""
    if machine(options) or not sys.stdin.isatty():
        raise ConfigError(
            "There is nobody to ask whether a further block should be opened.",
            field="stages",
            hint="Run it in a terminal and without --json, or with --stages auto or gradual.",
        )


def worked_off(home: Home, engine: Engine, run_id: str, options: argparse.Namespace) -> int:
    """Carry a queued run out here, or follow it when the studio's supervisor took it first."""
    for_machine = machine(options)
    queue = Queue(engine)
    printer = EventPrinter(
        machine=for_machine,
        answer=lambda asked, opened: queue.command(run_id, answer(asked.stage, opened=opened)),
    )
    if not for_machine:
        print(f"run {run_id}", flush=True)
    interrupt_on_sigterm()
    keep_freed_memory()
    claimed = queue.claim("train", "command line", run_id)
    row = (
        carry_out(home, engine, claimed, printer)
        if claimed is not None
        else follow(queue, EventLog(engine), run_id, printer)
    )
    printer.close()
    if row.state != "finished":
        error = row.error or {"message": f"The run is {row.state}.", "hint": ""}
        hint = error.get("hint", "")
        if row.state == "interrupted":
            hint = f"Go on with: python -m tl_core resume {run_id}"
        raise TLError(error["message"], hint=hint)
    probe = str(row.spec["freeze"]["layers"]) in PROBES
    _print_end(_final_line(engine, run_id), machine=for_machine, probe=probe)
    return 0


def _final_line(engine: Engine, run_id: str) -> dict[str, Any]:
    view = fold(RunView(run_id=run_id), EventLog(engine).all_after(run_id))
    finished = view.finished
    assert isinstance(finished, RunFinished)  # a finished row has its event
    body = event_to_dict(finished)
    name = body.pop("event")
    return {"event": name, "run_id": run_id, "seconds": round(view.elapsed_s, 2), **body}


def _print_end(line: dict[str, Any], *, machine: bool, probe: bool) -> None:
    if machine:
        as_lines(line)
        return
    epochs = "" if probe else f"{line['epochs']} epochs and "
    best = "" if probe else f", best epoch {line['best_epoch']}"
    print(
        f"{line['reason'].replace('_', ' ')} after {epochs}{line['seconds']:.0f} s{best}\n"
        f"validation {percent(line['val_accuracy'], line['val_accuracy_ci'])}"
    )
    if line["test_accuracy"] is not None:
        print(f"test       {percent(line['test_accuracy'], line['test_accuracy_ci'])}")
    run_id = line["run_id"]
    print(f"\nNext: python -m tl_core evaluate {run_id}")
    print(f"      python -m tl_core export {run_id} --out my-classifier")


def _run_line(studio: Studio, row: RunRow, names: dict[str, str]) -> dict[str, Any]:
    result = row.result or {}
    asked, held = waits_at(studio.log, row), studio.held_by(row)
    return {
        "run_id": row.id,
        "project": names.get(row.project_id, ""),
        "name": row.name,
        "state": row.state,
        "asks": asked.block if asked else None,
        "held_by": held.id if held else None,
        "created_at": row.created_at,
        "val_accuracy": result.get("val_accuracy"),
        "test_accuracy": result.get("test_accuracy"),
    }


def _waiting_line(row: dict[str, Any]) -> str:
    """Who waits for an answer, and who waits for that; "" for all others."""
    if row["asks"]:
        return (
            f"Run {row['run_id']} waits for your answer: open {row['asks']} too? "
            "Answer on its Train page in the studio.\n"
        )
    if row["held_by"]:
        return f"Run {row['run_id']} waits because run {row['held_by']} waits for your answer.\n"
    return ""


__all__ = [
    "export",
    "project_for",
    "resume",
    "runs",
    "spec_of",
    "train",
    "worked_off",
]
