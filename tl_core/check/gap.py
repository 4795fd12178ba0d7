"""How good a result would look if pictures that belong together lay on both sides of the split.

The same heads on the same features are judged twice over repeated folds: with pictures dealt out
one by one, and with all that belongs together dealt out as one. Both kinds of folds are made by the
same rule, and hold the same share of every class. The difference is the gap: by so much a random
division of this set flatters. The second number is also the steadiest word on a small set, because
every picture judges, several times, not only the few of one validation part.

Intervals: the accuracy's follows Nadeau and Bengio (Machine Learning 52, 2003), which counts that
folds share their training pictures; it is never narrower than Wilson's for as many pictures. The
gap's is paired: the same pictures are judged both ways, summed by group, with the spread over the
groups and over the repeats added up (degrees of freedom after Satterthwaite).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from tl_core.check.honesty import Honesty, Share
from tl_core.intervals import LEVEL, fold_error, paired_shares, wilson

__all__ = [
    "REPEATS",
    "accuracy_of",
    "at_most",
    "dealt",
    "has_groups",
    "in_groups",
    "judgeable",
    "judged_rows",
    "measured",
]

FOLDS = 5
REPEATS = 5
FEWEST = 20  # pictures, below which five folds of them say nothing
SMALL = 1000  # pictures up to which repeated folds are worth it without any groups
MOST = 2000  # pictures judged; more would hardly move either number, and take minutes
GROUPED = (
    0.05  # of the pictures in groups of two or more; less cannot move the accuracy by 2 points
)


def judged_rows(labels: np.ndarray, units: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Positions that are judged: of classes with two units or more, whole units, not too many.

    The only unit of a class cannot be judged by a head that knows the class.

    Args:
        labels: int (N,), of all pictures.
        units: int (N,), what each picture moves with.
        rows: Positions that may be looked at.

    Returns:
        Sorted; empty where measuring makes no sense.
    """
    rows = judgeable(labels, units, rows)
    if len(rows) > SMALL and in_groups(units[rows]).mean() < GROUPED:
        return rows[:0]
    return at_most(units, rows, MOST)


def judgeable(labels: np.ndarray, units: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Those of classes with two units or more, in their order; empty where they are too few.

    Args:
        labels: As for ``judged_rows``.
        units: As for ``judged_rows``.
        rows: As for ``judged_rows``.
    """
    while True:
        known = [
            label for label in np.unique(labels[rows]) if _units_in(labels, units, rows, label) > 1
        ]
        kept = rows[np.isin(labels[rows], known)]
        if len(kept) == len(rows):
            break
        rows = kept
    if len(rows) < FEWEST or len(np.unique(labels[rows])) < 2:
        return rows[:0]
    return rows


def at_most(units: np.ndarray, rows: np.ndarray, most: int) -> np.ndarray:
    """Whole units of about ``most`` pictures together, drawn always alike; sorted positions."""
    if len(rows) > most:
        order = np.random.default_rng(0).permutation(np.unique(units[rows]))
        sizes = np.bincount(units[rows])[order]
        rows = rows[np.isin(units[rows], order[np.cumsum(sizes) <= most])]
    return np.sort(rows)


def dealt(labels: np.ndarray, units: np.ndarray, *, seed: int, folds: int = FOLDS) -> np.ndarray:
    """Deal units out to folds so that every fold has its share of every class.

    Larger units first, in random order among those of about one size; each goes where it brings the
    classes closest to their shares.

    Args:
        labels: int (N,).
        units: int (N,).
        seed: Of the order.
        folds: At most; fewer where there are fewer units.

    Returns:
        int (N,): 0, 1, ... without gaps.
    """
    _, labels = np.unique(labels, return_inverse=True)
    _, units = np.unique(units, return_inverse=True)
    holds = np.zeros((units.max() + 1, labels.max() + 1))
    np.add.at(holds, (units, labels), 1)
    folds = min(folds, len(holds))
    total = holds.sum(0)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(holds))
    sizes = np.floor(np.log2(holds.sum(1)[order]))
    have = np.zeros((folds, len(total)))
    fold = np.empty(len(holds), np.int64)
    for unit in order[np.argsort(-sizes, kind="stable")]:
        mine = holds[unit].nonzero()[0]
        cost = ((2 * have[:, mine] + holds[unit, mine]) * (holds[unit, mine] / total[mine])).sum(1)
        cost += 1e-3 * have.sum(1) / total.sum() + 1e-6 * rng.random(folds)  # only where equal
        fold[unit] = cost.argmin()
        have[fold[unit]] += holds[unit]
    return fold[units]


def measured(
    units: np.ndarray,
    grouped: Sequence[tuple[np.ndarray, np.ndarray]],
    single: Sequence[tuple[np.ndarray, np.ndarray]],
) -> Honesty:
    """Accuracies, gap and intervals.

    Args:
        units: int (N,), what each picture moves with.
        grouped: (fold, right) of each repeat, int and bool (N,), units on one side.
        single: The same with pictures dealt out one by one; empty without groups.
    """
    shared = in_groups(units)
    folds = int(grouped[0][0].max()) + 1
    return Honesty(
        pictures=len(units),
        groups=len(np.unique(units[shared])),
        in_groups=int(shared.sum()),
        folds=folds,
        repeats=len(grouped),
        grouped=accuracy_of(grouped),
        single=accuracy_of(single) if single else None,
        gap=_gap(units, grouped, single) if single else None,
    )


def has_groups(units: np.ndarray) -> bool:
    """Whether enough pictures are in groups for a gap to be measured."""
    return bool(in_groups(units).mean() >= GROUPED)


def _units_in(labels: np.ndarray, units: np.ndarray, rows: np.ndarray, label: int) -> int:
    return len(np.unique(units[rows[labels[rows] == label]]))


def in_groups(units: np.ndarray) -> np.ndarray:
    """Whether each picture shares its unit with another one, bool (N,)."""
    sizes = np.bincount(units)
    found: np.ndarray = sizes[units] > 1
    return found


def accuracy_of(repeats: Sequence[tuple[np.ndarray, np.ndarray]]) -> Share:
    """Mean over the repeats, with the interval of Nadeau and Bengio, or Wilson's if that is wider.

    Folds that are all right have no spread, which does not make their mean certain.

    Args:
        repeats: (fold, right) of each, int and bool (N,).
    """
    values = [
        float(right[fold == number].mean())
        for fold, right in repeats
        for number in range(int(fold.max()) + 1)
    ]
    n, folds = len(repeats[0][0]), int(repeats[0][0].max()) + 1
    mean = float(np.mean([right.mean() for _, right in repeats]))
    half = fold_error(values, 1 / (folds - 1)) * float(
        stats.t.ppf((1 + LEVEL) / 2, len(values) - 1)
    )
    low, high = wilson(round(mean * n), n)
    return Share(
        value=mean, low=max(0.0, min(low, mean - half)), high=min(1.0, max(high, mean + half))
    )


def _gap(
    units: np.ndarray,
    grouped: Sequence[tuple[np.ndarray, np.ndarray]],
    single: Sequence[tuple[np.ndarray, np.ndarray]],
) -> Share:
    paired = np.array(
        [one[1].astype(float) - other[1] for one, other in zip(single, grouped, strict=True)]
    )  # (repeats, N)
    by_repeat = paired.mean(1)
    gap = float(by_repeat.mean())
    _, unit = np.unique(units, return_inverse=True)
    sums = np.bincount(unit, weights=paired.mean(0) - gap)
    n_units, n_repeats = len(sums), len(paired)
    of_units = float((sums**2).sum()) * n_units / max(1, n_units - 1) / len(units) ** 2
    of_repeats = float(by_repeat.var(ddof=1)) / n_repeats
    both = of_units + of_repeats
    if both == 0.0:
        low, high = paired_shares(n_units * max(0.0, gap), n_units * max(0.0, -gap), n_units)
        return Share(value=gap, low=low, high=high)
    freedom = both**2 / (of_units**2 / max(1, n_units - 1) + of_repeats**2 / (n_repeats - 1))
    half = math.sqrt(both) * float(stats.t.ppf((1 + LEVEL) / 2, freedom))
    return Share(value=gap, low=max(-1.0, gap - half), high=min(1.0, gap + half))
