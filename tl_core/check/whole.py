"""All checks of a set together, in the order in which they should be read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tl_core.check.balance import class_sizes, thin_subgroups
from tl_core.check.copies import Copies, copies_of, told_copies
from tl_core.check.division import told_division
from tl_core.check.findings import KINDS, CheckedSet, DataFinding
from tl_core.check.honesty import Honesty
from tl_core.check.labels import wrong_labels
from tl_core.check.quality import odd_pictures
from tl_core.check.shortcuts import audit, nuisances, told_shortcuts
from tl_core.data.records import ImageRecord
from tl_core.data.together import units_of

__all__ = ["check_set", "checked_set", "to_be_judged"]

SEVERITIES = ("problem", "warning", "info")


def checked_set(
    records: Sequence[ImageRecord],
    splits: Sequence[str],
    *,
    ids: Sequence[int] | None = None,
    given: bool = False,
    channels: int = 3,
) -> CheckedSet:
    """A set of stored pictures, as the checks need it.

    Args:
        records: The pictures.
        splits: The part of each.
        ids: What the caller calls them; their positions when not given.
        given: Whether the folders named the parts.
        channels: Of the pictures.
    """
    classes = tuple(sorted({one.label for one in records}))
    number = {name: position for position, name in enumerate(classes)}
    units = units_of(records)
    return CheckedSet(
        ids=tuple(range(len(records)) if ids is None else ids),
        paths=tuple(one.path for one in records),
        digests=tuple(one.digest for one in records),
        labels=np.array([number[one.label] for one in records], dtype=np.int64),
        classes=classes,
        splits=tuple(splits),
        widths=np.array([one.width for one in records], dtype=np.int64),
        heights=np.array([one.height for one in records], dtype=np.int64),
        sizes=np.array([one.bytes for one in records], dtype=np.int64),
        formats=tuple(one.format for one in records),
        given=given,
        channels=channels,
        units=units.unit,
        unit_names=units.names,
    )


def to_be_judged(checked: CheckedSet, copies: Copies) -> np.ndarray:
    """Positions whose label a probe may judge: no test pictures, and each group of copies once.

    Nothing but the final evaluation looks at what test pictures show. A copy in another fold would
    vouch for its double's wrong label.
    """
    wanted = np.array([split != "test" for split in checked.splits], dtype=bool)
    wanted[copies.spare] = False
    return np.flatnonzero(wanted)


def check_set(
    checked: CheckedSet,
    looks: np.ndarray,
    copies: Copies | None = None,
    probabilities: np.ndarray | None = None,
    honesty: Honesty | None = None,
) -> list[DataFinding]:
    """Every finding about a set, the most severe first.

    Args:
        checked: The set.
        looks: ``LOOK`` (N,), of ``tl_core.check.looks``.
        copies: Of ``copies_of``, when known already.
        probabilities: (N, C), of a probe that has not seen the picture; NaN = not judged. Without
            them labels are not judged, and shortcuts are told without the network's own result.
        honesty: By how much a random split would flatter, when it was measured.
    """
    if not len(checked):
        return []
    copies = copies or copies_of(checked, looks["grey"])
    found = told_copies(checked, copies) + told_division(checked, copies, honesty)
    guess = np.full(len(checked), -1)
    if probabilities is not None:
        found += wrong_labels(checked, probabilities)
        judged = np.isfinite(probabilities).all(axis=1)
        guess[judged] = probabilities[judged].argmax(axis=1)
    rows = to_be_judged(checked, copies)
    some = {name: values[rows] for name, values in nuisances(checked, looks).items()}
    network = guess[rows] if probabilities is not None else None
    found += told_shortcuts(checked, audit(some, checked.labels[rows], network))
    found += class_sizes(checked)
    found += thin_subgroups(checked, looks)
    found += odd_pictures(checked, looks)
    return sorted(found, key=lambda one: (SEVERITIES.index(one.severity), KINDS.index(one.kind)))
