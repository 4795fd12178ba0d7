"""The part of pictures that join a set later: shares hold, and nobody changes sides.

What is there keeps its part. A new picture goes where an exact copy of it, a picture of its group
or of its burst already is, so a copy of a test picture never becomes training. The others fill,
class by class, what the set's shares ask for, in an order that depends on seed and contents only.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from tl_core.config import DataConfig
from tl_core.data.placed import SPLITS
from tl_core.data.records import ImageRecord
from tl_core.data.together import units_of

__all__ = ["parts_of_newcomers"]

NEEDS = {"val": 2, "test": 3}  # pictures of a class from which each part gets at least one


def parts_of_newcomers(
    there: Sequence[ImageRecord],
    parts: Sequence[str],
    new: Sequence[ImageRecord],
    config: DataConfig,
    *,
    away: Collection[int] = (),
) -> list[str]:
    """The part of each new picture, aligned with ``new``: "train", "val" or "test".

    A part that a new folder or table gives is kept, unless the picture belongs to one that is
    there. Where the set's own parts were given, its shares are those that it has.

    Args:
        there: The pictures of the set.
        parts: Their parts, aligned.
        new: Those that join.
        config: Shares and seed.
        away: Positions in ``there`` of pictures that were left out: they keep their side for the
            day they come back, and count for no share.
    """
    found = units_of([*there, *new], bursts=config.bursts)
    units = [found.names[number] for number in found.unit]
    old_units, new_units = units[: len(there)], units[len(there) :]
    sides: dict[str, str] = {}
    for unit, part in zip(old_units, parts, strict=True):
        if SPLITS.index(part) > SPLITS.index(sides.get(unit, SPLITS[0])) or unit not in sides:
            sides[unit] = part  # of copies on both sides the one that nothing learns from counts
    for record, unit in zip(new, new_units, strict=True):
        if record.split:
            sides.setdefault(unit, record.split)
    here = [
        (one, part)
        for at, (one, part) in enumerate(zip(there, parts, strict=True))
        if at not in away
    ]
    shares = _shares(here, config)
    for label in sorted({record.label for record in new}):
        mine = [part for one, part in here if one.label == label]
        sizes = Counter(
            unit for one, unit in zip(new, new_units, strict=True) if one.label == label
        )
        for unit in sizes.keys() & sides.keys():
            mine += [sides[unit]] * sizes[unit]
        free = {unit: size for unit, size in sizes.items() if unit not in sides}
        ranked = sorted(free, key=lambda unit: _rank(unit, config.seed))
        sides |= _filled(mine, {unit: free[unit] for unit in ranked}, shares)
    return [sides[unit] for unit in new_units]


def _filled(
    mine: Sequence[str], free: Mapping[str, int], shares: Mapping[str, float]
) -> dict[str, str]:
    """Parts of the free units of one class, whose other pictures have the parts ``mine``."""
    n_all = len(mine) + sum(free.values())
    have = Counter(mine)
    out = dict.fromkeys(free, "train")
    left = len(free) - (0 if have["train"] else 1)  # one unit stays to learn from
    for part in ("val", "test"):
        wanted = int(n_all * shares.get(part, 0.0) + 0.5)
        if shares.get(part, 0.0) > 0 and n_all >= NEEDS[part]:
            wanted = max(1, wanted)
        missing = wanted - have[part]
        fits: Iterable[str] = [unit for unit in free if out[unit] == "train"]
        for unit in fits:
            if left > 0 and 0 < free[unit] <= missing:
                out[unit], missing, left = part, missing - free[unit], left - 1
        empty = wanted > 0 and not have[part] and part not in out.values()
        if empty and left > 0:  # every unit is larger than the share: the smallest has to do
            smallest = min((unit for unit in free if out[unit] == "train"), key=lambda u: free[u])
            out[smallest], left = part, left - 1
    return out


def _shares(here: Sequence[tuple[ImageRecord, str]], config: DataConfig) -> dict[str, float]:
    """What share of a class each part is: as it is where parts were given, else as set."""
    given = {record.split for record, _ in here} - {None}
    shares = {"val": config.val_fraction, "test": config.test_fraction}
    if len(given) > 1:
        counts = Counter(part for _, part in here)
        shares["test"] = counts["test"] / len(here)
        if "val" in given:
            shares["val"] = counts["val"] / len(here)
    return shares


def _rank(unit: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{unit}".encode()).digest()
