"""Intervals and tests on pictures: one implementation for training, coach and reports.

A contract-level module: standard library only, so that reading a score costs nothing. The formulas
hold for few pictures and for shares near 0 and 1, where the textbook "plus or minus" fails.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, stdev

__all__ = ["fold_error", "mcnemar", "newcombe", "paired_mean", "wilson"]

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


def paired_mean(differences: Sequence[float], level: float = LEVEL) -> tuple[float, float, float]:
    """Mean difference of two measurements of the same pictures, with Student's interval.

    Args:
        differences: One per picture, at least 2.
        level: Confidence, between 0 and 1.

    Returns:
        Mean, lower and upper bound.

    Raises:
        ValueError: Fewer than two differences.
    """
    n = len(differences)
    if n < 2:
        raise ValueError(f"{n} differences have no spread")
    mean = fmean(differences)
    half = _student((1.0 + level) / 2.0, n - 1) * stdev(differences) / math.sqrt(n)
    return mean, mean - half, mean + half


def fold_error(values: Sequence[float], test_share: float) -> float:
    """Standard error of a mean over the folds of repeated cross-validation.

    Folds share their training pictures, so the usual one is too small.

    Args:
        values: One per fold and repeat, at least 2: accuracies, losses, or differences of two ways
            on the same fold.
        test_share: Test pictures of a fold over its training pictures; 1 / (folds - 1).

    Raises:
        ValueError: Fewer than two values.

    Source:
        Nadeau and Bengio 2003, Machine Learning 52, 239-281.
    """
    n = len(values)
    if n < 2:
        raise ValueError(f"{n} folds have no spread")
    return stdev(values) * math.sqrt(1.0 / n + test_share)


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided McNemar test of two classifiers on the same pictures.

    Args:
        only_first: Pictures that only the first one has right.
        only_second: Pictures that only the second one has right.

    Returns:
        Probability of a difference at least as large when both are equally good, 0..1.

    Source:
        McNemar 1947, Psychometrika 12, 153-157; exact binomial form.
    """
    n = only_first + only_second
    if n == 0:
        return 1.0
    tail = sum(math.comb(n, k) for k in range(min(only_first, only_second) + 1))
    return min(1.0, 2.0 * (tail / (1 << n)))


def _student(p: float, degrees: int) -> float:
    """Quantile of Student's distribution for ``p`` above one half, by halving an interval."""
    low, high = 0.0, 1.0
    while _student_below(high, degrees) < p:
        high *= 2.0
    for _ in range(60):
        middle = (low + high) / 2.0
        if _student_below(middle, degrees) < p:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def _student_below(t: float, degrees: int) -> float:
    """Share of Student's distribution below ``t`` >= 0: finite sums, exact for whole degrees.

    Source:
        Abramowitz and Stegun 1964, 26.7.3 and 26.7.4.
    """
    angle = math.atan2(t, math.sqrt(degrees))
    cosine, sine = math.cos(angle), math.sin(angle)
    odd = degrees % 2 == 1
    term, total = (cosine, cosine if degrees > 1 else 0.0) if odd else (1.0, 1.0)
    for k in range(3 if odd else 2, degrees - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    if odd:
        return 0.5 + (angle + sine * total) / math.pi
    return 0.5 + sine * total / 2.0
