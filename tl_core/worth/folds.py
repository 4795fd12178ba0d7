"""Answers of folds judged together: shares, classes and intervals. numpy and scipy, no torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from tl_core.check.honesty import Share
from tl_core.evaluate.answers import Answers, Bools, Floats, Ints
from tl_core.evaluate.scores import Score, scores
from tl_core.intervals import LEVEL, fold_error, wilson_share
from tl_core.worth.crossing import ClassCrossed

__all__ = ["Judged", "held_back", "judging_rows"]


class Judged:
    """Every picture's answers over all repeats, and what they come to.

    Args:
        labels: (N,) classes of the judged pictures.
        units: (N,) what belongs together.
        fold: (repeats, N) which fold held each out.
        given: (repeats, N) the answers; -1 = none.
        classes: Names.
    """

    def __init__(
        self, labels: Ints, units: Ints, fold: Ints, given: Ints, classes: Sequence[str]
    ) -> None:
        self._labels, self._units, self._fold = labels, units, fold
        self._classes = tuple(classes)
        self._right: Bools = given == labels[None]
        self._by_pictures = _scored(labels, units, given[0], self._classes)

    @property
    def values(self) -> tuple[float, ...]:
        """Accuracy of every fold, repeat after repeat."""
        return tuple(float(right[rows].mean()) for right, rows in self._folds())

    @property
    def accuracy(self) -> Share:
        """Share of right answers, a mean over the repeats."""
        value = float(self._right.mean())
        return self._interval(value, self.values, self._by_pictures["accuracy"])

    @property
    def balanced(self) -> Share:
        """Mean share found of each class."""
        value = float(np.mean([_recall(one, self._labels) for one in self._right]))
        values = [_recall(right[rows], self._labels[rows]) for right, rows in self._folds()]
        return self._interval(value, values, self._by_pictures["balanced_accuracy"])

    @property
    def per_class(self) -> tuple[ClassCrossed, ...]:
        """Every class that was judged, in class order."""
        found = []
        for number in np.unique(self._labels):
            mine = self._labels == number
            share = float(self._right[:, mine].mean())
            low, high = wilson_share(share, len(np.unique(self._units[mine])))
            found.append(
                ClassCrossed(
                    name=self._classes[number],
                    pictures=int(mine.sum()),
                    right=share * int(mine.sum()),
                    found=Share(value=share, low=low, high=high),
                )
            )
        return tuple(found)

    def _folds(self) -> list[tuple[Bools, Ints]]:
        return [
            (right, np.flatnonzero(fold == number))
            for right, fold in zip(self._right, self._fold, strict=True)
            for number in range(int(fold.max()) + 1)
        ]

    def _interval(self, value: float, values: Sequence[float], by_pictures: Score) -> Share:
        """Nadeau and Bengio's, which is never narrower than so few pictures (or groups) allow."""
        folds = int(self._fold.max()) + 1
        half = fold_error(values, 1 / (folds - 1)) * float(
            stats.t.ppf((1 + LEVEL) / 2, len(values) - 1)
        )
        below = max(half, by_pictures.value - by_pictures.low)
        above = max(half, by_pictures.high - by_pictures.value)
        return Share(value=value, low=max(0.0, value - below), high=min(1.0, value + above))


def judging_rows(labels: Ints, units: Ints) -> Ints:
    """Positions that can be judged: the only group of a class cannot, nobody else knows it."""
    several = [label for label in np.unique(labels) if len(np.unique(units[labels == label])) > 1]
    return np.flatnonzero(np.isin(labels, several))


def held_back(labels: Ints, fold: Ints) -> Bools:
    """(N,) The pictures of fold 0, of classes that other folds know too.

    For a fold's own validation part: what is trained must know every class.
    """
    first = fold == 0
    found: Bools = first & np.isin(labels, np.unique(labels[~first]))
    return found


def _recall(right: Bools, labels: Ints) -> float:
    return float(np.mean([right[labels == one].mean() for one in np.unique(labels)]))


def _scored(labels: Ints, units: Ints, given: Ints, classes: tuple[str, ...]) -> dict[str, Score]:
    """Scores with the intervals of as many pictures or groups, were they from one network."""
    said: Floats = np.zeros((len(labels), len(classes)))
    known = given >= 0
    said[np.flatnonzero(known), given[known]] = 1.0
    said[~known] = (np.arange(len(classes)) != labels[~known, None]) / max(1, len(classes) - 1)
    names = tuple(str(one) for one in range(len(labels)))
    answers = Answers(
        images=names, pictures=names, labels=labels, probabilities=said, classes=classes
    )
    return scores(answers, units)
