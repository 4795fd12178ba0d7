"""Divide pictures into training, validation and test, the same way every time.

Parts that the folders give are kept. Missing ones are drawn per class from training pictures in a
random order that depends on the seed, the class and the pictures' contents only, never on the
order in which they arrive. What belongs together (``tl_core.data.together``) always ends on the
same side: a copy in the validation part would be known by heart.

Units of one picture fill the shares exactly. With larger ones, and with such as hold several
classes, the first placing misses them; single units are then moved for as long as that brings all
classes together closer to their shares.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

from tl_core.config import DataConfig
from tl_core.data.layout import SPLITS
from tl_core.data.records import ImageRecord
from tl_core.data.together import units_of

__all__ = ["assign_splits", "split_counts"]

NEEDS = (("train", 1), ("val", 2), ("test", 3))  # units a class must have before a part gets one
ROUNDS = 20  # of improving; three are usual
GAIN = 1e-9  # smaller ones are rounding


def assign_splits(records: Sequence[ImageRecord], config: DataConfig) -> list[str]:
    """The part of each picture, aligned with ``records``: "train", "val" or "test".

    - Training and validation given: kept; without a given test part there is none.
    - Training and test given: validation is drawn from the training part.
    - Otherwise both are drawn from all pictures.

    A class of n pictures gives the rounded fraction of n, but at least one picture to validation
    when it has two, at least one to test when it has three and ``test_fraction`` is not 0, and
    always keeps one for training. What belongs together moves together and counts as one here, so
    with groups the numbers may miss the fraction. Where units of several classes leave no other
    way, training is served before validation and validation before test. Pictures without a part,
    where parts are given, count as training.
    """
    given = {record.split for record in records} - {None}
    if "train" not in given or given == {"train"}:
        drawn = list(range(len(records)))
        fractions = {"val": config.val_fraction, "test": config.test_fraction}
    else:
        drawn = [i for i, record in enumerate(records) if record.split in (None, "train")]
        fractions = {} if "val" in given else {"val": config.val_fraction}
    out = [record.split or "train" for record in records]
    for index in drawn:
        out[index] = "train"
    if fractions:
        units = units_of(records, bursts=config.bursts)
        holds: dict[int, Counter[str]] = {}
        for index in drawn:
            holds.setdefault(units.unit[index], Counter())[records[index].label] += 1
        ranks = {unit: _rank(units.names[unit], config.seed) for unit in holds}
        # classes in one order, or sums of the same numbers would differ in their last digit
        ordered = {unit: dict(sorted(own.items())) for unit, own in holds.items()}
        sides = _Draw(ordered, ranks, fractions).sides()
        for index in drawn:
            out[index] = sides[units.unit[index]]
    return out


def split_counts(labels: Sequence[str], splits: Sequence[str]) -> dict[str, dict[str, int]]:
    """Pictures per class and part: ``{"ants": {"train": 12, "val": 3, "test": 0}}``.

    Classes are sorted; every part is present in each.
    """
    counts = {label: dict.fromkeys(SPLITS, 0) for label in sorted(set(labels))}
    for label, split in zip(labels, splits, strict=True):
        counts[label][split] += 1
    return counts


class _Draw:
    """One draw: where each unit goes.

    Args:
        holds: Pictures of each class in each unit.
        ranks: The random order of the units.
        fractions: Of the parts to be drawn; the rest is for training.
    """

    def __init__(
        self,
        holds: Mapping[int, Mapping[str, int]],
        ranks: Mapping[int, bytes],
        fractions: Mapping[str, float],
    ) -> None:
        self._holds = holds
        self._order = sorted(holds, key=lambda unit: ranks[unit])
        self._parts = [part for part in SPLITS if part == "train" or fractions.get(part, 0.0) > 0]
        self._side: dict[int, str] = {}
        self._of: dict[str, list[int]] = {}  # class -> its units, in random order
        for unit in self._order:
            for label in holds[unit]:
                self._of.setdefault(label, []).append(unit)
        self._total = {
            label: sum(holds[unit][label] for unit in units) for label, units in self._of.items()
        }
        self._want: dict[str, dict[str, int]] = {}
        for label, n in self._total.items():
            quotas = _quotas(n, fractions)
            self._want[label] = {"train": n - sum(quotas.values()), **quotas}
        self._pictures = {label: dict.fromkeys(want, 0) for label, want in self._want.items()}
        self._units = {label: dict.fromkeys(SPLITS, 0) for label in self._of}

    def sides(self) -> dict[int, str]:
        """The part of each unit."""
        for label in sorted(self._of):
            for unit in self._of[label]:
                if unit not in self._side:  # else placed with an earlier class
                    self._place(unit, self._first_fit(unit, label))
        for part, needs in NEEDS:
            for label in sorted(self._of):
                if part in self._parts and len(self._of[label]) >= needs:
                    self._fill(label, part)
        for _ in range(ROUNDS):
            if not sum(self._improve(unit) for unit in self._order):
                break
        return self._side

    def _first_fit(self, unit: int, label: str) -> str:
        for part in self._parts[1:]:
            left = self._want[label][part] - self._pictures[label][part]
            if 0 < self._holds[unit][label] <= left:
                return part
        return "train"

    def _fill(self, label: str, part: str) -> None:
        """Where a class has nothing in a part, move the unit that costs the shares least."""
        if self._units[label][part]:
            return
        movable = [unit for unit in self._of[label] if self._may_leave(unit)]
        if movable:
            self._place(min(movable, key=lambda unit: self._cost(unit, part)), part)

    def _improve(self, unit: int) -> bool:
        """Move a unit where it brings its classes closer to their shares; whether it was moved."""
        here = self._side[unit]
        if all(self._want[one] == self._pictures[one] for one in self._holds[unit]):
            return False
        part = min(
            (part for part in self._parts if part != here),
            key=lambda part: self._cost(unit, part),
            default=here,
        )
        if part == here or self._cost(unit, part) >= -GAIN or not self._may_leave(unit):
            return False
        self._place(unit, part)
        return True

    def _may_leave(self, unit: int) -> bool:
        """Whether no class would have nothing left where the unit is, or need not have anything."""
        here = self._side[unit]
        needs = dict(NEEDS)[here]
        return all(
            self._units[label][here] > 1 or len(self._of[label]) < needs
            for label in self._holds[unit]
        )

    def _cost(self, unit: int, part: str) -> float:
        """By how much a move changes the squared distance from the shares, over the class sizes."""
        here = self._side[unit]
        cost = 0.0
        for label, n in self._holds[unit].items():
            have, want = self._pictures[label], self._want[label]
            more, less = have[part] - want[part], have[here] - want[here]
            cost += 2 * n * (more - less + n) / self._total[label]
        return cost

    def _place(self, unit: int, part: str) -> None:
        before = self._side.get(unit)
        for label, n in self._holds[unit].items():
            if before is not None:
                self._pictures[label][before] -= n
                self._units[label][before] -= 1
            self._pictures[label][part] += n
            self._units[label][part] += 1
        self._side[unit] = part


def _rank(name: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


def _quotas(n_pictures: int, fractions: Mapping[str, float]) -> dict[str, int]:
    """Pictures wanted in each drawn part, leaving at least one for training."""
    quotas = {part: int(n_pictures * share + 0.5) for part, share in fractions.items()}
    for needs, part in ((2, "val"), (3, "test")):
        if fractions.get(part, 0.0) > 0 and n_pictures >= needs:
            quotas[part] = max(1, quotas[part])
    while sum(quotas.values()) >= max(1, n_pictures) and any(quotas.values()):
        most = max(reversed(quotas), key=lambda part: quotas[part])  # test gives way first
        quotas[most] -= 1
    return quotas
