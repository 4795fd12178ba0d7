"""Pictures that are there more than once: within a class, in two classes, across the split.

Exact copies have one content. Near-duplicates are found by ``tl_core.check.duplicates``, cut-outs
by ``tl_core.check.crops``. What is connected through any chain of pairs is one group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tl_core.check.crops import crop_pairs
from tl_core.check.duplicates import clusters, near_pairs
from tl_core.check.findings import CheckedSet, DataFinding, Repair
from tl_core.data.notes import PART_WORDS

__all__ = ["Copies", "copies_of", "told_copies"]

SHOWN = 200  # groups in one finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """Groups of positions, and how many of all pictures are exact copies of another one."""

    groups: tuple[tuple[int, ...], ...]
    n_exact: int

    @property
    def spare(self) -> np.ndarray:
        """Positions of all but the first of each group, for those who want each only once."""
        return np.array([one for group in self.groups for one in group[1:]], dtype=np.int64)


def copies_of(
    checked: CheckedSet, grey: np.ndarray, fine: Callable[[int], np.ndarray] | None = None
) -> Copies:
    """Find exact copies, near-duplicates and cut-outs.

    Args:
        checked: The set.
        grey: uint8 (N, 32, 32), as in ``LOOK``.
        fine: As for ``crop_pairs``; without it cut-outs are not looked for.
    """
    first: dict[str, int] = {}
    pairs: list[tuple[int, int]] = []
    for position, digest in enumerate(checked.digests):
        if digest in first:
            pairs.append((first[digest], position))
        else:
            first[digest] = position
    n_exact = len(pairs)
    once = np.array(sorted(first.values()), dtype=np.int64)
    near = near_pairs(grey[once])
    if fine is not None:
        known = {(pair.first, pair.second) for pair in near}
        near += crop_pairs(grey[once], lambda at: fine(int(once[at])), known=known)
    for pair in near:
        pairs.append((int(once[pair.first]), int(once[pair.second])))
    found = clusters(pairs, len(checked))
    return Copies(groups=tuple(tuple(group) for group in found), n_exact=n_exact)


def told_copies(checked: CheckedSet, copies: Copies) -> list[DataFinding]:
    """The findings: under two labels, on both sides, and simply several times."""
    mixed = [one for one in copies.groups if len({int(checked.labels[at]) for at in one}) > 1]
    split = [one for one in copies.groups if len({checked.splits[at] for at in one}) > 1]
    told = set(mixed)
    again = [one for one in copies.groups if one not in told]
    return [
        *_across_classes(checked, mixed),
        *_leak(checked, split),
        *_several_times(checked, again, copies.n_exact),
    ]


def _across_classes(checked: CheckedSet, groups: Sequence[tuple[int, ...]]) -> list[DataFinding]:
    if not groups:
        return []
    n = sum(len(one) for one in groups)
    captions = {checked.ids[at]: checked.label(at) for one in groups for at in one}
    return [
        DataFinding(
            kind="across_classes",
            severity="problem",
            sentence=f"{_count(n, 'picture')} in {_count(len(groups), 'group')} of copies "
            f"{'lies' if n == 1 else 'lie'} in more than one class: at most one of the labels can "
            "be right.",
            advice="Give all of a group its right class. If you cannot tell, leave all of it out.",
            evidence={"pictures": n, "groups": len(groups)},
            groups=_ids(checked, groups),
            captions=captions,
            repair=Repair(exclude=tuple(checked.ids[at] for one in groups for at in one)),
        )
    ]


def _leak(checked: CheckedSet, groups: Sequence[tuple[int, ...]]) -> list[DataFinding]:
    if not groups:
        return []
    judged = [at for one in groups for at in one if checked.splits[at] != "train"]
    learnt = [at for one in groups for at in one if checked.splits[at] == "train"]
    captions = {
        checked.ids[at]: f"{checked.label(at)}, {PART_WORDS[checked.splits[at]]}"
        for one in groups
        for at in one
    }
    repair = (
        Repair(exclude=tuple(checked.ids[at] for at in learnt))
        if checked.given
        else Repair(together=_ids(checked, groups, most=len(groups)))
    )
    return [
        DataFinding(
            kind="leak",
            severity="problem",
            sentence=f"{_count(len(judged), 'picture')} that "
            f"{'judges' if len(judged) == 1 else 'judge'} the result "
            f"{'has' if len(judged) == 1 else 'have'} a copy on the other side of the split: "
            "the result would look better than it is.",
            advice="Leave the copies out of training; your folders decide the parts."
            if checked.given
            else "Divide the pictures again with copies kept on one side.",
            evidence={"judging": len(judged), "groups": len(groups)},
            groups=_ids(checked, groups),
            captions=captions,
            repair=repair,
        )
    ]


def _several_times(
    checked: CheckedSet, groups: Sequence[tuple[int, ...]], n_exact: int
) -> list[DataFinding]:
    if not groups:
        return []
    spare: list[int] = []
    for group in groups:
        area = {at: int(checked.widths[at]) * int(checked.heights[at]) for at in group}
        best = max(group, key=lambda at: (area[at], int(checked.sizes[at]), -at))
        spare += [at for at in group if at != best]
    return [
        DataFinding(
            kind="copies",
            severity="info",
            sentence=f"{_count(len(spare), 'spare picture')} in {_count(len(groups), 'group')}: "
            "exact copies, or nearly the same shot.",
            advice="They count more than once. Leaving them out keeps the largest of each group.",
            evidence={"spare": len(spare), "groups": len(groups), "exact": n_exact},
            groups=_ids(checked, groups),
            captions={checked.ids[at]: checked.label(at) for one in groups for at in one},
            repair=Repair(exclude=tuple(checked.ids[at] for at in spare)),
        )
    ]


def _ids(
    checked: CheckedSet, groups: Sequence[tuple[int, ...]], *, most: int = SHOWN
) -> tuple[tuple[int, ...], ...]:
    """The largest groups, by the pictures' ids."""
    ordered = sorted(groups, key=len, reverse=True)[:most]
    return tuple(tuple(checked.ids[at] for at in group) for group in ordered)


def _count(n: int, what: str) -> str:
    return f"1 {what}" if n == 1 else f"{n:,} {what}s"
