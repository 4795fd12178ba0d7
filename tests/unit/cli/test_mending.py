"""``evaluate --csv`` and ``mend``: labels changed by a table, a new run from the old weights."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.unit.jobs.test_mending import first_run
from tests.unit.jobs.tiles import write_tiles
from tl_core.cli.main import main
from tl_core.config import DataConfig
from tl_core.data.intake import take_in
from tl_core.jobs.queue import RunRow
from tl_core.jobs.schema import open_engine
from tl_core.session import Studio
from tl_core.storage import Home

OTHER = {"up": "down", "down": "up"}


@pytest.fixture
def done(home: Home) -> tuple[Studio, RunRow]:
    return first_run(home, open_engine(home))


def asked(home: Home, *command: str) -> int:
    return main([*command, "--home", str(home.root)])


def answers(home: Home, run_id: str, target: Path) -> list[dict[str, str]]:
    assert asked(home, "evaluate", run_id, "--csv", str(target), "--json") == 0
    with target.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def write(target: Path, rows: list[dict[str, str]]) -> Path:
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return target


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(one) for one in capsys.readouterr().out.splitlines()]


def test_the_table_of_answers_has_wrong_and_sure_ones_first(
    home: Home, done: tuple[Studio, RunRow], tmp_path: Path
) -> None:
    studio, row = done
    rows = answers(home, row.id, tmp_path / "answers.csv")
    snapshot = studio.snapshot(row.id)
    judged = [one for one in snapshot.images if one.split in ("val", "test")]
    assert {one["file"]: one["class"] for one in rows} == {one.path: one.label for one in judged}
    order = [(int(one["right"]), -float(one["confidence"])) for one in rows]
    assert order == sorted(order)
    assert all((one["answer"] == one["class"]) == (one["right"] == "1") for one in rows)


def test_an_edited_table_changes_the_set_and_trains_on(
    home: Home,
    done: tuple[Studio, RunRow],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    studio, row = done
    rows = answers(home, row.id, tmp_path / "answers.csv")
    moved, out = rows[0], rows[1]
    moved["class"], out["class"] = OTHER[moved["class"]].upper(), "-"  # capitals do not count
    moved["file"] = moved["file"].replace("/", "\\")
    capsys.readouterr()
    table = write(tmp_path / "answers.csv", rows)
    assert asked(home, "mend", row.id, str(table), "--json") == 0
    said = lines(capsys)
    changed = {"run_id": row.id, "relabelled": 1, "left_out": 1, "judging": 2}
    assert said[0] == {"event": "pictures_changed", **changed}
    finished, last = said[-2], said[-1]
    assert finished["event"] == "run_finished" and last["event"] == "mended"
    assert last["run_id"] == finished["run_id"] and last["parent"] == row.id
    assert last["sentences"] and last["verdict"]
    found = studio.mended(row)
    assert found.after is not None and found.after.id == last["run_id"]
    assert studio.origin(found.after.id).weights  # type: ignore[union-attr]
    titles = [one.title for one in studio.curation.history(row.project_id)]
    assert titles == ["Mended by answers.csv"]
    studio.curation.undo(row.project_id)
    assert not studio.mended(row).since


def test_an_excel_table_for_people_without_training(
    home: Home,
    done: tuple[Studio, RunRow],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    studio, row = done
    one = studio.snapshot(row.id).part("train")[0]
    book = openpyxl.Workbook()
    book.active.append(["note", "Class", "File"])
    book.active.append(["it was upside down", OTHER[one.label], one.path])
    book.save(tmp_path / "mine.xlsx")
    monkeypatch.setattr("tl_core.cli.mending.machine", lambda options: False)
    assert asked(home, "mend", row.id, str(tmp_path / "mine.xlsx"), "--only-change") == 0
    said = capsys.readouterr().out
    assert "1 given another class, 0 left out" in said and "judged by" not in said
    assert len(studio.runs()) == 1
    (now,) = studio.library.some_images(row.project_id, [one.id])
    assert now.label == OTHER[one.label]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("picture,class\na.png,up\n", "has no column file"),
        ("a,b\n1,2\n", "has no column file and no column class"),
        ("file,class\nFILE,\n", "Row 2 of t.csv has no class"),
        ("file,class\n,up\n", "Row 2 of t.csv has no file"),
        ("file,class\nFILE,sideways\n", "there is no class 'sideways'"),
        ("file,class\nFILE,up\nFILE,down\n", "two classes"),
        (
            "file,class\nFILE,up\nz1.png,up\nz2.png,up\n",
            "Not in the set (any more): z1.png, z2.png",
        ),
        ("file,class\nFILE,LABEL\n", "The table changes nothing"),
    ],
)
def test_a_table_that_cannot_be_taken_changes_nothing(
    home: Home,
    done: tuple[Studio, RunRow],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    sentence: str,
) -> None:
    studio, row = done
    one = studio.snapshot(row.id).images[0]
    table = tmp_path / "t.csv"
    table.write_text(text.replace("FILE", one.path).replace("LABEL", one.label))
    assert asked(home, "mend", row.id, str(table)) == 2
    assert sentence in capsys.readouterr().err
    assert not studio.curation.history(row.project_id) and len(studio.runs()) == 1


def test_what_cannot_be_mended_is_said(
    home: Home, done: tuple[Studio, RunRow], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    studio, row = done
    assert asked(home, "mend", row.id, str(tmp_path / "none.csv")) == 2
    assert "evaluate" in capsys.readouterr().err
    rows = studio.snapshot(row.id).images
    table = write(tmp_path / "t.csv", [{"file": one.path, "class": "up"} for one in rows])
    other = take_in(write_tiles(tmp_path / "other", size_px=48), home)
    studio.library.replace_images(row.project_id, other, DataConfig())
    assert asked(home, "mend", row.id, str(table)) == 2
    assert "brought anew" in capsys.readouterr().err
