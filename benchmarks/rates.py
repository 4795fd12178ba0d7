"""Is the suggested learning rate a good one? Short real runs around it, and at the usual default.

``python -m benchmarks.rates [--sets hymenoptera clothing sample] [--layers head last:1 all]
[--seeds 3] [--epochs 5] [--part 240] [--size 64]`` runs the range test, then trains at the
suggestion times 1/30 to 10 and at the rate that Thaw takes by itself, each with the same seeds from
the same weights on one cache, and prints a table in Markdown. Accuracy is of the validation
pictures at the epoch with the lowest validation loss, mean over the seeds with the standard
deviation between them; the suggestion is held against the default seed by seed. Of larger sets
``--part`` training pictures are used, in the classes' proportions.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.settings import MODEL
from benchmarks.views import SETS, SHARED
from tl_core.cache.shelf import Shelf
from tl_core.config import DataConfig, RunSpec, TrainConfig, changed
from tl_core.data.intake import take_in
from tl_core.data.pixels import open_pixels
from tl_core.data.sample import SampleOptions, write_sample
from tl_core.data.split import assign_splits
from tl_core.errors import DivergedError
from tl_core.models.build import build
from tl_core.models.catalog import card
from tl_core.models.groups import layer_groups
from tl_core.models.plan import FreezePlan
from tl_core.storage import Home
from tl_core.train.defaults import resolved
from tl_core.train.measuring import plan_engine
from tl_core.train.rangetest import RangeTest, range_test
from tl_core.train.recipe import TrainData, fit_subset, recipe_for
from tl_core.train.trials import Trials, part_of

FACTORS = (1 / 30, 1 / 10, 1 / 3, 1.0, 3.0, 10.0)
NAMES = ("1/30", "1/10", "1/3", "1", "3", "10")
SAMPLE_PER_CLASS = 60
HIGHEST = 1.0  # the setting's limit


def pictures(archive: Path, home: Home, part: int, size_px: int) -> tuple[TrainData, int]:
    """A set's training and validation pictures, and how many classes it has."""
    facts, mode = card(MODEL), TrainConfig().resize
    records = take_in(archive, home, working=(facts.input_px, mode)).records
    splits = [one.split or "" for one in records]
    if not all(splits):
        splits = assign_splits(records, DataConfig())
    classes = sorted({one.label for one in records})
    found: dict[str, Any] = {}
    for name in ("train", "val"):
        rows = [one for one, split in zip(records, splits, strict=True) if split == name]
        digests = tuple(one.digest for one in rows)
        found[f"{name}_keys"] = digests
        found[f"{name}_y"] = np.array([classes.index(one.label) for one in rows], dtype=np.int64)
        found[f"{name}_x"] = open_pixels(home, digests, size_px=size_px, resize=mode).images
    data = TrainData(fit_index=fit_subset(found["train_y"]), resize=mode, **found)
    if len(data.train_y) > part:
        data = part_of(data, fit_subset(data.train_y, limit=part))
    return data, len(classes)


class Bench:
    """One set with one choice of layers."""

    def __init__(
        self, home: Home, data: TrainData, n_classes: int, layers: str, epochs: int
    ) -> None:
        facts = card(MODEL)
        spec = resolved(
            changed(
                RunSpec(),
                {"freeze.layers": layers, "train.image_size": int(data.train_x.shape[-1])},
            ),
            card=facts,
            n_train=len(data.train_y),
            n_classes=n_classes,
        )
        spec = changed(spec, {"train.epochs": min(epochs, spec.train.epochs or epochs)})
        self.usual = spec.train.lr or 0.0
        self.epochs = spec.train.epochs or epochs
        self._data, self._n_classes = data, n_classes
        self._model = build(MODEL, n_classes=n_classes, image_size=spec.train.image_size)
        self._groups = layer_groups(self._model)
        self._plan = FreezePlan.from_layers(layers, len(self._groups))
        self._recipe = recipe_for(spec, mean=facts.mean, std=facts.std)
        self._home, self._shelf = home, Shelf(home)
        self._runs = Trials(
            self._model, self._groups, self._plan, data, self._recipe,
            n_classes=n_classes, home=home, shelf=self._shelf,
        )  # fmt: skip

    def tested(self) -> tuple[RangeTest, float]:
        """The range test as the studio runs it, with its seconds."""
        begun = time.perf_counter()
        decided, _, _ = plan_engine(
            self._model, self._groups, self._plan, self._data, self._recipe,
            home=self._home, shelf=self._shelf,
        )  # fmt: skip
        found = range_test(
            self._model, self._groups, self._plan, self._data, self._recipe,
            n_classes=self._n_classes, decided=decided, shelf=self._shelf,
        )  # fmt: skip
        return found, time.perf_counter() - begun

    def accuracies(self, rate: float, seeds: Sequence[int]) -> np.ndarray:
        """Validation accuracy (len(seeds),); 0 for a run that diverged at once."""
        found = []
        for seed in seeds:
            try:
                found.append(self._runs.run(lr=rate, seed=seed).best.val_acc)
            except DivergedError:
                found.append(0.0)
        return np.array(found)


def rows(name: str, layers: str, bench: Bench, seeds: Sequence[int]) -> Iterator[str]:
    """Lines of the table, one when there is a suggestion and its surroundings."""
    test, seconds = bench.tested()
    found = test.found
    said = ", ".join(f"{rule} {rate:.2g}" for rule, rate in found.rules.items()) or "-"
    usual = bench.accuracies(bench.usual, seeds)
    begun = f"| {name} | {layers} | {said} | "
    if found.rate is None:
        yield (
            f"{begun}none ({found.reason}) | {seconds:.1f} | "
            + " | ".join(["-"] * len(FACTORS) + [f"{bench.usual:g}: {_score(usual)}", "-"])
            + " |"
        )
        return
    rate = found.rate
    cells, mine = [], usual
    for factor in FACTORS:
        if rate * factor > HIGHEST:
            cells.append("above 1")
            continue
        scores = bench.accuracies(rate * factor, seeds)
        mine = scores if factor == 1.0 else mine
        cells.append(_score(scores))
    cells.append(f"{bench.usual:g}: {_score(usual)}")
    cells.append(_score(mine - usual, plus=True))
    yield f"{begun}**{rate:g}** | {seconds:.1f} | {' | '.join(cells)} |"


def _score(values: np.ndarray, *, plus: bool = False) -> str:
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return f"{100 * values.mean():{'+' if plus else ''}.1f} ± {100 * spread:.1f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=["hymenoptera", "clothing", "sample"])
    parser.add_argument("--layers", nargs="+", default=["head", "last:1", "all"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--part", type=int, default=240)
    parser.add_argument("--size", type=int, default=64)
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads\n")
    heads = ["set", "layers", "rules", "suggested", "seconds", *(f"x {one}" for one in NAMES)]
    heads += ["default", "suggested - default"]
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        for name in options.sets:
            if name == "sample":
                source = Path(folder) / "sample"
                write_sample(source, SampleOptions(per_class=SAMPLE_PER_CLASS))
            else:
                source = SHARED / SETS[name]
            data, n_classes = pictures(source, home, options.part, options.size)
            title = f"{name} ({len(data.train_y)} / {len(data.val_y)})"
            for layers in options.layers:
                bench = Bench(home, data, n_classes, layers, options.epochs)
                for line in rows(title, layers, bench, range(options.seeds)):
                    print(line, flush=True)


if __name__ == "__main__":
    main()
