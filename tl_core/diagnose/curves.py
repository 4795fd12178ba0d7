"""What can be read from the curves of a run: rises, falls and gaps with their uncertainty.

Pure functions of numbers. Verdicts are made of them in ``rules``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tl_core.events import EpochDone
from tl_core.intervals import newcombe, wilson

__all__ = [
    "Gap",
    "Rise",
    "fall_per_epoch",
    "generalisation_gap",
    "half_width",
    "needed_pictures",
    "rise_since_best",
]

WINDOW = 5  # epochs averaged at the end of a curve (decision 0007)
STEEP = 2  # first epochs, whose steep fall says nothing about noise
FALL_T = 3.0  # standard errors by which a fall must differ from none
HIGH_RATE = 0.3  # of the peak rate; below, a curve is flat because nothing moves any more
MOST_PICTURES = 100_000  # where the search for a sufficient number of pictures ends


class Rise(NamedTuple):
    """How much the validation loss has risen since its best epoch.

    ``best`` is that epoch (1-based), ``mean`` the rise in nats, ``z`` the rise over its standard
    error, ``n`` the pictures.
    """

    best: int
    mean: float
    z: float
    n: int


class Gap(NamedTuple):
    """Accuracy on training pictures minus accuracy on validation pictures, with its interval."""

    value: float
    low: float
    high: float


def rise_since_best(val_losses: np.ndarray) -> Rise | None:
    """Test whether the last epochs are worse than the best one, on the same pictures.

    Each picture is compared with itself: its mean loss over the last ``WINDOW`` epochs minus its
    mean loss over the ``WINDOW`` epochs around the best one (a single best epoch is best partly by
    luck). Two things make such a difference uncertain, and both enter its standard error: which
    pictures happened to be chosen (spread over pictures), and that a whole epoch is a little
    better or worse by chance (spread from epoch to epoch, taken from the first differences of the
    mean curve, so that a trend does not count as noise).

    Args:
        val_losses: float (epochs, n) per-picture losses in nats.

    Returns:
        None while fewer than ``WINDOW`` epochs follow the best one, or for fewer than two
        pictures.

    Source:
        Paired test of decision 0007; error rates measured in docs/findings.md.
    """
    epochs, n = val_losses.shape
    if epochs <= WINDOW or n < 2:
        return None
    curve = val_losses.mean(axis=1, dtype=np.float64)
    best = int(np.argmin(curve))
    if epochs - 1 - best < WINDOW:
        return None
    start, stop = max(0, best - WINDOW // 2), min(best + WINDOW // 2 + 1, epochs - WINDOW)
    before = val_losses[start:stop].mean(axis=0, dtype=np.float64)
    rises = val_losses[-WINDOW:].mean(axis=0, dtype=np.float64) - before
    mean = float(rises.mean())
    by_picture = float(rises.std(ddof=1)) / math.sqrt(n)
    by_epoch = _epoch_noise(curve[STEEP:]) * math.sqrt(1 / (stop - start) + 1 / WINDOW)
    error = math.hypot(by_picture, by_epoch)
    z = mean / error if error > 0 else math.copysign(math.inf, mean) if mean else 0.0
    return Rise(best + 1, mean, z, n)


def generalisation_gap(done: EpochDone) -> Gap:
    """How much better the network is on pictures it was trained on, both judged clean.

    Source:
        Newcombe 1998, method 10 (95 %).
    """
    fit, val = round(done.fit_acc * done.n_fit), round(done.val_acc * done.n_val)
    low, high = newcombe(fit, done.n_fit, val, done.n_val)
    return Gap(done.fit_acc - done.val_acc, low, high)


def fall_per_epoch(history: Sequence[EpochDone]) -> float:
    """By what share the training loss fell per epoch while the rate was still high.

    The last ``2 * WINDOW`` epochs with at least 30 % of the highest rate are looked at: at the end
    of a schedule every curve is flat. 0 when there are fewer than three such epochs, or when the
    fall is within the restlessness of the curve.
    """
    if not history:
        return 0.0
    peak = max(done.lr for done in history)
    losses = [done.train_loss for done in history if done.lr >= HIGH_RATE * peak][-2 * WINDOW :]
    if len(losses) < 3 or min(losses) <= 0:
        return 0.0
    time, logs = np.arange(len(losses), dtype=np.float64), np.log(losses)
    slope, start = np.polyfit(time, logs, 1)
    residual = logs - (start + slope * time)
    spread = float(((time - time.mean()) ** 2).sum())
    error = math.sqrt(float((residual**2).sum()) / (len(logs) - 2) / spread)
    return float(1 - math.exp(slope)) if -slope > FALL_T * error else 0.0


def half_width(right: int, n: int) -> float:
    """Half the width of the 95 % Wilson interval, as a share (0.05 = 5 points)."""
    low, high = wilson(right, n)
    return (high - low) / 2


def needed_pictures(accuracy: float, within: float) -> int:
    """How many pictures an accuracy needs to be known to +-``within`` (shares, 95 % Wilson)."""
    low, high = 1, MOST_PICTURES
    while low < high:
        middle = (low + high) // 2
        if half_width(round(accuracy * middle), middle) <= within:
            high = middle
        else:
            low = middle + 1
    return low


def _epoch_noise(curve: np.ndarray) -> float:
    """Standard deviation of a curve about its trend, from its first differences.

    Infinite for fewer than four differences: then nothing can be said.
    """
    steps = np.diff(curve)
    if len(steps) < 4:
        return math.inf
    return float(steps.std(ddof=1)) / math.sqrt(2)
