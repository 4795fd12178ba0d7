"""Many short runs of one network on one cache: rates, folds and seeds compared.

What such runs share is done once: the network is built and cut once, its frozen blocks are made
ready, measured and digested once, and what they give of a picture is kept whatever part of the
pictures a run trains on. Each run starts from the same weights and gives the numbers it would give
alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import nn

from tl_core.cache.shelf import Shelf
from tl_core.data.rows import Rows
from tl_core.events import EngineChosen, EpochDone
from tl_core.models.freezing import apply_plan, load_trainable_state, trainable_state
from tl_core.models.groups import LayerGroup
from tl_core.models.plan import FreezePlan
from tl_core.storage import Home
from tl_core.train.loop import fit
from tl_core.train.measuring import plan_engine
from tl_core.train.policies import best_epoch
from tl_core.train.recipe import Control, Go, PictureRows, Recipe, TrainData, fit_subset

__all__ = ["Trial", "Trials", "part_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a run came to: its epochs, and which one had the lowest validation loss (1-based)."""

    history: tuple[EpochDone, ...]
    best_epoch: int

    @property
    def best(self) -> EpochDone:
        """The best epoch."""
        return self.history[self.best_epoch - 1]


class Trials:
    """Runs of one network with one choice of layers.

    Args:
        model: Trained again and again; afterwards its weights are those it began with.
        groups: Its layer groups.
        plan: What trains.
        data: All pictures; runs may use parts of the training pictures.
        recipe: Settings that runs start from.
        n_classes: Outputs.
        home: Where measurements are remembered.
        shelf: Where what frozen blocks give is kept; None = each run computes it.
        name: Of the network; what a measurement is remembered under.
        control: Asked after every step; a run that is stopped ends with the epochs it has done.

    Attributes:
        chosen: How the runs are computed.
    """

    def __init__(
        self,
        model: nn.Module,
        groups: Sequence[LayerGroup],
        plan: FreezePlan,
        data: TrainData,
        recipe: Recipe,
        *,
        n_classes: int,
        home: Home | None = None,
        shelf: Shelf | None = None,
        name: str = "",
        control: Control | None = None,
    ) -> None:
        self._control: Control = control or Go()
        self._model, self._groups, self._plan = model, groups, plan
        self._data, self._recipe, self._shelf = data, recipe, shelf
        self._classes = [str(one) for one in range(n_classes)]
        decided, chosen, _ = plan_engine(
            model, groups, plan, data, recipe, home=home, shelf=shelf, name=name
        )
        self.chosen: EngineChosen = chosen
        self._decided = decided
        apply_plan(model, groups, plan)
        self._start = trainable_state(model, groups, plan)

    def run(
        self,
        *,
        train: np.ndarray | None = None,
        held_out: np.ndarray | None = None,
        control: Control | None = None,
        then: Callable[[], None] = lambda: None,
        **changes: Any,
    ) -> Trial:
        """Train once from the start.

        Args:
            train: Positions of the training pictures to train on; None = all.
            held_out: Positions of the training pictures to judge on; None = the validation
                pictures.
            control: Asked after every step; None = the one of all runs.
            then: Called while the network still has the weights of the run's best epoch.
            changes: Fields of the recipe, such as ``lr`` or ``seed``.

        Raises:
            DivergedError: The loss stopped being a number before any epoch was done.
            ValueError: A picture would be trained on and judged on.
        """
        recipe = replace(self._recipe, **changes)
        views = min(recipe.views, self._decided.views) if recipe.views else 0
        data = part_of(self._data, train, held_out)
        try:
            history = [
                event
                for event in fit(
                    self._model,
                    self._groups,
                    self._plan,
                    data,
                    recipe,
                    classes=self._classes,
                    model_name="",
                    control=control or self._control,
                    decided=replace(self._decided, views=views),
                    shelf=self._shelf,
                )
                if isinstance(event, EpochDone)
            ]
            then()
        finally:
            load_trainable_state(self._model, self._groups, self._plan, self._start)
        return Trial(history=tuple(history), best_epoch=best_epoch(history))


def part_of(
    data: TrainData, train: np.ndarray | None, held_out: np.ndarray | None = None
) -> TrainData:
    """Some of the training pictures, and which to judge on; pixels stay where they are."""
    rows = np.arange(len(data.train_y)) if train is None else np.asarray(train)

    def keys(positions: np.ndarray) -> tuple[str, ...]:
        """Their contents; positions are no names to keep anything under."""
        return tuple(data.train_keys[row] for row in positions) if data.known else ()

    part: dict[str, Any] = {
        "train_x": _rows(data.train_x, rows),
        "train_y": data.train_y[rows],
        "train_keys": keys(rows),
        "fit_index": fit_subset(data.train_y[rows]),
    }
    if held_out is None:
        return replace(data, **part)
    if np.intersect1d(rows, held_out).size:
        raise ValueError("a picture would be trained on and judged on")
    return replace(
        data,
        **part,
        val_x=_rows(data.train_x, held_out),
        val_y=data.train_y[held_out],
        val_keys=keys(held_out),
    )


def _rows(pictures: PictureRows, index: np.ndarray) -> PictureRows:
    return pictures.take(index) if isinstance(pictures, Rows) else pictures[index]
