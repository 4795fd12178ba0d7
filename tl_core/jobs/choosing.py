"""Which layers to train, found on the project's own training pictures. Imports torch.

Head, deep probe, last blocks and all layers are trained on folds of the training pictures and race
each other (``train.racing``). Validation and test pictures take no part, so the run that follows is
judged by pictures that did not choose its layers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from tl_core.cache.shelf import Shelf
from tl_core.check.gap import dealt
from tl_core.config import RGB, RunSpec, changed
from tl_core.data.pixels import open_pixels
from tl_core.data.records import ImageRecord
from tl_core.data.together import units_of
from tl_core.errors import (
    ConfigError,
    DivergedError,
    LayerGroupError,
    TooFewImagesError,
)
from tl_core.jobs.costing import network_name
from tl_core.jobs.heads import head_views
from tl_core.jobs.submit import missing_for_training
from tl_core.jobs.work import Context
from tl_core.models.build import build
from tl_core.models.catalog import card
from tl_core.models.facts import ModelCard
from tl_core.models.groups import LayerGroup, layer_groups
from tl_core.models.plan import FreezePlan
from tl_core.probe.exact import fit_exact_head
from tl_core.probe.features import BlockFeatures
from tl_core.probe.repeated import Heads
from tl_core.probe.select import prepared_features
from tl_core.storage import Home
from tl_core.train.defaults import COMPARED, COMPARED_FOLDS, COMPARED_MOST, resolved
from tl_core.train.device import choose_device
from tl_core.train.heading import all_features
from tl_core.train.racing import Entrant, Outcome, race
from tl_core.train.recipe import Control, Go, TrainData, fit_subset, recipe_for
from tl_core.train.trials import Trials

__all__ = ["Field", "choose_layers", "raced"]

Reporter = Callable[..., Callable[[int, int], None]]  # of a stage, and the unit it is counted in
CHOOSING = 1000  # seed of the division on which the deep probe's strength is chosen


def choose_layers(context: Context) -> dict[str, Any]:
    """Find the layers to train for a project's pictures and its drafted settings.

    The task's spec may name a ``model``, ``candidates`` (layer choices) and ``exhaustive``.

    Returns:
        Of ``Outcome.to_dict``, with ``model``, ``title``, ``pictures`` (that took part), ``of``
        (training pictures), ``folds``, ``seconds`` and ``data_version``.

    Raises:
        TooFewImagesError: The pictures do not allow training.
        ConfigError: A candidate is no choice of layers.
    """
    begun = time.perf_counter()
    payload = context.row.spec
    project = context.library.get(context.row.project_id)
    if missing := missing_for_training(context.library.classes(project.id)):
        raise TooFewImagesError(missing, hint="Bring more pictures on the Data page.")
    spec = RunSpec.from_dict(project.draft)
    if payload.get("model"):
        spec = changed(spec, {"model.name": str(payload["model"])})
    _, records, splits = context.library.records(project.id)
    training = [one for one, split in zip(records, splits, strict=True) if split == "train"]
    found = raced(
        context.home,
        training,
        spec,
        channels=project.channels,
        detail_px=context.library.detail_px(project.id),
        candidates=tuple(payload.get("candidates") or COMPARED),
        exhaustive=bool(payload.get("exhaustive")),
        progress=context.progress,
        control=context.orders,
    )
    return {
        **found.outcome.to_dict(),
        "model": spec.model.name,
        "title": card(spec.model.name).title,
        "pictures": found.pictures,
        "of": len(training),
        "folds": found.folds,
        "seconds": time.perf_counter() - begun,
        "data_version": project.data_version,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A race that was run, on how many pictures and in how many folds."""

    outcome: Outcome
    pictures: int
    folds: int


def raced(
    home: Home,
    records: Sequence[ImageRecord],
    spec: RunSpec,
    *,
    channels: int = RGB,
    detail_px: int | None = None,
    candidates: Sequence[str] = COMPARED,
    exhaustive: bool = False,
    progress: Reporter = lambda stage, unit="pictures": lambda done, total: None,
    control: Control | None = None,
) -> Field:
    """Race choices of layers on training pictures.

    Args:
        home: The store that holds them; what is computed of them is kept there.
        records: The training pictures.
        spec: Settings; the layers, and what depends on them, are each candidate's own.
        channels: Of the pictures.
        detail_px: As for ``defaults.resolved``.
        candidates: Choices of layers, the cheapest first; those that open more blocks than the
            network has are left out.
        exhaustive: Nobody leaves early.
        progress: Gives a ``report(done, total)`` for each stage; what that raises ends it.
        control: Asked after every step of a training.

    Raises:
        TooFewImagesError: No picture can be held out.
        ModelError: The network cannot be divided before its head.
    """
    some = [records[at] for at in _taking_part(records)]
    classes = sorted({one.label for one in some})
    labels = np.array([classes.index(one.label) for one in some], dtype=np.int64)
    units = np.array(units_of(some).unit or range(len(some)), dtype=np.int64)
    if len(classes) < 2 or len(np.unique(units)) < COMPARED_FOLDS:
        raise TooFewImagesError(
            "There are too few training pictures to hold some of them out.",
            hint="Bring more pictures of every class.",
        )
    ground = _Ground(
        home=home,
        digests=tuple(one.digest for one in some),
        labels=labels,
        units=units,
        fold=dealt(labels, units, seed=spec.train.seed, folds=COMPARED_FOLDS),
        spec=spec,
        channels=channels,
        detail_px=detail_px,
        report=progress,
        control=control or Go(),
    )
    outcome = race(
        ground.entrants(candidates),
        COMPARED_FOLDS,
        exhaustive=exhaustive,
        report=ground.report("Comparing choices of layers", "trainings"),
    )
    return Field(outcome=outcome, pictures=len(some), folds=COMPARED_FOLDS)


def _taking_part(records: Sequence[ImageRecord]) -> np.ndarray:
    """Positions of all pictures, or of a fixed choice with the classes in their proportions."""
    _, labels = np.unique([one.label for one in records], return_inverse=True)
    return fit_subset(labels, limit=COMPARED_MOST)


# -- the candidates --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Ground:
    """The pictures and folds that all candidates share."""

    home: Home
    digests: tuple[str, ...]
    labels: np.ndarray
    units: np.ndarray
    fold: np.ndarray
    spec: RunSpec
    channels: int
    detail_px: int | None
    report: Reporter
    control: Control

    @property
    def n_classes(self) -> int:
        return int(self.labels.max()) + 1

    def held_out(self, fold: int) -> np.ndarray:
        return np.flatnonzero(self.fold == fold)

    def trained_on(self, fold: int) -> np.ndarray:
        return np.flatnonzero(self.fold != fold)

    def entrants(self, candidates: Sequence[str]) -> list[Entrant]:
        kinds: dict[str, type[_Head] | type[_Deep]] = {"exact-head": _Head, "deep-probe": _Deep}
        found: list[Entrant] = []
        for layers in candidates:
            try:
                solved = kinds.get(layers)
                found.append(solved(self, layers) if solved else _Tuned(self, layers))
            except LayerGroupError:  # the network has fewer blocks
                continue
        if not found:
            raise ConfigError("No choice of layers is left to compare.", field="candidates")
        return found

    def settled(self, layers: str) -> tuple[RunSpec, ModelCard]:
        """The settings that a run with these layers would have."""
        facts = card(self.spec.model.name).for_channels(self.channels)
        own = {"freeze.layers": layers, "train.lr": None, "train.epochs": None, "train.views": None}
        spec = resolved(
            changed(self.spec, own),
            card=facts,
            n_train=len(self.labels),
            n_classes=self.n_classes,
            detail_px=self.detail_px,
            channels=self.channels,
        )
        return spec, facts

    def network(self, spec: RunSpec) -> tuple[nn.Module, list[LayerGroup]]:
        path = None
        if spec.model.weights == "file":
            path = self.home.local_blob(spec.model.weights_file)
        model = build(
            spec.model.name,
            n_classes=self.n_classes,
            weights=spec.model.weights,
            weights_path=path,
            dropout=spec.train.dropout,
            seed=spec.train.seed,
            image_size=spec.train.image_size,
            channels=self.channels,
        )
        return model, list(layer_groups(model))

    def data(self, spec: RunSpec) -> TrainData:
        """All pictures as training pictures; nobody is judged on the validation part."""
        pixels: Any = open_pixels(
            self.home,
            self.digests,
            size_px=spec.train.image_size or 0,
            resize=spec.train.resize,
            channels=self.channels,
            report=self.report("Preparing the pictures"),
        ).images
        return TrainData(
            train_x=pixels,
            train_y=self.labels,
            val_x=pixels,
            val_y=self.labels,
            fit_index=fit_subset(self.labels),
            train_keys=self.digests,
            val_keys=self.digests,
            resize=spec.train.resize,
        )


class _Head:
    """The exact head on clean features of the frozen network."""

    solved = True

    def __init__(self, ground: _Ground, layers: str) -> None:
        self._ground, self.layers = ground, layers
        self._features: torch.Tensor | None = None

    def judged(self, fold: int) -> tuple[int, int, float]:
        ground, begun = self._ground, time.perf_counter()
        if self._features is None:
            self._features = self._looked()
        out, known = ground.held_out(fold), ground.trained_on(fold)
        labels = torch.from_numpy(ground.labels)
        head = fit_exact_head(
            self._features[known], labels[known], ground.n_classes, seed=ground.spec.train.seed
        )
        guess = head.logits(self._features[out]).argmax(1).cpu()
        return int((guess == labels[out]).sum()), len(out), time.perf_counter() - begun

    def _looked(self) -> torch.Tensor:
        ground = self._ground
        spec, facts = ground.settled(self.layers)
        model, groups = ground.network(spec)
        found, _ = head_views(
            ground.home,
            model,
            groups,
            spec,
            facts,
            ground.data(spec),
            hint="Choose the layers yourself on the Layers page.",
        )
        return all_features(found[0], len(ground.labels))


class _Deep:
    """The deep probe, judged by ridge heads on its features, which are right as often (0015)."""

    solved = True

    def __init__(self, ground: _Ground, layers: str) -> None:
        self._ground, self.layers = ground, layers
        self._right: np.ndarray | None = None
        self._seconds = 0.0

    def judged(self, fold: int) -> tuple[int, int, float]:
        ground = self._ground
        if self._right is None:
            begun = time.perf_counter()
            self._right = self._answers()
            self._seconds = time.perf_counter() - begun
        out = ground.held_out(fold)
        return int(self._right[out].sum()), len(out), self._seconds

    def _answers(self) -> np.ndarray:
        ground = self._ground
        spec, facts = ground.settled(self.layers)
        model, groups = ground.network(spec)
        pixels: Any = ground.data(spec).train_x
        looked = BlockFeatures(
            model,
            groups,
            image_size=int(pixels.shape[-1]),
            mean=facts.mean,
            std=facts.std,
            n_pictures=len(pixels),
            device=choose_device("auto"),
            name=network_name(spec),
            home=ground.home,
            shelf=Shelf(ground.home),
            facts={"fit": spec.train.resize},
        )
        features = looked.of(pixels, ground.digests, ground.report("Asking the network"))
        heads = Heads(
            prepared_features(features, looked.taps.blocks),
            torch.from_numpy(ground.labels),
            ground.n_classes,
            torch.from_numpy(dealt(ground.labels, ground.units, seed=CHOOSING)),
        )
        found: np.ndarray = heads.right(torch.from_numpy(ground.fold)).numpy()
        return found


class _Tuned:
    """Blocks that are trained, each fold from the pretrained weights, to the last epoch.

    The last epoch and not the best one is judged: to choose the epoch on the pictures that judge
    would flatter what is trained over what is solved.
    """

    solved = False

    def __init__(self, ground: _Ground, layers: str) -> None:
        self._ground, self.layers = ground, layers
        self._spec, self._facts = ground.settled(layers)
        self._model, self._groups = ground.network(self._spec)
        self._plan = FreezePlan.from_layers(layers, len(self._groups))
        self._trials: Trials | None = None

    def judged(self, fold: int) -> tuple[int, int, float]:
        ground = self._ground
        if self._trials is None:
            self._trials = self._ready()
        begun = time.perf_counter()
        out = ground.held_out(fold)
        try:
            found = self._trials.run(train=ground.trained_on(fold), held_out=out)
        except DivergedError:  # as good as no answer
            return 0, len(out), time.perf_counter() - begun
        last = found.history[-1]
        return round(last.val_acc * last.n_val), last.n_val, time.perf_counter() - begun

    def _ready(self) -> Trials:
        ground = self._ground
        recipe = recipe_for(self._spec, mean=self._facts.mean, std=self._facts.std)
        return Trials(
            self._model,
            self._groups,
            self._plan,
            ground.data(self._spec),
            recipe,
            n_classes=ground.n_classes,
            home=ground.home,
            shelf=Shelf(ground.home),
            name=network_name(self._spec),
            control=ground.control,
        )
