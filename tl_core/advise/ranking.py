"""Putting measured networks in order, and saying which of them cannot be told apart.

Every two networks are compared on the same folds; the p-values of all pairs are adjusted together
(Holm), because the best is found among them after the fact. What is not told apart from the best of
those that are left forms a group with it. Within a group those within two points of its most
accurate one come first: of them, whatever no other beats in speed, and of these the one whose
features explain the labels best. Decision 0019 has what a plainer rule would cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from tl_core.advise.advice import Difference
from tl_core.intervals import LEVEL, fold_difference, holm

__all__ = ["ALIKE", "Entry", "Place", "difference", "ranking"]

ALIKE = 1.25  # times as slow and less is as fast: measured times vary by as much
WORTH = 0.02  # of accuracy; so little is given for speed where nothing can be told apart
DOUBT = 1 - LEVEL


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """A network to rank: ``folds`` (J,) accuracies of the same folds as all others', ``accuracy``
    their mean over pictures, ``ms`` per picture, ``work`` its multiply-adds (0 = not known),
    ``evidence`` or None.
    """

    folds: np.ndarray
    accuracy: float
    ms: float
    work: float
    evidence: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a network stands: its ``group`` (1 = the best) and how far ``behind`` the most
    accurate one it is, None for that one.
    """

    name: str
    group: int
    behind: Difference | None


def ranking(entries: Mapping[str, Entry], n_folds: int, pictures: int) -> tuple[list[Place], str]:
    """Order networks.

    Args:
        entries: By name; at least one.
        n_folds: Of one division.
        pictures: That were judged and are independent of each other.

    Returns:
        The places, best first, and what put the first before the others of its group: "alone",
        "better" (nobody else is in it), "likelier" (more were right, which may be chance),
        "faster" or "evidence".
    """
    chances = _chances(entries, n_folds, pictures)
    left = sorted(entries, key=lambda name: -entries[name].accuracy)
    leader, number = left[0], 0
    places: list[Place] = []
    while left:
        best, number = left[0], number + 1
        group = [name for name in left if name == best or chances[best, name] > DOUBT]
        left = [name for name in left if name not in group]
        places += [
            Place(
                name=name,
                group=number,
                behind=None
                if name == leader
                else replace(
                    difference(entries[leader].folds, entries[name].folds, n_folds, pictures),
                    chance=chances[leader, name],
                ),
            )
            for name in _by_cost(group, entries)
        ]
    return places, _because(places, entries)


def difference(one: np.ndarray, other: np.ndarray, n_folds: int, pictures: int) -> Difference:
    """How much more accurate ``one`` is, paired by fold; ``chance`` is not adjusted.

    Args:
        one: (J,), of all folds of all divisions.
        other: Of the same folds.
        n_folds: Of one division.
        pictures: That were judged and are independent of each other.
    """
    found = fold_difference(
        (one - other).tolist(), pictures=pictures, test_share=1 / max(1, n_folds - 1)
    )
    return Difference(value=found.value, low=found.low, high=found.high, chance=found.chance)


def _chances(
    entries: Mapping[str, Entry], n_folds: int, pictures: int
) -> dict[tuple[str, str], float]:
    """Of every two, in either order: the p-value after Holm over all pairs."""
    pairs = list(combinations(entries, 2))
    raw = [
        difference(entries[a].folds, entries[b].folds, n_folds, pictures).chance for a, b in pairs
    ]
    found: dict[tuple[str, str], float] = {}
    for (a, b), (chance, _) in zip(pairs, holm(raw), strict=True):
        found[a, b] = found[b, a] = chance
    return found


def _by_cost(group: Sequence[str], entries: Mapping[str, Entry]) -> list[str]:
    """In tiers of about equal accuracy; in each, the best that no other beats in speed."""
    left = sorted(group, key=lambda name: -entries[name].accuracy)
    ordered: list[str] = []
    while left:
        least = entries[left[0]].accuracy - WORTH
        tier = [name for name in left if entries[name].accuracy >= least]
        left = [name for name in left if name not in tier]
        while tier:
            free = [
                name
                for name in tier
                if not any(_beats(entries[other], entries[name]) for other in tier)
            ]
            best = max(free, key=lambda name: _evidence(entries[name]))
            tier.remove(best)
            ordered.append(best)
    return ordered


def _beats(one: Entry, other: Entry) -> bool:
    """Whether it is faster and lighter: a busy machine can make either network look slow."""
    known = one.work > 0 and other.work > 0
    lighter = ALIKE * one.work < other.work if known else True
    return lighter and ALIKE * one.ms < other.ms


def _evidence(entry: Entry) -> float:
    return -np.inf if entry.evidence is None else entry.evidence


def _because(places: Sequence[Place], entries: Mapping[str, Entry]) -> str:
    if len(places) == 1:
        return "alone"
    first, second = places[0], places[1]
    if second.group > 1:
        return "better"
    a, b = entries[first.name], entries[second.name]
    if a.accuracy - b.accuracy > WORTH:
        return "likelier"
    return "faster" if _beats(a, b) else "evidence"
