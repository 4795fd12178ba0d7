"""The head first: the exact head on frozen features, as a start for fine-tuning (LP-FT).

A random head sends random gradients into pretrained blocks and spoils what they know; a fitted one
does not (Kumar and others, ICLR 2022). The features are those a head-only run keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from tl_core.cache.numerics import EXACT
from tl_core.cache.shelf import Shelf
from tl_core.cache.views import Views
from tl_core.errors import LayerGroupError
from tl_core.models.groups import LayerGroup
from tl_core.models.plan import FreezePlan
from tl_core.probe.exact import ExactHead, fit_exact_head, start_head
from tl_core.train.engine import Decided, clean_views
from tl_core.train.recipe import Recipe, TrainData

__all__ = ["all_features", "start_exactly"]


def start_exactly(
    model: nn.Module,
    groups: Sequence[LayerGroup],
    plan: FreezePlan,
    data: TrainData,
    recipe: Recipe,
    *,
    n_classes: int,
    decided: Decided | None,
    shelf: Shelf | None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ExactHead | None:
    """Put the exact head into the network when pretrained blocks are about to train with it.

    Nothing is done for a head alone (it is what would be learnt), from scratch, and for networks
    whose head is not one linear layer or cannot be cut off.
    """
    opened = any(plan.trainable[:-1])
    if plan.scratch or not opened:
        return None
    numerics = EXACT if decided is None else decided.numerics
    found = clean_views(model, groups, data, recipe, numerics=numerics, shelf=shelf)
    if found is None:
        return None
    features = all_features(found[0], len(data.train_y))
    progress(0, 0)
    head = fit_exact_head(features, torch.from_numpy(data.train_y), n_classes, seed=recipe.seed)
    try:
        start_head(model, groups, head)
    except LayerGroupError:  # not one linear layer: it starts at random, as it always did
        return None
    return head


def all_features(views: Views, n: int) -> Tensor:
    """(n, D) float32 of the clean view, tensors at the cut side by side."""
    found = views.of(0, np.arange(n))
    return torch.cat([one.flatten(1) for one in found], dim=1)
