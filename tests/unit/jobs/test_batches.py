"""Many pictures at once: read like a set, answered, kept, taken away, and gone when removed."""

from __future__ import annotations

import csv
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from openpyxl import load_workbook
from PIL import Image
from sqlalchemy import Engine

from tests.unit.jobs.test_probing import run
from tests.unit.jobs.tiles import write_tiles
from tl_core.cli.main import main
from tl_core.errors import DataError
from tl_core.jobs import familiar
from tl_core.jobs.answer_tables import write_csv, write_workbook
from tl_core.jobs.batches import Answered, Batch, kept_batch, kept_refusal
from tl_core.jobs.batching import PROMISED
from tl_core.jobs.queue import Queue
from tl_core.jobs.quick import KINDS
from tl_core.jobs.schema import open_engine
from tl_core.jobs.work import Context
from tl_core.session import Studio
from tl_core.storage import Home
from tl_ui.texts import about_many


@pytest.fixture
def engine(home: Home) -> Engine:
    return open_engine(home)


def brought(folder: Path) -> Path:
    """Twelve tiles and what else may lie in a folder."""
    write_tiles(folder / "in", per_class=12)
    (folder / "in" / "broken.png").write_bytes(b"no picture")
    (folder / "in" / "=cmd.txt").write_text("text")
    Image.new("RGB", (40, 40), (250, 0, 250)).save(folder / "in" / "=pink.png")
    return folder / "in"


def asked(home: Home, engine: Engine, run_id: str, source: Path) -> tuple[str, dict[str, object]]:
    queue = Queue(engine)
    task = queue.submit("predict_many", {"run_id": run_id, "folder": str(source)})
    row = queue.claim("side", "test", task)
    assert row is not None
    return task, KINDS["predict_many"](Context(home, engine, row))


@pytest.mark.parametrize("layers", ["exact-head", "deep-probe"])
def test_every_file_has_its_row(home: Home, engine: Engine, tmp_path: Path, layers: str) -> None:
    run_id, _ = run(home, engine, freeze__layers=layers)
    task, told = asked(home, engine, run_id, brought(tmp_path))
    batch = kept_batch(home, run_id, task)
    assert batch is not None
    assert told["pictures"] == len(batch.rows) == 27  # 24 tiles, a pink one, and two of no use
    assert told["errors"] == 2
    rows = {one.file: one for one in batch.rows}
    assert rows["broken.png"].error and not rows["broken.png"].top
    tile = rows["up/000.png"]
    assert tile.answer in ("up", "down") and tile.top[0][1] >= tile.top[1][1]
    right = sum(one.answer == one.file.split("/")[0] for one in batch.rows)
    assert right >= 20
    single = KINDS["predict"](
        Context(
            home,
            engine,
            Queue(engine).get(
                Queue(engine).submit("predict", {"run_id": run_id, "digests": [tile.digest]})
            ),
        )
    )
    assert single["answers"][0]["top"][0][1] == pytest.approx(tile.top[0][1], abs=1e-5)


def test_what_was_asked_about_goes_with_its_answers_and_the_run(
    home: Home, engine: Engine, tmp_path: Path
) -> None:
    run_id, _ = run(home, engine, freeze__layers="exact-head")
    task, _ = asked(home, engine, run_id, brought(tmp_path))
    batch = kept_batch(home, run_id, task)
    assert batch is not None
    pink = next(one.digest for one in batch.rows if one.file == "=pink.png")
    assert home.has_blob(pink)
    studio = Studio(home)
    Queue(engine).end(task, "finished", exit_code=0)
    studio.forget_answers(run_id, task)
    assert not home.has_blob(pink)
    assert kept_batch(home, run_id, task) is None
    assert home.has_blob(studio.snapshot(run_id).images[0].digest), "the run's own stay"
    studio.forget_answers(run_id, task)  # again: nothing to do


def test_an_empty_folder_says_so(home: Home, engine: Engine, tmp_path: Path) -> None:
    run_id, _ = run(home, engine, freeze__layers="exact-head")
    (tmp_path / "nothing").mkdir()
    with pytest.raises(DataError):
        asked(home, engine, run_id, tmp_path / "nothing")


def made_up() -> Batch:
    return Batch(
        name="=x.zip",
        at=0.0,
        rows=(
            Answered(file="=a.png", top=(("+b", 0.75), ("c", 0.25)), likely=("+b",)),
            Answered(file="n.png", top=(("c", 0.6), ("+b", 0.4)), none=True),
            Answered(file="u.png", top=(("c", 0.6), ("+b", 0.4)), likely=("c", "+b")),
            Answered(file="e.png", error="It is damaged."),
        ),
        promised=0.9,
        refuses=True,
        drift=(),
        compared=True,
    )


def test_no_cell_of_a_table_is_a_formula(home: Home, tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", made_up())
    rows = list(csv.reader((tmp_path / "a.csv").open(encoding="utf-8-sig", newline="")))
    assert rows[1][:4] == ["'=a.png", "'+b", "'+b", "0.75"]
    assert [row[1] for row in rows[2:]] == ["none of these", "c", ""]
    assert [row[-1] for row in rows[1:]] == ["", "", "unsure", "It is damaged."]
    assert write_workbook(tmp_path / "a.xlsx", made_up(), home) == 0
    sheet = load_workbook(tmp_path / "a.xlsx").active
    assert sheet is not None
    assert sheet["B2"].value == "=a.png" and sheet["B2"].data_type == "s"
    assert sheet["C2"].value == "+b" and sheet["E2"].value == 0.75


def test_names_that_tables_cannot_hold_are_written_legibly(home: Home, tmp_path: Path) -> None:
    odd = Answered(file="a\x07\udcff.png", top=(("b\x00", 1.0),), error="\ufffe")
    batch = replace(made_up(), rows=(odd,))
    write_csv(tmp_path / "a.csv", batch)
    row = list(csv.reader((tmp_path / "a.csv").open(encoding="utf-8-sig")))[1]
    assert (row[0], row[1], row[-1]) == ("a\ufffd\ufffd.png", "b\ufffd", "\ufffd")
    write_workbook(tmp_path / "a.xlsx", batch, home)
    sheet = load_workbook(tmp_path / "a.xlsx").active
    assert sheet is not None and sheet["B2"].value == "a\ufffd\ufffd.png"


@pytest.mark.parametrize("fewest", [3, 7])
def test_it_is_kept_whether_pictures_were_compared(
    home: Home, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fewest: int
) -> None:
    monkeypatch.setattr(familiar, "FEWEST", fewest)
    run_id, _ = run(home, engine, freeze__layers="exact-head")
    write_tiles(tmp_path / "in", per_class=3)
    task, _ = asked(home, engine, run_id, tmp_path / "in")
    batch = kept_batch(home, run_id, task)
    assert batch is not None and batch.compared is (fewest <= 6)


def test_answers_are_counted_by_what_is_said() -> None:
    batch = made_up()
    assert batch.counts() == {"+b": 1, "c": 1}
    assert [one.unsure for one in batch.rows] == [False, False, True, False]


def test_the_command_line_reads_a_zip_and_leaves_no_picture_behind(
    home: Home, engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id, _ = run(home, engine, freeze__layers="exact-head")
    source = brought(tmp_path)
    archive = tmp_path / "in.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in source.rglob("*.png"):
            packed.write(file, file.relative_to(source))
    before = home.blobs()
    table, book = tmp_path / "a.csv", tmp_path / "a.xlsx"
    options = ["--csv", str(table), "--xlsx", str(book), "--home", str(home.root)]
    capsys.readouterr()
    assert main(["predict", run_id, str(archive), *options, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["pictures"]) == 26 and home.blobs() == before
    assert len(list(csv.reader(table.open(encoding="utf-8-sig")))) == 27
    sheet = load_workbook(book).active
    assert sheet is not None and len(sheet._images) == 25
    assert main(["predict", run_id, str(source / "up" / "000.png"), "--none"]) == 2
    assert "one folder or one archive" in capsys.readouterr().err
    assert main(["predict", run_id, str(source), "--home", str(home.root)]) == 0
    assert "add --none" in capsys.readouterr().err
    assert main(["predict", run_id, str(source / "up"), "--home", str(home.root)]) == 0
    assert "add --none" not in capsys.readouterr().err, "too few to tell"


def test_a_run_learns_when_to_say_none_of_these(
    home: Home, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tl_core.evaluate import foreign

    monkeypatch.setattr(foreign, "REFUSED", 0.2)
    monkeypatch.setattr(foreign.refusal, "__kwdefaults__", {"share": 0.2})
    run_id, _ = run(home, engine, freeze__layers="exact-head")
    queue = Queue(engine)
    row = queue.claim("side", "test", queue.submit("familiar", {"run_id": run_id}))
    assert row is not None
    told = KINDS["familiar"](Context(home, engine, row))
    found = kept_refusal(home, run_id)
    assert told["refuses"] == (found is not None)
    if found is None:
        return
    pink = home.folder("tmp") / "pink.png"
    Image.fromarray(np.full((40, 40, 3), (250, 0, 250), np.uint8)).save(pink)
    digest = home.put_blob(pink)
    known = Studio(home).snapshot(run_id).part("train")[0].digest
    task = queue.submit("predict", {"run_id": run_id, "digests": [digest, known]})
    answers = KINDS["predict"](Context(home, engine, queue.get(task)))["answers"]
    assert [one["none"] for one in answers] == [True, False]


def test_what_is_told_of_the_limits_is_true() -> None:
    from tl_core.evaluate import drift, foreign

    assert round(100 * foreign.REFUSED) == about_many.SHARE
    assert round(100 * PROMISED) == about_many.PROMISED
    assert drift.FEWEST == about_many.FEWEST
