"""Tables to take away: no formula, no character that tables cannot hold, whole or not there."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from tl_core.errors import StorageError
from tl_core.plain_table import as_csv, harmless, legible, meant, write_csv


@pytest.mark.parametrize("text", ["=cmd()", "+b", "-", "@x", "\tx", "\rx", "a.png", "'quoted'", ""])
def test_what_is_made_harmless_can_be_meant_again(text: str) -> None:
    assert not harmless(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert meant(harmless(text)) == text


def test_only_what_begins_like_a_formula_is_changed() -> None:
    assert harmless("\tx") == "'\tx" and harmless("=cmd()") == "'=cmd()"
    assert harmless("plain") == "plain" and harmless("a.png") == "a.png"


def test_a_file_is_marked_and_its_cells_are_plain() -> None:
    content = as_csv(("file", "n"), [("=é\x07.png", 0.5), ("b, c", None)])
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert rows == [["file", "n"], ["'=é\ufffd.png", "0.5"], ["b, c", ""]]
    assert legible("a\udcffb") == "a\ufffdb"


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(StorageError):
        write_csv(tmp_path / "t.csv", ("a",), [("b",)])
    assert [one.name for one in tmp_path.iterdir()] == ["t.csv"]
