"""Does transfer help? The control as a piece of background work. Imports torch."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from tl_core.cache.shelf import Shelf
from tl_core.check.findings import CheckedSet
from tl_core.config import RunSpec, changed
from tl_core.data.pixels import open_pixels
from tl_core.errors import TooFewImagesError
from tl_core.jobs.checking import Reporter
from tl_core.jobs.growing import project_set, untested_units
from tl_core.jobs.work import Context
from tl_core.models.build import build
from tl_core.models.catalog import DEFAULT_MODEL, card
from tl_core.models.facts import ModelCard
from tl_core.models.groups import layer_groups
from tl_core.models.plan import FreezePlan
from tl_core.probe.features import BlockFeatures
from tl_core.storage import Home, read_json, write_json
from tl_core.train.defaults import resolved
from tl_core.train.device import choose_device
from tl_core.train.recipe import Control, Order, TrainData, fit_subset, recipe_for
from tl_core.train.trials import Trials
from tl_core.worth.budget import FOLDS, PICTURES, Budget, control_px, planned_epochs
from tl_core.worth.control import Found, Material, controlled
from tl_core.worth.thinning import FEWEST, curve_rows, thinned
from tl_core.worth.transfer import Transfer

__all__ = ["KIND", "compared", "control"]

KIND = "control"
KEPT = "control.json"  # in the task's folder: what was computed so far
LOOKED_BACK = 20  # earlier controls of a project among which an unfinished one is looked for
TOLD_S = 0.5  # between two reports


def control(context: Context) -> dict[str, Any]:
    """Compare the pretrained network with the same one from scratch, on a project's pictures.

    The spec may name a ``model``. One that was stopped is gone on with where the pictures are the
    same.

    Returns:
        ``transfer`` (of ``Transfer.to_dict``), ``model`` and ``title``, ``seconds``,
        ``data_version``.

    Raises:
        TooFewImagesError: The pictures do not allow it.
    """
    begun = time.perf_counter()
    name = str(context.row.spec.get("model") or DEFAULT_MODEL)
    checked, version = project_set(context)
    path = context.home.folder("tasks", context.row.id) / KEPT
    key = _key(checked, name, Budget())
    earlier = context.queue.rows(project_id=context.row.project_id, kind=KIND, limit=LOOKED_BACK)
    found = Found()
    for row in earlier:
        kept = context.home.root / "tasks" / row.id / KEPT
        if kept.is_file() and (body := read_json(kept))["key"] == key:
            found = Found(settings=body["settings"], folds=body["folds"])
            break

    def keep(now: Found) -> None:
        write_json(path, {"key": key, **asdict(now)})

    told = compared(context.home, checked, name, context.progress, found=found, keep=keep)
    return {
        "transfer": told.to_dict(),
        "model": name,
        "title": card(name).title,
        "seconds": time.perf_counter() - begun,
        "data_version": version,
    }


def compared(
    home: Home,
    checked: CheckedSet,
    model_name: str,
    progress: Reporter,
    *,
    budget: Budget | None = None,
    pictures: int = PICTURES,
    found: Found | None = None,
    keep: Callable[[Found], None] = lambda found: None,
) -> Transfer:
    """The control of a set.

    Args:
        home: The store that holds the pictures.
        checked: The set.
        model_name: The network.
        progress: Gives a ``report(done, total)`` for each stage; may raise to end it.
        budget: What is tried from scratch.
        pictures: Most that take part.
        found: What is known from before.
        keep: Called with what is known after every setting and fold.

    Raises:
        TooFewImagesError: Too few are left to learn from some and judge on others.
    """
    budget = budget or Budget()
    material = _material(home, checked, model_name, progress, pictures)
    n_train = len(material.labels) * (FOLDS - 1) / FOLDS
    total = round(planned_epochs(budget) * n_train / _batch(model_name, int(n_train)))
    return controlled(
        material,
        budget=budget,
        control=_Steps(progress("Training from scratch, to compare"), total),
        found=found or Found(),
        keep=keep,
    )


class _Steps(Control):
    """Counts training steps and reports them; the report may raise."""

    def __init__(self, report: Callable[[int, int], None], total: int) -> None:
        self._report, self._total = report, total
        self._done, self._next = 0, 0.0

    def poll(self) -> Order:
        """Always "go"."""
        self._done += 1
        if (now := time.monotonic()) >= self._next:
            self._next = now + TOLD_S
            self._report(min(self._done, self._total), self._total)
        return "go"


def _batch(model_name: str, n_train: int) -> int:
    spec = _spec(card(model_name), "scratch", n_train, 2)
    return spec.train.batch_size or 1


def _spec(facts: ModelCard, layers: str, n_train: int, n_classes: int) -> RunSpec:
    wanted = {
        "freeze.layers": layers,
        "model.name": facts.name,
        "train.image_size": control_px(facts),
    }
    return resolved(
        changed(RunSpec(), wanted),
        card=facts,
        n_train=n_train,
        n_classes=n_classes,
        channels=facts.channels,
    )


def _material(
    home: Home, checked: CheckedSet, model_name: str, progress: Reporter, pictures: int
) -> Material:
    free, units = untested_units(home, checked, progress)
    rows = curve_rows(checked.labels, units, free)
    if not len(rows):
        raise TooFewImagesError(
            f"It takes {FEWEST} pictures of two classes, besides the test pictures, to learn from "
            f"some and judge on others; there are {len(free)}.",
            hint="Bring more pictures on the Data page.",
        )
    if len(rows) > pictures:
        share = pictures / len(rows)
        some = thinned(checked.labels[rows], units[rows], share, np.random.default_rng(0))
        rows = rows[some]
    used, labels = np.unique(checked.labels[rows], return_inverse=True)
    labels = labels.astype(np.int64)
    facts = card(model_name).for_channels(checked.channels)
    spec = _spec(facts, "deep-probe", len(rows), len(used))
    digests = tuple(checked.digests[at] for at in rows)
    pixels: Any = open_pixels(
        home,
        digests,
        size_px=spec.train.image_size or facts.input_px,
        resize=spec.train.resize,
        channels=facts.channels,
        report=progress("Preparing the pictures"),
    ).images
    data = TrainData(
        train_x=pixels,
        train_y=labels,
        val_x=pixels[:1],
        val_y=labels[:1],
        fit_index=fit_subset(labels),
        train_keys=digests,
        val_keys=digests[:1],
        resize=spec.train.resize,
    )
    looked = _looked(home, facts, spec, len(used), len(rows), int(pixels.shape[-1]))
    features = looked.of(pixels, digests, progress("Asking the network"))
    return Material(
        labels=labels,
        units=units[rows],
        n_classes=len(used),
        available=len(free),
        image_px=int(pixels.shape[-1]),
        looked=looked,
        features=features,
        scratch=lambda seed: _runs(home, facts, data, len(used), "scratch", seed),
        tuned=lambda: _runs(home, facts, data, len(used), "all", 0),
    )


def _looked(
    home: Home, facts: ModelCard, spec: RunSpec, n_classes: int, n: int, size: int
) -> BlockFeatures:
    model = build(facts.name, n_classes=n_classes, image_size=size, channels=facts.channels)
    return BlockFeatures(
        model,
        layer_groups(model),
        image_size=size,
        mean=facts.mean,
        std=facts.std,
        n_pictures=n,
        device=choose_device("auto"),
        name=facts.name,
        home=home,
        shelf=Shelf(home),
        facts={"fit": spec.train.resize},
    )


def _runs(
    home: Home, facts: ModelCard, data: TrainData, n_classes: int, layers: str, seed: int
) -> Trials:
    """Runs of the network on these pictures; ``seed`` of random weights."""
    n_train = len(data.train_y) * (FOLDS - 1) // FOLDS
    spec = _spec(facts, layers, n_train, n_classes)
    size = spec.train.image_size
    model = build(
        facts.name,
        n_classes=n_classes,
        weights="random" if layers == "scratch" else "pretrained",
        seed=seed,
        image_size=size,
        channels=facts.channels,
    )
    groups = layer_groups(model)
    recipe = recipe_for(spec, mean=facts.mean, std=facts.std)
    if layers == "scratch":
        recipe = replace(recipe, head_start="random")
    return Trials(
        model,
        groups,
        FreezePlan.from_layers(layers, len(groups)),
        data,
        recipe,
        n_classes=n_classes,
        home=home,
        name=f"{facts.name} {layers}",
    )


def _key(checked: CheckedSet, model_name: str, budget: Budget) -> str:
    """What a control depends on, as a digest: another set or other settings begin anew."""
    body = [
        model_name,
        asdict(budget),
        [
            [digest, int(label), split == "test", unit]
            for digest, label, split, unit in zip(
                checked.digests,
                checked.labels,
                checked.splits,
                checked.units or range(len(checked)),
                strict=True,
            )
        ],
    ]
    return hashlib.sha256(json.dumps(body).encode()).hexdigest()
