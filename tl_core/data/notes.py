"""Plain sentences about a set that was taken in, and the error for one without pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tl_core.data.layout import SPLITS, Layout
from tl_core.data.quarantine import Quarantined
from tl_core.data.records import ImageRecord
from tl_core.data.wording import count, examples, listed
from tl_core.errors import EmptyDatasetError

__all__ = ["intake_notes", "nothing_usable"]

PART_WORDS = {"train": "training", "val": "validation", "test": "test"}
EXAMPLE_LAYOUT = """Put the pictures of each class into a folder named after it, for example:

    my pictures/
        ants/   one.jpg, two.jpg, ...
        bees/   three.jpg, four.jpg, ...

or add a table (CSV or Excel) with a column file and a column label."""


def intake_notes(
    records: Sequence[ImageRecord], quarantine: Sequence[Quarantined], layout: Layout
) -> tuple[str, ...]:
    """What the user should know about the set, most basic first."""
    notes = [*_parts(records, layout.parts_from), *layout.notes]
    labels = {record.label for record in records}
    if len(labels) == 1:
        notes.append(
            f"All pictures are in one class, {labels.pop()}. Training needs at least two classes."
        )
    notes += _copies(records)
    if quarantine:
        notes.append(f"{count(len(quarantine), 'file was', 'files were')} left out.")
    if layout.n_junk:
        notes.append(f"{count(layout.n_junk, 'system file was', 'system files were')} ignored.")
    return tuple(notes)


def nothing_usable(name: str, n_files: int, quarantine: Sequence[Quarantined]) -> EmptyDatasetError:
    """The error for a container without a usable picture.

    Args:
        name: Of what the user brought.
        n_files: In it, of any kind.
        quarantine: Why each was left out.
    """
    if not n_files:
        return EmptyDatasetError(f"{name} is empty.", hint=EXAMPLE_LAYOUT)
    codes = Counter(one.code for one in quarantine)
    if codes and codes.most_common(1)[0][0] == "no_class_folder":
        files = count(codes["no_class_folder"], "file lies", "files lie")
        message = f"No picture of {name} is inside a class folder: {files} outside."
        tables = [one for one in quarantine if one.reason.startswith("is a table ")]
        told = [one for one in tables if " or a list" not in one.reason][:1]
        message += "".join(f" {one.file} {one.reason}." for one in told)
        return EmptyDatasetError(message, hint=EXAMPLE_LAYOUT)
    first = f" The first one, {quarantine[0].file}, {quarantine[0].reason}." if quarantine else ""
    message = f"{name} holds no picture Thaw can use.{first}"
    return EmptyDatasetError(message, hint=EXAMPLE_LAYOUT)


def _parts(records: Sequence[ImageRecord], gives: str) -> list[str]:
    given = [part for part in SPLITS if any(record.split == part for record in records)]
    if not given:
        return []
    missing = [PART_WORDS[part] for part in SPLITS if part not in given]
    words = listed([f"a {PART_WORDS[part]}" for part in given])
    note = f"{gives} {words} part"
    note += f"; no {listed(missing)} part." if missing else "."
    notes = [note]
    for part in given:
        without = sorted(
            {record.label for record in records}
            - {record.label for record in records if record.split == part}
        )
        if without:
            classes = count(len(without), "class has", "classes have")
            notes.append(f"{classes} no {PART_WORDS[part]} pictures: {examples(without)}.")
    return notes


def _copies(records: Sequence[ImageRecord]) -> list[str]:
    same: dict[str, list[ImageRecord]] = {}
    for record in records:
        same.setdefault(record.digest, []).append(record)
    groups = [group for group in same.values() if len(group) > 1]
    notes = []
    if groups:
        extra = sum(len(group) - 1 for group in groups)
        words = count(
            extra, "picture is an exact copy of another", "pictures are exact copies of others"
        )
        notes.append(f"{words}.")
    leaks = [group for group in groups if len({one.split for one in group}) > 1]
    if leaks:
        words = count(len(leaks), "picture is", "pictures are")
        notes.append(
            f"{words} in more than one part, so results will look better than they are: "
            f"{examples([_pair(group, 'split') for group in leaks])}."
        )
    unclear = [group for group in groups if len({one.label for one in group}) > 1]
    if unclear:
        words = count(len(unclear), "picture is", "pictures are")
        notes.append(
            f"{words} in more than one class: "
            f"{examples([_pair(group, 'label') for group in unclear])}."
        )
    return notes


def _pair(group: Sequence[ImageRecord], field: str) -> str:
    """Two paths of a group of copies that differ in the field."""
    first = group[0]
    other = next(one for one in group if getattr(one, field) != getattr(first, field))
    return f"{first.path} is {other.path}"
