"""How many views are enough: heads (or more) trained on K kept views against new ones every epoch.

``python -m benchmarks.views [--layers head] [--seeds 5] [--sets hymenoptera clothing]`` trains on
both photo sets with every K and seed. New versions every epoch are as many views as epochs. The
views themselves are computed once and shared, so a table of dozens of runs takes minutes. Below
it, the same for what can be changed behind the frozen blocks (mixup, noise, brightness), at the
default K. Differences are paired by seed; the interval is Student's, 95 %.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from torch import nn

from tl_core.cache.shelf import Shelf
from tl_core.config import RunSpec, changed
from tl_core.data.intake import take_in
from tl_core.data.pixels import open_pixels
from tl_core.events import EpochDone
from tl_core.models.build import build
from tl_core.models.catalog import DEFAULT_MODEL, card
from tl_core.models.groups import LayerGroup, layer_groups
from tl_core.models.plan import FreezePlan
from tl_core.storage import Home
from tl_core.train.defaults import resolved
from tl_core.train.engine import Decided
from tl_core.train.loop import fit
from tl_core.train.measuring import plan_engine
from tl_core.train.recipe import Go, Recipe, TrainData, fit_subset, recipe_for

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
SETS = {"hymenoptera": "hymenoptera.zip", "clothing": "clothing_small.zip"}
COUNTS = (1, 2, 4, 8, 16)
BEHIND = (
    {"augment.mixup": 0.2},
    {"augment.feature_noise": 0.1},
    {"augment.feature_noise": 0.3},
    {"augment.feature_brightness": 0.1},
)


class Bench:
    """One photo set, ready to be trained on again and again."""

    def __init__(self, archive: Path, home: Home, layers: str, epochs: int | None = None) -> None:
        self.home, self.card = home, card(DEFAULT_MODEL)
        records = take_in(archive, home).records
        self.classes = sorted({one.label for one in records})
        n_train = sum(one.split == "train" for one in records)
        asked = changed(RunSpec(), {"freeze.layers": layers, "train.epochs": epochs})
        self.spec = resolved(asked, card=self.card, n_train=n_train, n_classes=len(self.classes))
        parts: dict[str, Any] = {}
        for part in ("train", "val"):
            rows = [one for one in records if one.split == part]
            digests = tuple(one.digest for one in rows)
            parts[f"{part}_keys"] = digests
            parts[f"{part}_y"] = np.array([self.classes.index(one.label) for one in rows])
            parts[f"{part}_x"] = open_pixels(
                home,
                digests,
                size_px=self.spec.train.image_size or 0,
                resize=self.spec.train.resize,
            ).images
        self.data = TrainData(
            fit_index=fit_subset(parts["train_y"]), resize=self.spec.train.resize, **parts
        )
        self.decided: Decided | None = None
        self.seconds = 0.0  # of the last training

    def decide(self, views: int, seed: int) -> Decided:
        """How runs are computed here; measured once."""
        if self.decided is None:
            recipe, model, groups, plan = self._made(views, seed, {})
            self.decided, _, _ = plan_engine(model, groups, plan, self.data, recipe, home=self.home)
        return self.decided

    def train(self, views: int, seed: int, **changes: Any) -> tuple[float, float]:
        """Validation loss and accuracy of the best epoch."""
        decided = self.decide(views, seed)
        recipe, model, groups, plan = self._made(views, seed, changes)
        best, began = (float("inf"), 0.0), time.perf_counter()
        for event in fit(
            model,
            groups,
            plan,
            self.data,
            recipe,
            classes=self.classes,
            model_name=DEFAULT_MODEL,
            control=Go(),
            decided=replace(decided, views=views),
            shelf=Shelf(self.home, limit_bytes=40 << 30),
        ):
            if isinstance(event, EpochDone):
                best = min(best, (event.val_loss, event.val_acc))
        self.seconds = time.perf_counter() - began
        return best

    def _made(
        self, views: int, seed: int, changes: dict[str, Any]
    ) -> tuple[Recipe, nn.Module, tuple[LayerGroup, ...], FreezePlan]:
        spec = changed(self.spec, {"train.views": views or None, "train.seed": seed, **changes})
        recipe = recipe_for(spec, mean=self.card.mean, std=self.card.std)
        model = build(DEFAULT_MODEL, n_classes=len(self.classes), seed=seed)
        groups = layer_groups(model)
        return recipe, model, groups, FreezePlan.from_layers(spec.freeze.layers, len(groups))


def interval(differences: np.ndarray) -> str:
    """Mean with Student's 95 % interval."""
    n, mean = len(differences), float(differences.mean())
    if n < 2:
        return f"{mean:+.3f}"
    half = float(stats.t.ppf(0.975, n - 1) * differences.std(ddof=1) / np.sqrt(n))
    return f"{mean:+.3f} [{mean - half:+.3f}, {mean + half:+.3f}]"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", default="head")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--counts", nargs="*", type=int, default=list(COUNTS))
    parser.add_argument("--no-behind", action="store_true")
    options = parser.parse_args()
    for name in options.sets:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            bench = Bench(SHARED / SETS[name], Home(Path(folder)), options.layers)
            epochs = bench.spec.train.epochs or 0
            seeds = range(options.seeds)
            fresh = np.array([bench.train(epochs, seed) for seed in seeds])
            print(f"\n{name}, {options.layers}, {epochs} epochs, {options.seeds} seeds")
            print("| views | validation loss | accuracy | loss against new ones | accuracy |")
            print("|---|---|---|---|---|")
            print(f"| new every epoch | {fresh[:, 0].mean():.3f} | {fresh[:, 1].mean():.3f} | | |")
            for views in [k for k in options.counts if k < epochs]:
                told(str(views), np.array([bench.train(views, s) for s in seeds]), fresh)
            if options.no_behind:
                continue
            views = bench.spec.train.views or 1
            for change in BEHIND:
                found = np.array([bench.train(views, s, **change) for s in seeds])
                told(f"{views}, {change}", found, fresh)


def told(what: str, found: np.ndarray, fresh: np.ndarray) -> None:
    """One row of the table."""
    print(
        f"| {what} | {found[:, 0].mean():.3f} | {found[:, 1].mean():.3f} | "
        f"{interval(found[:, 0] - fresh[:, 0])} | {interval(found[:, 1] - fresh[:, 1])} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
