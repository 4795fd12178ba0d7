"""Intervals and tests on pictures: one implementation for training, coach and reports.

A contract-level module: standard library only, so that reading a score costs nothing. The formulas
hold for few pictures and for shares near 0 and 1, where the textbook "plus or minus" fails.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, stdev
from typing import NamedTuple

__all__ = [
    "FoldDifference",
    "fold_difference",
    "fold_error",
    "holm",
    "mcnemar",
    "newcombe",
    "newcombe_shares",
    "paired_mean",
    "paired_shares",
    "wilson",
    "wilson_share",
]

LEVEL = 0.95
ALARM = 0.05  # chance of telling any difference where there is none
HALVINGS = 60  # of an interval in which a root is looked for; then a double cannot be told apart


class FoldDifference(NamedTuple):
    """How much better one way is than another, judged on the same folds.

    ``value`` is the mean, ``error`` its standard error, ``low`` and ``high`` its interval, and
    ``chance`` the p-value of no difference, below 1 - level where the interval leaves 0 out.
    """

    value: float
    error: float
    low: float
    high: float
    chance: float


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
    _possible(successes, n)
    if not 0.0 < level < 1.0:
        raise ValueError(f"level {level} outside (0, 1)")
    if n == 0:
        return 0.0, 1.0
    return wilson_share(successes / n, n, level)


def wilson_share(share: float, n: float, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's interval of a share that is worth ``n`` independent pictures.

    For scores that are no plain share of pictures (F1, area under a curve) and for pictures that
    come in groups: ``n`` is then ``share * (1 - share) / error ** 2``.

    Args:
        share: 0..1.
        n: Above 0; need not be whole.
        level: Confidence, between 0 and 1.

    Source:
        Korn and Graubard 1998, Survey Methodology 24, 193-201 (effective number of cases).
    """
    z = NormalDist().inv_cdf((1.0 + level) / 2.0)
    shrink = 1.0 + z * z / n
    middle = (share + z * z / (2.0 * n)) / shrink
    half = z * math.sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n)) / shrink
    low = 0.0 if share <= 0.0 else max(0.0, middle - half)
    return low, 1.0 if share >= 1.0 else min(1.0, middle + half)


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
    if n_1 == 0 or n_2 == 0:
        low_1, high_1 = wilson(successes_1, n_1, level)
        low_2, high_2 = wilson(successes_2, n_2, level)
        return low_1 - high_2, high_1 - low_2
    _possible(successes_1, n_1)
    _possible(successes_2, n_2)
    return newcombe_shares(successes_1 / n_1, n_1, successes_2 / n_2, n_2, level)


def newcombe_shares(
    share_1: float, n_1: float, share_2: float, n_2: float, level: float = LEVEL
) -> tuple[float, float]:
    """``newcombe`` of two shares that are worth so many independent pictures (``wilson_share``)."""
    low_1, high_1 = wilson_share(share_1, n_1, level)
    low_2, high_2 = wilson_share(share_2, n_2, level)
    gap = share_1 - share_2
    low = gap - math.hypot(share_1 - low_1, high_2 - share_2)
    high = gap + math.hypot(high_1 - share_1, share_2 - low_2)
    return max(-1.0, low), min(1.0, high)


def holm(chances: Sequence[float], level: float = ALARM) -> list[tuple[float, float]]:
    """Correct p-values for being several.

    Args:
        chances: One per comparison.
        level: Chance of any false alarm that is allowed.

    Returns:
        For each the corrected p-value, and the level at which it was tested: ``level`` over the
        comparisons still open when it was its turn, from the smallest p-value on.

    Source:
        Holm 1979, Scand. J. Stat. 6, 65-70.
    """
    total, order = len(chances), sorted(range(len(chances)), key=lambda i: chances[i])
    found = [(1.0, level)] * total
    highest, open_, stopped = 0.0, total, False
    for place, number in enumerate(order):
        open_ = open_ if stopped else total - place
        highest = max(highest, min(1.0, (total - place) * chances[number]))
        stopped = stopped or highest >= level
        found[number] = (highest, level / open_)
    return found


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


def fold_difference(
    gaps: Sequence[float], *, pictures: int, test_share: float, level: float = LEVEL
) -> FoldDifference:
    """Difference of the accuracies of two ways that were judged on the same folds.

    The interval is Nadeau and Bengio's (``fold_error``, Student), and reaches at least as far as
    Tango's for as many pictures. The spread over folds alone is nothing to go by where pictures
    are few: folds that agree exactly would make any difference certain. Of the pictures that only
    one way has right those are counted that the folds show, which are the fewest there can be; with
    none, up to 3.8 of n + 3.8 pictures may still differ.

    Args:
        gaps: Per fold and repeat, at least 2: accuracy of one way less that of the other, -1..1.
        pictures: Judged in all folds of one division and independent of each other, at least 1.
        test_share: Test pictures of a fold over its training pictures; 1 / (folds - 1).
        level: Confidence, between 0 and 1.

    Raises:
        ValueError: Fewer than two folds, or no picture.

    Source:
        Nadeau and Bengio 2003; Tango 1998. Coverage: ``python -m benchmarks.simulate_differences``.
    """
    value, error, degrees = fmean(gaps), fold_error(gaps, test_share), len(gaps) - 1
    ahead = pictures * fmean([max(0.0, gap) for gap in gaps])
    behind = pictures * fmean([max(0.0, -gap) for gap in gaps])
    low, high = paired_shares(ahead, behind, pictures, level)
    least = (high - low) / (2.0 * NormalDist().inv_cdf((1.0 + level) / 2.0))
    half = _student((1.0 + level) / 2.0, degrees) * error
    by_folds = float(value == 0.0)
    if error > 0.0:
        by_folds = 2.0 * (1.0 - _student_below(abs(value) / error, degrees))
    apart = ahead + behind
    by_pictures = math.erfc(abs(ahead - behind) / math.sqrt(2.0 * apart)) if apart > 0.0 else 1.0
    return FoldDifference(
        value=value,
        error=max(error, least),
        low=min(low, value - half),
        high=max(high, value + half),
        chance=max(by_folds, by_pictures),
    )


def paired_shares(
    only_first: float, only_second: float, n: float, level: float = LEVEL
) -> tuple[float, float]:
    """Interval of the difference of two shares measured on the same pictures.

    It leaves 0 out where McNemar's statistic does, and has a width where the two agree everywhere.

    Args:
        only_first: Pictures for which only the first holds; a mean over repeats need not be whole.
        only_second: Pictures for which only the second holds.
        n: All pictures, at least 1; what they are worth need not be whole.
        level: Confidence, between 0 and 1.

    Returns:
        Lower and upper bound of share 1 minus share 2, each in [-1, 1].

    Raises:
        ValueError: More pictures on one side than there are, or fewer than none.

    Source:
        Tango 1998, Stat. Med. 17, 891-908 (score interval).
    """
    if n < 1 or min(only_first, only_second) < 0 or only_first + only_second > n * (1 + 1e-9):
        raise ValueError(f"{only_first} and {only_second} of {n} pictures")
    z = NormalDist().inv_cdf((1.0 + level) / 2.0)
    value = (only_first - only_second) / n
    bounds = []
    for end in (-1.0, 1.0):
        inside, outside = value, end  # the score grows from the value to the end
        for _ in range(HALVINGS):
            middle = (inside + outside) / 2.0
            if abs(_score(middle, only_first, only_second, n)) <= z:
                inside = middle
            else:
                outside = middle
        bounds.append((inside + outside) / 2.0)
    return bounds[0], bounds[1]


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
    tail, term = 0, 1  # whole numbers, so that nothing is lost however many pictures there are
    for k in range(min(only_first, only_second) + 1):
        tail += term
        term = term * (n - k) // (k + 1)  # of n things k + 1
    return min(1.0, 2.0 * (tail / (1 << n)))


def _possible(successes: int, n: int) -> None:
    if not 0 <= successes <= n:
        raise ValueError(f"successes {successes} outside 0..{n}")


def _score(difference: float, only_first: float, only_second: float, n: float) -> float:
    """Tango's statistic, standard normal when ``difference`` is the true one."""
    away = only_first - only_second - n * difference
    linear = -only_first - only_second + (2 * n - only_first + only_second) * difference
    product = -only_second * difference * (1.0 - difference)
    root = math.sqrt(max(0.0, linear * linear - 8.0 * n * product))
    share = (root - linear) / (4.0 * n)  # most likely share of what only the second has
    spread = n * (2.0 * share + difference * (1.0 - difference))
    if spread > 0.0:
        return away / math.sqrt(spread)
    return math.copysign(math.inf, away) if away else 0.0


def _student(p: float, degrees: int) -> float:
    """Quantile of Student's distribution for ``p`` above one half, by halving an interval."""
    low, high = 0.0, 1.0
    while _student_below(high, degrees) < p:
        high *= 2.0
    for _ in range(HALVINGS):
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
