"""What a division looks like: pictures and groups of each class in each part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tl_core.data.layout import SPLITS
from tl_core.data.records import ImageRecord
from tl_core.data.together import units_of

__all__ = ["Divided", "DividedClass", "divided"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DividedClass:
    """One class: its pictures, what they move in (a picture with no tie counts as one), and both
    per part.
    """

    label: str
    pictures: int
    units: int
    pictures_in: dict[str, int]
    units_in: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Divided:
    """A division in numbers.

    ``groups`` have two pictures or more, ``in_groups`` pictures together; ``why`` counts them by
    what made them (``Units.why``); ``torn`` of them lie in more than one part; ``timed`` pictures
    say when they were taken; ``notes`` are sentences on what was not believed.
    """

    classes: tuple[DividedClass, ...]
    groups: int
    in_groups: int
    why: dict[str, int]
    torn: int
    timed: int
    notes: tuple[str, ...]

    @property
    def alone(self) -> tuple[DividedClass, ...]:
        """Classes of several pictures that all belong together, so that nothing can judge them."""
        return tuple(one for one in self.classes if one.units == 1 and one.pictures > 1)


def divided(
    records: Sequence[ImageRecord], splits: Sequence[str], *, bursts: bool = True
) -> Divided:
    """Count a division.

    Args:
        records: The pictures.
        splits: The part of each.
        bursts: Whether bursts count as groups.
    """
    units = units_of(records, bursts=bursts)
    sizes = units.sizes
    pictures: dict[str, dict[str, int]] = {}
    held: dict[str, dict[str, set[int]]] = {}
    parts: dict[int, set[str]] = {}
    for record, split, unit in zip(records, splits, units.unit, strict=True):
        pictures.setdefault(record.label, dict.fromkeys(SPLITS, 0))[split] += 1
        held.setdefault(record.label, {part: set() for part in SPLITS})[split].add(unit)
        parts.setdefault(unit, set()).add(split)
    shared = [unit for unit, size in sizes.items() if size > 1]
    return Divided(
        classes=tuple(
            DividedClass(
                label=label,
                pictures=sum(pictures[label].values()),
                units=len(set().union(*held[label].values())),
                pictures_in=pictures[label],
                units_in={part: len(several) for part, several in held[label].items()},
            )
            for label in sorted(pictures)
        ),
        groups=len(shared),
        in_groups=sum(sizes[unit] for unit in shared),
        why=units.why,
        torn=sum(len(parts[unit]) > 1 for unit in shared),
        timed=sum(record.taken is not None for record in records),
        notes=units.notes,
    )
