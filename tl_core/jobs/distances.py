"""How far stored pictures are from those a network learned on. Imports torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import nn

from tl_core.advise.advice import BlockDistance
from tl_core.advise.distance import norm_distances
from tl_core.config import RunSpec
from tl_core.models.facts import ModelCard
from tl_core.models.groups import LayerGroup
from tl_core.train.device import choose_device
from tl_core.train.feeding import Feed
from tl_core.train.recipe import TrainData, recipe_for

__all__ = ["block_distances"]

LOOKED = 128  # pictures; as in the calibration of what the numbers mean (0019)
BATCH = 32


def block_distances(
    model: nn.Module,
    groups: Sequence[LayerGroup],
    spec: RunSpec,
    facts: ModelCard,
    data: TrainData,
) -> tuple[BlockDistance, ...]:
    """The distance of each block, of some of the training pictures.

    Args:
        model: With its weights, on the device of ``choose_device``; put in eval mode.
        groups: Its layer groups.
        spec: Resolved settings.
        facts: Of the network.
        data: The pictures.

    Returns:
        As ``norm_distances``; empty for a network that keeps no statistics.
    """
    recipe, n = recipe_for(spec, mean=facts.mean, std=facts.std), len(data.train_y)
    feed = Feed(data.train_x, data.keys("train"), recipe, choose_device("auto"))
    some = np.linspace(0, n - 1, min(LOOKED, n)).round().astype(int)
    batches = (feed.view(0, part) for part in np.array_split(some, -(-len(some) // BATCH)))
    return norm_distances(model, groups, batches)
