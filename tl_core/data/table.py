"""What a table of labels says of the pictures: their class, what they belong to, their part.

Columns are found by their names (file, label, patient, split and their like) and by what is in
them: the column of files is the one whose cells name the most pictures that are here. A first row
that names no picture is a header. Without one the column after the files holds the class. Columns
of ones and zeros, one per class, are understood as well.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tl_core.data.placed import SPLITS, split_of
from tl_core.data.table_file import Rows
from tl_core.data.table_names import PictureNames, looks_like_a_picture

__all__ = ["Told", "Understood", "understand"]

SAMPLE_ROWS = 300  # looked at to find the column of files
MOST = 0.5  # share from which something holds for a column
_FILE = (
    "file filename filepath path image imagename imageid imagepath imagefile img picture photo id "
    "name"
)
_LABEL = (
    "label labels class classname classlabel category categoryname species diagnosis dx target "
    "condition disease finding findings annotation breed tag labelname classid labelid"
)
_GROUP = (
    "group patient subject plant tree object individual animal specimen lot batch site case person "
    "donor participant lesion slide session series recording video plot field hive colony farm"
)
_SPLIT = "split set subset part partition fold phase usage stage dataset"
_NUMBERED = re.compile(r"(label|class|category|tag|finding)\d+")
_YES, _NO = {"1", "1.0", "true", "yes", "x"}, {"0", "0.0", "false", "no", ""}
_EMPTY = {"", "nan", "null", "#n/a"}
_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


@dataclass(slots=True, kw_only=True)
class Told:
    """What the rows of one picture say. ``labels`` are all that were given, each once."""

    labels: list[str] = field(default_factory=list)
    group: str = ""
    split: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """A table as far as it is understood.

    ``told`` is by the path of the picture; ``missing`` the cells that name no picture that is here;
    ``has_labels`` whether classes are given, ``sure`` whether the table says so itself;
    ``label_column``, ``group_column`` and ``split_column`` are headers as written, "" where there
    is no such column or no header; ``others`` those of columns that were not used.
    """

    name: str
    told: dict[str, Told]
    missing: tuple[str, ...]
    has_labels: bool
    sure: bool
    label_column: str
    group_column: str
    split_column: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    file: int
    labels: tuple[int, ...]
    one_hot: bool
    sure: bool
    group: int | None
    split: int | None
    header: tuple[str, ...]


def understand(name: str, rows: Rows, names: PictureNames) -> Understood | None:
    """Read a table with the pictures of its set at hand; None when it names none of them.

    Args:
        name: The table's path in the set.
        rows: From ``read_rows``.
        names: Every picture.
    """
    folder = name.rpartition("/")[0]
    for loose in (False, True):
        width = max((len(row) for row in rows[:SAMPLE_ROWS]), default=0)
        hits = [
            sum(
                names.find(_at(row, column), folder, loose=loose) is not None
                for row in rows[:SAMPLE_ROWS]
            )
            for column in range(width)
        ]
        if any(hits):
            find = _finder(names, folder, loose=loose)
            return _told(name, rows, _columns(rows, hits, find), find)
    return None


Find = Callable[[str], str | None]


def _finder(names: PictureNames, folder: str, *, loose: bool) -> Find:
    return lambda cell: names.find(cell, folder, loose=loose)


def _told(name: str, rows: Rows, columns: _Columns, find: Find) -> Understood:
    told: dict[str, Told] = {}
    missing = []
    body = rows[1:] if columns.header else rows
    several = _several(body, columns)
    for row in body:
        cell = _at(row, columns.file)
        path = find(cell)
        if path is None:
            missing.append(_plain(cell))
            continue
        one = told.setdefault(path, Told())
        for label in _labels(row, columns, several):
            if label not in one.labels:
                one.labels.append(label)
        if columns.group is not None and (value := _plain(_at(row, columns.group))):
            one.group = one.group or f"{_noun(columns.header[columns.group])} {value}"
        if columns.split is not None:
            one.split = one.split or split_of(_at(row, columns.split))
    first = columns.labels[0] if columns.labels and not columns.one_hot else None
    return Understood(
        name=name,
        told=told,
        missing=tuple(missing),
        has_labels=bool(columns.labels),
        sure=columns.sure,
        label_column=_head(columns, first),
        group_column=_head(columns, columns.group),
        split_column=_head(columns, columns.split),
        others=tuple(
            head
            for one, head in enumerate(columns.header)
            if head and one not in (columns.file, columns.group, columns.split, *columns.labels)
        ),
    )


# -- columns ---------------------------------------------------------------------------------------


def _columns(rows: Rows, hits: Sequence[int], find: Find) -> _Columns:
    width = max(len(row) for row in rows)
    words = [_word(_at(rows[0], column)) for column in range(width)]
    file = max(range(len(hits)), key=lambda one: (hits[one], words[one] in _FILE.split(), -one))
    first = _at(rows[0], file)
    if find(first) is not None or looks_like_a_picture(first):
        return _without_header(rows, file, width)
    header = tuple(_plain(_at(rows[0], column)) for column in range(width))
    body = rows[1:]
    split = _split_column(body, words, file)
    group = next(
        (
            one
            for word in _GROUP.split()
            for one in range(width)
            if one not in (file, split) and words[one] in (word, f"{word}id", f"{word}no")
        ),
        None,
    )
    labels, kind = _label_columns(body, words, {file, split, group})
    return _Columns(
        file=file,
        labels=labels,
        one_hot=kind == "one-hot",
        sure=kind != "only one",
        group=group,
        split=split,
        header=header,
    )


def _split_column(body: Rows, words: Sequence[str], file: int) -> int | None:
    """The column of parts: by its header, or because nothing but parts is in it."""
    columns = [one for one in range(len(words)) if one != file]
    for one in columns:
        if words[one] in _SPLIT.split() and _names_parts(body, one):
            return one
    for one in columns:
        cells = {_at(row, one) for row in body}
        if len({split_of(cell) for cell in cells}) > 1 and all(split_of(cell) for cell in cells):
            return one
    return None


def _without_header(rows: Rows, file: int, width: int) -> _Columns:
    others = [one for one in range(width) if one != file]
    split = next((one for one in others if _names_parts(rows, one)), None)
    after = [one for one in others if one != split and one > file]
    before = [one for one in others if one != split and one < file]
    labels = tuple((after or before)[:1])
    return _Columns(
        file=file, labels=labels, one_hot=False, sure=False, group=None, split=split, header=()
    )


def _label_columns(
    body: Rows, words: Sequence[str], taken: set[int | None]
) -> tuple[tuple[int, ...], str]:
    """The columns that hold the class, and why: "named", "one-hot", or the "only one" left."""
    free = [one for one in range(len(words)) if one not in taken]
    named = [one for word in _LABEL.split() for one in free if words[one] == word]
    if named:
        return (_readable(body, named),), "named"
    numbered = tuple(one for one in free if _NUMBERED.fullmatch(words[one]))
    if numbered:
        return numbered, "named"
    binary = tuple(one for one in free if _is_binary(body, one))
    if len(binary) > 1:
        ones = [sum(_at(row, one).casefold() in _YES for one in binary) for row in body]
        if ones.count(1) >= MOST * len(ones):
            return binary, "one-hot"
    return (tuple(free) if len(free) == 1 else (), "only one")


def _readable(body: Rows, named: Sequence[int]) -> int:
    """The first of the columns; its words where it holds numbers that stand for them."""
    first = named[0]
    if not all(_at(row, first).lstrip("-").isdigit() for row in body if _at(row, first)):
        return first
    for other in named[1:]:
        pairs = {(_at(row, first), _at(row, other)) for row in body}
        one_to_one = len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
        if one_to_one and not all(b.lstrip("-").isdigit() for _, b in pairs):
            return other
    return first


def _is_binary(body: Rows, column: int) -> bool:
    return all(_at(row, column).casefold() in _YES | _NO for row in body)


def _names_parts(body: Rows, column: int) -> bool:
    cells = [cell for row in body if (cell := _at(row, column))]
    return sum(split_of(cell) in SPLITS for cell in cells) > MOST * max(1, len(cells))


# -- cells -----------------------------------------------------------------------------------------


def _several(body: Rows, columns: _Columns) -> Mapping[str, tuple[str, ...]]:
    """Cells that hold more than one class: "ants;bees", where "ants" also stands alone."""
    if columns.one_hot:
        return {}
    cells = Counter(_plain(_at(row, one)) for row in body for one in columns.labels)
    found = {}
    for cell in cells:
        for separator, needed in (("|", any), (";", any), (",", all)):
            parts = tuple(part for one in cell.split(separator) if (part := one.strip()))
            if len(parts) > 1 and needed(part in cells for part in parts):
                found[cell] = parts
                break
    return found


def _labels(
    row: Sequence[str], columns: _Columns, several: Mapping[str, tuple[str, ...]]
) -> list[str]:
    if columns.one_hot:
        ones = [one for one in columns.labels if _at(row, one).casefold() in _YES]
        return [columns.header[one] or f"column {one + 1}" for one in ones]
    cells = [_plain(_at(row, one)) for one in columns.labels]
    cells = [cell for cell in cells if cell.casefold() not in _EMPTY]
    return [label for cell in cells for label in several.get(cell, (cell,))]


def _at(row: Sequence[str], column: int) -> str:
    return row[column] if column < len(row) else ""


def _plain(cell: str) -> str:
    return " ".join(_HARMFUL.sub("\ufffd", cell).split())


def _word(cell: str) -> str:
    return re.sub(r"[\W_]", "", cell.casefold())


def _noun(header: str) -> str:
    """What the values of a column are: "Patient_ID" -> "patient"."""
    words = [word for word in re.split(r"[\W_]+", header.casefold()) if word]
    kept = [word for word in words if word not in ("id", "no", "number", "nr")]
    return " ".join(kept or words) or "group"


def _head(columns: _Columns, column: int | None) -> str:
    return columns.header[column] if columns.header and column is not None else ""
