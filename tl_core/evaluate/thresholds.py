"""Where to draw the line for one class: curves, and the threshold that costs least.

"Is it this class?" is asked of every picture, answered by its probability. A threshold is chosen
on validation answers and counted on test answers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tl_core.evaluate.answers import Answers, Bools, Floats, Ints
from tl_core.evaluate.scores import Score, drawn_weights, ranked, weighted_auc
from tl_core.intervals import wilson

__all__ = ["Counted", "Curves", "as_answered", "cheapest", "counted", "curves"]

ALL_BELOW = 1.0 + 1e-6  # no probability reaches it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curves:
    """What every threshold gives, from the highest to the lowest, the first being "never".

    ``found`` is the share of the class that is found (recall, true positive rate), ``alarms`` the
    share of the others taken for it (false positive rate), ``precision`` the share of hits that
    are right (1 where there is none); all (K,). ``area`` is that under ``found`` over ``alarms``;
    ``average_precision`` the mean precision over what is found.
    """

    thresholds: Floats
    found: Floats
    alarms: Floats
    precision: Floats
    area: Score
    average_precision: float
    n_class: int
    n_others: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """One threshold in pictures. ``cost`` in the units of the costs given."""

    threshold: float
    hits: int
    missed: int
    alarms: int
    passed: int
    cost: float

    @property
    def found(self) -> Score | None:
        """Share of the class that is found; None without a picture of it."""
        return _share(self.hits, self.hits + self.missed)

    @property
    def false_alarms(self) -> Score | None:
        """Share of the others that are taken for it; None without any."""
        return _share(self.alarms, self.alarms + self.passed)

    @property
    def precision(self) -> Score | None:
        """Share of hits among all taken for it; None where nothing is."""
        return _share(self.hits, self.hits + self.alarms)


def curves(answers: Answers, position: int, units: Ints | None = None) -> Curves:
    """ROC and precision-recall curve of one class against all others.

    Args:
        answers: At least one picture of the class and one of another.
        position: Of the class.
        units: (N,) what belongs together, for the area's interval.

    Raises:
        ValueError: All pictures are of the class, or none.
    """
    positive = answers.labels == position
    n_class, n_others = int(positive.sum()), int((~positive).sum())
    if not (n_class and n_others):
        raise ValueError("a curve needs pictures of the class and of others")
    given = answers.probabilities[:, position]
    order = np.argsort(-given, kind="stable")
    ends = np.flatnonzero(np.diff(given[order], append=-np.inf) < 0)
    hits = np.concatenate([[0], np.cumsum(positive[order])[ends]])
    alarms = np.concatenate([[0], np.cumsum(~positive[order])[ends]])
    precision = np.where(hits + alarms > 0, hits / np.maximum(hits + alarms, 1), 1.0)
    found = hits / n_class
    units = np.arange(len(answers)) if units is None else units
    weights = np.vstack([np.ones(len(answers)), drawn_weights(positive.astype(np.int64), units)])
    return Curves(
        thresholds=np.concatenate([[np.inf], given[order][ends]]),
        found=found,
        alarms=alarms / n_others,
        precision=precision,
        area=ranked(weighted_auc(given, positive, weights), positive.astype(np.int64), units),
        average_precision=float((np.diff(found) * precision[1:]).sum()),
        n_class=n_class,
        n_others=n_others,
    )


def counted(
    answers: Answers, position: int, threshold: float, *, miss: float = 1.0, alarm: float = 1.0
) -> Counted:
    """What a threshold does to these pictures.

    Args:
        answers: The pictures.
        position: Of the class.
        threshold: A picture is taken for the class from this probability on.
        miss: What a missed picture of the class costs.
        alarm: What a picture of another class taken for it costs.
    """
    taken = answers.probabilities[:, position] >= threshold
    return _tallied(answers.labels == position, taken, threshold, miss=miss, alarm=alarm)


def as_answered(answers: Answers, position: int, *, miss: float = 1.0) -> Counted:
    """What the answers themselves do, without a line: the class where it is the most probable."""
    taken = answers.given == position
    return _tallied(answers.labels == position, taken, 0.0, miss=miss, alarm=1.0)


def _tallied(
    positive: Bools, taken: Bools, threshold: float, *, miss: float, alarm: float
) -> Counted:
    missed, alarms = int((positive & ~taken).sum()), int((~positive & taken).sum())
    return Counted(
        threshold=threshold,
        hits=int((positive & taken).sum()),
        missed=missed,
        alarms=alarms,
        passed=int((~positive & ~taken).sum()),
        cost=miss * missed + alarm * alarms,
    )


def cheapest(answers: Answers, position: int, *, miss: float, alarm: float) -> float:
    """The threshold of the lowest cost on these pictures, between two probabilities that occur.

    Among equally cheap ones the middle of the widest stretch, which is the least arbitrary.

    Args:
        answers: Validation pictures: what is chosen on a part must be counted on another.
        position: Of the class.
        miss: What a missed picture of the class costs, above 0.
        alarm: What a false alarm costs, above 0.
    """
    positive = answers.labels == position
    given = answers.probabilities[:, position]
    values = np.unique(given)
    edges = np.concatenate([[0.0], (values[1:] + values[:-1]) / 2, [ALL_BELOW]])
    order = np.argsort(given, kind="stable")
    behind = np.searchsorted(given[order], edges)  # pictures below each edge
    missed = np.concatenate([[0], np.cumsum(positive[order])])[behind]
    let_go = np.concatenate([[0], np.cumsum(~positive[order])])[behind]
    cost = miss * missed + alarm * ((~positive).sum() - let_go)
    low = np.concatenate([[0.0], values])
    high = np.concatenate([values, [ALL_BELOW]])
    best = np.flatnonzero(cost <= cost.min() + 1e-9)
    widest = best[np.argmax((high - low)[best])]
    return float((low[widest] + high[widest]) / 2)


def _share(k: int, n: int) -> Score | None:
    return Score(k / n, *wilson(k, n)) if n else None
