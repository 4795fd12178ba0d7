"""``choose-layers``: which layers to train, found on the training pictures of a set."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from tl_core.cli.inspecting import machine, read
from tl_core.cli.show import Bars, as_lines, percent, table
from tl_core.config import PROBES, RGB, DataConfig, ModelConfig, RunSpec, TrainConfig, parse_layers
from tl_core.data.records import ImageRecord
from tl_core.data.split import assign_splits
from tl_core.errors import ConfigError, TooFewImagesError
from tl_core.jobs.library import Library
from tl_core.jobs.processes import keep_freed_memory
from tl_core.models.catalog import DEFAULT_MODEL
from tl_core.storage import Home

if TYPE_CHECKING:
    from tl_core.jobs.choosing import Field

__all__ = ["COMPARISONS", "choose", "layers_for"]

COMPARISONS = {"auto": PROBES, "race": None}  # of --layers: what is compared; None = the usual


def choose(options: argparse.Namespace) -> int:
    """Race choices of layers and print how each did, and which to take."""
    candidates = tuple(one for one in (options.layers or "").split(",") if one) or None
    if options.at_once:
        if candidates:
            raise ConfigError(
                "--at-once names the choices to compare, and so does --layers.",
                field="layers",
                hint="Give one of the two.",
            )
        candidates = PROBES
    for layers in candidates or ():
        parse_layers(layers)
    keep_freed_memory()
    begun = time.perf_counter()
    scratch = Home(options.home).folder("tmp")
    with tempfile.TemporaryDirectory(prefix="layers-", dir=scratch) as folder:
        home = Home(folder, blobs=f"{folder}/blobs")
        intake = read(options.data, home, pictures=options.pictures)
        splits = assign_splits(intake.records, DataConfig())
        training = [
            replace(one, split=None)
            for one, split in zip(intake.records, splits, strict=True)
            if split == "train"
        ]
        spec = RunSpec(
            model=ModelConfig(name=options.model or DEFAULT_MODEL),
            train=TrainConfig(seed=options.seed),
        )
        shorter = sorted(min(one.width, one.height) for one in intake.records)
        found = _raced(
            home,
            training,
            spec,
            channels=int(intake.reading.get("channels", RGB)),
            detail_px=shorter[len(shorter) // 2],
            candidates=candidates,
            exhaustive=options.exhaustive,
        )
    told = found.outcome.to_dict()
    if machine(options):
        as_lines(
            {
                **told,
                "model": spec.model.name,
                "pictures": found.pictures,
                "folds": found.folds,
                "looks_different": found.looks_different,
                "seconds": round(time.perf_counter() - begun, 3),
            }
        )
        return 0
    _print_race(found)
    print(f"\nTake --layers {told['chosen']}.")
    return 0


def layers_for(
    home: Home, engine: Engine, project_id: str, spec: RunSpec, options: argparse.Namespace
) -> str:
    """The layers to train when ``--layers`` leaves them to a comparison; it is printed.

    Args:
        home: The store.
        engine: From ``open_engine``.
        project_id: Whose training pictures are compared on.
        spec: The other settings.
        options: Of ``train``, with ``layers`` a key of ``COMPARISONS``.
    """
    library = Library(engine)
    _, records, splits = library.records(project_id)
    training = [one for one, split in zip(records, splits, strict=True) if split == "train"]
    keep_freed_memory()
    found = _raced(
        home,
        training,
        spec,
        channels=library.get(project_id).channels,
        detail_px=library.detail_px(project_id),
        candidates=COMPARISONS[options.layers],
        as_set=True,  # the run has the rate and epochs that were asked for
    )
    chosen = found.outcome.chosen
    if machine(options):
        as_lines({"event": "layers_compared", **found.outcome.to_dict()})
    else:
        _print_race(found)
        print(f"\nTraining with --layers {chosen}.", flush=True)
    return chosen


def _raced(home: Home, training: Sequence[ImageRecord], spec: RunSpec, **more: Any) -> Field:
    from tl_core.jobs.choosing import raced  # imports torch

    if not training:
        raise TooFewImagesError("There are no training pictures.", hint="Bring some first.")
    bars = Bars()

    def progress(stage: str, unit: str = "pictures") -> Callable[[int, int], None]:
        return lambda done, total: bars.report(stage.lower(), done, total, unit)

    try:
        return raced(home, training, spec, progress=progress, **more)
    finally:
        bars.close()


def _print_race(found: Field) -> None:
    rows = [
        [
            one["layers"],
            percent(one["accuracy"]),
            f"{percent(one['interval'][0])} to {percent(one['interval'][1])}",
            f"{len(one['right'])} of {found.folds}" + (" (left)" if one["left"] else ""),
            f"{one['seconds']:.1f} s",
        ]
        for one in found.outcome.to_dict()["raced"]
    ]
    print(table(rows, ["layers", "right", "likely", "folds", "a training"]))
    if found.looks_different:
        print(
            "The pictures look different from those the network learned from, so its first block "
            "took part."
        )
