"""Read a table, CSV, TSV or Excel, into rows of plain text. Every table is hostile until read.

Nothing in it is computed, followed or carried out: what looks like a formula in a text file is
text, of an Excel cell the value saved with it counts, and links to other files are left alone.
"""

from __future__ import annotations

import csv
import datetime
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tl_core.errors import UnreadableTableError

__all__ = ["MAX_BYTES", "MAX_ROWS", "TABLE_ENDINGS", "is_table", "read_rows"]

TABLE_ENDINGS = ("csv", "tsv", "xlsx")
MAX_BYTES = 64 << 20  # of the file
MAX_ROWS = 200_000  # as many as files in an archive (IntakeLimits.entries)
MAX_COLUMNS = 1_000  # a column per class is a kind of table
MAX_CELLS = 4_000_000  # kept; about 0.3 GB of text objects
MAX_EMPTY = 20_000_000  # cells between others, which a sheet need not even hold
MAX_CELL = 2_000  # characters; the rest of a longer cell is neither a name nor a class
SHEET_BYTES = 256 << 20  # of an Excel file, unpacked
SHEET_RATIO = 200  # unpacked to packed; a sheet of labels packs about 10 times
SHEET_MEMBERS = 2_000
SAMPLE = 1 << 16  # characters looked at to find what separates the columns
SEPARATORS = ",;\t|"
_ENTITIES = (b"<!DOCTYPE", b"<!ENTITY")  # no spreadsheet program writes them

Rows = list[tuple[str, ...]]


def is_table(name: str) -> bool:
    """Whether a file's name is that of a table that can be read."""
    return name.casefold().rpartition(".")[2] in TABLE_ENDINGS and "." in name


def read_rows(name: str, content: bytes) -> Rows:
    """The rows of a table, cells stripped; empty rows and empty cells at the ends of rows are gone.

    Args:
        name: The file's name; its ending says what it is.
        content: The whole file.

    Raises:
        UnreadableTableError: Broken, or larger than what is read.
    """
    if len(content) > MAX_BYTES:
        raise UnreadableTableError(name, f"is a table of more than {MAX_BYTES >> 20} MB")
    if name.casefold().endswith(".xlsx"):
        return _sheet(name, content)
    return _text(name, _decoded(content), tabs=name.casefold().endswith(".tsv"))


def _bounded(name: str, rows: Iterable[Sequence[Any]]) -> Rows:
    kept: Rows = []
    n_cells = n_seen = n_wide = 0
    for row in rows:
        n_wide += len(row)
        cells = [_cell(value) for value in row[:MAX_COLUMNS]]
        while cells and not cells[-1]:
            cells.pop()
        n_seen, n_cells = n_seen + 1, n_cells + len(cells)
        if n_seen > MAX_ROWS + 1:  # one may be the header
            raise UnreadableTableError(name, f"is a table of more than {MAX_ROWS:,} rows")
        if n_cells > MAX_CELLS or n_wide > MAX_EMPTY:
            raise UnreadableTableError(name, f"is a table of more than {MAX_CELLS:,} cells")
        if cells:
            kept.append(tuple(cells))
    return kept


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value[:MAX_CELL].strip()
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value)[:MAX_CELL].strip()


# -- text ------------------------------------------------------------------------------------------


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    head = content[:400]
    for at, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(head) >= 4 and head[at::2].count(0) > 0.4 * len(head):
            return content.decode(encoding, errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")  # what Excel writes in the West


def _text(name: str, text: str, *, tabs: bool) -> Rows:
    text = text.replace("\x00", "")
    told = re.match(r"sep=(.)\r?\n", text)  # how Excel is told what separates the columns
    if told:
        text = text[told.end() :]
    separator = told[1] if told else "\t" if tabs else _separator(text)
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):  # the latter: a quote that never closes
        try:
            return _bounded(name, _parsed(text, separator, quoting))
        except csv.Error:
            continue
    raise UnreadableTableError(name, "is a table that cannot be read: its cells have no end")


def _parsed(text: str, separator: str, quoting: int) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=quoting)  # type: ignore[arg-type]


def _separator(text: str) -> str:
    """The character that divides the first lines most evenly into more than one column."""
    sample = text[:SAMPLE]
    if len(text) > SAMPLE:
        sample = sample[: sample.rfind("\n") + 1] or sample

    def evenness(separator: str) -> tuple[float, int]:
        try:
            widths = [len(row) for row in _parsed(sample, separator, csv.QUOTE_MINIMAL) if row]
        except csv.Error:
            return 0.0, 0
        usual = max(set(widths), key=lambda width: (widths.count(width), width), default=1)
        return (widths.count(usual) / len(widths), usual) if usual > 1 else (0.0, 0)

    return max(SEPARATORS, key=evenness)


# -- Excel -----------------------------------------------------------------------------------------


def _sheet(name: str, content: bytes) -> Rows:
    _check_members(name, content)
    import openpyxl  # heavy: not before such a table comes

    try:
        book = openpyxl.load_workbook(
            io.BytesIO(content), read_only=True, data_only=True, keep_links=False
        )
        try:
            for sheet in book.worksheets:
                if rows := _bounded(name, _cells(sheet)):
                    return rows
            return []
        finally:
            book.close()
    except UnreadableTableError:
        raise
    except Exception as err:  # a broken file can raise anything in there
        raise UnreadableTableError(
            name, "is an Excel table that is broken or protected with a password"
        ) from err


def _cells(sheet: Any) -> Iterator[tuple[Any, ...]]:
    sheet.reset_dimensions()  # what the file says of its size need not be true
    rows: Iterator[tuple[Any, ...]] = sheet.iter_rows(values_only=True)
    return rows


def _check_members(name: str, content: bytes) -> None:
    """Refuse what would unpack to too much, and entities, before anything parses it."""
    broken = "is an Excel table that is broken or protected with a password"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            total = sum(member.file_size for member in members)
            packed = max(1, len(content))
            if len(members) > SHEET_MEMBERS or total > SHEET_BYTES:
                raise UnreadableTableError(
                    name, f"is an Excel table of more than {SHEET_BYTES >> 20} MB, unpacked"
                )
            if total > 1 << 20 and total > SHEET_RATIO * packed:
                raise UnreadableTableError(
                    name, "is an Excel file that unpacks to far more than a table does"
                )
            for member in members:
                if member.filename.endswith((".xml", ".rels", ".vml")):
                    _check_xml(name, archive, member)
    except UnreadableTableError:
        raise
    except Exception as err:  # zipfile and zlib, on bytes that may be anything
        raise UnreadableTableError(name, broken) from err


def _check_xml(name: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    before = b""
    with archive.open(member) as stream:
        while chunk := stream.read(1 << 20):
            seen = before + chunk.upper()
            if any(mark in seen for mark in _ENTITIES):
                raise UnreadableTableError(name, "is an Excel file with entities, which none needs")
            before = seen[-16:]
