"""Tables of text to take away: CSV that spreadsheets read right and never take for formulas."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tl_core.storage import atomic_path

__all__ = ["as_csv", "harmless", "legible", "meant", "write_csv"]

Cell = str | float | None

ENCODING = "utf-8-sig"  # the mark at its head makes spreadsheet programs read it as UTF-8
STARTS = ("=", "+", "-", "@", "\t", "\r")  # what programs take for the beginning of a formula
# Names of files may hold them; a workbook may not, and UTF-8 has no lone surrogates.
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def harmless(text: str) -> str:
    """Text that no spreadsheet program takes for a formula.

    Source:
        OWASP, CSV Injection.
    """
    return f"'{text}" if text.startswith(STARTS) else text


def meant(cell: str) -> str:
    """What ``harmless`` was given, where it put a mark before it."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(STARTS) else cell


def legible(text: str) -> str:
    """Text with a question mark in a box for every character that tables cannot hold."""
    return UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def as_csv(head: Sequence[str], rows: Iterable[Iterable[Cell]]) -> bytes:
    """A whole file; text cells are made harmless and legible, None is an empty cell."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink)
    writer.writerow(head)
    for row in rows:
        writer.writerow([_plain(one) if isinstance(one, str) else one for one in row])
    return sink.getvalue().encode(ENCODING)


def write_csv(target: Path, head: Sequence[str], rows: Iterable[Iterable[Cell]]) -> None:
    """The same as a file, which is there whole or not at all; ``~`` is the home folder.

    Raises:
        StorageError: It cannot be written there.
    """
    content = as_csv(head, rows)
    with atomic_path(target.expanduser().resolve()) as part:
        part.write_bytes(content)


def _plain(text: str) -> str:
    return harmless(legible(text))
