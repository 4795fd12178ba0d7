"""The choices of layers that race each other, on the pictures and folds they share. Torch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from tl_core.advise.source import told_of
from tl_core.cache.shelf import Shelf
from tl_core.check.gap import dealt
from tl_core.config import PROBES, RunSpec, changed
from tl_core.data.pixels import open_pixels
from tl_core.errors import (
    ConfigError,
    DivergedError,
    LayerGroupError,
)
from tl_core.jobs.costing import network_name
from tl_core.jobs.distances import block_distances
from tl_core.jobs.heads import head_views
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
from tl_core.train.defaults import resolved
from tl_core.train.device import choose_device
from tl_core.train.heading import all_features
from tl_core.train.racing import Entrant
from tl_core.train.recipe import Control, TrainData, fit_subset, recipe_for
from tl_core.train.trials import Trials

__all__ = ["Ground", "Reporter"]

Reporter = Callable[..., Callable[[int, int], None]]  # of a stage, and the unit it is counted in
CHOOSING = 1000  # seed of the division on which the deep probe's strength is chosen


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ground:
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
    as_set: bool = False  # blocks at the rate and for the epochs of ``spec``, not by default

    @property
    def n_classes(self) -> int:
        """Outputs."""
        return int(self.labels.max()) + 1

    def block_features(self, spec: RunSpec, facts: ModelCard) -> tuple[BlockFeatures, Any]:
        """What every block of a run's network makes of the pictures, and what makes it.

        Args:
            spec: Its settings.
            facts: Of its network, for as many channels as the pictures have.
        """
        model, groups = self.network(spec)
        pixels: Any = self.data(spec).train_x
        looked = BlockFeatures(
            model,
            groups,
            image_size=int(pixels.shape[-1]),
            mean=facts.mean,
            std=facts.std,
            n_pictures=len(pixels),
            device=choose_device("auto"),
            name=network_name(spec),
            home=self.home,
            shelf=Shelf(self.home),
            facts={"fit": spec.train.resize},
        )
        return looked, looked.of(pixels, self.digests, self.report("Asking the network"))

    def held_out(self, fold: int) -> np.ndarray:
        """Positions that a fold judges on."""
        return np.flatnonzero(self.fold == fold)

    def trained_on(self, fold: int) -> np.ndarray:
        """Positions that a fold trains on."""
        return np.flatnonzero(self.fold != fold)

    def entrants(self, candidates: Sequence[str]) -> list[Entrant]:
        """The candidates by their layers; those with more blocks than the network are left out.

        Raises:
            ConfigError: None is left.
        """
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

    def looks_different(self) -> bool:
        """Whether the early blocks see other pictures than they learned from, where that is known.

        Then adapting only the first block is worth a try (Lee and others, ICLR 2023).
        """
        own = changed(self.spec, {"train.image_size": None})  # as the limits were measured
        spec, facts = replace(self, spec=own).settled("head")
        model, groups = self.network(spec)
        model.to(choose_device("auto"))
        found = block_distances(model, groups, spec, facts, self.data(spec))
        return told_of(facts.name, spec.model.weights, found) == "looks"

    def settled(self, layers: str) -> tuple[RunSpec, ModelCard]:
        """The settings that a run with these layers would have."""
        facts = card(self.spec.model.name).for_channels(self.channels)
        own: dict[str, Any] = {"freeze.layers": layers}
        if not self.as_set or layers in PROBES:
            own |= {"train.lr": None, "train.epochs": None, "train.views": None}
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
        """A network with the weights that training begins from, and its layer groups."""
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

    def __init__(self, ground: Ground, layers: str) -> None:
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

    def __init__(self, ground: Ground, layers: str) -> None:
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
        looked, features = ground.block_features(spec, facts)
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

    def __init__(self, ground: Ground, layers: str) -> None:
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
