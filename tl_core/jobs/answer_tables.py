"""The answers of a batch as a table to take away: CSV, or a workbook with thumbnails."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from tl_core import plain_table
from tl_core.errors import TLError
from tl_core.jobs.batches import Answered, Batch
from tl_core.plain_table import legible
from tl_core.storage import Home, atomic_path

__all__ = ["COLUMNS", "THUMBS", "write_csv", "write_workbook"]

COLUMNS = (
    "file",
    "answer",
    "first class",
    "probability",
    "second class",
    "probability ",
    "third class",
    "probability  ",
    "classes that hold the truth as often as promised",
    "remark",
)
NONE, UNSURE = "none of these", "unsure"
THUMBS = 2000  # pictures with a thumbnail in a workbook: more make files nobody can open
THUMB_PX = 64
ROW_POINTS = 52.0  # high enough for a thumbnail
WIDTHS = (11, 44, 22, 22, 11, 22, 11, 22, 11, 36, 40)


def write_csv(target: Path, batch: Batch) -> None:
    """Write a row per picture."""
    plain_table.write_csv(target, COLUMNS, map(_cells, batch.rows))


def write_workbook(target: Path, batch: Batch, home: Home) -> int:
    """Write an Excel workbook, a thumbnail before each of the first ``THUMBS`` pictures.

    Returns:
        How many thumbnails it has.
    """
    from openpyxl import Workbook
    from openpyxl.drawing.image import Image
    from openpyxl.styles import Alignment, Font

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Answers"
    sheet.append(["picture", *COLUMNS])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for letter, width in zip("ABCDEFGHIJK", WIDTHS, strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.freeze_panes = "C2"
    sheet.auto_filter.ref = f"B1:K{len(batch.rows) + 1}"
    shown = 0
    for number, one in enumerate(batch.rows, 2):
        for column, value in enumerate(_cells(one), 2):
            cell = sheet.cell(row=number, column=column, value=value)
            cell.alignment = Alignment(vertical="center")
            if isinstance(value, str):
                cell.data_type = "s"  # also what begins like a formula
            elif value is not None:
                cell.number_format = "0.0%"
        if shown < THUMBS and (thumb := _thumb(home, one)) is not None:
            sheet.row_dimensions[number].height = ROW_POINTS
            sheet.add_image(Image(thumb), f"A{number}")
            shown += 1
    with atomic_path(target) as part, part.open("wb") as stream:
        book.save(stream)
    return shown


def _cells(one: Answered) -> Iterator[str | float | None]:
    yield legible(one.file)
    yield NONE if one.none else legible(one.answer)
    for place in range(3):
        label, share = one.top[place] if place < len(one.top) else ("", None)
        yield legible(label)
        yield share
    yield legible(", ".join(one.likely or ()))
    yield legible(one.error or (UNSURE if one.unsure else ""))


def _thumb(home: Home, one: Answered) -> io.BytesIO | None:
    if not one.digest:
        return None
    from PIL import Image

    from tl_core.data.thumbs import THUMB_SIZES, ensure_thumb

    try:
        found = ensure_thumb(home, one.digest, THUMB_SIZES[0])
    except TLError:
        return None
    sink = io.BytesIO()
    with Image.open(found) as image:
        image.thumbnail((THUMB_PX, THUMB_PX))
        image.convert("RGB").save(sink, "JPEG", quality=80)
    sink.seek(0)
    return sink
