"""Divide pictures into training, validation and test, the same way every time.

Parts that the folders give are kept. Missing ones are drawn per class from training pictures in a
random order that depends on the seed, the class and the pictures' contents only, never on the
order in which they arrive. Exact copies of a picture and pictures of one group always end on the
same side: a copy in the validation part would be known by heart.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

from tl_core.config import DataConfig
from tl_core.data.layout import SPLITS
from tl_core.data.records import ImageRecord

__all__ = ["assign_splits", "split_counts"]


def assign_splits(records: Sequence[ImageRecord], config: DataConfig) -> list[str]:
    """The part of each picture, aligned with ``records``: "train", "val" or "test".

    - Training and validation given: kept; without a given test part there is none.
    - Training and test given: validation is drawn from the training part.
    - Otherwise both are drawn from all pictures.

    A class of n pictures gives the rounded fraction of n, but at least one picture to validation
    when it has two, at least one to test when it has three and ``test_fraction`` is not 0, and
    always keeps one for training. Copies and groups move together and count as one here, so with
    them the numbers may miss the fraction by a group. Pictures without a part, where parts are
    given, count as training.
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
        units = _units(records)
        labels = [records[index].label for index in drawn]
        sides = _draw(labels, [units[index] for index in drawn], fractions, config.seed)
        for index in drawn:
            out[index] = sides[units[index]]
    return out


def split_counts(labels: Sequence[str], splits: Sequence[str]) -> dict[str, dict[str, int]]:
    """Pictures per class and part: ``{"ants": {"train": 12, "val": 3, "test": 0}}``.

    Classes are sorted; every part is present in each.
    """
    counts = {label: dict.fromkeys(SPLITS, 0) for label in sorted(set(labels))}
    for label, split in zip(labels, splits, strict=True):
        counts[label][split] += 1
    return counts


def _units(records: Sequence[ImageRecord]) -> list[str]:
    """What each picture moves with: its group, that of an exact copy, or its content alone."""
    groups = {record.digest: record.group for record in records if record.group}
    return [record.group or groups.get(record.digest, record.digest) for record in records]


def _draw(
    labels: Sequence[str], units: Sequence[str], fractions: Mapping[str, float], seed: int
) -> dict[str, str]:
    """The part of each unit (content or group), class by class."""
    per_class: dict[str, Counter[str]] = {}
    for label, unit in zip(labels, units, strict=True):
        per_class.setdefault(label, Counter())[unit] += 1
    sides: dict[str, str] = {}
    for label in sorted(per_class):
        sizes = per_class[label]
        left = _quotas(sizes.total(), fractions)
        for digest, size in sizes.items():
            if digest in sides:  # shared with an earlier class: already placed
                left[sides[digest]] = left.get(sides[digest], 0) - size
        ranked = sorted(sizes.keys() - sides.keys(), key=lambda one: _rank(one, seed))
        own = {digest: _first_fit(sizes[digest], left) for digest in ranked}
        _fill_empty(own, sizes, fractions, taken={sides[one] for one in sizes if one in sides})
        sides |= own
    return sides


def _rank(digest: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{digest}".encode()).digest()


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


def _first_fit(size: int, left: dict[str, int]) -> str:
    for part in ("val", "test"):
        if 0 < size <= left.get(part, 0):
            left[part] -= size
            return part
    return "train"


def _fill_empty(
    own: dict[str, str], sizes: Mapping[str, int], fractions: Mapping[str, float], taken: set[str]
) -> None:
    """Where only groups of copies larger than the quota exist, move the smallest of them."""
    for needs, part in ((2, "val"), (3, "test")):
        wanted = fractions.get(part, 0.0) > 0 and len(sizes) >= needs
        if not wanted or part in taken or part in own.values():
            continue
        movable = [digest for digest, side in own.items() if side == "train"]
        if len(movable) > (0 if "train" in taken else 1):
            own[min(movable, key=lambda digest: sizes[digest])] = part
