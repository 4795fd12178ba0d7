"""How differently a network's normalisation layers see these pictures from those it learned on.

A batch normalisation layer has kept the mean and the variance of each of its channels over the
pictures it learned from. Compared with those of the user's pictures they tell, depth by depth and
without a single source picture, where the two sets part: near the input when the pictures look
different, near the end when they show other things. It explains; nothing is ranked by it. Imports
torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from tl_core.advise.advice import BlockDistance
from tl_core.models.groups import LayerGroup

__all__ = ["has_statistics", "norm_distances"]


def has_statistics(model: nn.Module) -> bool:
    """Whether the network keeps statistics of what it learned from."""
    return any(True for _ in _layers(model))


def norm_distances(
    model: nn.Module, groups: Sequence[LayerGroup], batches: Iterable[Tensor]
) -> tuple[BlockDistance, ...]:
    """The distance of each block that has normalisation layers, stem -> head.

    A layer's distance is the median over its channels of the symmetric Kullback-Leibler divergence
    between two normal distributions, the kept one and that of the pictures; a block's is the median
    over its layers. 0 is the same; a channel whose mean has moved by its own standard deviation
    has 1.

    Args:
        model: With its weights, on any device; put in eval mode, otherwise left as it was.
        groups: From ``layer_groups(model)``.
        batches: Normalised pictures (B, C, S, S) float32 on the model's device.

    Returns:
        Empty for a network without such statistics, and when there are no pictures.

    Source:
        The divergence is the one AdaBN argues with (Li and others, arXiv:1603.04779).
    """
    model.eval()
    seen: dict[str, _Moments] = {}
    handles = [
        layer.register_forward_pre_hook(partial(_look, seen.setdefault(name, _Moments())))
        for name, layer in _layers(model)
    ]
    try:
        with torch.no_grad():
            for batch in batches:
                model(batch)
    finally:
        for handle in handles:
            handle.remove()
    apart = {
        name: float(_divergence(seen[name], layer).median())
        for name, layer in _layers(model)
        if seen[name].count
    }
    found = []
    for group in groups:
        mine = [value for name, value in apart.items() if group.owns(name)]
        if mine:
            found.append(
                BlockDistance(
                    title=group.title, layers=len(mine), distance=float(np.median(np.array(mine)))
                )
            )
    return tuple(found)


class _Moments:
    """Sums over everything a layer was given, per channel."""

    def __init__(self) -> None:
        self.count = 0
        self.sums = torch.zeros(2, 0, dtype=torch.float64)

    def add(self, x: Tensor) -> None:
        flat = x.detach().transpose(0, 1).flatten(1).double()
        new = torch.stack([flat.sum(1), flat.square().sum(1)])
        self.sums = self.sums.to(new) + new if self.count else new
        self.count += flat.shape[1]


def _look(moments: _Moments, module: nn.Module, given: tuple[Any, ...]) -> None:
    moments.add(given[0])


def _layers(model: nn.Module) -> list[tuple[str, _BatchNorm]]:
    return [
        (name, one)
        for name, one in model.named_modules()
        if isinstance(one, _BatchNorm) and one.running_mean is not None
    ]


def _divergence(moments: _Moments, layer: _BatchNorm) -> Tensor:
    """Of each channel, (C,) float64."""
    mean, square = moments.sums / moments.count
    assert layer.running_mean is not None and layer.running_var is not None
    kept_mean = layer.running_mean.to(mean)
    spread = (square - mean.square()).clamp_min(0) + layer.eps
    kept_spread = layer.running_var.to(mean) + layer.eps
    moved = (mean - kept_mean).square()
    found: Tensor = ((kept_spread + moved) / spread + (spread + moved) / kept_spread) / 2 - 1
    return found
