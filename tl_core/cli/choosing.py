"""``choose-layers``: which layers to train, found on the training pictures of a set."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace

from tl_core.cli.inspecting import machine, read
from tl_core.cli.show import Bars, as_lines, percent, table
from tl_core.config import RGB, DataConfig, ModelConfig, RunSpec, TrainConfig, parse_layers
from tl_core.data.split import assign_splits
from tl_core.errors import TooFewImagesError
from tl_core.jobs.processes import keep_freed_memory
from tl_core.models.catalog import DEFAULT_MODEL
from tl_core.storage import Home
from tl_core.train.defaults import COMPARED

__all__ = ["choose"]


def choose(options: argparse.Namespace) -> int:
    """Race choices of layers and print how each did, and which to take."""
    from tl_core.jobs.choosing import raced  # imports torch

    candidates = tuple(one for one in (options.layers or "").split(",") if one) or COMPARED
    for layers in candidates:
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
        if not training:
            raise TooFewImagesError("There are no training pictures.", hint="Bring some first.")
        spec = RunSpec(
            model=ModelConfig(name=options.model or DEFAULT_MODEL),
            train=TrainConfig(seed=options.seed),
        )
        shorter = sorted(min(one.width, one.height) for one in intake.records)
        bars = Bars()

        def progress(stage: str, unit: str = "pictures") -> Callable[[int, int], None]:
            return lambda done, total: bars.report(stage.lower(), done, total, unit)

        try:
            found = raced(
                home,
                training,
                spec,
                channels=int(intake.reading.get("channels", RGB)),
                detail_px=shorter[len(shorter) // 2],
                candidates=candidates,
                exhaustive=options.exhaustive,
                progress=progress,
            )
        finally:
            bars.close()
    told = found.outcome.to_dict()
    if machine(options):
        as_lines(
            {
                **told,
                "model": spec.model.name,
                "pictures": found.pictures,
                "folds": found.folds,
                "seconds": round(time.perf_counter() - begun, 3),
            }
        )
        return 0
    rows = [
        [
            one["layers"],
            percent(one["accuracy"]),
            f"{percent(one['interval'][0])} to {percent(one['interval'][1])}",
            f"{len(one['right'])} of {found.folds}" + (" (left)" if one["left"] else ""),
            f"{one['seconds']:.1f} s",
        ]
        for one in told["raced"]
    ]
    print(table(rows, ["layers", "right", "likely", "folds", "a training"]))
    print(f"\nTake --layers {told['chosen']}.")
    return 0
