"""Confidence intervals for shares of pictures: one implementation for training, coach and reports.

A contract-level module: standard library only, so that reading a score costs nothing. The formulas
hold for few pictures and for shares near 0 and 1, where the textbook "plus or minus" fails.
"""

from __future__ import annotations

import math
from statistics import NormalDist

__all__ = ["newcombe", "wilson"]

LEVEL = 0.95


def wilson(successes: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Wilson score interval of a share.

    Args:
        successes: 0..n pictures for which it holds.
        n: Pictures looked at, independent of each other; 0 gives (0, 1): nothing is known.
        level: Confidence, between 0 and 1.

    Returns:
        Lower and upper bound, each in [0, 1], around ``successes / n``.

    Raises:
        ValueError: ``successes`` outside 0..n, or ``level`` outside (0, 1).

    Source:
        Wilson 1927, J. Am. Stat. Assoc. 22, 209-212.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"successes {successes} outside 0..{n}")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level {level} outside (0, 1)")
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1.0 + level) / 2.0)
    share = successes / n
    shrink = 1.0 + z * z / n
    middle = (share + z * z / (2.0 * n)) / shrink
    half = z * math.sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n)) / shrink
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == n else min(1.0, middle + half)
    return low, high


def newcombe(
    successes_1: int, n_1: int, successes_2: int, n_2: int, level: float = LEVEL
) -> tuple[float, float]:
    """Interval of the difference of two shares measured on different, independent pictures.

    For two models on the *same* pictures use a paired test instead; this one is too wide there.

    Args:
        successes_1: Of the first group, 0..n_1.
        n_1: Pictures in the first group; 0 gives the widest interval that is left.
        successes_2: Of the second group, 0..n_2.
        n_2: Pictures in the second group.
        level: Confidence, between 0 and 1.

    Returns:
        Lower and upper bound of share 1 minus share 2, each in [-1, 1].

    Raises:
        ValueError: As ``wilson``.

    Source:
        Newcombe 1998, Stat. Med. 17, 873-890, method 10 (hybrid of two Wilson intervals).
    """
    low_1, high_1 = wilson(successes_1, n_1, level)
    low_2, high_2 = wilson(successes_2, n_2, level)
    if n_1 == 0 or n_2 == 0:
        return low_1 - high_2, high_1 - low_2
    share_1, share_2 = successes_1 / n_1, successes_2 / n_2
    gap = share_1 - share_2
    low = gap - math.hypot(share_1 - low_1, high_2 - share_2)
    high = gap + math.hypot(high_1 - share_1, share_2 - low_2)
    return max(-1.0, low), min(1.0, high)
