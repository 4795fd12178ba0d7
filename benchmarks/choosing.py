"""What the race between choices of layers costs and saves, against training all of them.

``python -m benchmarks.choosing [--sets hymenoptera clothing sample] [--pictures 0] [--seeds 1]``
takes each set in and, in one run, races the choices of layers and trains all of them on all folds,
each side in a home of its own, so that both compute everything. Prints Markdown tables: every
choice's accuracy on held-out training pictures and the seconds of one training; what each side
takes, the regret (accuracy of the best over all folds less that of what the race takes, both over
all folds) and the ratio of the seconds. ``--pictures`` limits the training pictures (0 = all).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.pictures import Pictures
from benchmarks.settings import MODEL
from tl_core.config import FreezeConfig, ModelConfig, RunSpec, TrainConfig
from tl_core.data.intake import take_in
from tl_core.data.records import ImageRecord
from tl_core.data.sample import SampleOptions, write_sample
from tl_core.jobs.choosing import raced
from tl_core.jobs.processes import keep_freed_memory
from tl_core.models.catalog import card
from tl_core.storage import Home
from tl_core.train.defaults import COMPARED
from tl_core.train.racing import Outcome
from tl_core.train.recipe import fit_subset

ARCHIVES = Path(__file__).resolve().parents[2] / "shared" / "data"


def some(records: Sequence[ImageRecord], limit: int) -> list[ImageRecord]:
    """All, or ``limit`` of them with the classes in their proportions."""
    if not limit or len(records) <= limit:
        return list(records)
    _, labels = np.unique([one.label for one in records], return_inverse=True)
    return [records[at] for at in fit_subset(labels, limit=limit)]


def side(root: Path, *, seed: int, pictures: int, exhaustive: bool) -> tuple[Outcome, float, int]:
    """One side in a home of its own, taking in not counted: outcome, seconds, pictures."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        home = Home(scratch)
        size = card(MODEL).input_px
        records = take_in(root, home, working=(size, "squash")).records
        training = some([one for one in records if one.split != "val"], pictures)
        spec = RunSpec(
            model=ModelConfig(name=MODEL), freeze=FreezeConfig(), train=TrainConfig(seed=seed)
        )
        begun = time.perf_counter()
        found = raced(home, training, spec, exhaustive=exhaustive)
        return found.outcome, time.perf_counter() - begun, found.pictures


def row(one: Outcome, layers: str) -> str:
    found = one.of(layers)
    low, high = found.interval
    left = ", left" if found.left else ""
    return (
        f"{found.accuracy:.3f} ({low:.3f} to {high:.3f}), {len(found.right)} folds, "
        f"{found.seconds:.1f} s{left}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=["hymenoptera", "clothing", "sample"])
    parser.add_argument("--pictures", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=1)
    args = parser.parse_args()
    keep_freed_memory()
    print("| set, seed | layers | race | all folds |\n|---|---|---|---|")
    told = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        pictures = Pictures(Path(scratch), ARCHIVES)
        for name in args.sets:
            root = Path(scratch) / "sample"
            if name == "sample":
                write_sample(root, SampleOptions(per_class=40))
            else:
                root = pictures.root(name)
            for seed in range(args.seeds):
                ours, ours_s, n = side(root, seed=seed, pictures=args.pictures, exhaustive=False)
                theirs, theirs_s, _ = side(root, seed=seed, pictures=args.pictures, exhaustive=True)
                for layers in COMPARED:
                    cells = f"{row(ours, layers)} | {row(theirs, layers)}"
                    print(f"| {name}, {seed} | {layers} | {cells} |", flush=True)
                regret = theirs.of(theirs.best).accuracy - theirs.of(ours.chosen).accuracy
                told.append(
                    f"| {name}, {seed}, {n} pictures | {ours.chosen} | {theirs.chosen} "
                    f"(best {theirs.best}) | {100 * regret:.1f} | {ours_s:.0f} s | "
                    f"{theirs_s:.0f} s | {theirs_s / ours_s:.1f} |"
                )
    print(
        "\n| set | race takes | all folds take | regret (points) | race | all folds | ratio |"
        "\n|---|---|---|---|---|---|---|"
    )
    print("\n".join(told))


if __name__ == "__main__":
    main()
