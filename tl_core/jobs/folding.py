"""A run's settings learned anew without some of the pictures, by each of the ways. Imports torch.

What frozen blocks make of a picture is computed once and kept, so a fold costs what is learned on
top of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch

from tl_core.cache.shelf import Shelf
from tl_core.check.gap import dealt
from tl_core.config import RGB, RunSpec, changed
from tl_core.errors import DivergedError
from tl_core.evaluate.predict import probabilities
from tl_core.jobs.candidates import Ground
from tl_core.jobs.costing import network_name
from tl_core.jobs.heads import head_views
from tl_core.models.catalog import card
from tl_core.models.plan import FreezePlan
from tl_core.probe.deep import fit_deep_probe
from tl_core.probe.exact import fit_exact_head
from tl_core.train.device import choose_device
from tl_core.train.heading import all_features
from tl_core.train.recipe import recipe_for
from tl_core.train.trials import Trials
from tl_core.worth.folds import held_back

__all__ = ["NONE", "Learner", "learner"]

NONE = -1  # the answer of a network that diverged
PARTS = (2, 20)  # an inner validation part is one of so many


class Learner(Protocol):
    """A way to learn."""

    def answers(self, known: np.ndarray, out: np.ndarray, seed: int) -> np.ndarray:
        """What a network that learned from ``known`` says of ``out``: class positions, or -1.

        Args:
            known: Positions it may look at, its own validation pictures included.
            out: Positions it has never seen.
            seed: Of the division of ``known``, where it is divided.
        """


def learner(ground: Ground, val_share: float, check: Callable[[], None]) -> Learner:
    """The way of a run's settings.

    Args:
        ground: All pictures, and the settings as the run had them.
        val_share: Part of training and validation pictures that validated the run.
        check: Asked now and then; raises to end it.

    Raises:
        ModelError: The network cannot be divided before its head.
    """
    if ground.spec.freeze.layers == "exact-head":
        return _Exact(ground, check)
    if ground.spec.freeze.layers == "deep-probe":
        return _Deep(ground, check)
    return _Tuned(ground, val_share)


class _Exact:
    """The best linear head on the frozen network's features."""

    def __init__(self, ground: Ground, check: Callable[[], None]) -> None:
        self._ground, self._check = ground, check
        facts = card(ground.spec.model.name).for_channels(ground.channels)
        model, groups = ground.network(ground.spec)
        views, _ = head_views(
            ground.home,
            model,
            groups,
            ground.spec,
            facts,
            ground.data(ground.spec),
            hint="Judge it on its own validation part.",
        )
        ground.report("Asking the network")(0, 0)
        self._features = all_features(views[0], len(ground.labels))

    def answers(self, known: np.ndarray, out: np.ndarray, seed: int) -> np.ndarray:
        head = fit_exact_head(
            self._features[known],
            torch.from_numpy(self._ground.labels[known]),
            self._ground.n_classes,
            seed=self._ground.spec.train.seed,
            report=lambda strength, loss, accuracy, done, total: self._check(),
        )
        found: np.ndarray = head.logits(self._features[out]).argmax(1).cpu().numpy()
        return found


class _Deep:
    """One linear head on what every block makes of a picture."""

    def __init__(self, ground: Ground, check: Callable[[], None]) -> None:
        self._ground, self._check = ground, check
        spec = ground.spec
        facts = card(spec.model.name).for_channels(ground.channels)
        self._looked, self._features = ground.block_features(spec, facts)

    def answers(self, known: np.ndarray, out: np.ndarray, seed: int) -> np.ndarray:
        probe, _ = fit_deep_probe(
            self._looked,
            self._features[known],
            torch.from_numpy(self._ground.labels[known]),
            n_classes=self._ground.n_classes,
            seed=self._ground.spec.train.seed,
            report=lambda strength, loss, accuracy, done, total: self._check(),
        )
        found: np.ndarray = probe.head(self._features[out].float()).argmax(1).cpu().numpy()
        return found


class _Tuned:
    """Step by step, from the first weights of the run.

    The epoch that is kept is chosen as the run chose its own: on validation pictures, which are cut
    from those the fold may know. Neither the fold's answers nor the run's epoch, which was chosen
    on pictures that are judged here, have a say.
    """

    def __init__(self, ground: Ground, val_share: float) -> None:
        self._ground = ground
        low, high = PARTS
        self._parts = min(high, max(low, round(1 / max(val_share, 1e-6))))
        self._spec = spec = _first_weights(ground.spec)
        self._facts = card(spec.model.name).for_channels(ground.channels)
        self._model, groups = ground.network(spec)
        self._data = ground.data(spec)
        self._trials = Trials(
            self._model,
            groups,
            FreezePlan.from_layers(spec.freeze.layers, len(groups)),
            self._data,
            recipe_for(spec, mean=self._facts.mean, std=self._facts.std),
            n_classes=ground.n_classes,
            home=ground.home,
            shelf=Shelf(ground.home),
            name=network_name(spec),
            control=ground.control,
        )

    def answers(self, known: np.ndarray, out: np.ndarray, seed: int) -> np.ndarray:
        labels, units = self._ground.labels[known], self._ground.units[known]
        inner = held_back(labels, dealt(labels, units, seed=seed, folds=self._parts))
        said = np.full(len(out), NONE)

        def judge() -> None:
            said[:] = probabilities(
                self._model,
                _rows(self._data.train_x, out),
                mean=self._facts.mean,
                std=self._facts.std,
                device=choose_device("auto"),
            ).argmax(1)

        try:
            self._trials.run(train=known[~inner], held_out=known[inner], then=judge)
        except DivergedError:  # as good as no answer
            return said
        return said


def _first_weights(spec: RunSpec) -> RunSpec:
    channels = {"model.channels": spec.model.channels or RGB}
    if spec.freeze.layers == "scratch":
        return changed(spec, {"model.weights": "random", **channels})
    return changed(spec, channels)


def _rows(pictures: Any, rows: np.ndarray) -> Any:
    return pictures.take(rows) if hasattr(pictures, "take") else pictures[rows]
