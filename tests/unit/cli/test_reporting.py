"""``report`` and ``cross-validate`` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.pages import seed
from tests.pages.test_crossing import FOUND
from tl_core.cli import crossing
from tl_core.cli.main import main
from tl_core.session import Studio
from tl_core.storage import Home


@pytest.fixture
def run_id(home: Home) -> str:
    studio = Studio(home)
    return seed.finished_run(studio, seed.project_with_pictures(studio, per_class=20))


def test_the_report_is_written_where_it_was_asked_for(
    home: Home, run_id: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--home", str(home.root)]
    out = tmp_path / "new" / "r.html"
    assert main(["report", run_id, "--out", str(out), "--json", *where]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["file"] == str(out) and told["bytes"] == out.stat().st_size and told["pictures"]
    assert main(["report", run_id, "--out", str(out), "--no-pictures", *where]) == 0
    assert out.stat().st_size < told["bytes"]
    assert main(["report", run_id, "--out", str(tmp_path), *where]) == 2
    assert main(["report", run_id, "--out", str(out), "--class", "none", *where]) == 2
    assert "There is no class 'none'" in capsys.readouterr().err


def test_folds_are_told_as_sentences_and_tables(
    home: Home, run_id: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def done(home: Home, queue: object, task: str) -> object:
        studio = Studio(home)
        studio.queue.claim("train", "test", task)
        studio.queue.started(task, 1)
        result = {"run_id": run_id, "crossing": FOUND.to_dict()}
        studio.queue.end(task, "finished", exit_code=0, result=result)
        return studio.task(task)

    monkeypatch.setattr(crossing, "_done", done)
    where = ["--home", str(home.root)]
    assert main(["cross-validate", run_id, "--repeats", "2", "--json", *where]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["crossing"]["folds"] == 5 and told["sentences"]
    monkeypatch.setattr(crossing, "machine", lambda options: False)
    assert main(["cross-validate", run_id, *where]) == 0
    said = capsys.readouterr().out
    assert "About 84 of 100 are right (79 to 89)" in said and "balanced accuracy" in said


def test_what_cannot_be_judged_is_a_sentence_and_code_2(
    home: Home, run_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cross-validate", run_id, "--folds", "1", "--home", str(home.root)]) == 2
    assert "folds is 1, outside 2 to 20" in capsys.readouterr().err
