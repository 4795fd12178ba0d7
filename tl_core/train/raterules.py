"""From the curve of a range test to a learning rate, or to "no answer". Numbers only, no torch.

Four rules read the curve, each in its own way. Where two or more land within a factor of ten of
each other, the suggestion is their geometric mean, and never more than a tenth of the rate at which
the loss was lowest. A curve that has not fallen by more than its own noise gives no answer, and so
does one of which the rules say different things.

Two averages of the curve are used. Whether it fell is asked of one that shifts nothing. The rules
read a running average with a long memory, because they were made for one: it lags behind the rate
by a factor of several, and a tenth of its lowest point is not a tenth of the curve's own. Read from
the first kind, every rule but one gave rates that were several times too low. See
docs/decisions/0020-learning-rate.md.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np

__all__ = [
    "RULES",
    "Suggestion",
    "minimum",
    "running",
    "slide",
    "smoothed",
    "steep",
    "suggest",
    "valley",
]

RULES = ("valley", "steep", "minimum", "slide")
Reason = Literal["found", "no_drop", "disagree", "short"]

MEMORY_DECADES = 2.5  # of the running average; fastai's 0.98 at 100 points, here over five decades
SPREAD = 3.0  # points; standard deviation of the weights a point and its neighbours are averaged by
START_SHARE = 0.12  # of the points, at the lowest rates: the loss before anything was learned
LEAST_POINTS = 20  # fewer say nothing: the curve went up before it could come down
DROP_SD = 3.5  # sd of its own noise that the curve must fall by: false alarms below 5 % also with
# heavy tails, where 3 gives 7 %; decision 0020
CEILING = 2.0  # times the start: losses above are counted as this, or they would bend their past
SLIDE_DECADES = 1.2  # between the two pointers; fastai's 15 of 100 points over eight decades
SLIDE_SLOPE = 0.0625  # nats per decade; fastai's 0.005 per point, 12.5 points a decade
TOGETHER = 10.0  # rules agree within this factor
BELOW_MINIMUM = 10.0  # the lowest loss is reached just before it diverges; fastai


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What a curve suggests.

    Attributes:
        rate: Of the head, to two digits; None = no answer.
        reason: "found"; else why there is none: the loss did not fall by more than its noise
            ("no_drop"), the rules differ ("disagree"), or it diverged at once ("short").
        rules: What each rule says, by name; empty when the loss did not fall.
        agreed: The rules behind ``rate``.
        smooth: The running average that the rules read, aligned with the rates given.
        start: Loss in nats before anything was learned.
        drop: How far the curve, averaged without a lag, fell below it, in nats.
        noise: Standard deviation of that difference if nothing were learned, in nats.
        lowest: The rate at which the running average is lowest; None where ``rules`` is empty.
    """

    rate: float | None
    reason: Reason
    rules: dict[str, float]
    agreed: tuple[str, ...]
    smooth: tuple[float, ...]
    start: float
    drop: float
    noise: float
    lowest: float | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "agreed": list(self.agreed), "smooth": list(self.smooth)}


def suggest(rates: np.ndarray, losses: np.ndarray) -> Suggestion:
    """Read a curve.

    Args:
        rates: (N,) rising geometrically.
        losses: (N,) nats, mean over the seeds; what follows the first value that is not finite
            is left out.
    """
    rates, losses = _finite(rates, losses)
    if len(losses) < LEAST_POINTS:
        return _none("short", losses, losses, 0.0)
    n_start = math.ceil(START_SHARE * len(losses))
    start = float(losses[:n_start].mean())
    capped = np.minimum(losses, CEILING * max(start, 1e-6))
    centred, curve = smoothed(capped), running(rates, capped)
    at = n_start + int(centred[n_start:].argmin())
    drop, noise = float(start - centred[at]), _noise(losses, at, n_start)
    if drop <= DROP_SD * noise:
        return _none("no_drop", losses, curve, noise, start, drop)
    low = n_start + int(curve[n_start:].argmin())
    falling = slice(n_start, max(low, n_start + 2) + 1)
    found = {
        "valley": valley(rates, curve),
        "steep": steep(rates[falling], curve[falling]),
        "minimum": float(rates[low]) / BELOW_MINIMUM,
        "slide": slide(rates, curve),
    }
    agreed = _together(found)
    rate = None
    if agreed:
        mean = math.exp(float(np.mean([math.log(found[name]) for name in agreed])))
        rate = float(f"{min(mean, found['minimum']):.1e}")
    return Suggestion(
        rate=rate,
        reason="found" if agreed else "disagree",
        rules=found,
        agreed=agreed,
        smooth=tuple(curve.tolist()),
        start=start,
        drop=drop,
        noise=noise,
        lowest=float(rates[low]),
    )


def smoothed(losses: np.ndarray) -> np.ndarray:
    """Every point averaged with its neighbours on both sides, so that nothing is shifted."""
    weights = _weights(len(losses))
    return np.asarray(weights @ losses / weights.sum(axis=1))


def running(rates: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """Exponential running average from the lowest rate on, unbiased at its beginning."""
    per_decade = (len(rates) - 1) / math.log10(rates[-1] / rates[0])
    keep = 1 - 1 / max(1.0, MEMORY_DECADES * per_decade)
    found, now = np.empty(len(losses)), 0.0
    for i, loss in enumerate(losses):
        now = keep * now + (1 - keep) * float(loss)
        found[i] = now / (1 - keep ** (i + 1))
    return found


def valley(rates: np.ndarray, curve: np.ndarray) -> float:
    """The middle of the longest strictly falling subsequence, counted back from its end.

    Source: fastai's rule of that name, by its description.
    """
    n = len(curve)
    length = np.ones(n, dtype=np.int64)
    for i in range(1, n):
        before = length[:i][curve[:i] > curve[i]]
        length[i] = 1 + (before.max() if len(before) else 0)
    end = int(length.argmax())
    start = end - int(length[end])
    third = (end - start) / 3
    return float(rates[max(0, start + int(third) + int(third / 2))])


def steep(rates: np.ndarray, curve: np.ndarray) -> float:
    """Where the loss falls fastest per decade."""
    return float(rates[int(np.gradient(curve, np.log10(rates)).argmin())])


def minimum(rates: np.ndarray, curve: np.ndarray) -> float:
    """A tenth of the rate with the lowest loss."""
    return float(rates[int(curve.argmin())]) / BELOW_MINIMUM


def slide(rates: np.ndarray, curve: np.ndarray) -> float:
    """Two pointers a fixed distance apart, moved down from the highest rate.

    They stop where the slopes under both are alike; the rate is that of the lower one.
    """
    decades = np.log10(rates)
    slope = np.gradient(curve, decades)
    gap = max(1, round(SLIDE_DECADES * (len(rates) - 1) / float(decades[-1] - decades[0])))
    right = len(rates) - 1
    left = max(0, right - gap)
    while left > 0 and abs(slope[right] - slope[left]) > SLIDE_SLOPE:
        left, right = left - 1, right - 1
    return float(rates[left])


# -- inside ----------------------------------------------------------------------------------------


def _finite(rates: np.ndarray, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    bad = np.flatnonzero(~np.isfinite(losses))
    end = int(bad[0]) if len(bad) else len(losses)
    return np.asarray(rates[:end], dtype=float), np.asarray(losses[:end], dtype=float)


def _weights(n: int) -> np.ndarray:
    away = np.arange(n)[:, None] - np.arange(n)[None, :]
    return np.asarray(np.exp(-0.5 * (away / SPREAD) ** 2))


def _noise(losses: np.ndarray, at: int, n_start: int) -> float:
    """Sd of (mean of the start minus one smoothed point) when only noise moves the losses.

    From second differences up to the lowest point: a slope does not count as noise there.
    """
    upto = max(at + 1, len(losses) // 2)
    bends = np.diff(losses[:upto], 2)
    per_point = math.sqrt(float(np.mean(bends**2)) / 6)
    kernel = math.sqrt(1 / (2 * SPREAD * math.sqrt(math.pi)))
    return per_point * math.hypot(kernel, 1 / math.sqrt(n_start))


def _together(found: dict[str, float]) -> tuple[str, ...]:
    """The largest group of rules within ``TOGETHER``; at least two.

    Of groups of one size the one with the lowest rates: too low a rate costs time, too high a one
    the run.
    """
    for size in range(len(found), 1, -1):
        groups = []
        for names in combinations(found, size):
            mine = [found[name] for name in names]
            if max(mine) <= TOGETHER * min(mine) * (1 + 1e-9):
                groups.append((max(mine), names))
        if groups:
            return min(groups)[1]
    return ()


def _none(
    reason: Reason,
    losses: np.ndarray,
    curve: np.ndarray,
    noise: float,
    start: float | None = None,
    drop: float = 0.0,
) -> Suggestion:
    first = float(losses[0]) if len(losses) else 0.0
    return Suggestion(
        rate=None,
        reason=reason,
        rules={},
        agreed=(),
        smooth=tuple(float(one) for one in curve),
        start=first if start is None else start,
        drop=drop,
        noise=noise,
        lowest=None,
    )
