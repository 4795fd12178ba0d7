"""Place pictures by the tables that came with them, and say what was decided.

A table is used when it names at least half of the pictures. Folders and a table may both name
classes. The folders are followed when their names are classes of the table, or stand for them one
to one; otherwise they are taken for mere folders and the table is followed. A table without classes
still gives groups and parts. Pictures that the table should name and does not are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tl_core.data.naming import LONGEST
from tl_core.data.placed import Placed, split_of
from tl_core.data.quarantine import Quarantined
from tl_core.data.table import Told, Understood, understand
from tl_core.data.table_file import Rows
from tl_core.data.table_names import PictureNames
from tl_core.data.table_notes import (
    disagreeing,
    gives_parts,
    gone,
    groups,
    same,
    what_it_gives,
)
from tl_core.data.wording import examples, listed

__all__ = ["Table", "Tabled", "by_tables"]

ENOUGH = 0.5  # of the pictures, from which a table is about this set
MOST_TABLES = 10  # looked at; a set has one or a few


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that came with the pictures; ``reason`` says why it could not be read."""

    name: str
    rows: Rows = field(default_factory=list)
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tabled:
    """Pictures placed with the help of tables.

    ``used`` are the names of the tables, empty when nothing changed; ``unused`` says of the others
    why they were not; ``parts`` which of them give parts of the set.
    """

    pictures: list[Placed]
    quarantine: list[Quarantined]
    used: tuple[str, ...]
    unused: dict[str, str]
    parts: tuple[str, ...]
    notes: list[str]


def by_tables(
    placed: Sequence[Placed],
    folders: Mapping[str, tuple[str, ...]],
    tables: Sequence[Table],
    *,
    alone: bool,
) -> Tabled:
    """Place pictures by tables.

    Args:
        placed: By folders; the label is "" outside a class folder.
        folders: The folders of each picture, those that wrap everything taken off.
        tables: In the order of their names.
        alone: The set is what the table names: other pictures are no part of it.
    """
    found, unused = _about(placed, tables, alone=alone)
    if not found:
        return Tabled(
            pictures=list(placed), quarantine=[], used=(), unused=unused, parts=(), notes=[]
        )
    told = _merged(found)
    labelled = any(table.has_labels for table in found)
    title = listed([table.name for table in found])
    by_folder, words = _folders_win(placed, told, title) if labelled else (True, [])
    kept: list[Placed] = []
    quarantine: list[Quarantined] = []
    for one in placed:
        if alone and one.path not in told:
            continue
        result = _placed(one, told.get(one.path), folders[one.path], title, by_folder=by_folder)
        if isinstance(result, Placed):
            kept.append(result)
        else:
            quarantine.append(result)
    notes = [
        *what_it_gives(found, placed, kept, quarantine, title, labelled=labelled, alone=alone),
        *words,
        *disagreeing(placed, told, title, by_folder=by_folder and labelled),
        *groups(found, kept),
        *gone(found),
    ]
    return Tabled(
        pictures=kept,
        quarantine=quarantine,
        used=tuple(table.name for table in found),
        unused=unused,
        parts=tuple(table.name for table in found if table.split_column or gives_parts(table)),
        notes=notes,
    )


# -- which tables ----------------------------------------------------------------------------------


def _about(
    placed: Sequence[Placed], tables: Sequence[Table], *, alone: bool
) -> tuple[list[Understood], dict[str, str]]:
    """The tables that are about this set, the one that names the most pictures first."""
    names = PictureNames(one.path for one in placed)
    unused = {table.name: table.reason for table in tables if table.reason}
    candidates = []
    foldered = _in_class_folders(placed)
    for number, table in enumerate(table for table in tables if not table.reason):
        one = understand(table.name, table.rows, names) if number < MOST_TABLES else None
        if one is not None and foldered and not one.sure:
            one = _without_labels(one)
        if one is None or not one.told:
            if alone or not foldered:  # beside class folders nobody misses it
                unused[table.name] = "is a table that names no picture that is here"
        elif not (one.has_labels or one.group_column or gives_parts(one)):
            unused[table.name] = "is a table without a column called label, class or category"
        else:
            candidates.append(one)
    candidates.sort(key=lambda one: (not one.has_labels, -len(one.told), one.name))
    found: list[Understood] = []
    for one in candidates:
        rivals = [other for other in found if other.has_labels == one.has_labels]
        if any(one.told.keys() & other.told.keys() for other in rivals):
            unused[one.name] = f"is a table about pictures that {found[0].name} names already"
        else:
            found.append(one)
    named = {path for one in found for path in one.told}
    n_there = len(_expected(placed, named))
    if found and not alone and len(named) < ENOUGH * n_there:
        reason = f"is a table that names only {len(named):,} of {n_there:,} pictures"
        unused |= {one.name: reason for one in found}
        found = []
    return found, unused


def _expected(placed: Sequence[Placed], named: set[str]) -> list[Placed]:
    """Pictures a table of this set would name: all but a test folder of which it names none."""
    tested: dict[str, bool] = {}
    for one in placed:
        if folder := _test_folder(one.path):
            tested[folder] = tested.get(folder, False) or one.path in named
    return [one for one in placed if tested.get(_test_folder(one.path), True)]


def _test_folder(path: str) -> str:
    folders = path.split("/")[:-1]
    at = next((i for i, folder in enumerate(folders) if split_of(folder) == "test"), None)
    return "" if at is None else "/".join(folders[: at + 1])


def _folders_win(
    placed: Sequence[Placed], told: Mapping[str, Told], title: str
) -> tuple[bool, list[str]]:
    """Whether the folders are classes although a table names classes too, and why not."""
    if not _in_class_folders(placed):
        return False, []
    inside = [one for one in placed if one.label]
    classes = sorted({one.label for one in inside})
    pairs = [
        (same(one.label), same(told[one.path].labels[0]))
        for one in inside
        if one.path in told and len(told[one.path].labels) == 1
    ]
    labels = {same(label) for one in told.values() for label in one.labels}
    if sum(folder in labels for folder, _ in pairs) >= ENOUGH * max(1, len(pairs)):
        return True, []
    distinct = set(pairs)
    if len(distinct) == len({a for a, _ in distinct}) == len({b for _, b in distinct}):
        return True, [f"{title} has one class for each folder; the folders' names are used."]
    return False, [
        f"The folders ({examples(classes)}) are not the classes that {title} names: the table was "
        "followed. To use the folders as classes, leave the table out."
    ]


def _in_class_folders(placed: Sequence[Placed]) -> bool:
    """Whether folders give a class to most pictures, and more than one class."""
    inside = [one.label for one in placed if one.label]
    return len(inside) > ENOUGH * len(placed) and len(set(inside)) > 1


def _without_labels(table: Understood) -> Understood:
    """A column that is only perhaps the class counts for nothing beside class folders."""
    told = {path: replace(one, labels=[]) for path, one in table.told.items()}
    return replace(table, told=told, has_labels=False, label_column="")


def _merged(found: Sequence[Understood]) -> dict[str, Told]:
    """What all tables together say of each picture; of two the first one counts."""
    told: dict[str, Told] = {}
    for table in found:
        for path, one in table.told.items():
            had = told.get(path, Told())
            told[path] = Told(
                labels=had.labels or one.labels,
                group=had.group or one.group,
                split=had.split or one.split,
            )
    return told


# -- one picture -----------------------------------------------------------------------------------


def _placed(
    one: Placed, told: Told | None, folders: Sequence[str], title: str, *, by_folder: bool
) -> Placed | Quarantined:
    if by_folder and one.label:
        if told is None:
            return one
        return replace(one, split=told.split or one.split, group=told.group or one.group)
    if told is None:
        reason = f"has no row in {title}"
        if by_folder:
            reason = f"is not inside a class folder and {reason}"
        return Quarantined(file=one.path, reason=reason, code="no_label")
    if not told.labels:
        reason = f"has no class in {title}" if not by_folder else "is not inside a class folder"
        code = "no_label" if not by_folder else "no_class_folder"
        return Quarantined(file=one.path, reason=reason, code=code)
    if len(told.labels) > 1:
        reason = f"has more than one class in {title} ({examples(told.labels)})"
        return Quarantined(file=one.path, reason=reason, code="several_labels")
    label = told.labels[0]
    if len(label) > LONGEST:
        reason = f"has a class of more than {LONGEST} characters in {title}"
        return Quarantined(file=one.path, reason=reason, code="no_label")
    given = told.split or (split_of(folders[0]) if folders else None)
    return replace(one, label=label, split=given, group=told.group or one.group)
