"""The kernel distance (KID) between what a network sees in the user's pictures and in others.

Two sets of features are compared by the polynomial kernel k(x, y) = (x.y / D + 1)^3: the mean of
the kernel within each set, less twice the mean between them. No picture is compared with itself or
with one that it belongs together with, so that the expectation is zero for two sets of one kind,
however few their pictures; the Fréchet distance is far from zero there. It can be negative by
chance. Its scale is the network's: values of two networks cannot be compared. No torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from tl_core.intervals import LEVEL

__all__ = ["KernelDistance", "kernel_distance"]

AT_ONCE = 512  # rows of the kernel matrix held in memory
FEWEST = 3  # units in a set: a pair is left when one is taken out


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelDistance:
    """``value`` with its standard ``error`` and 95 % interval ``low`` .. ``high``."""

    value: float
    error: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Within:
    """Of each picture the ``sums`` of the kernel over the ``counts`` pictures of other units, (N,);
    ``units`` (N,) are numbered without gaps.
    """

    sums: np.ndarray
    counts: np.ndarray
    units: np.ndarray


def kernel_distance(
    features: np.ndarray, others: np.ndarray, units: np.ndarray | None = None
) -> KernelDistance:
    """The unbiased KID of two sets of pictures, with an interval.

    The error is the jackknife's: one unit is left out at a time, on either side. It is a little too
    large rather than too small, and needs no random numbers.

    Args:
        features: (N, D) float, of the user's pictures.
        others: (M, D) float, of the pictures compared with; independent of each other.
        units: int (N,), what each of the user's pictures belongs together with; None = every
            picture stands for itself.

    Raises:
        ValueError: Fewer than three units on a side, or features of different length.

    Source:
        Bińkowski and others 2018, arXiv:1801.01401 (the kernel and the estimator); Efron and Stein
        1981, Ann. Stat. 9, 586-596 (the jackknife).
    """
    x, y = np.asarray(features, np.float64), np.asarray(others, np.float64)
    if x.shape[1:] != y.shape[1:]:
        raise ValueError(f"features of {x.shape[1:]} and of {y.shape[1:]}")
    mine = _within(x, np.arange(len(x)) if units is None else units)
    theirs = _within(y, np.arange(len(y)))
    across, back = _between(x, y)
    n, m = len(x), len(y)
    value = _mean(mine) + _mean(theirs) - 2 * float(across.sum()) / (n * m)

    size = np.bincount(mine.units)
    between = (across.sum() - np.bincount(mine.units, across)) / ((n - size) * m)
    without_mine = _means_without(mine) + _mean(theirs) - 2 * between
    between = (back.sum() - back) / (n * (m - 1))
    without_theirs = _mean(mine) + _means_without(theirs) - 2 * between
    error = float(np.sqrt(_spread(without_mine) + _spread(without_theirs)))
    half = error * float(stats.t.ppf((1 + LEVEL) / 2, min(len(size), m) - 1))
    return KernelDistance(value=value, error=error, low=value - half, high=value + half)


# -- inside ----------------------------------------------------------------------------------------


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    found: np.ndarray = (x @ y.T / x.shape[1] + 1) ** 3
    return found


def _within(x: np.ndarray, units: np.ndarray) -> _Within:
    """Sums over pairs of different units."""
    _, own = np.unique(units, return_inverse=True)
    size = np.bincount(own)
    if len(size) < FEWEST:
        raise ValueError(f"{len(size)} units are too few to compare")
    sums = np.empty(len(x))
    for start in range(0, len(x), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        apart = own[part, None] != own[None]
        sums[part] = np.where(apart, _kernel(x[part], x), 0.0).sum(1)
    return _Within(sums=sums, counts=len(x) - size[own], units=own)


def _between(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each picture the sum of the kernel with all of the other set, (N,) and (M,)."""
    rows, columns = np.empty(len(x)), np.zeros(len(y))
    for start in range(0, len(x), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        found = _kernel(x[part], y)
        rows[part] = found.sum(1)
        columns += found.sum(0)
    return rows, columns


def _mean(one: _Within) -> float:
    return float(one.sums.sum() / one.counts.sum())


def _means_without(one: _Within) -> np.ndarray:
    """The mean over pairs with each unit left out in turn, (U,)."""
    sums = one.sums.sum() - 2 * np.bincount(one.units, one.sums)
    counts = one.counts.sum() - 2 * np.bincount(one.units, one.counts)
    found: np.ndarray = sums / counts
    return found


def _spread(without: np.ndarray) -> float:
    """The jackknife's variance of a value, from the values without each unit."""
    n = len(without)
    return float((n - 1) / n * np.square(without - without.mean()).sum())
