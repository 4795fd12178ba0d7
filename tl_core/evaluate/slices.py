"""Where a classifier is weaker than elsewhere: kinds of pictures, each against all others.

A kind that holds mostly a hard class would look weak by that alone, so it is compared with what the
other pictures of its classes would lead one to expect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tl_core.evaluate.answers import Answers, Bools, Floats
from tl_core.intervals import ALARM, holm, newcombe_shares, wilson_share

__all__ = ["FEWEST", "Slice", "slices", "thirds"]

FEWEST = 10  # pictures of a kind, and of all others, from which it is looked at
HALVINGS = 30  # of a probability: to 1e-9
LOW, MIDDLE, HIGH = "low", "middle", "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One kind of pictures.

    ``by`` is the property, ``value`` the kind ("brightness", "low"); ``share`` right of ``n`` with
    its 95 % interval; ``expected`` what the others give for the same classes; ``gap`` is share less
    expected with an interval corrected for all kinds looked at (Holm), and ``clear`` whether it
    leaves 0 out; ``images`` are the ids, wrong answers first.
    """

    by: str
    value: str
    n: int
    right: int
    share: float
    ci: tuple[float, float]
    expected: float
    gap: float
    gap_ci: tuple[float, float]
    chance: float
    clear: bool
    images: tuple[str, ...]


def thirds(values: Floats) -> NDArray[np.str_] | None:
    """Which third of the values each is in (low, middle, high); None where they hardly differ.

    Args:
        values: (N,) finite.
    """
    if len(values) < 3 * FEWEST:
        return None
    low, high = np.quantile(values, [1 / 3, 2 / 3])
    if not low < high:
        return None
    found: NDArray[np.str_] = np.where(values <= low, LOW, np.where(values > high, HIGH, MIDDLE))
    return found


def slices(
    answers: Answers, kinds: Mapping[str, NDArray[np.str_]], effective: float | None = None
) -> list[Slice]:
    """Every kind of at least ``FEWEST`` pictures, the clearly weakest first.

    Args:
        answers: The pictures.
        kinds: Property to the kind of each picture, (N,); "" = not known.
        effective: How many independent pictures they are worth when they come in groups.
    """
    worth = min(1.0, (effective or len(answers)) / max(1, len(answers)))
    found = [
        _slice(answers, by, str(value), values == value, worth)
        for by, values in kinds.items()
        for value in np.unique(values[values != ""])
        if FEWEST <= int((values == value).sum()) <= len(answers) - FEWEST
    ]
    told = []
    tested = holm([one.chance for one, _, _ in found])
    for (one, mine, others), (chance, at) in zip(found, tested, strict=True):
        gap_ci = newcombe_shares(one.share, mine, one.expected, others, 1.0 - at)
        told.append(replace(one, gap_ci=gap_ci, clear=chance < ALARM))
    return sorted(told, key=lambda one: (not (one.clear and one.gap < 0), one.gap))


def _slice(
    answers: Answers, by: str, value: str, mine: Bools, worth: float
) -> tuple[Slice, float, float]:
    """A kind with the pictures that it and all others are worth; not corrected yet."""
    n, right = int(mine.sum()), int(answers.right[mine].sum())
    share, others = right / n, ~mine
    expected = float(_recalls(answers, others)[answers.labels[mine]].mean())
    order = np.flatnonzero(mine)[np.argsort(answers.right[mine], kind="stable")]
    one = Slice(
        by=by,
        value=value,
        n=n,
        right=right,
        share=share,
        ci=wilson_share(share, n * worth),
        expected=expected,
        gap=share - expected,
        gap_ci=(-1.0, 1.0),
        chance=_chance(share, n * worth, expected, float(others.sum()) * worth),
        clear=False,
        images=tuple(answers.images[at] for at in order),
    )
    return one, n * worth, float(others.sum()) * worth


def _recalls(answers: Answers, rows: Bools) -> Floats:
    """Share right of each class among some pictures; of all of them where a class has none."""
    n_classes = len(answers.classes)
    of = np.bincount(answers.labels[rows], minlength=n_classes)
    right = np.bincount(answers.labels[rows & answers.right], minlength=n_classes)
    return np.where(of > 0, right / np.maximum(of, 1), answers.right[rows].mean())


def _chance(share: float, n: float, expected: float, others: float) -> float:
    """Two-sided p of no difference: one less the level at which the interval just reaches 0."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        begin, end = newcombe_shares(share, n, expected, others, 1.0 - middle)
        if begin <= 0.0 <= end:
            low = middle
        else:
            high = middle
    return low
