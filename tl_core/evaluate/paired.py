"""Two classifiers on the same pictures: which is better, how surely, and what would tell.

Pictures are matched by content and class: a picture whose class was changed between two runs is
another question. One that either of the two has learned from is no question at all and left out.
Pictures that belong together (copies, bursts, a patient's) are one witness: groups are compared.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy import special

from tl_core.evaluate.answers import Answers, Floats, Ints
from tl_core.evaluate.grouped import design_effect, scaled_mcnemar, sign_flips, summed
from tl_core.intervals import ALARM as LEVEL
from tl_core.intervals import holm, mcnemar, paired_shares

__all__ = ["Gap", "Judged", "Matched", "Pair", "compared", "holm", "matched", "needed"]

POWER = 0.8  # chance that the number of pictures named would really tell
DRAWS = 4000  # of the pictures; the ends of a 99.7 % interval are then the 6th of each side
PARTS = 8  # in which they are made, for the memory's sake
MANY = 1000  # pictures from which a mean is as good as normal and nothing has to be drawn
FEWEST = 6  # pictures: fewer cannot tell even if all of them speak for one side
WORTH = 0.005  # a smaller difference would take thousands of pictures to be shown
FARTHEST = 100  # times as many pictures as there are: further off is no number

Side: TypeAlias = Literal["first", "second", "cannot tell", "too few"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A difference, first less second, and its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """A run to compare: its id, what it answered, and the contents it has learned from."""

    run: str
    answers: Answers
    seen: Collection[str]

    @cached_property
    def places(self) -> dict[tuple[str, str], int]:
        """(content, class) of every picture -> its position; of several alike the first."""
        found: dict[tuple[str, str], int] = {}
        names = [self.answers.classes[label] for label in self.answers.labels.tolist()]
        for place, key in enumerate(zip(self.answers.pictures, names, strict=True)):
            found.setdefault(key, place)
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matched:
    """Which pictures two runs were asked the same about.

    Attributes:
        first: Positions in the answers of the first run.
        second: The same pictures in those of the second.
        learned: Pictures of one that the other has learned from; they are left out.
        relabelled: Pictures both have, under different classes; left out.
        alone: Pictures that only one of them was asked about, for another reason.
    """

    first: Ints
    second: Ints
    learned: int
    relabelled: int
    alone: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two runs on the same ``n`` pictures, in ``groups`` that belong together (n if none does).

    ``accuracy`` is a difference of shares, ``loss`` of mean log-losses in nats (lower is better).
    ``p_accuracy`` (McNemar, exact) and ``p_loss`` (bootstrap) are as corrected by Holm over all
    comparisons made at once; the intervals have the level at which this one was tested, so that
    they leave 0 out where the verdict is for one side. ``level`` is that of ``accuracy``.
    ``verdict`` is about who is right more often, ``surer`` about whose probabilities are better.
    ``needed`` pictures would probably tell; None where they do, or none in reach would.
    """

    first: str
    second: str
    n: int
    groups: int
    learned: int
    relabelled: int
    alone: int
    first_right: int
    second_right: int
    only_first: int
    only_second: int
    first_loss: float
    second_loss: float
    accuracy: Gap
    loss: Gap
    p_accuracy: float
    p_loss: float
    level: float
    verdict: Side
    surer: Side
    needed: int | None


def matched(first: Judged, second: Judged) -> Matched:
    """Find the pictures that both were asked the same about and neither has learned from.

    Of several with the same content and class the first one counts.
    """
    one, other = first.places, second.places
    seen = set(first.seen) | set(second.seen)
    both = [key for key in one if key in other and key[0] not in seen]
    there, here = {key[0] for key in one}, {key[0] for key in other}
    learned = (there & set(second.seen)) | (here & set(first.seen)) | (there & here & seen)
    used = {key[0] for key in both}
    relabelled = (there & here) - used - learned
    return Matched(
        first=np.array([one[key] for key in both], dtype=np.int64),
        second=np.array([other[key] for key in both], dtype=np.int64),
        learned=len(learned),
        relabelled=len(relabelled),
        alone=len((there ^ here) - learned),
    )


def compared(runs: Sequence[Judged], pairs: Sequence[tuple[int, int]]) -> list[Pair]:
    """Compare pairs of runs, all at once: the more comparisons, the more each has to show.

    Args:
        runs: What they answered on one part.
        pairs: Positions in ``runs``; all that are looked at or chosen from.

    Returns:
        One per pair, in their order.

    Source:
        McNemar 1947 (exact; with groups the exact test of their signs, and counts divided by the
        design effect) with the score interval of Tango 1998, which reaches at least as far as the
        exact test's own (Clopper and Pearson 1934); the loss by the paired bootstrap with
        the expanded percentile interval of Hesterberg 2015, Am. Stat. 69, 371-386, and at least
        Student's; Holm 1979.
    """
    found = [_Counted(runs[i], runs[j]) for i, j in pairs]
    told = [one for one in found if one.groups >= FEWEST]
    right = dict(zip(map(id, told), holm([one.chance for one in told]), strict=True))
    _draw(told)
    losses = holm([_chance(one) for one in told])
    surer = dict(zip(map(id, told), losses, strict=True))
    return [_pair(one, right.get(id(one)), surer.get(id(one))) for one in found]


def needed(
    only_first: int, only_second: int, n: int, level: float = LEVEL, worth: float = 1.0
) -> int | None:
    """About how many pictures would tell two classifiers apart, if they differ as they do here.

    Args:
        only_first: Pictures that only the first has right.
        only_second: Pictures that only the second has right.
        n: All pictures.
        level: At which the difference is to be shown.
        worth: How many pictures one independent picture stands for (design effect).

    Returns:
        Pictures with which a difference would be shown four times of five, in two digits; None
        when the difference is too small for any set like this.

    Source:
        Connor 1987, Biometrics 43, 207-211.
    """
    size, apart = abs(only_first - only_second) / n, (only_first + only_second) / n
    if size < WORTH:
        return None
    z_level, z_power = float(special.ndtri(1 - level / 2)), float(special.ndtri(POWER))
    root = z_level * math.sqrt(apart) + z_power * math.sqrt(max(0.0, apart - size * size))
    exact = worth * (root / size) ** 2
    if exact > FARTHEST * n:
        return None
    step = 10 ** max(0, math.floor(math.log10(max(exact, 1.0))) - 1)
    return max(n + 1, int(math.ceil(exact / step) * step))


# -- inside ----------------------------------------------------------------------------------------


class _Counted:
    """The answers of two runs side by side, before anything is concluded from them."""

    def __init__(self, first: Judged, second: Judged) -> None:
        self.first, self.second = first.run, second.run
        self.match = match = matched(first, second)
        self.n = len(match.first)
        one, other = first.answers.right[match.first], second.answers.right[match.second]
        self.first_right, self.second_right = int(one.sum()), int(other.sum())
        self.only_first = int((one & ~other).sum())
        self.only_second = int((other & ~one).sum())
        self.losses = (first.answers.losses[match.first], second.answers.losses[match.second])
        units = _units(first, second, match)
        self.groups = len(np.unique(units))
        self.worth, self.chance = 1.0, 1.0
        self.sums: Floats = np.zeros(0)  # of the changes of the loss, by group
        self.counts: Floats = np.zeros(0)  # pictures of each group
        self.drawn: Floats = np.zeros(0)
        if self.groups >= FEWEST:
            self._judge(one.astype(np.int64) - other.astype(np.int64), units)

    def _judge(self, ahead: Ints, units: Ints) -> None:
        self.sums = summed(self.losses[0] - self.losses[1], units)
        self.counts = summed(np.ones(self.n), units)
        if self.groups == self.n:
            self.chance = mcnemar(self.only_first, self.only_second)
            return
        by_group = summed(ahead, units).round().astype(np.int64)
        self.worth = design_effect(by_group, self.only_first + self.only_second)
        scaled = (self.only_first / self.worth, self.only_second / self.worth)
        self.chance = max(sign_flips(by_group), scaled_mcnemar(*scaled))

    @property
    def change(self) -> float:
        """The mean change of the loss."""
        return float(self.sums.sum() / self.n)

    @property
    def error(self) -> float:
        """Its standard error, from group to group."""
        away = self.sums - self.change * self.counts
        return math.sqrt(self.groups / (self.groups - 1) * float((away**2).sum())) / self.n


def _units(first: Judged, second: Judged, match: Matched) -> Ints:
    """What belongs together of the pictures matched, as one of the runs knows it."""
    for units, places in (
        (first.answers.units, match.first),
        (second.answers.units, match.second),
    ):
        if units is not None:
            found: Ints = units[places]
            return found
    return np.arange(len(match.first))


def _pair(
    one: _Counted, right: tuple[float, float] | None, surer: tuple[float, float] | None
) -> Pair:
    known: dict[str, Any] = {
        "first": one.first,
        "second": one.second,
        "n": one.n,
        "groups": one.groups,
        "learned": one.match.learned,
        "relabelled": one.match.relabelled,
        "alone": one.match.alone,
        "first_right": one.first_right,
        "second_right": one.second_right,
        "only_first": one.only_first,
        "only_second": one.only_second,
    }
    if right is None or surer is None:
        nothing = Gap(value=0.0, low=-1.0, high=1.0)
        return Pair(
            **known, first_loss=0.0, second_loss=0.0, accuracy=nothing, loss=nothing,
            p_accuracy=1.0, p_loss=1.0, level=1 - LEVEL, verdict="too few", surer="too few",
            needed=None,
        )  # fmt: skip
    (p_accuracy, at), (p_loss, loss_at) = right, surer
    verdict = _side(one.only_first - one.only_second, p_accuracy)
    loss = _loss(one, loss_at)
    apart = verdict != "cannot tell"
    return Pair(
        **known,
        first_loss=float(one.losses[0].mean()),
        second_loss=float(one.losses[1].mean()),
        accuracy=_accuracy(one, at, p_accuracy),
        loss=loss,
        p_accuracy=p_accuracy,
        p_loss=p_loss,
        level=1 - at,
        verdict=verdict,
        surer=_side(-loss.value, p_loss),
        needed=None if apart else needed(one.only_first, one.only_second, one.n, at, one.worth),
    )


def _side(ahead: float, chance: float) -> Side:
    if chance >= LEVEL or ahead == 0:
        return "cannot tell"
    return "first" if ahead > 0 else "second"


def _accuracy(one: _Counted, at: float, chance: float) -> Gap:
    """The difference with the wider of both intervals, so that it agrees with the exact test."""
    first, second, n = (value / one.worth for value in (one.only_first, one.only_second, one.n))
    low, high = paired_shares(first, second, n, 1 - at)
    apart, value = first + second, (first - second) / n
    if apart:
        least = special.betaincinv(first, second + 1, at / 2) if first else 0.0
        most = special.betaincinv(first + 1, second, 1 - at / 2) if second else 1.0
        low = min(low, float(2 * least - 1) * apart / n)
        high = max(high, float(2 * most - 1) * apart / n)
    if chance >= LEVEL and one.groups < one.n:  # the signs of the groups tell less than the counts
        low, high = min(low, 0.0), max(high, 0.0)
    return Gap(value=value, low=low, high=high)


def _draw(all_: Sequence[_Counted]) -> None:
    """Give each comparison the means of its changes in resampled groups.

    Those of equally many groups share the draws. With many groups there is nothing to draw: their
    mean is as good as normal.
    """
    for n in {one.groups for one in all_ if one.groups <= MANY}:
        some = [one for one in all_ if one.groups == n]
        sums = np.stack([one.sums for one in some], axis=1)
        counts = np.stack([one.counts for one in some], axis=1)
        rng, part = np.random.default_rng(0), DRAWS // PARTS
        rows = np.repeat(np.arange(part) * n, n).reshape(part, n)
        means = []
        for _ in range(PARTS):
            picked = (rng.integers(0, n, (part, n)) + rows).ravel()
            times = np.bincount(picked, minlength=part * n).reshape(part, n)
            means.append((times @ sums) / (times @ counts))
        for one, drawn in zip(some, np.concatenate(means).T, strict=True):
            one.drawn = drawn


def _loss(one: _Counted, level: float) -> Gap:
    """The mean change with the wider of both intervals: the bootstrap's, and Student's.

    The percentiles are moved outwards for the few groups they were drawn from.
    """
    n, value = one.groups, one.change
    t = float(special.stdtrit(n - 1, level / 2))
    half = -t * one.error
    low, high = value - half, value + half
    if len(one.drawn):
        share = float(special.ndtr(math.sqrt(n / (n - 1)) * t))
        ends = np.quantile(one.drawn, [share, 1 - share])
        low, high = min(low, float(ends[0])), max(high, float(ends[1]))
    return Gap(value=value, low=low, high=high)


def _chance(one: _Counted) -> float:
    """Two-sided p-value that is 5 % where the 95 % interval of ``_loss`` meets 0."""
    n, value, error = one.groups, one.change, one.error
    if value == 0.0:
        return 1.0
    t = abs(value) / error if error > 0 else math.inf
    by_spread = float(2 * special.stdtr(n - 1, -t))
    if not len(one.drawn):
        return by_spread
    below = float(np.sum(one.drawn < 0) + np.sum(one.drawn <= 0)) / 2
    least = 0.5 / len(one.drawn)
    share = min(max(below / len(one.drawn), least), 1 - least)
    z = abs(float(special.ndtri(share))) * math.sqrt((n - 1) / n)
    return min(1.0, max(by_spread, float(2 * special.stdtr(n - 1, -z))))
