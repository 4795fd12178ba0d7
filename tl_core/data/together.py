"""What must stay on one side of the split: exact copies, named groups and bursts, joined.

Any chain of reasons joins: a copy of a picture of patient 17 belongs to patient 17, and with it the
burst that the copy was taken in. What is joined is one *unit*; a picture with no such tie is a unit
of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tl_core.data.bursts import bursts_of
from tl_core.data.records import ImageRecord

__all__ = ["Units", "connected", "readable", "units_of"]

BY_HAND = re.compile(r"g\d+")  # names that are given when pictures are kept together by hand
BY_HAND_KIND, UNNAMED_KIND = "set kept together", "group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """The units of a set.

    ``unit`` is each picture's unit, numbered by first appearance. ``names`` is what a unit is
    called, the same however its pictures are ordered: the first of its groups' names, or of its
    contents. ``why`` counts what made units of two pictures or more, each unit once: the kind of
    its name ("patient" for "patient 17"), else "burst", else "copy". ``notes`` are sentences on
    what was not believed.
    """

    unit: tuple[int, ...]
    names: tuple[str, ...]
    why: dict[str, int]
    notes: tuple[str, ...] = ()

    @property
    def sizes(self) -> Counter[int]:
        """Pictures of each unit."""
        return Counter(self.unit)


def units_of(records: Sequence[ImageRecord], *, bursts: bool = True) -> Units:
    """Join what must stay together.

    Args:
        records: The pictures, in any order.
        bursts: Whether pictures taken within seconds are joined.
    """
    alike: dict[str, list[int]] = {}
    for position, record in enumerate(records):
        alike.setdefault(f"content {record.digest}", []).append(position)
        if record.group:
            alike.setdefault(f"group {record.group}", []).append(position)
    found = bursts_of(records) if bursts else None
    burst_groups = found.groups if found else ()
    unit = connected([*alike.values(), *burst_groups], len(records))
    members: list[list[int]] = [[] for _ in range(max(unit, default=-1) + 1)]
    for position, number in enumerate(unit):
        members[number].append(position)
    in_burst = {at for group in burst_groups for at in group}
    why: Counter[str] = Counter()
    for positions in members:
        if len(positions) > 1:
            why[_reason([records[at] for at in positions], bool(in_burst & {*positions}))] += 1
    return Units(
        unit=tuple(unit),
        names=tuple(_name([records[at] for at in positions]) for positions in members),
        why=dict(sorted(why.items(), key=lambda item: (-item[1], item[0]))),
        notes=found.notes if found else (),
    )


def connected(groups: Iterable[Sequence[int]], n: int) -> list[int]:
    """Number of the connected component of each of ``n`` positions, by first appearance.

    Args:
        groups: Positions that belong together; groups that share one are joined.
        n: Positions; those in no group stand alone.
    """
    parent = list(range(n))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    for group in groups:
        first = root(group[0]) if group else 0
        for other in group[1:]:
            one, two = sorted((first, root(other)))
            parent[two] = first = one
    numbers: dict[int, int] = {}
    return [numbers.setdefault(root(at), len(numbers)) for at in range(n)]


def readable(name: str) -> str:
    """A unit's name as a sentence may say it, "" when it was not given by the user."""
    return name if " " in name.strip() else ""


def _name(records: Sequence[ImageRecord]) -> str:
    groups = [record.group for record in records if record.group]
    return min(groups) if groups else min(record.digest for record in records)


def _reason(records: Sequence[ImageRecord], in_burst: bool) -> str:
    groups = [record.group for record in records if record.group]
    if groups:
        name = min(groups)
        if BY_HAND.fullmatch(name):
            return BY_HAND_KIND
        return name.partition(" ")[0].lower() if " " in name.strip() else UNNAMED_KIND
    return "burst" if in_burst else "copy"
