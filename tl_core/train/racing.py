"""Choices of layers compared on the user's own pictures, fold by fold, losers leaving early.

Every choice is trained on the same folds of the training pictures and judged on what the fold holds
out. A dearer choice goes on only while it may still prove better than what costs less: after one
fold it leaves when it is behind by more than a standard error, after two or more when it is not
ahead at all. At the end the cheapest choice is taken that is within one standard error of the best
(Breiman and others 1984): who cannot show a gain need not be paid for. Choices that are solved cost
seconds each, so of them the one that was right more often is taken. Differences come with the
interval of ``intervals.fold_difference``, which counts that folds share pictures and that few
pictures say little even where all folds agree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from tl_core.intervals import fold_difference, newcombe, wilson

__all__ = ["Entrant", "Gain", "Outcome", "Raced", "difference", "race"]

ONE_ERROR = 0.68  # level of an interval that reaches one standard error to both sides


class Entrant(Protocol):
    """One choice of layers that can be trained on a fold."""

    @property
    def layers(self) -> str:
        """As ``config.FreezeConfig`` has it."""

    @property
    def solved(self) -> bool:
        """Whether all folds take no longer than one, so that leaving early saves nothing."""

    def judged(self, fold: int) -> tuple[int, int, float]:
        """Train without the fold's pictures: of them right, how many they are, seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raced:
    """How one choice did: ``right`` of ``judged`` pictures in each fold, and the seconds of each.

    ``seconds`` are of one training on a fold; ``left`` says that it left early; ``independent`` is
    the number of units (what belongs together counts once) over that of pictures.
    """

    layers: str
    right: tuple[int, ...]
    judged: tuple[int, ...]
    seconds: float
    left: bool = False
    independent: float = 1.0

    @property
    def accuracy(self) -> float:
        """Of all pictures that were judged, 0..1."""
        return sum(self.right) / max(1, sum(self.judged))

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's, for as many pictures as were judged."""
        return wilson(sum(self.right), sum(self.judged))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "accuracy": self.accuracy, "interval": list(self.interval)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """A difference of accuracies with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A race: all choices in their order, the one of highest accuracy, and the one to take.

    ``gains`` holds, for every choice but the one to take, by how much it is better (positive) or
    worse, with its interval; None where fewer than two folds were run by both.
    """

    raced: tuple[Raced, ...]
    best: str
    chosen: str
    gains: dict[str, Gain | None]

    def of(self, layers: str) -> Raced:
        """One choice."""
        return next(one for one in self.raced if one.layers == layers)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "raced": [one.to_dict() for one in self.raced],
            "best": self.best,
            "chosen": self.chosen,
            "gains": {name: asdict(one) if one else None for name, one in self.gains.items()},
        }


def race(
    entrants: Sequence[Entrant],
    folds: int,
    *,
    exhaustive: bool = False,
    independent: float = 1.0,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Outcome:
    """Compare choices of layers.

    Args:
        entrants: The cheapest first.
        folds: At least 2; entrants number them from 0.
        exhaustive: Nobody leaves early.
        independent: As in ``Raced``.
        report: Told of trainings done, of how many there will be at most; what it raises ends it.
    """
    raced = {
        one.layers: Raced(
            layers=one.layers, right=(), judged=(), seconds=0.0, independent=independent
        )
        for one in entrants
    }
    done, total = 0, folds * len(entrants)
    for fold in range(folds):
        for one in entrants:
            known = raced[one.layers]
            if known.left:
                continue
            report(done, total)
            raced[one.layers] = _with(known, *one.judged(fold))
            done += 1
        for place, one in enumerate(entrants):
            known = raced[one.layers]
            cheaper = [raced[other.layers] for other in entrants[:place]]
            stays = exhaustive or one.solved or known.left or fold + 1 == folds
            if not stays and any(_behind(known, other) for other in cheaper):
                raced[one.layers] = replace(known, left=True)
                total -= folds - fold - 1
    report(done, total)
    solved = {one.layers for one in entrants if one.solved}
    return _outcome([raced[one.layers] for one in entrants], folds, solved)


def difference(better: Raced, worse: Raced, *, folds: int) -> tuple[float, float, Gain] | None:
    """(mean, standard error, 95 % interval) of the accuracy of one less that of the other.

    Over the folds that both ran; None where they are fewer than two.

    Args:
        better: One choice.
        worse: Another.
        folds: Of the division, which says how many pictures two trainings share.
    """
    test_share, folds = 1 / (folds - 1), min(len(better.right), len(worse.right))
    if folds < 2:
        return None
    gaps = [
        mine / n - other / m
        for mine, n, other, m in zip(
            better.right, better.judged, worse.right, worse.judged, strict=False
        )
    ]
    pictures = max(1, round(better.independent * sum(better.judged[:folds])))
    found = fold_difference(gaps, pictures=pictures, test_share=test_share)
    return found.value, found.error, Gain(value=found.value, low=found.low, high=found.high)


# -- inside ----------------------------------------------------------------------------------------


def _with(known: Raced, right: int, judged: int, seconds: float) -> Raced:
    n = len(known.right)
    return replace(
        known,
        right=(*known.right, right),
        judged=(*known.judged, judged),
        seconds=(known.seconds * n + seconds) / (n + 1),
    )


def _behind(dearer: Raced, cheaper: Raced) -> bool:
    """Whether it is not worth going on, judged on the folds that both ran."""
    folds = min(len(dearer.right), len(cheaper.right))
    mine, other = sum(dearer.right[:folds]), sum(cheaper.right[:folds])
    if folds >= 2:
        return mine <= other
    n = sum(dearer.judged[:folds])
    return newcombe(mine, n, other, n, ONE_ERROR)[1] < 0


def _outcome(raced: list[Raced], folds: int, solved: set[str]) -> Outcome:
    whole = [one for one in raced if not one.left]
    best = max(whole, key=lambda one: one.accuracy)  # the cheapest of equals
    chosen = next(one for one in whole if _as_good(one, best, folds))
    if chosen.layers in solved:  # hardly dearer than each other: the more accurate one
        chosen = max((one for one in whole if one.layers in solved), key=lambda one: one.accuracy)
    gains = {
        one.layers: found[2] if (found := difference(one, chosen, folds=folds)) else None
        for one in raced
        if one is not chosen
    }
    return Outcome(raced=tuple(raced), best=best.layers, chosen=chosen.layers, gains=gains)


def _as_good(one: Raced, best: Raced, folds: int) -> bool:
    if one is best:
        return True
    found = difference(best, one, folds=folds)
    return found is not None and found[0] <= found[1]
