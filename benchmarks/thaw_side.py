"""Thaw's side of every comparison: the engine, called as a run calls it, from an empty home.

Time begins after the imports and includes everything from the picture files on: taking them in,
decoding, measuring how to compute best, training or solving. ``python -m benchmarks.thaw_side WAY
FOLDER ['{"option": value}']`` prints one line of JSON; WAY is one of the public functions.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.settings import MODEL, SIZE_PX, held_out, layers_of, spec_for
from tl_core.cache.shelf import Shelf
from tl_core.config import RunSpec, TrainConfig
from tl_core.data.intake import take_in
from tl_core.data.pixels import open_pixels
from tl_core.data.records import ImageRecord
from tl_core.evaluate.predict import probabilities
from tl_core.events import EpochDone, RunFinished, StepDone
from tl_core.jobs.processes import keep_freed_memory
from tl_core.models.build import build
from tl_core.models.catalog import card as card_of
from tl_core.models.groups import layer_groups
from tl_core.models.plan import FreezePlan
from tl_core.probe.deep import fit_deep_probe
from tl_core.probe.exact import fit_exact_head
from tl_core.probe.features import BlockFeatures
from tl_core.storage import Home
from tl_core.train.engine import clean_views
from tl_core.train.heading import all_features
from tl_core.train.loop import fit
from tl_core.train.measuring import plan_engine
from tl_core.train.recipe import Go, Recipe, TrainData, fit_subset, recipe_for
from tl_core.train.trials import Trials

RESIZE = TrainConfig().resize  # as everybody gets it
PASSES = 3  # how often features are extracted; the median counts


class MissingError(Exception):
    """This version of the engine cannot do it; the text is a sentence for the page."""


@dataclass(slots=True)
class Clock:
    """Seconds since it was made, and what they were spent on."""

    began: float = field(default_factory=time.perf_counter)
    parts: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add the time inside to a part."""
        began = time.perf_counter()
        yield
        self.parts[name] = self.parts.get(name, 0.0) + time.perf_counter() - began

    def told(self) -> dict[str, Any]:
        """For the result."""
        return {"seconds": time.perf_counter() - self.began, "parts": self.parts}


@dataclass(frozen=True, slots=True)
class Taken:
    """A set in its home."""

    home: Home
    records: tuple[ImageRecord, ...]
    classes: list[str]
    size: int
    device: str

    def part(self, split: str) -> list[ImageRecord]:
        """The pictures of train or val."""
        return [one for one in self.records if one.split == split]


# -- ways ------------------------------------------------------------------------------------------


def train(
    root: Path,
    *,
    layers: str = "head",
    epochs: int | None = None,
    size: int = SIZE_PX,
    seed: int = 0,
    device: str = "cpu",
    **more: Any,
) -> dict[str, Any]:
    """Train as a run would; ``more`` are RunSpec fields such as ``train__cache=False``."""
    with _home() as home:
        clock = Clock()
        taken = _taken(root, home, clock, size=size, device=device)
        train_records, val_records = taken.part("train"), taken.part("val")
        data = _data(taken, clock, train_records, val_records)
        spec = _spec(data, taken, layers=layers, epochs=epochs, seed=seed, more=more)
        return _trained(taken, data, spec, clock) | clock.told()


def search(
    root: Path,
    *,
    rates: Sequence[float] = (0.003, 0.01, 0.03),
    folds: int = 5,
    layers: str = "head",
    epochs: int | None = None,
    size: int = SIZE_PX,
    seed: int = 0,
    device: str = "cpu",
) -> dict[str, Any]:
    """Every rate on every fold of the training pictures, on one cache; the best rate's accuracy."""
    with _home() as home:
        clock = Clock()
        taken = _taken(root, home, clock, size=size, device=device)
        data = _data(taken, clock, taken.part("train"), taken.part("val"))
        spec = _spec(data, taken, layers=layers, epochs=epochs, seed=seed, more={})
        model = build(spec.model.name, n_classes=len(taken.classes), seed=seed)
        groups = layer_groups(model)
        with clock.part("choosing"):
            trials = Trials(
                model,
                groups,
                FreezePlan.from_layers(spec.freeze.layers, len(groups)),
                data,
                _recipe(spec, taken.device),
                n_classes=len(taken.classes),
                home=taken.home,
                shelf=Shelf(taken.home),
                name=spec.model.name,
            )
        everything = np.arange(len(data.train_y))
        found: dict[float, list[float]] = {rate: [] for rate in rates}
        with clock.part("training"):
            for fold in range(folds):
                out = held_out(data.train_y, folds=folds, fold=fold)
                kept = np.setdiff1d(everything, out)
                for rate in rates:
                    trial = trials.run(train=kept, held_out=out, lr=rate)
                    found[rate].append(trial.best.val_acc)
        best = max(rates, key=lambda rate: statistics.mean(found[rate]))
        told = {"cv_accuracy": statistics.mean(found[best]), "lr": best, "n_train": len(everything)}
        return told | {"runs": len(rates) * folds} | clock.told()


def exact_head(
    root: Path, *, size: int = SIZE_PX, seed: int = 0, device: str = "cpu"
) -> dict[str, Any]:
    """The best linear head on clean features."""
    with _home() as home:
        clock = Clock()
        taken = _taken(root, home, clock, size=size, device=device)
        return _headed(taken, clock, seed=seed) | clock.told()


def first_accuracy(
    root: Path, *, size: int = SIZE_PX, seed: int = 0, device: str = "cpu"
) -> dict[str, Any]:
    """From pictures taken in to the instant baseline's accuracy; taking in does not count."""
    with _home() as home:
        taken = _taken(root, home, Clock(), size=size, device=device)
        clock = Clock()
        return _headed(taken, clock, seed=seed) | clock.told()


def deep_probe(
    root: Path, *, size: int = SIZE_PX, seed: int = 0, device: str = "cpu"
) -> dict[str, Any]:
    """The head on the features of every block, strength chosen.

    As for every other way, validation is judged as it was computed for training; that of the
    finished classifier, in full precision, is told too and does not count.
    """
    with _home() as home:
        clock = Clock()
        taken = _taken(root, home, clock, size=size, device=device)
        data = _data(taken, clock, taken.part("train"), taken.part("val"))
        card = card_of(MODEL)
        normal: dict[str, Any] = {"mean": card.mean, "std": card.std}
        pixels: Any = (data.train_x, data.val_x)
        with clock.part("choosing"):
            model = build(MODEL, n_classes=len(taken.classes), seed=seed)
            looked = BlockFeatures(
                model,
                layer_groups(model),
                image_size=taken.size,
                n_pictures=len(data.train_y) + len(data.val_y),
                device=device,
                home=home,
                shelf=Shelf(home),
                **normal,
            )
            numerics = looked.numerics(pixels[0])
        with clock.part("features"):
            train, val = (
                looked.of(one, data.keys(part))
                for one, part in zip(pixels, ("train", "val"), strict=True)
            )
        with clock.part("solving"):
            labels = torch.from_numpy(data.train_y)
            probe, choice = fit_deep_probe(
                looked, train, labels, n_classes=len(taken.classes), seed=seed
            )
            guess = probe.head(val.float()).argmax(1).cpu().numpy()
        told = clock.told()
        answers = probabilities(probe, pixels[1], device=device, **normal)
        return {
            "val_accuracy": float((guess == data.val_y).mean()),
            "full_accuracy": float((answers.argmax(1) == data.val_y).mean()),
            "n_val": len(data.val_y),
            "n_train": len(data.train_y),
            "cv_accuracy": choice.cv_accuracy,
            "precision": numerics.precision,
            "layout": numerics.memory_format,
        } | told


def features(root: Path, *, size: int = SIZE_PX, device: str = "cpu") -> dict[str, Any]:
    """Images/s from decoded working copies to kept features, in the precision chosen here."""
    with _home() as home:
        clock = Clock()
        taken = _taken(root, home, clock, size=size, device=device)
        data = _data(taken, clock, taken.part("train"), taken.part("val"))
        spec = _spec(data, taken, layers="head", epochs=1, seed=0, more={})
        recipe = _recipe(spec, device)
        model = build(MODEL, n_classes=len(taken.classes))
        groups = layer_groups(model)
        plan = FreezePlan.from_layers("head", len(groups))
        decided, chosen, _ = plan_engine(model, groups, plan, data, recipe, home=home, name=MODEL)
        everything = np.arange(len(data.train_y))
        times = []
        for _ in range(PASSES):
            views = clean_views(model, groups, data, recipe, numerics=decided.numerics, shelf=None)
            if views is None:
                raise MissingError("this network's head cannot be run apart")
            began = time.perf_counter()
            for _batch in views[0].batches(0, [everything]):
                pass
            times.append(time.perf_counter() - began)
        return {
            "images_per_s": len(everything) / statistics.median(times),
            "precision": chosen.precision,
            "layout": chosen.memory_format,
            "n_train": len(everything),
        }


def memory(root: Path, *, size: int = 224, epochs: int = 2, layers: str = "head") -> dict[str, Any]:
    """A run on large pictures, for whoever watches the memory of this process."""
    return train(root, epochs=epochs, size=size, layers=layers)


# -- parts of them ---------------------------------------------------------------------------------


@contextmanager
def _home() -> Iterator[Home]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield Home(folder)


def _taken(root: Path, home: Home, clock: Clock, *, size: int, device: str) -> Taken:
    with clock.part("taking in"):
        records = take_in(root, home, working=(size, RESIZE)).records
    return Taken(home, records, sorted({one.label for one in records}), size, device)


def _data(
    taken: Taken, clock: Clock, train: Sequence[ImageRecord], val: Sequence[ImageRecord]
) -> TrainData:
    with clock.part("decoding"):
        keys = [tuple(one.digest for one in part) for part in (train, val)]
        pixels = [
            open_pixels(taken.home, part, size_px=taken.size, resize=RESIZE).images for part in keys
        ]
    labels = [
        np.array([taken.classes.index(one.label) for one in part], dtype=np.int64)
        for part in (train, val)
    ]
    return TrainData(
        train_x=pixels[0],
        train_y=labels[0],
        val_x=pixels[1],
        val_y=labels[1],
        fit_index=fit_subset(labels[0]),
        train_keys=keys[0],
        val_keys=keys[1],
        resize=RESIZE,
    )


def _spec(
    data: TrainData,
    taken: Taken,
    *,
    layers: str,
    epochs: int | None,
    seed: int,
    more: dict[str, Any],
) -> RunSpec:
    return spec_for(
        n_train=len(data.train_y),
        n_classes=len(taken.classes),
        freeze__layers=layers_of(layers),
        train__epochs=epochs,
        train__image_size=taken.size,
        train__seed=seed,
        **more,
    )


def _recipe(spec: RunSpec, device: str) -> Recipe:
    card = card_of(spec.model.name)
    return recipe_for(spec, mean=card.mean, std=card.std, device=device)


def _trained(taken: Taken, data: TrainData, spec: RunSpec, clock: Clock) -> dict[str, Any]:
    """One run with the engine that suits it; its accuracy, settings and median epoch."""
    recipe, shelf = _recipe(spec, taken.device), Shelf(taken.home)
    model = build(spec.model.name, n_classes=len(taken.classes), seed=spec.train.seed)
    groups = layer_groups(model)
    plan = FreezePlan.from_layers(spec.freeze.layers, len(groups))
    with clock.part("choosing"):
        decided, chosen, _ = plan_engine(
            model, groups, plan, data, recipe, home=taken.home, shelf=shelf, name=spec.model.name
        )
    ends = [time.perf_counter()]
    steps: list[list[float]] = [[]]  # when steps were told, by epoch
    last: Any = None
    with clock.part("training"):
        for last in fit(
            model,
            groups,
            plan,
            data,
            replace(recipe, views=decided.views),
            classes=taken.classes,
            model_name=spec.model.name,
            control=Go(),
            decided=decided,
            shelf=shelf,
        ):
            if isinstance(last, StepDone):
                steps[-1].append(time.perf_counter())
            elif isinstance(last, EpochDone):
                ends.append(time.perf_counter())
                steps.append([])
    assert isinstance(last, RunFinished)
    return {
        "epoch_s": statistics.median(np.diff(ends).tolist()),
        "val_accuracy": last.val_accuracy,
        "n_val": len(data.val_y),
        "n_train": len(data.train_y),
        "epochs": last.epochs,
        "batch": spec.train.batch_size,
        "lr": spec.train.lr,
        "views": chosen.views or last.epochs,
        "images_per_s": _pace(steps, spec.train.batch_size or 0),
        "precision": chosen.precision,
        "train_precision": chosen.train_precision,
        "layout": chosen.memory_format,
        "prefix_ms": chosen.prefix_ms,
        "suffix_ms": chosen.suffix_ms,
        "expected_s": chosen.expected_seconds,
        "run_s": ends[-1] - ends[0],
    }


def _pace(steps: Sequence[Sequence[float]], batch: int) -> float | None:
    """Images/s from the first to the last step but one of an epoch, the median of the epochs."""
    paces = [
        (len(one) - 2) * batch / (one[-2] - one[0])
        for one in steps
        if len(one) > 2 and one[-2] > one[0]
    ]
    return statistics.median(paces) if paces else None


def _headed(taken: Taken, clock: Clock, *, seed: int) -> dict[str, Any]:
    data = _data(taken, clock, taken.part("train"), taken.part("val"))
    spec = _spec(data, taken, layers="head", epochs=None, seed=seed, more={})
    return _exactly(taken, data, spec, clock)


def _exactly(taken: Taken, data: TrainData, spec: RunSpec, clock: Clock) -> dict[str, Any]:
    """The exact head on the clean features, judged on the validation pictures."""
    recipe, shelf = _recipe(spec, taken.device), Shelf(taken.home)
    model = build(spec.model.name, n_classes=len(taken.classes), seed=spec.train.seed)
    groups = layer_groups(model)
    head_only = FreezePlan.from_layers("head", len(groups))
    with clock.part("choosing"):
        decided, chosen, _ = plan_engine(
            model,
            groups,
            head_only,
            data,
            recipe,
            home=taken.home,
            name=spec.model.name,
            trains=False,
        )
    views = clean_views(model, groups, data, recipe, numerics=decided.numerics, shelf=shelf)
    if views is None:
        raise MissingError("this network's head cannot be run apart")
    with clock.part("features"):
        found = [
            all_features(one, len(labels))
            for one, labels in zip(views, (data.train_y, data.val_y), strict=True)
        ]
    with clock.part("solving"):
        target = torch.from_numpy(data.train_y)
        head = fit_exact_head(found[0], target, len(taken.classes), seed=recipe.seed)
        guess = head.logits(found[1]).argmax(1).cpu().numpy()
    return {
        "val_accuracy": float((guess == data.val_y).mean()),
        "n_val": len(data.val_y),
        "n_train": len(data.train_y),
        "precision": chosen.precision,
        "layout": chosen.memory_format,
    }


WAYS: dict[str, Callable[..., dict[str, Any]]] = {
    one.__name__: one
    for one in (train, search, exact_head, deep_probe, first_accuracy, features, memory)
}


def main() -> None:
    way, root = sys.argv[1], Path(sys.argv[2])
    options = json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}
    keep_freed_memory()  # as every process of Thaw that computes does
    try:
        result = WAYS[way](root, **options)
    except MissingError as err:
        result = {"missing": str(err)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
