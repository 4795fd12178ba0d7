"""Two ways of learning on the same folds: their difference, its interval, and what it says."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from tl_core.check.honesty import Share
from tl_core.intervals import LEVEL, fold_difference, fold_error

__all__ = ["across_folds", "compared", "needed", "verdict"]

WORTH = 0.005  # a difference below half a point would need thousands of pictures to be shown
FARTHEST = 100.0  # times as many pictures as there are: further off is no number


def across_folds(values: Sequence[float], *, test_share: float) -> Share:
    """Mean over the folds of repeated cross-validation, with the interval of Nadeau and Bengio.

    Folds share their training pictures, so the usual standard error is too small; theirs is
    sd sqrt(1 / J + n_test / n_train).

    Args:
        values: One per fold and repeat: accuracies. Differences: see ``compared``.
        test_share: n_test / n_train of a fold; a quarter with five folds.

    Returns:
        The mean and its 95 % interval, not cut off.

    Raises:
        ValueError: Fewer than two values.

    Source:
        Nadeau and Bengio, Machine Learning 52, 2003.
    """
    if len(values) < 2:
        raise ValueError("an interval takes two folds or more")
    mean = float(np.mean(values))
    half = fold_error(values, test_share) * float(stats.t.ppf((1 + LEVEL) / 2, len(values) - 1))
    return Share(value=mean, low=mean - half, high=mean + half)


def compared(gaps: Sequence[float], *, pictures: int, test_share: float) -> Share:
    """Difference of two ways of learning on the same folds, with its 95 % interval.

    Args:
        gaps: Per fold and repeat: accuracy of one less that of the other.
        pictures: Judged in one division that are independent of each other.
        test_share: n_test / n_train of a fold.

    Raises:
        ValueError: Fewer than two gaps.
    """
    found = fold_difference(gaps, pictures=pictures, test_share=test_share)
    return Share(value=found.value, low=found.low, high=found.high)


def verdict(difference: Share) -> str:
    """Say "helps", "hurts" or "cannot tell" of a difference, better less worse."""
    if difference.low > 0:
        return "helps"
    return "hurts" if difference.high < 0 else "cannot tell"


def needed(difference: Share, pictures: int) -> int | None:
    """About how many pictures would tell, if the difference stays what it is.

    The interval narrows with the square root of the pictures.

    Returns:
        None when the difference is too small to be ever shown on a set like this.
    """
    size = abs(difference.value)
    half = (difference.high - difference.low) / 2
    if size < WORTH or half / size > math.sqrt(FARTHEST):
        return None
    exact = pictures * (half / size) ** 2
    step = 10 ** max(1, math.floor(math.log10(exact)) - 1)
    return max(pictures + 1, int(math.ceil(exact / step) * step))
