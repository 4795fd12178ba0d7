"""Sentences about what a table of labels gave to a set, and what was left out because of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tl_core.data.placed import Placed
from tl_core.data.quarantine import Quarantined
from tl_core.data.table import Told, Understood
from tl_core.data.wording import count, examples, listed

__all__ = [
    "disagreeing",
    "gives_parts",
    "gone",
    "groups",
    "same",
    "what_it_gives",
]


def what_it_gives(
    found: Sequence[Understood],
    placed: Sequence[Placed],
    kept: Sequence[Placed],
    quarantine: Sequence[Quarantined],
    title: str,
    *,
    labelled: bool,
    alone: bool,
) -> list[str]:
    """Of how many pictures the class is given, and which were left out for want of one."""
    if not labelled:
        return []
    verb = "names" if len(found) == 1 else "name"
    one_has = {path for table in found for path, one in table.told.items() if one.labels}
    known = sum(one.path in one_has for one in placed)
    column = found[0].label_column
    where = "" if column.casefold() in ("", "label", "class") else f" (column {column})"
    note = f"{title} {verb} the class of {known:,} of {len(placed):,} pictures{where}."
    if alone:
        others = len(placed) - sum(len(table.told) for table in found)
        note = f"{title} {verb} the class of {count(known, 'picture', 'pictures')}{where}."
        if others:
            note += f" {count(others, 'other picture', 'other pictures')} beside it have no row."
    notes = [note]
    for code, words in (
        (
            "no_label",
            ("picture without a row or a class was", "pictures without a row or a class were"),
        ),
        (
            "several_labels",
            ("picture with more than one class was", "pictures with more than one class were"),
        ),
    ):
        files = [one.file for one in quarantine if one.code == code]
        if files:
            notes.append(f"{count(len(files), *words)} left out: {examples(files)}.")
    return notes


def disagreeing(
    placed: Sequence[Placed], told: Mapping[str, Told], title: str, *, by_folder: bool
) -> list[str]:
    """Pictures whose folder and row name different classes."""
    if not by_folder:
        return []
    labels = {same(label) for one in told.values() for label in one.labels}
    other = [
        f"{one.path} ({told[one.path].labels[0]})"
        for one in placed
        if one.label
        and one.path in told
        and told[one.path].labels
        and same(one.label) in labels
        and same(one.label) not in {same(label) for label in told[one.path].labels}
    ]
    if not other:
        return []
    words = count(len(other), "picture", "pictures")
    return [
        f"{title} names another class than the folder for {words}, and the folders were followed: "
        f"{examples(other)}."
    ]


def groups(found: Sequence[Understood], kept: Sequence[Placed]) -> list[str]:
    """What the column of groups gives and what tears groups apart; or the columns left over."""
    if not any(table.group_column for table in found):
        return _unused(found)
    columns = sorted({table.group_column for table in found if table.group_column})
    mine = {one.group for table in found for one in table.told.values() if one.group}
    sides: dict[str, set[str]] = {}
    for one in kept:
        if one.group in mine:
            sides.setdefault(one.group, set())
            if one.split:
                sides[one.group].add(one.split)
    if not columns or not sides:
        return []
    notes = [
        f"The column {listed(columns)} gives {count(len(sides), 'group', 'groups')}; the pictures "
        "of a group stay on one side of the division."
    ]
    torn = sorted(group for group, parts in sides.items() if len(parts) > 1)
    if torn:
        words = count(len(torn), "group is", "groups are")
        notes[0] = f"The column {listed(columns)} gives {count(len(sides), 'group', 'groups')}."
        notes.append(
            f"{words} in more than one of the given parts, so results will look better than they "
            f"are: {examples(torn)}."
        )
    return notes


def _unused(found: Sequence[Understood]) -> list[str]:
    """Columns that might say what belongs together, and how they would be used."""
    names = [name for table in found for name in table.others]
    if not names:
        return []
    words = "Column" if len(names) == 1 else "Columns"
    return [
        f"{words} not used: {examples(names)}. A column called group (or patient, plant, lot, ...) "
        "would keep pictures of equal value on one side of the division."
    ]


def gone(found: Sequence[Understood]) -> list[str]:
    """Rows that name files which are not here."""
    notes = []
    for table in found:
        if table.missing:
            rows = count(len(table.missing), "row", "rows")
            verb = "names a file that is" if len(table.missing) == 1 else "name files that are"
            files = [name or "(empty)" for name in table.missing]
            notes.append(f"{rows} of {table.name} {verb} not here: {examples(files)}.")
    return notes


def gives_parts(table: Understood) -> bool:
    """Whether a table names the part of any picture."""
    return any(one.split for one in table.told.values())


def same(label: str) -> str:
    """A name by which classes that are written a little differently are the same."""
    return "".join(char for char in label.casefold() if char.isalnum())
