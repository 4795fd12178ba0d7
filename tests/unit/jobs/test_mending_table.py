"""A table of files and classes as one change: names that spreadsheets take for formulas."""

from __future__ import annotations

import csv
import io

import pytest

from tl_core.jobs.library import ImageRow
from tl_core.jobs.mending_table import repair_of
from tl_core.plain_table import as_csv

CLASSES = ["+", "-", "a"]
PICTURES = [
    ImageRow(id=1, digest="1", path="=one.png", label="+", split="val"),
    ImageRow(id=2, digest="2", path="-/two.png", label="-", split="val"),
    ImageRow(id=3, digest="3", path="'=three.png", label="a", split="val"),
]


def rows_of(*rows: tuple[str, str]) -> list[list[str]]:
    """As they are read from a table that Thaw wrote."""
    content = as_csv(("file", "class"), rows).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(content, newline="")))


def test_a_table_as_it_was_written_changes_nothing() -> None:
    rows = rows_of(*((one.path, one.label) for one in PICTURES))
    assert rows[1] == ["'=one.png", "'+"]
    assert repair_of("t.csv", rows, PICTURES, CLASSES).nothing


@pytest.mark.parametrize(
    ("cell", "relabel", "exclude"), [("'-", {1: "-"}, ()), ("-", {}, (1,)), ("a", {1: "a"}, ())]
)
def test_a_class_called_minus_is_told_from_leaving_out(
    cell: str, relabel: dict[int, str], exclude: tuple[int, ...]
) -> None:
    rows = [["file", "class"], ["'=one.png", cell]]
    found = repair_of("t.csv", rows, PICTURES, CLASSES)
    assert dict(found.relabel) == relabel and found.exclude == exclude
