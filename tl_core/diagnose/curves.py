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
    "HIGH_RATE",
    "Alternation",
    "Fall",
    "Gap",
    "Rise",
    "Standstill",
    "StillFalling",
    "accuracy_fall",
    "alternation",
    "fall_per_epoch",
    "generalisation_gap",
    "half_width",
    "needed_pictures",
    "restlessness",
    "rise_since_before",
    "rise_since_best",
    "standstill",
    "still_falling",
]

WINDOW = 5  # epochs averaged at the end of a curve (decision 0007)
STEEP = 2  # first epochs, whose steep fall says nothing about noise
FALL_T = 3.0  # standard errors by which a fall must differ from none
HIGH_RATE = 0.3  # of the peak rate; below, a curve is flat because nothing moves any more
ALTERNATING = (12, 20)  # epochs: fewest and most that are looked at for jumping to and fro
CHANGING = 0.03  # of the pictures change sides between two stretches of a healthy run (0021)
UPPER = 1.645  # standard errors up to the one-sided 95 % bound
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


class Fall(NamedTuple):
    """How far the validation accuracy has fallen, as a share, and its standard error."""

    value: float
    error: float


class StillFalling(NamedTuple):
    """How far the validation loss fell while the rate was high: ``share`` of its value within
    ``epochs`` epochs, and ``z`` the fall over its standard error.
    """

    share: float
    z: float
    epochs: int


class Alternation(NamedTuple):
    """How a curve jumps to and fro.

    ``turns`` is the share of steps that go the other way than the one before, ``share`` the middle
    step relative to the curve, ``z`` the part that alternates every epoch over its standard error,
    ``epochs`` how many were looked at.
    """

    turns: float
    share: float
    z: float
    epochs: int


class Standstill(NamedTuple):
    """The level of a loss, and the most it can have fallen by since before (95 %), in nats."""

    level: float
    most: float


def rise_since_best(val_losses: np.ndarray, begins: Sequence[int] = (0,)) -> Rise | None:
    """Test whether the last epochs are worse than the best one, on the same pictures.

    Each picture is compared with itself: its mean loss over the last ``WINDOW`` epochs minus its
    mean loss over the ``WINDOW`` epochs around the best one (a single best epoch is best partly by
    luck). Two things make such a difference uncertain, and both enter its standard error: which
    pictures happened to be chosen (spread over pictures), and that a whole epoch is a little
    better or worse by chance (spread from epoch to epoch, taken from the bends of the mean
    curve, so that a trend does not count as noise). What happens where a stage begins is neither:
    windows and bends stay within a stage.

    Args:
        val_losses: float (epochs, n) per-picture losses in nats.
        begins: Epochs done when each stage began, rising from 0.

    Returns:
        None while fewer than ``WINDOW`` epochs follow the best one or are of the last stage, or
        for fewer than two pictures.

    Source:
        Paired test of decision 0007; error rates measured in docs/findings.md.
    """
    epochs, n = val_losses.shape
    if epochs <= WINDOW or n < 2:
        return None
    curve = val_losses.mean(axis=1, dtype=np.float64)
    best = int(np.argmin(curve))
    if epochs - 1 - best < WINDOW or epochs - begins[-1] < WINDOW:
        return None
    return _rise_since(best, val_losses, begins)


def rise_since_before(val_losses: np.ndarray, begins: Sequence[int]) -> Rise | None:
    """As ``rise_since_best``, since the best epoch of the stages before the last one.

    None as well where there was no stage before.
    """
    epochs, n = val_losses.shape
    if not begins[-1] or epochs - begins[-1] < WINDOW or n < 2:
        return None
    best = int(np.argmin(val_losses[: begins[-1]].mean(axis=1, dtype=np.float64)))
    return _rise_since(best, val_losses, begins)


def accuracy_fall(history: Sequence[EpochDone], best: int, begins: Sequence[int] = (0,)) -> Fall:
    """How far the validation accuracy is below that around an epoch, both averaged as the loss is.

    Args:
        history: Epochs done, more than ``WINDOW`` of them after ``best``.
        best: The epoch with the lowest validation loss, 1-based.
        begins: As for ``rise_since_best``.

    Returns:
        The fall, with the error that comes from the restlessness of whole epochs and from the few
        pictures near the border, which change sides without anything being learned.
    """
    curve = np.array([done.val_acc for done in history])
    start, stop = _around(best - 1, len(curve), begins)
    fall = float(curve[start:stop].mean() - curve[-WINDOW:].mean())
    by_epoch = _run_noise(curve, begins) * math.sqrt(1 / (stop - start) + 1 / WINDOW)
    return Fall(fall, math.hypot(by_epoch, math.sqrt(CHANGING / history[-1].n_val)))


def alternation(curve: np.ndarray) -> Alternation | None:
    """Whether a curve jumps to and fro every epoch, beyond a straight trend and chance.

    Args:
        curve: float (epochs,); the last twenty are looked at.

    Returns:
        None for fewer than twelve epochs.

    Source:
        Share of turns as in decision 0021; the alternating part is a regression on (-1)^t.
    """
    least, most = ALTERNATING
    if len(curve) < least:
        return None
    curve = np.asarray(curve[-most:], dtype=np.float64)
    n = len(curve)
    steps = np.diff(curve)
    turns = float((np.sign(steps[1:]) * np.sign(steps[:-1]) < 0).mean())
    level = float(np.median(np.abs(curve)))
    share = float(np.median(np.abs(steps))) / level if level > 0 else 0.0
    time = np.arange(n)
    design = np.stack([np.ones(n), time - time.mean(), 1.0 - 2.0 * (time % 2)], axis=1)
    found, *_ = np.linalg.lstsq(design, curve, rcond=None)
    spread = float(((curve - design @ found) ** 2).sum()) / (n - 3)
    error = math.sqrt(spread * float(np.linalg.inv(design.T @ design)[2, 2]))
    size = abs(float(found[2]))
    z = size / error if error > 0 else (math.inf if size > 0 else 0.0)
    return Alternation(turns, share, z, n)


def restlessness(curve: Sequence[float]) -> float:
    """Standard deviation of whole epochs about the trend of the second half of a curve.

    0 for curves too short to tell.
    """
    half = np.asarray(curve[len(curve) // 2 :], dtype=np.float64)
    noise = _epoch_noise(half)
    return noise if math.isfinite(noise) else 0.0


def standstill(val_losses: np.ndarray, window: int) -> Standstill:
    """How much the validation loss can have fallen between the last two windows, on the same
    pictures.

    Args:
        val_losses: float (epochs, n) per-picture losses in nats, at least two windows.
        window: Epochs.
    """
    before = val_losses[-2 * window : -window].mean(axis=0, dtype=np.float64)
    after = val_losses[-window:].mean(axis=0, dtype=np.float64)
    falls = before - after
    by_picture = float(falls.std(ddof=1)) / math.sqrt(len(falls)) if len(falls) > 1 else math.inf
    curve = val_losses[-2 * window :].mean(axis=1, dtype=np.float64)
    error = math.hypot(by_picture, _epoch_noise(curve) * math.sqrt(2 / window))
    return Standstill(float(after.mean()), float(falls.mean()) + UPPER * error)


def still_falling(history: Sequence[EpochDone], val_losses: np.ndarray) -> StillFalling | None:
    """Whether the validation loss was falling until the rate was taken back, on the same pictures.

    The last ``2 * WINDOW`` epochs with at least 30 % of the highest rate, their second half against
    their first. The error is that of ``rise_since_best``.

    Args:
        history: Epochs done.
        val_losses: float (epochs, n) per-picture losses in nats, rows aligned with ``history``.

    Returns:
        None for fewer than six such epochs or two pictures.
    """
    peak = max((done.lr for done in history), default=0.0)
    high = [at for at, done in enumerate(history) if done.lr >= HIGH_RATE * peak][-2 * WINDOW :]
    n = val_losses.shape[1]
    if len(high) < 6 or n < 2:
        return None
    losses = val_losses[high].astype(np.float64)
    half = len(high) // 2
    before, after = losses[:half].mean(axis=0), losses[-half:].mean(axis=0)
    falls = before - after
    by_picture = float(falls.std(ddof=1)) / math.sqrt(n)
    by_epoch = _epoch_noise(losses.mean(axis=1)) * math.sqrt(2 / half)
    error, fall, level = math.hypot(by_picture, by_epoch), float(falls.mean()), float(before.mean())
    share = fall / level if level > 0 else 0.0
    return StillFalling(share, _over(fall, error), len(high) - half)


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


def _around(best: int, epochs: int, begins: Sequence[int]) -> tuple[int, int]:
    """The epochs (0-based, end excluded) around the best one, of its stage and not the last ones"""
    begun = max(one for one in begins if one <= best)
    ended = min((one for one in begins if one > best), default=epochs)
    start = max(begun, best - WINDOW // 2)
    stop = min(best + WINDOW // 2 + 1, ended, epochs - WINDOW)
    return start, max(start + 1, stop)


def _rise_since(best: int, val_losses: np.ndarray, begins: Sequence[int]) -> Rise:
    """The last epochs against those around one (0-based), each picture with itself."""
    epochs, n = val_losses.shape
    start, stop = _around(best, epochs, begins)
    before = val_losses[start:stop].mean(axis=0, dtype=np.float64)
    rises = val_losses[-WINDOW:].mean(axis=0, dtype=np.float64) - before
    mean = float(rises.mean())
    by_picture = float(rises.std(ddof=1)) / math.sqrt(n)
    curve = val_losses.mean(axis=1, dtype=np.float64)
    by_epoch = _run_noise(curve, begins) * math.sqrt(1 / (stop - start) + 1 / WINDOW)
    error = math.hypot(by_picture, by_epoch)
    return Rise(best + 1, mean, _over(mean, error), n)


def _over(value: float, error: float) -> float:
    """A value in standard errors; without an error it is sure, or nothing."""
    if error > 0:
        return value / error
    return math.copysign(math.inf, value) if value else 0.0


def _run_noise(curve: np.ndarray, begins: Sequence[int]) -> float:
    """As ``_epoch_noise``, of all stages, each without its first epochs."""
    ends = [*begins[1:], len(curve)]
    return _noise([curve[at + STEEP : end] for at, end in zip(begins, ends, strict=True)])


def _epoch_noise(curve: np.ndarray) -> float:
    """Standard deviation of a curve about its trend, from its second differences.

    A straight trend does not count as noise. Infinite for fewer than four of them: then nothing
    can be said.
    """
    return _noise([curve])


def _noise(parts: Sequence[np.ndarray]) -> float:
    bends = np.concatenate([np.diff(part, n=2) for part in parts])
    if len(bends) < 4:
        return math.inf
    return float(np.sqrt(np.mean(bends**2) / 6))
