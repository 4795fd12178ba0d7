"""Heads on parts of a set, smaller and smaller: how often each is right about all the others.

Parts hold the classes in their proportions, and what belongs together is in a part as a whole or
not at all. A head on a part is judged on everything else, so that small parts and large ones are
judged by nearly the same pictures; all pictures together are judged in ten folds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from tl_core.check.gap import dealt
from tl_core.probe.select import Prepared
from tl_core.probe.thinned import ThinnedHeads
from tl_core.worth.outlook import Answers

__all__ = ["REPEATS", "curve_rows", "measured", "part_sizes", "thinned"]

REPEATS = 20
WHOLE_REPEATS, WHOLE_FOLDS = 6, 10  # of all pictures
CHOOSING, CHOOSING_FOLDS = 2, 5  # parts of a size on which the strength is chosen
LEAST, LEAST_OF_CLASS = 16, 3  # pictures in a part, and on average of a class
SMALLEST = 6.0  # doublings of the smallest part to all pictures, at most
MOST = 3000  # pictures that take part; the curve of more takes minutes and tells no more
FEWEST = 40  # pictures, below which no part of them says anything

Reporter = Callable[[int, int], None]


def curve_rows(labels: np.ndarray, units: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Which pictures take part: of classes with two units or more, and not too many.

    Args:
        labels: int (N,), of all pictures.
        units: int (N,), what each picture moves with.
        rows: Positions that may be looked at.

    Returns:
        Sorted; empty where there are too few.
    """
    known = [
        label
        for label in np.unique(labels[rows])
        if len(np.unique(units[rows[labels[rows] == label]])) > 1
    ]
    rows = rows[np.isin(labels[rows], known)]
    if len(rows) < FEWEST or len(known) < 2:
        return rows[:0]
    if len(rows) > MOST:
        kept = thinned(labels[rows], units[rows], MOST / len(rows), np.random.default_rng(0))
        rows = rows[kept]
    return np.sort(rows)


def part_sizes(n: int, n_classes: int) -> list[float]:
    """Shares of the pictures in parts, largest first: 2^(-j/2) for j = 1, 2, ..."""
    least = max(LEAST, LEAST_OF_CLASS * n_classes)
    shares = [2 ** (-j / 2) for j in range(1, int(2 * SMALLEST) + 1)]
    return [share for share in shares if share * n >= least]


def thinned(
    labels: np.ndarray, units: np.ndarray, share: float, rng: np.random.Generator
) -> np.ndarray:
    """Positions of a part with ``share`` of every class, whole units, sorted.

    A unit counts for the class that most of its pictures have; the last unit of a class comes in
    when that brings the class nearer to its share.
    """
    _, unit = np.unique(units, return_inverse=True)
    holds = np.zeros((unit.max() + 1, labels.max() + 1), dtype=np.int64)
    np.add.at(holds, (unit, labels), 1)
    main = holds.argmax(1)
    wanted = share * np.bincount(main, weights=holds.sum(1), minlength=holds.shape[1])
    sizes = holds.sum(1)
    have = np.zeros(holds.shape[1])
    taken = np.zeros(len(holds), dtype=bool)
    for one in rng.permutation(len(holds)):
        if have[main[one]] + sizes[one] / 2 <= wanted[main[one]]:
            taken[one] = True
            have[main[one]] += sizes[one]
    return np.flatnonzero(taken[unit])


def measured(
    ready: Prepared,
    labels: np.ndarray,
    units: np.ndarray,
    n_classes: int,
    *,
    repeats: int = REPEATS,
    seed: int = 0,
    report: Reporter = lambda done, total: None,
) -> list[Answers]:
    """Judge heads on parts of every size.

    Args:
        ready: Features of the N pictures.
        labels: int (N,), class positions.
        units: int (N,), what each picture moves with.
        n_classes: Outputs.
        repeats: Parts of each size.
        seed: Of the parts.
        report: Told how many sizes are done, of how many.
    """
    heads = ThinnedHeads(ready, torch.from_numpy(labels), n_classes)
    shares = part_sizes(len(labels), n_classes)
    report(0, len(shares) + 1)
    whole, choice = _whole(heads, labels, units, seed)
    found = [whole]
    for number, share in enumerate(shares, start=1):
        report(number, len(shares) + 1)
        rng = np.random.default_rng((seed, number))
        parts = [thinned(labels, units, share, rng) for _ in range(repeats)]
        choice = heads.choice(
            [
                (
                    torch.from_numpy(part),
                    torch.from_numpy(
                        dealt(labels[part], units[part], seed=seed, folds=CHOOSING_FOLDS)
                    ),
                )
                for part in parts[:CHOOSING]
            ],
            start=choice,
        )
        right = np.full((repeats, len(labels)), np.nan)
        for row, part in zip(right, parts, strict=True):
            others = np.ones(len(labels), dtype=bool)
            others[part] = False
            row[others] = heads.right(torch.from_numpy(part), choice).numpy()[others]
        found.append(Answers(pictures=float(np.mean([len(one) for one in parts])), right=right))
    report(len(shares) + 1, len(shares) + 1)
    return found


def _whole(
    heads: ThinnedHeads, labels: np.ndarray, units: np.ndarray, seed: int
) -> tuple[Answers, tuple[int, float]]:
    """All pictures, each judged by heads that learned from nine tenths of the others."""
    everything = torch.arange(len(labels))
    folds = [
        torch.from_numpy(dealt(labels, units, seed=seed + one, folds=WHOLE_FOLDS))
        for one in range(WHOLE_REPEATS)
    ]
    choice = heads.choice([(everything, folds[0])])
    right = np.stack([heads.right_without(fold, choice).numpy() for fold in folds])
    n_folds = int(folds[0].max()) + 1
    whole = Answers(pictures=len(labels) * (1 - 1 / n_folds), right=right.astype(np.float64))
    return whole, choice
