"""The report of a finished run: its facts gathered, one HTML file written. No torch.

It is kept in the run's export folder and goes with the run.
"""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from tl_core import __version__
from tl_core.config import PROBES, RunSpec
from tl_core.errors import ExportError, NoTestImagesError, RunNotFoundError, RunStateError
from tl_core.jobs import estimate
from tl_core.jobs.differing import NOT_USED, settings_of
from tl_core.jobs.library import Library
from tl_core.jobs.log import EventLog
from tl_core.jobs.queue import Queue, RunRow
from tl_core.jobs.report_data import data_facts
from tl_core.jobs.report_run import model_facts, training_facts
from tl_core.jobs.report_scores import (
    crossing_facts,
    line_facts,
    mistakes,
    parent_facts,
    score_facts,
)
from tl_core.jobs.reported import KIND, report_file
from tl_core.jobs.results import Results
from tl_core.jobs.seal import run_seal
from tl_core.jobs.submit import Snapshot, read_snapshot
from tl_core.jobs.view import RunView, fold
from tl_core.jobs.work import Context
from tl_core.models.catalog import card
from tl_core.report import words
from tl_core.report.command import train_command
from tl_core.report.page import rendered
from tl_core.storage import Home, atomic_path

__all__ = ["KIND", "report", "report_html", "write_report"]

PACKAGES = ("torch", "torchvision", "timm", "numpy", "scikit-learn", "pillow")


def report(context: Context) -> dict[str, Any]:
    """Write a run's report into its folder.

    The spec has ``run_id`` and may have ``pictures`` (False leaves out every picture and file
    name), ``label`` and ``miss`` (the line for one class).

    Returns:
        ``run_id``, ``file`` (its name), ``bytes`` and ``pictures``.
    """
    spec = context.row.spec
    run_id, pictures = str(spec["run_id"]), bool(spec.get("pictures", True))
    target = report_file(context.home, run_id, pictures=pictures)
    written = write_report(
        context.home,
        context.engine,
        run_id,
        target,
        pictures=pictures,
        label=str(spec.get("label") or ""),
        miss=float(spec.get("miss") or 1.0),
        tell=context.progress("Writing the report", "steps"),
    )
    return {**written, "file": target.name}


def write_report(
    home: Home,
    engine: Engine,
    run_id: str,
    target: Path,
    *,
    pictures: bool = True,
    label: str = "",
    miss: float = 1.0,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Write the report as ``target``.

    Returns:
        ``run_id``, ``file`` (the full path), ``bytes`` and ``pictures``.

    Raises:
        RunStateError: The run has not finished, or has kept no result.
        ConfigError: ``label`` is no class.
        ExportError: The file cannot be written.
    """
    body = report_html(
        home, engine, run_id, pictures=pictures, label=label, miss=miss, tell=tell
    ).encode()
    Queue(engine).get(run_id)  # not for a run that was removed meanwhile
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(target) as part:
            part.write_bytes(body)
    except OSError as err:
        raise ExportError(
            f"The report could not be written ({err.strerror or err}).",
            hint="Choose another place, or make room on the disk.",
        ) from err
    return {"run_id": run_id, "file": str(target), "bytes": len(body), "pictures": pictures}


def report_html(
    home: Home,
    engine: Engine,
    run_id: str,
    *,
    pictures: bool = True,
    label: str = "",
    miss: float = 1.0,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> str:
    """The report as text; arguments and errors as ``write_report``."""
    row = Queue(engine).get(run_id)
    if row.kind != "train" or row.state != "finished":
        raise RunStateError(
            f"Run {row.id} is {row.state}, there is nothing to report yet."
            if row.kind == "train"
            else f"{row.id} is not a training run.",
            hint="Wait for it to end, or resume it.",
        )
    tell(0, 3)
    results, spec = Results(home), RunSpec.from_dict(row.spec)
    judged = _judged(results, row)
    snapshot = read_snapshot(home, row.id)
    view = fold(RunView(run_id=row.id), EventLog(engine).all_after(row.id))
    facts = estimate.described(home, card(spec.model.name))
    answers, val = results.answers(row.id, judged["split"]), results.answers(row.id, "val")
    tell(1, 3)
    data = data_facts(home, engine, row, snapshot, pictures=pictures)
    tell(2, 3)
    said = results.sentences(judged)
    solved = spec.freeze.layers in PROBES
    html = rendered(
        {
            "title": Library(engine).get(row.project_id).name,
            "run": _run_facts(row),
            "written": time.strftime("%d %B %Y", time.gmtime()).lstrip("0"),
            "version": __version__,
            "pictures": pictures,
            "judged": judged,
            "summary": words.summary(
                snapshot.classes, data["total"]["train"], facts.title, said[:2]
            ),
            "sentences": said[2:],
            "data": data,
            "model": model_facts(spec, facts, view),
            "training": training_facts(spec, view, solved=solved),
            "scores": score_facts(judged, answers, results.temperature(row.id), pictures=pictures),
            "line": line_facts(answers, val if judged["split"] == "test" else None, label, miss)
            if label
            else None,
            "mistakes": mistakes(home, row.id, judged, snapshot.images) if pictures else [],
            "crossing": crossing_facts(home, row.id),
            "parent": parent_facts(home, engine, row),
            "limits": words.limits(judged, solved=solved, commercial=facts.commercial),
            "again": _again(home, row, spec, snapshot),
        }
    )
    tell(3, 3)
    return html


def _judged(results: Results, row: RunRow) -> Mapping[str, Any]:
    for split in ("test", "val"):
        found = results.report(row.id, split)
        if found is not None:
            return {"slices": [], "groups": found["n"], **found}
    raise NoTestImagesError(
        f"Run {row.id} has kept no result to report.", hint="Train it again, then ask again."
    )


def _run_facts(row: RunRow) -> dict[str, Any]:
    ended = row.ended_at or row.created_at
    return {
        "id": row.id,
        "name": row.name,
        "note": row.note,
        "tags": list(row.tags),
        "date": time.strftime("%d %B %Y", time.gmtime(ended)).lstrip("0"),
    }


def _again(home: Home, row: RunRow, spec: RunSpec, snapshot: Snapshot) -> dict[str, Any]:
    command, missing = train_command(spec)
    try:
        seal = f"{run_seal(home, row.id):032x}"
    except RunNotFoundError:
        seal = ""
    return {
        "command": command,
        "missing": missing,
        "settings": [
            (path, words.setting(value))
            for path, value in settings_of(spec).items()
            if value is not NOT_USED
        ],
        "versions": [("Thaw", __version__), ("Python", platform.python_version()), *_versions()],
        "digest": _digest(snapshot),
        "seal": seal,
    }


def _versions() -> list[tuple[str, str]]:
    found = []
    for name in PACKAGES:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return found


def _digest(snapshot: Snapshot) -> str:
    """Of the contents, classes and parts of all pictures, in whatever order they came."""
    lines = sorted(f"{one.digest} {one.split} {one.label}" for one in snapshot.images)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
