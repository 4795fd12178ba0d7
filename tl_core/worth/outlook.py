"""From answers at several sizes to what more pictures would bring, or that nobody can say.

Every interval comes from resampling: units of pictures (what belongs together moves together), and
with them the repeats. The same resample serves every size, so what all sizes share, such as a set
of hard pictures, moves the whole curve and not its slope. An outlook is given when three things
hold: the heads know more than the largest class; the three families of curves, which all fit what
was measured, also agree about twice as many pictures; and the same fit on parts of up to half the
pictures foretells what was measured with all of them. docs/decisions/0022 has the measurements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tl_core.check.honesty import Share
from tl_core.intervals import wilson
from tl_core.worth.families import FAMILIES, fitted
from tl_core.worth.growth import Curve, Growth, Point

__all__ = ["Answers", "outlook"]

RESAMPLES = 400
TAILS = (0.025, 0.975)
FARTHEST = 4.0  # times as many pictures as there are: no further
ASKED = 2.0  # times as many: what the sentence is about
FEWEST_SIZES = 5  # points for three unknowns, and some to spare
FEWEST_OF_CLASS = 12  # pictures of a class below which its curve says nothing
WIDEST = 0.25  # an interval wider than that is no answer
CLOSE = 0.01  # differences below a point are no disagreement
LUCK_SHARE = 0.3  # parts up to this share are judged by nearly the same pictures
LINE = 28  # places of the drawn curve
NAMED = 3  # classes that may stand out together


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """Heads that learned from parts of one size: ``pictures`` on average, and for each repeat and
    picture 1.0 when right, 0.0 when wrong, NaN when the head had learned from it: (R, N).
    """

    pictures: float
    right: np.ndarray


def outlook(
    answers: Sequence[Answers],
    labels: np.ndarray,
    units: np.ndarray,
    classes: Sequence[str],
    *,
    available: int | None = None,
    seed: int = 0,
) -> Growth:
    """Fit, look ahead, and decide what may be said.

    Args:
        answers: For every size, in any order; the largest is (nearly) all pictures.
        labels: int (N,), class positions.
        units: int (N,), what each picture moves with.
        classes: Names, aligned with the labels.
        available: Pictures there are, when only a part of them took part.
        seed: Of the resampling.
    """
    ordered = sorted(answers, key=lambda one: one.pictures)
    rng = np.random.default_rng(seed)
    _, unit = np.unique(units, return_inverse=True)
    n_units = int(unit.max()) + 1
    draws = rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=RESAMPLES)[:, unit]
    tables = [_Table(one, draws, rng) for one in ordered]
    counts = np.bincount(labels, minlength=len(classes))
    majority = float(counts.max() / len(labels))
    guess = labels == int(counts.argmax())
    everything = np.ones(len(labels), dtype=bool)
    overall, _ = _curve("", len(labels), tables, everything, draws, guess)
    found = [
        _curve(name, int(counts[at]), tables, labels == at, draws, None)
        for at, name in enumerate(classes)
    ]
    return Growth(
        pictures=len(labels),
        available=len(labels) if available is None else available,
        repeats=max(len(one.right) for one in ordered),
        majority=majority,
        overall=overall,
        classes=tuple(one for one, _ in found),
        most=_most([one for one, _ in found], [gains for _, gains in found]),
    )


class _Table:
    """Errors of one size, as they are and resampled, of any set of pictures."""

    def __init__(self, answers: Answers, draws: np.ndarray, rng: np.random.Generator) -> None:
        self.pictures = answers.pictures
        judged = np.isfinite(answers.right)
        wrong = np.where(judged, 1.0 - np.nan_to_num(answers.right), 0.0)
        self._judged, self._wrong = judged.astype(np.float64), wrong
        repeats = len(wrong)
        taken = rng.multinomial(repeats, np.full(repeats, 1 / repeats), size=len(draws))
        self._drawn_judged = draws * (taken @ self._judged)  # (B, N)
        self._drawn_wrong = draws * (taken @ wrong)

    def error(self, some: np.ndarray) -> float:
        """Of the pictures ``some``, bool (N,)."""
        return float(self._wrong[:, some].sum() / max(self._judged[:, some].sum(), 1.0))

    def resampled(self, some: np.ndarray) -> np.ndarray:
        """(B,)."""
        judged = self._drawn_judged[:, some].sum(1)
        wrong = self._drawn_wrong[:, some].sum(1)
        found: np.ndarray = np.where(judged > 0, wrong / np.maximum(judged, 1.0), self.error(some))
        return found

    def variance(self, some: np.ndarray) -> float:
        """Of the error between repeats, and never nothing: no size is known exactly."""
        least = max(self.error(some), 1 / (2 * some.sum())) / (4 * some.sum())
        return self.between(some) + float(least)

    def between(self, some: np.ndarray) -> float:
        """Variance of the error between repeats."""
        each = self._wrong[:, some].sum(1) / np.maximum(self._judged[:, some].sum(1), 1.0)
        return float(each.var(ddof=1)) if len(each) > 1 else 0.0


def _curve(
    name: str,
    pictures: int,
    tables: Sequence[_Table],
    some: np.ndarray,
    draws: np.ndarray,
    guess: np.ndarray | None,
) -> tuple[Curve, np.ndarray | None]:
    """One curve, and its resampled gains when it may be believed."""
    share = pictures / len(some)
    sizes = np.array([one.pictures * share for one in tables])
    errors = np.array([one.error(some) for one in tables])
    drawn = np.stack([one.resampled(some) for one in tables], axis=1) if pictures else None
    if drawn is None or len(tables) < FEWEST_SIZES or pictures < FEWEST_OF_CLASS:
        points = () if drawn is None else _points(sizes, errors, drawn, pictures)
        return Curve(name=name, pictures=pictures, points=points, reason="few"), None
    points = _points(sizes, errors, drawn, pictures)
    weights = 1 / np.array([one.variance(some) for one in tables])
    both = np.vstack([errors, drawn])  # the first row is the measurement itself
    fits = {family: fitted(family, sizes, both, weights) for family in FAMILIES}
    ahead = np.array([float(pictures), ASKED * pictures])
    luck = _luck(tables, some, len(some), draws)
    told = np.clip(fits["power"].at(ahead) + luck, 0.0, 1.0)
    now, twice = (_share(1 - told[:, at], pictures) for at in (0, 1))
    gains = np.diff(-fits["power"].at(ahead), axis=1)[:, 0]
    gain = Share(value=float(gains[0]), low=_low(gains[1:]), high=_high(gains[1:]))
    others = [1 - float(one.at(ahead[1:])[0, 0]) for one in fits.values()]
    reason = ""
    if guess is not None and _no_better(draws, guess, drawn[:, -1]):
        reason = "chance"
    elif _apart(others, twice):
        reason = "families"
    elif not _foretold(sizes, both, weights):
        reason = "back_cast"
    elif twice.high - twice.low > WIDEST:
        reason = "wide"
    places = np.geomspace(sizes.min(), FARTHEST * pictures, LINE)
    line = 1 - np.clip(fits["power"].at(places) + luck, 0.0, 1.0)
    curve = Curve(
        name=name,
        pictures=pictures,
        points=points,
        line=_drawn(places, line, pictures),
        now=now,
        twice=None if reason else twice,
        gain=None if reason else gain,
        reason=reason,
    )
    return curve, None if reason else gains


def _points(
    sizes: np.ndarray, errors: np.ndarray, drawn: np.ndarray, judged: int
) -> tuple[Point, ...]:
    return _drawn(sizes, 1 - np.vstack([errors, drawn]), judged)


def _drawn(places: np.ndarray, values: np.ndarray, judged: int) -> tuple[Point, ...]:
    """Values (B, J), the first row being the thing itself, as points with intervals."""
    shares = [_share(column, judged) for column in values.T]
    return tuple(
        Point(pictures=float(n), value=one.value, low=one.low, high=one.high)
        for n, one in zip(places, shares, strict=True)
    )


def _luck(tables: Sequence[_Table], some: np.ndarray, n: int, draws: np.ndarray) -> np.ndarray:
    """By how much another draw of all pictures would move the curve, (B, 1); the first is 0.

    Parts of a share s of the pictures differ among themselves by (1 - s) / s of what whole sets
    differ by, because they overlap; so the parts tell how much the whole may owe to luck. Larger
    parts would not: their judges differ from part to part as well.
    """
    found = [
        one.between(some) * share / (1 - share)
        for one in tables
        if (share := one.pictures / n) < LUCK_SHARE
    ]
    spread = float(np.sqrt(np.mean(found))) if found else 0.0
    normal = np.random.default_rng(len(draws)).normal(0.0, spread, size=len(draws))
    return np.concatenate([[0.0], normal])[:, None]


def _share(values: np.ndarray, judged: int) -> Share:
    """The first value with the interval of the others, never narrower than Wilson's."""
    value = float(values[0])
    right = value * judged
    whole = min(int(right), judged - 1)
    below, above = wilson(whole, judged), wilson(whole + 1, judged)
    low, high = (a + (right - whole) * (b - a) for a, b in zip(below, above, strict=True))
    return Share(
        value=value, low=min(low, _low(values[1:]), value), high=max(high, _high(values[1:]), value)
    )


def _low(values: np.ndarray) -> float:
    return float(np.quantile(values, TAILS[0]))


def _high(values: np.ndarray) -> float:
    return float(np.quantile(values, TAILS[1]))


def _no_better(draws: np.ndarray, guess: np.ndarray, errors: np.ndarray) -> bool:
    """Whether the largest class alone might be as good, on the same resamples."""
    always = (draws * guess).sum(1) / draws.sum(1)
    return _low((1 - errors) - always) <= 0


def _apart(others: Sequence[float], twice: Share) -> bool:
    """Whether the families disagree by more than the interval allows."""
    return any(
        one < min(twice.low, twice.value - CLOSE) or one > max(twice.high, twice.value + CLOSE)
        for one in others
    )


def _foretold(sizes: np.ndarray, errors: np.ndarray, weights: np.ndarray) -> bool:
    """Whether parts of up to half the pictures foretell what was measured with all of them."""
    half = sizes <= sizes.max() / 2 * 1.05
    if half.sum() < FEWEST_SIZES - 1:
        return True  # too few points to hold anything against
    fits = fitted("power", sizes[half], errors[:, half], weights[half])
    off = fits.at(sizes[-1:])[:, 0] - errors[:, -1]
    return bool(abs(off[0]) <= CLOSE or _low(off[1:]) <= 0 <= _high(off[1:]))


def _most(curves: Sequence[Curve], gains: Sequence[np.ndarray | None]) -> tuple[str, ...]:
    """The classes that would gain most, () where nothing stands out."""
    there = [(one, mine) for one, mine in zip(curves, gains, strict=True) if mine is not None]
    if len(there) < 2 or len(there) < len(curves) / 2:
        return ()
    first, best = max(there, key=lambda pair: pair[1][0])
    assert first.gain is not None
    if first.gain.low < CLOSE:
        return ()
    level = [one.name for one, mine in there if _low((best - mine)[1:]) <= 0]
    if len(level) > min(NAMED, len(there) / 2):
        return ()
    return tuple(level)
