"""How one run will be computed: where the network is cut, how many views are kept, and how fast.

``measuring.plan_engine`` decides before the first step; ``fit`` carries it out. A run that is taken
up again must be computed as it was begun, so what was decided can be stored (``to_dict``) and given
back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tl_core.cache.keys import network_digest, view_key
from tl_core.cache.numerics import EXACT, Numerics, prepared
from tl_core.cache.shelf import Shelf
from tl_core.cache.views import Store, Views
from tl_core.errors import ModelError
from tl_core.models.cut import Cut, check_prefix, cut_network
from tl_core.models.freezing import apply_plan, set_modes
from tl_core.models.groups import LayerGroup
from tl_core.models.plan import FreezePlan
from tl_core.train.device import choose_device
from tl_core.train.feeding import Feed, view_facts, view_of
from tl_core.train.forecast import Cost
from tl_core.train.recipe import Recipe, TrainData, keeps_norm_stats

__all__ = ["Decided", "Engine", "build_engine", "clean_views", "cut_for"]

NO_COST = Cost(prefix=0.0, suffix=0.0, suffix_forward=0.0)  # nothing was measured
HELD_BYTES = 1 << 30  # views held in memory on a CPU; larger ones are read from the disk
HELD_SHARE = 0.5  # of a graphics card's free memory that views may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What was measured and decided for a run; the same again when it is taken up later."""

    numerics: Numerics = EXACT
    cost: Cost = NO_COST
    views: int = 0
    cached: bool = True

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)

    @classmethod
    def from_dict(cls, body: dict[str, Any]) -> Decided:
        """Rebuild from ``to_dict``."""
        parts = {"numerics": Numerics(**body["numerics"]), "cost": Cost(**body["cost"])}
        return cls(**{**body, **parts})


@dataclass(slots=True)
class Engine:
    """A network's cut with what is kept of its frozen blocks, for one run.

    ``cut`` is None when nothing is frozen before what trains, or nothing is to be kept: then the
    whole network computes every picture every time.
    """

    model: nn.Module
    device: torch.device
    decided: Decided
    train_feed: Feed
    val_feed: Feed
    cut: Cut | None = None
    train_views: Views | None = None
    val_views: Views | None = None

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Logits from what ``training`` and ``clean`` give."""
        if self.cut is not None:
            return self.cut.suffix(inputs)
        logits: Tensor = self.model(*inputs)
        return logits

    def training(self, epoch: int, parts: Sequence[np.ndarray]) -> Any:
        """Inputs of each batch of training pictures, in turn; ``parts`` are positions."""
        views = self.decided.views
        if self.train_views is not None and views:
            yield from self.train_views.batches(view_of(epoch, views), parts)
            return
        feed = self.train_feed
        for part in parts:
            images = feed.view(view_of(epoch, views), part) if views else feed.epoch(epoch, part)
            yield (images.contiguous(memory_format=self.decided.numerics.layout),)

    def clean(self, name: str, parts: Sequence[np.ndarray]) -> Any:
        """Inputs of pictures as they are; ``name`` is "fit" (of the training set) or "val"."""
        views, feed = (
            (self.val_views, self.val_feed)
            if name == "val"
            else (self.train_views, self.train_feed)
        )
        if views is not None:
            yield from views.batches(0, parts)
            return
        for part in parts:
            images = feed.view(0, part)
            yield (images.contiguous(memory_format=self.decided.numerics.layout),)

    def check(self) -> None:
        """Make sure that what is kept cannot change.

        Raises:
            FrozenDriftError: A block whose answers are kept is in training mode or trains.
        """
        if self.cut is not None:
            check_prefix(self.cut)

    def forget(self) -> None:
        """Let go of views held in memory, as when it ran out."""
        for views in (self.train_views, self.val_views):
            if views is not None:
                views.forget()


def build_engine(
    model: nn.Module,
    groups: Sequence[LayerGroup],
    plan: FreezePlan,
    data: TrainData,
    recipe: Recipe,
    *,
    decided: Decided | None = None,
    shelf: Shelf | None = None,
) -> Engine:
    """Put a run's engine together as decided; without a decision, exactly (float32) and in memory.

    Args:
        model: Moved to the device; its gradients are set by ``plan``.
        groups: Its layer groups.
        plan: What trains.
        data: The pictures.
        recipe: Settings.
        decided: From ``plan_engine``.
        shelf: Where views are kept; None = in memory only.
    """
    device = choose_device(recipe.device)
    if decided is None:
        decided = Decided(views=recipe.views, cached=recipe.cache)
    model.to(device).to(memory_format=decided.numerics.layout)
    apply_plan(model, groups, plan)
    set_modes(model, groups, plan, training=False)  # frozen blocks are copied at rest
    cut = cut_for(model, groups, plan, data, recipe) if decided.cached else None
    train_feed = Feed(data.train_x, data.keys("train"), recipe, device)
    val_feed = Feed(data.val_x, data.keys("val"), recipe, device)
    engine = Engine(model, device, decided, train_feed, val_feed, cut)
    if cut is not None:
        known = shelf if data.known else None
        engine.train_views, engine.val_views = _views(
            cut, (train_feed, val_feed), data, recipe, decided.numerics, device, known
        )
    return engine


def clean_views(
    model: nn.Module,
    groups: Sequence[LayerGroup],
    data: TrainData,
    recipe: Recipe,
    *,
    numerics: Numerics,
    shelf: Shelf | None,
) -> tuple[Views, Views] | None:
    """The training and validation pictures as they are, at the input of the head.

    The same rows that a head-only run trains on, so whoever comes second pays nothing. None when
    the network cannot be divided there.
    """
    head = FreezePlan.from_layers("head", len(groups))
    apply_plan(model, groups, head)
    set_modes(model, groups, head, training=False)
    try:
        cut = cut_for(model, groups, head, data, recipe)
    except ModelError:
        return None
    if cut is None:
        return None
    device = choose_device(recipe.device)
    known = shelf if data.known else None
    feeds = (
        Feed(data.train_x, data.keys("train"), recipe, device),
        Feed(data.val_x, data.keys("val"), recipe, device),
    )
    return _views(cut, feeds, data, recipe, numerics, device, known)


# -- inside ----------------------------------------------------------------------------------------


def cut_for(
    model: nn.Module,
    groups: Sequence[LayerGroup],
    plan: FreezePlan,
    data: TrainData,
    recipe: Recipe,
) -> Cut | None:
    """``cut_network`` with a run's settings; ``apply_plan`` done."""
    return cut_network(
        model,
        groups,
        plan,
        image_size=int(data.train_x.shape[-1]),
        freeze_norm_stats=keeps_norm_stats(recipe, plan, len(data.train_y)),
    )


def _views(
    cut: Cut,
    feeds: tuple[Feed, Feed],
    data: TrainData,
    recipe: Recipe,
    numerics: Numerics,
    device: torch.device,
    shelf: Shelf | None,
) -> tuple[Views, Views]:
    """Of the training and the validation pictures; they share the frozen blocks made ready."""
    held = HELD_BYTES
    if device.type == "cuda":
        held = int(torch.cuda.mem_get_info(device)[0] * HELD_SHARE)
    store: Callable[[int], Store] | None = None
    if shelf is not None:
        network = network_digest(cut.prefix)
        facts = {
            "size": int(data.train_x.shape[-1]),
            "fit": data.resize,
            "mean": list(recipe.mean),
            "std": list(recipe.std),
            "numerics": numerics.prefix_key,
        }

        def on_disk(view: int) -> Store:
            body = {**facts, **view_facts(view, recipe.augment)}
            key = view_key(network, body, device=device.type)
            return shelf.view(key, values=cut.values, dtype=numerics.stored_dtype)

        store = on_disk
    frozen = prepared(cut.prefix, numerics)
    train, val = (
        Views(
            frozen,
            feed.view,
            keys=feed.keys,
            shapes=cut.shapes,
            numerics=numerics,
            device=device,
            store=store,
            held_bytes=held,
        )
        for feed in feeds
    )
    return train, val
