"""Does the advice on networks foretell which one does best after fine-tuning?

``python -m benchmarks.advice [--sets hymenoptera clothing sample] [--plans last:1] [--train 150]
[--judged 150] [--epochs 5]`` prints Markdown tables. The candidates are the embedded network at
several picture sizes, with its last blocks drawn anew, and random throughout. Every one is measured
as the Model page measures it, on the training pictures alone, and then fine-tuned on the same
pictures and judged on others, which nothing else has seen. The agreement of the two orders is
scipy's weighted tau: 1 the same order, 0 none, and mistakes at the top count most.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import weightedtau
from torch import nn

from benchmarks.pictures import Pictures
from benchmarks.settings import MODEL
from tl_core.advise.probing import arranged, fold_means, probed
from tl_core.advise.ranking import Entry, ranking
from tl_core.config import RunSpec, TrainConfig, changed
from tl_core.data.intake import take_in
from tl_core.data.pixels import open_pixels
from tl_core.data.sample import SampleOptions, write_sample
from tl_core.events import EpochDone
from tl_core.jobs.processes import keep_freed_memory
from tl_core.models.build import build
from tl_core.models.catalog import card
from tl_core.models.groups import LayerGroup, layer_groups
from tl_core.models.plan import FreezePlan
from tl_core.storage import Home
from tl_core.train.defaults import resolved
from tl_core.train.engine import clean_views
from tl_core.train.loop import fit
from tl_core.train.measuring import plan_engine
from tl_core.train.recipe import Go, Recipe, TrainData, fit_subset, recipe_for

ARCHIVES = Path(__file__).resolve().parents[2] / "shared" / "data"
FULL = 9  # blocks drawn anew: all of them
SCORES = ("linear head, accuracy", "linear head, log-loss", "1 neighbour", "5 neighbours", "LogME")


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A candidate: the embedded network at a size, its last ``redrawn`` blocks random."""

    name: str
    size_px: int
    redrawn: int = 0

    def built(self, n_classes: int) -> tuple[nn.Module, tuple[LayerGroup, ...]]:
        """The network and its blocks."""
        model = build(MODEL, n_classes=n_classes)
        groups = layer_groups(model)
        if self.redrawn:
            new = build(MODEL, n_classes=n_classes, weights="random", seed=1).state_dict()
            inner = groups[:-1][-self.redrawn :]
            state = model.state_dict()
            with torch.no_grad():
                for key, value in state.items():
                    if any(group.owns(key) for group in inner):
                        value.copy_(new[key])
        return model, groups


NETWORKS = (
    Network(name="128 px", size_px=128),
    Network(name="96 px", size_px=96),
    Network(name="64 px", size_px=64),
    Network(name="128 px, last block random", size_px=128, redrawn=1),
    Network(name="128 px, last two random", size_px=128, redrawn=2),
    Network(name="128 px, all random", size_px=128, redrawn=FULL),
)


class Set:
    """Some pictures of a set to train on, and others to judge on; classes in equal shares."""

    def __init__(self, root: Path, home: Home, *, n_train: int, n_judged: int) -> None:
        self.home = home
        records = take_in(root, home, working=(128, TrainConfig().resize)).records
        names = sorted({one.label for one in records})
        labels = np.array([names.index(one.label) for one in records])
        order = np.random.default_rng(0).permutation(len(records))
        rank = np.empty(len(records))
        for label in range(len(names)):
            mine = order[labels[order] == label]
            rank[mine] = np.arange(len(mine)) / len(mine)
        chosen = np.argsort(rank, kind="stable")[: n_train + n_judged]
        chosen = np.random.default_rng(1).permutation(chosen)
        self.rows = {"train": chosen[:n_train], "val": chosen[n_train:]}
        self.labels = {part: labels[rows] for part, rows in self.rows.items()}
        self.keys = {
            part: tuple(records[at].digest for at in rows) for part, rows in self.rows.items()
        }
        self.n_classes = len(names)

    def data(self, size_px: int) -> TrainData:
        """Pixels at a size."""
        parts: dict[str, Any] = {}
        for part, keys in self.keys.items():
            parts[f"{part}_keys"], parts[f"{part}_y"] = keys, self.labels[part]
            parts[f"{part}_x"] = open_pixels(
                self.home, keys, size_px=size_px, resize=TrainConfig().resize
            ).images
        return TrainData(fit_index=fit_subset(parts["train_y"]), **parts)

    def recipe(self, size_px: int, layers: str, epochs: int) -> Recipe:
        """Thaw's own settings."""
        facts = card(MODEL)
        asked = {
            "freeze.layers": layers,
            "train.image_size": size_px,
            "train.epochs": epochs,
        }
        spec = resolved(
            changed(RunSpec(), asked),
            card=facts,
            n_train=len(self.keys["train"]),
            n_classes=self.n_classes,
        )
        return recipe_for(spec, mean=facts.mean, std=facts.std)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """A candidate's scores in the order of ``SCORES``, larger is better, and how it ranks."""

    scores: tuple[float, ...]
    entry: Entry
    seconds: float


def measured(network: Network, pictures: Set) -> Measured:
    """What the Model page would measure, on the training pictures."""
    begun = time.perf_counter()
    data = pictures.data(network.size_px)
    model, groups = network.built(pictures.n_classes)
    recipe = pictures.recipe(network.size_px, "head", 1)
    decided, _, _ = plan_engine(
        model, groups, FreezePlan.from_layers("head", len(groups)), data, recipe, trains=False
    )
    views = clean_views(model, groups, data, recipe, numerics=decided.numerics, shelf=None)
    assert views is not None
    features = views[0].whole(0, [np.arange(len(data.train_y))])
    arrangement = arranged(data.train_y, np.arange(len(data.train_y)))
    found = probed(features, arrangement)
    scores = found.scores
    assert scores.evidence is not None
    return Measured(
        scores=(
            scores.accuracy.value,
            -scores.log_loss.value,
            scores.nearest.value,
            scores.nearest5.value,
            scores.evidence,
        ),
        entry=Entry(
            folds=fold_means(found.right, arrangement.divisions),
            accuracy=scores.accuracy.value,
            ms=decided.cost.prefix * 1e3,
            work=card(MODEL).macs * (network.size_px / card(MODEL).input_px) ** 2,
            evidence=scores.evidence,
        ),
        seconds=time.perf_counter() - begun,
    )


def fine_tuned(network: Network, pictures: Set, layers: str, epochs: int) -> tuple[float, float]:
    """Accuracy on the judged pictures after the last epoch, and seconds."""
    begun = time.perf_counter()
    model, groups = network.built(pictures.n_classes)
    data = pictures.data(network.size_px)
    recipe = pictures.recipe(network.size_px, layers, epochs)
    plan = FreezePlan.from_layers(layers, len(groups))
    names = [str(one) for one in range(pictures.n_classes)]
    last = 0.0
    for event in fit(
        model,
        groups,
        plan,
        data,
        recipe,
        classes=names,
        model_name="",
        control=Go(),
    ):
        if isinstance(event, EpochDone):
            last = event.val_acc
    return last, time.perf_counter() - begun


def report(pictures: Set, plans: list[str], epochs: int) -> None:
    """Measure, train and print one set."""
    found = {one.name: measured(one, pictures) for one in NETWORKS}
    places, because = ranking(
        {name: one.entry for name, one in found.items()}, 5, len(pictures.keys["train"])
    )
    group = {one.name: one.group for one in places}
    print(f"| network | group | {' | '.join(SCORES)} | ms | measured in s |")
    print("|---|---|" + "---|" * (len(SCORES) + 2))
    for place in places:
        one = found[place.name]
        cells = " | ".join(f"{abs(value):.3f}" for value in one.scores[:-1])
        print(
            f"| {place.name} | {group[place.name]} | {cells} | {one.scores[-1]:.3f} | "
            f"{one.entry.ms:.1f} | {one.seconds:.1f} |",
            flush=True,
        )
    print(f"\nFirst because: {because}.\n")
    for layers in plans:
        truth: dict[str, float] = {}
        print(f"| fine-tuned, {layers}, {epochs} epochs | accuracy | s |\n|---|---|---|")
        for network in NETWORKS:
            truth[network.name], seconds = fine_tuned(network, pictures, layers, epochs)
            print(f"| {network.name} | {truth[network.name]:.3f} | {seconds:.0f} |", flush=True)
        best = max(truth.values())
        order = np.array([truth[one.name] for one in NETWORKS])
        print(f"\n| weighted tau with {layers} | |\n|---|---|")
        for at, name in enumerate(SCORES):
            scores = np.array([found[one.name].scores[at] for one in NETWORKS])
            print(f"| {name} | {weightedtau(scores, order).statistic:.2f} |")
        first = places[0].name
        print(
            f"\nThe network named first ({first}) loses {100 * (best - truth[first]):.1f} points "
            "to the best one.\n",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=["hymenoptera", "clothing", "sample"])
    parser.add_argument("--plans", nargs="+", default=["last:1"])
    parser.add_argument("--train", type=int, default=150)
    parser.add_argument("--judged", type=int, default=150)
    parser.add_argument("--epochs", type=int, default=5)
    args = parser.parse_args()
    keep_freed_memory()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        scratch = Path(folder)
        laid = Pictures(scratch, ARCHIVES)
        for name in args.sets:
            root = scratch / "sample" if name == "sample" else laid.root(name)
            if name == "sample":
                write_sample(root, SampleOptions(per_class=60))
            home = Home(scratch / f"home-{name}")
            pictures = Set(root, home, n_train=args.train, n_judged=args.judged)
            sizes = {part: len(rows) for part, rows in pictures.rows.items()}
            print(
                f"\n### {name}: {sizes['train']} pictures to train on, {sizes['val']} to judge on\n"
            )
            report(pictures, args.plans, args.epochs)


if __name__ == "__main__":
    main()
