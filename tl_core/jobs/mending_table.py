"""A table of files and classes as one change to a project's pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from tl_core.check.findings import Repair
from tl_core.data.naming import known_name
from tl_core.errors import DataError
from tl_core.jobs.library import ImageRow
from tl_core.plain_table import meant

__all__ = ["COLUMNS", "LEFT_OUT", "repair_of"]

COLUMNS = ("file", "class")
LEFT_OUT = "-"  # in place of a class
NAMED = 5  # files named in a sentence


def repair_of(
    name: str, rows: Sequence[Sequence[str]], pictures: Iterable[ImageRow], classes: Sequence[str]
) -> Repair:
    """What a table changes; rows that say what is so already change nothing.

    Args:
        name: Of the table, for sentences.
        rows: Of plain text, the first one its head; other columns are passed over.
        pictures: Of the set, without those left out.
        classes: Of the set.

    Raises:
        DataError: A column is missing, a file or class is unknown, a row has no class, or a file
            is named twice with different classes. The table is taken whole or not at all.
    """
    if not rows:
        raise DataError(f"{name} is empty.", hint=_FORM)
    head = [one.casefold() for one in rows[0]]
    missing = [one for one in COLUMNS if one not in head]
    if missing:
        raise DataError(f"{name} has no column {' and no column '.join(missing)}.", hint=_FORM)
    at_file, at_class = (head.index(one) for one in COLUMNS)
    there: dict[str, list[ImageRow]] = {}
    for one in pictures:
        there.setdefault(_path(one.path), []).append(one)
    wanted: dict[str, str | None] = {}  # None: left out; a class may be called like its sign
    unknown: list[str] = []
    for number, row in enumerate(rows[1:], start=2):
        file, label = (row[at] if at < len(row) else "" for at in (at_file, at_class))
        if not file or not label:
            what = "class" if file else "file"
            raise DataError(f"Row {number} of {name} has no {what}.", hint=_FORM)
        file = file if _path(file) in there else meant(file)
        if _path(file) not in there:
            unknown.append(file)
            continue
        wish = None if label == LEFT_OUT else _class(label, classes, number, name)
        if wanted.setdefault(_path(file), wish) != wish:
            raise DataError(f"{name} gives {file} two classes.", hint="Keep one of the rows.")
    if unknown:
        more = f" and {len(unknown) - NAMED:,} more" if len(unknown) > NAMED else ""
        raise DataError(
            f"Not in the set (any more): {', '.join(unknown[:NAMED])}{more}.",
            hint="Files are named as `evaluate RUN_ID --csv FILE` names them.",
        )
    excluded, relabelled = [], {}
    for path, wish in wanted.items():
        for one in there[path]:
            if wish is None:
                excluded.append(one.id)
            elif wish != one.label:
                relabelled[one.id] = wish
    return Repair(exclude=tuple(excluded), relabel=relabelled)


_FORM = f"It needs the columns file and class; {LEFT_OUT} as the class leaves a picture out."


def _path(text: str) -> str:
    return str(PurePosixPath(text.replace("\\", "/")))


def _class(label: str, classes: Sequence[str], number: int, name: str) -> str:
    found = known_name(label if label in classes else meant(label), classes)
    if found not in classes:
        raise DataError(
            f"Row {number} of {name}: there is no class {found!r}.",
            hint=f"Classes: {', '.join(classes)}. A new class is made in the studio.",
        )
    return found
