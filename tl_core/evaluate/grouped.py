"""Two classifiers on pictures that come in groups: an exact test, and what a picture is worth."""

from __future__ import annotations

import numpy as np
from scipy import special

from tl_core.evaluate.answers import Floats, Ints

__all__ = ["design_effect", "scaled_mcnemar", "sign_flips", "summed"]


def summed(values: Floats | Ints, units: Ints) -> Floats:
    """Sum of the values of each group, in the order of the groups' numbers."""
    _, place = np.unique(units, return_inverse=True)
    found: Floats = np.bincount(place, weights=values).astype(np.float64)
    return found


def sign_flips(ahead: Ints) -> float:
    """Exact two-sided p-value of a difference whose groups could as well have favoured the other.

    Where both classifiers are equally good, swapping them within a group changes nothing, so every
    group's difference could have the other sign. With groups of one picture this is McNemar's
    exact test.

    Args:
        ahead: (G,) per group, pictures only the first has right less those only the second has.

    Returns:
        Share of all sign changes whose sum is at least as far from 0, 0..1.

    Source:
        Fisher 1935, The Design of Experiments, section 21 (randomisation of paired differences).
    """
    sizes = np.abs(ahead[ahead != 0])
    total = int(sizes.sum())
    if total == 0:
        return 1.0
    chances = np.zeros(2 * total + 1)  # of every sum from -total to total
    chances[total] = 1.0
    for size in sizes.tolist():
        moved = np.zeros_like(chances)
        moved[size:] += chances[:-size]
        moved[:-size] += chances[size:]
        chances = moved / 2.0
    away = np.abs(np.arange(-total, total + 1))
    return min(1.0, float(chances[away >= abs(int(ahead.sum()))].sum()))


def design_effect(ahead: Ints, apart: int) -> float:
    """How many pictures one independent picture stands for, at least 1.

    The variance of the difference as the groups show it, over what it would be if the pictures
    that only one of both has right stood alone.

    Args:
        ahead: (G,) as for ``sign_flips``.
        apart: Pictures that only one of both has right.

    Source:
        Obuchowski 1998, Stat. Med. 17, 1495-1507; Rao and Scott 1992, Biometrics 48, 577-585.
    """
    return max(1.0, float((ahead.astype(np.float64) ** 2).sum()) / apart) if apart else 1.0


def scaled_mcnemar(only_first: float, only_second: float) -> float:
    """McNemar's exact test for counts divided by a design effect, which need not be whole."""
    apart, fewer = only_first + only_second, min(only_first, only_second)
    if apart <= 0.0:
        return 1.0
    return min(1.0, 2.0 * float(special.betainc(apart - fewer, fewer + 1.0, 0.5)))
