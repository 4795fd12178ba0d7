"""Three families of curves that errors follow as pictures are added, fitted to a few points.

Each says err(n) = floor + drop f(n), with f falling from 1 towards 0:

- ``power``: n^-c, the usual one;
- ``mmf`` (Morgan, Mercer, Flodin): 1 / (1 + (n / h)^d);
- ``weibull``: exp(-(n / h)^d).

They agree where points were measured and part beyond, which tells how far beyond is known. With the
shape (c, or h and d) fixed the rest is linear, so the best fit is found by looking at every shape
of a grid and solving for floor and drop, neither below zero. That has no starting point to depend
on, cannot fail to converge, and fits hundreds of resampled curves at once.

Source:
    Mohr, Viering and others, "LCDB 1.0", ECML 2022 (the families); the power law with an offset
    since Cortes and others, NIPS 1993.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["FAMILIES", "Fits", "fitted"]

FAMILIES = ("power", "mmf", "weibull")
EXPONENTS = np.geomspace(0.02, 2.0, 80)  # c
STEEPNESS = np.geomspace(0.2, 3.0, 16)  # d
HALVES = 18  # values of h, from a quarter of the fewest pictures to eight times the most


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fits:
    """Fitted curves of one family, one per row: ``floor`` and ``drop`` (B,), ``shape`` (B, 2) of
    (c, 0) or (h, d), with n counted in units of ``unit`` for the power law.
    """

    family: str
    floor: np.ndarray
    drop: np.ndarray
    shape: np.ndarray
    unit: float

    def at(self, pictures: np.ndarray) -> np.ndarray:
        """Errors (B, len(pictures)), cut off at 0 and 1."""
        n = np.asarray(pictures, dtype=np.float64)
        falls = _falling(self.family, n, self.shape, self.unit)
        found: np.ndarray = np.clip(self.floor[:, None] + self.drop[:, None] * falls, 0.0, 1.0)
        return found


def fitted(family: str, pictures: np.ndarray, errors: np.ndarray, weights: np.ndarray) -> Fits:
    """The weighted least-squares fit of every row.

    Args:
        family: One of FAMILIES.
        pictures: (J,) numbers of training pictures, all above 0.
        errors: (B, J), 0..1.
        weights: (J,), one over the variance of each point.
    """
    unit = float(pictures.max())
    shapes = _shapes(family, pictures)
    falls = _falling(family, pictures, shapes, unit)  # (G, J)
    w = weights / weights.sum()
    s1, s2 = falls @ w, (falls**2) @ w  # the weights sum to 1
    y1 = errors @ w  # (B,)
    y2 = errors @ (falls * w).T  # (B, G)
    spread = np.maximum(s2 - s1**2, 1e-12)
    drop = (y2 - y1[:, None] * s1) / spread
    floor = y1[:, None] - drop * s1
    none = drop < 0
    drop = np.where(none, 0.0, drop)
    floor = np.where(none, y1[:, None], floor)
    under = floor < 0
    drop = np.where(under, y2 / np.maximum(s2, 1e-12), drop)
    floor = np.where(under, 0.0, floor)
    badness = (
        -2 * floor * y1[:, None] - 2 * drop * y2 + floor**2 + 2 * floor * drop * s1 + drop**2 * s2
    )
    best = badness.argmin(1)
    rows = np.arange(len(errors))
    return Fits(
        family=family,
        floor=floor[rows, best],
        drop=drop[rows, best],
        shape=shapes[best],
        unit=unit,
    )


def _shapes(family: str, pictures: np.ndarray) -> np.ndarray:
    if family == "power":
        return np.stack([EXPONENTS, np.zeros_like(EXPONENTS)], axis=1)
    halves = np.geomspace(pictures.min() / 4, pictures.max() * 8, HALVES)
    return np.array([(half, steep) for half in halves for steep in STEEPNESS])


def _falling(family: str, n: np.ndarray, shapes: np.ndarray, unit: float) -> np.ndarray:
    """(G, J)."""
    first, second = shapes[:, :1], shapes[:, 1:]
    if family == "power":
        found: np.ndarray = (n[None] / unit) ** -first
    elif family == "mmf":
        found = 1 / (1 + (n[None] / first) ** second)
    else:
        found = np.exp(-((n[None] / first) ** second))
    return found
