"""What a network's head reads of stored pictures, computed once and kept. Imports torch."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from tl_core.cache.shelf import Shelf
from tl_core.cache.views import Views
from tl_core.config import RunSpec
from tl_core.errors import ModelError
from tl_core.jobs.costing import network_name
from tl_core.models.facts import ModelCard
from tl_core.models.groups import LayerGroup
from tl_core.models.plan import FreezePlan
from tl_core.storage import Home
from tl_core.train.engine import Decided, clean_views
from tl_core.train.measuring import plan_engine
from tl_core.train.recipe import TrainData, recipe_for

__all__ = ["head_views"]


def head_views(
    home: Home,
    model: nn.Module,
    groups: Sequence[LayerGroup],
    spec: RunSpec,
    facts: ModelCard,
    data: TrainData,
    *,
    hint: str,
) -> tuple[tuple[Views, Views], Decided]:
    """The clean training and validation pictures at the input of the head, and how it is computed.

    Args:
        home: Where measurements and what is computed are kept.
        model: The network; its blocks stay as they are.
        groups: Its layer groups.
        spec: Resolved settings.
        facts: Of the network.
        data: The pictures.
        hint: What to do when the network cannot be divided.

    Raises:
        ModelError: It cannot be divided before its head.
    """
    recipe, shelf = recipe_for(spec, mean=facts.mean, std=facts.std), Shelf(home)
    decided, _, _ = plan_engine(
        model,
        groups,
        FreezePlan.from_layers("head", len(groups)),
        data,
        recipe,
        home=home,
        shelf=shelf,
        name=network_name(spec),
        trains=False,
    )
    found = clean_views(model, groups, data, recipe, numerics=decided.numerics, shelf=shelf)
    if found is None:
        raise ModelError(f"{facts.title} cannot be divided before its head.", hint=hint)
    return found, decided
