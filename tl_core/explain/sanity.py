"""Whether a heat map depends on what was learned (Adebayo and others, NeurIPS 2018).

The network's weights are mixed up at random and the map is made again. A map that stays as it was
shows the picture or the architecture, not the reason of the answer.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter
from scipy.stats import spearmanr
from torch import nn

__all__ = ["ALIKE", "DRAWS", "Sanity", "check", "randomised", "rank_agreement", "ssim"]

DRAWS = 3  # mixings; one alone can be alike by chance
ALIKE = 0.5  # mean rank correlation from which a map is not trusted; by judgement, decision 0026
WINDOW = 3  # cells of the maps' grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Sanity:
    """Means over the mixings: ``rank`` Spearman's correlation, ``ssim``; 1 = the same map."""

    rank: float
    ssim: float
    draws: int

    @property
    def trusted(self) -> bool:
        """Whether the map changed."""
        return self.rank < ALIKE


def check(
    model: nn.Module,
    make: Callable[[nn.Module], NDArray[np.float32]],
    grid: NDArray[np.float32],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Sanity:
    """Compare a map with those of mixed-up copies of its network.

    Args:
        model: Not changed.
        make: Makes the map's grid with a network.
        grid: Of the network as it learned.
        draws: How many copies.
        seed: Of the mixing.
    """
    others = [make(randomised(model, seed=seed + draw)) for draw in range(draws)]
    return Sanity(
        rank=float(np.mean([rank_agreement(grid, one) for one in others])),
        ssim=float(np.mean([ssim(grid, one) for one in others])),
        draws=draws,
    )


def randomised(model: nn.Module, *, seed: int) -> nn.Module:
    """A copy with the values of every weight tensor in random order.

    Nothing learned is left, and as each tensor keeps its scale activations neither die nor explode.
    """
    drawn = torch.Generator().manual_seed(seed)
    mixed = copy.deepcopy(model)
    with torch.no_grad():
        for one in mixed.parameters():
            order = torch.randperm(one.numel(), generator=drawn).to(one.device)
            one.copy_(one.flatten()[order].view_as(one))
    return mixed.eval()


def rank_agreement(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Spearman's correlation of two maps; 0 where one of them says the same everywhere."""
    if np.ptp(a) == 0 or np.ptp(b) == 0 or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return 0.0
    return float(spearmanr(a.ravel(), b.ravel()).statistic)


def ssim(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Structural similarity of two maps, each stretched to 0..1."""
    x, y = _stretched(a), _stretched(b)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = uniform_filter(values, WINDOW)
        return found

    mx, my = mean(x), mean(y)
    vx, vy, both = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    c1, c2 = 0.01**2, 0.03**2
    found = (2 * mx * my + c1) * (2 * both + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    return float(found.mean())


def _stretched(values: NDArray[np.float32]) -> NDArray[np.float64]:
    clean = np.nan_to_num(values.astype(np.float64))
    span = np.ptp(clean)
    return (clean - clean.min()) / span if span else np.zeros_like(clean)
