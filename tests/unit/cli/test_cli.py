"""The command line, whole: inspect, train, evaluate, export, predict, on a small real set."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from tests.unit.jobs.tiles import write_tiles
from tl_core.cli import commands
from tl_core.cli.main import main
from tl_core.config import RunSpec
from tl_core.jobs.library import Library
from tl_core.jobs.queue import Queue
from tl_core.jobs.schema import open_engine
from tl_core.storage import Home

QUICK = ["--epochs", "2", "--image-size", "32", "--batch-size", "8", "--lr", "0.003"]


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_tiles(tmp_path_factory.mktemp("set") / "tiles")
    (folder / "down" / "notes.txt").write_text("not a picture")
    return folder


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_inspect_ends_with_the_counts(tiles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(tiles)]) == 0
    body = lines(capsys.readouterr().out)[-1]
    assert body["classes"] == {"down": 12, "up": 12}
    assert [one["file"] for one in body["quarantine"]] == ["down/notes.txt"]  # type: ignore[index]
    assert isinstance(body["findings"], list)


def test_a_table_is_data(tiles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "labels.csv"
    names = sorted(tiles.rglob("*.png"))
    rows = "".join(f"{one.parent.name}/{one.name},{one.parent.name.upper()}\n" for one in names)
    table.write_text(f"file,label\n{rows}", encoding="utf-8")
    assert main(["inspect", str(table), "--pictures", str(tiles), "--no-check"]) == 0
    body = lines(capsys.readouterr().out)[-1]
    assert sum(body["classes"].values()) == 24  # type: ignore[attr-defined]
    assert body["quarantine"] == []
    assert main(["inspect", str(table)]) == 2
    assert "labels.csv is a table that names no picture" in capsys.readouterr().err
    assert main(["inspect", str(tiles), "--pictures", str(tiles)]) == 2
    assert "--pictures goes with a table" in capsys.readouterr().err


def test_layers_can_be_left_to_a_comparison(
    tiles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path / "home")]
    options = ["--layers", "auto", "--image-size", "32"]
    assert main(["train", str(tiles), *options, *home]) == 0
    told = lines(capsys.readouterr().out)
    compared = next(one for one in told if one["event"] == "layers_compared")
    raced = compared["raced"]
    assert [one["layers"] for one in raced] == ["exact-head", "deep-probe"]  # type: ignore
    assert compared["chosen"] in ("exact-head", "deep-probe")
    started = next(one for one in told if one["event"] == "run_started")
    assert started["layers"] == compared["chosen"]
    assert told[-1]["event"] == "run_finished"


def test_the_whole_way(tiles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(tmp_path / "home")]
    assert main(["train", str(tiles), *QUICK, *home]) == 0
    told = lines(capsys.readouterr().out)
    assert [one["epoch"] for one in told if one["event"] == "epoch_done"] == [1, 2]
    end = told[-1]
    assert end["event"] == "run_finished"
    assert {"run_id", "reason", "epochs", "seconds", "findings"} <= end.keys()
    for split in ("val", "test"):
        low, high = end[f"{split}_accuracy_ci"]  # type: ignore[misc]
        assert low <= end[f"{split}_accuracy"] <= high
    run_id = str(end["run_id"])

    assert main(["runs", "--json", *home]) == 0
    row = json.loads(capsys.readouterr().out)[0]
    assert (row["run_id"], row["state"], row["project"]) == (run_id, "finished", "tiles")
    assert row["test_accuracy"] == end["test_accuracy"]

    assert main(["evaluate", run_id, "--json", *home]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["split"] == "test"
    assert report["accuracy"]["value"] == end["test_accuracy"]
    assert main(["evaluate", run_id, *home]) == 0
    assert "precision" in capsys.readouterr().out

    bundle = tmp_path / "bundle"
    assert main(["export", run_id, "--out", str(bundle), "--json", *home]) == 0
    certificate = json.loads(capsys.readouterr().out)["certificate"]
    assert certificate["same_answers"] == certificate["pictures"] > 0

    table = tmp_path / "answers.csv"
    for source in (run_id, str(bundle)):
        arguments = [source, str(tiles / "down"), "--json", "--csv", str(table)]
        assert main(["predict", *arguments, *home]) == 0
        answers = json.loads(capsys.readouterr().out)
        assert len(answers) == 12
        assert sum(p for _, p in answers[0]["top"]) == pytest.approx(1, abs=1e-5)
        with table.open(encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
        assert [row["answer"] for row in rows] == [one["top"][0][0] for one in answers]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "nowhere.zip"], "There is nothing at nowhere.zip."),
        (["resume", "t0"], "There is no run 't0' here."),
        (["evaluate", "t0"], "There is no run 't0' here."),
        (["export", "t0", "--out", "x"], "There is no run 't0' here."),
    ],
)
def test_mistakes_get_a_sentence_and_exit_code_2(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert sentence in told.err
    assert told.out == ""


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--lr", "fast"], "'fast' is not a learning rate."),
        (["--lr", "7"], "lr is 7.0, outside"),
        (["--layers", "last:99"], "asks for too many"),
        (["--layers", "deep-probe:2"], "is not a choice of layers"),
        (["--views", "0"], "views is 0, outside"),
        (["--mixup", "3"], "mixup is 3.0, outside"),
        (["--model", "resnet10x"], "resnet10x"),
        (["--weights", "missing.pth"], "There is no file missing.pth."),
    ],
)
def test_settings_that_do_not_fit_are_refused_before_anything_runs(
    tiles: Path, options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(tiles), *options]) == 2
    assert sentence in capsys.readouterr().err


def test_options_become_settings(tiles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[RunSpec] = []
    monkeypatch.setattr(
        commands, "submit_training", lambda home, engine, project, spec: asked.append(spec) or "t"
    )
    monkeypatch.setattr(commands, "worked_off", lambda *given: 0)
    options = ["--views", "4", "--no-cache", "--head-start", "random", "--layers", "deep-probe"]
    changes = ["--mixup", "0.2", "--feature-noise", "0.1", "--feature-brightness", "0.3"]
    for more in ([], ["--no-augment"]):
        assert main(["train", str(tiles), *options, *changes, *more]) == 0
    usual, unchanged = asked
    assert usual.freeze.layers == "deep-probe"
    assert (usual.train.views, usual.train.cache, usual.train.head_start) == (4, False, "random")
    for spec in asked:
        augment = spec.augment
        assert (augment.mixup, augment.feature_noise, augment.feature_brightness) == (0.2, 0.1, 0.3)
    assert usual.augment.flip and not unchanged.augment.any
    assert main(["train", str(tiles)]) == 0
    assert asked[-1] == RunSpec()


def test_one_class_is_not_enough(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_tiles(tmp_path / "one")
    for path in (folder / "up").iterdir():
        path.unlink()
    assert main(["train", str(folder)]) == 2
    assert "only one class (down)" in capsys.readouterr().err


def test_an_unfinished_run_has_no_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path / "home")
    run_id = Queue(open_engine(home)).submit("train", RunSpec().to_dict())
    assert main(["evaluate", run_id, "--home", str(home.root)]) == 2
    assert "is queued, it has no result yet" in capsys.readouterr().err


def test_resuming_a_finished_run_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path / "home")
    queue = Queue(open_engine(home))
    run_id = queue.submit("train", RunSpec().to_dict())
    queue.claim("train", "test")
    queue.end(run_id, "finished")
    assert main(["resume", run_id, "--home", str(home.root)]) == 2
    assert "only an interrupted run can be resumed" in capsys.readouterr().err


@pytest.mark.parametrize("state", ["starting", "running", "paused", "stopping"])
def test_a_run_whose_process_was_just_killed_is_resumed(
    state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home")
    queue = Queue(open_engine(home))
    run_id = queue.submit("train", RunSpec().to_dict())
    queue.claim("train", "test")
    queue.started(run_id, 2**22 + 1)  # no such process; its last sign of life is this moment
    queue.mark(run_id, state)
    monkeypatch.setattr(commands, "START_S", 0.0)
    resumed: list[str] = []
    monkeypatch.setattr(commands, "worked_off", lambda *given: resumed.append(given[2]) or 0)
    assert main(["resume", run_id, "--home", str(home.root)]) == 0
    assert resumed == [run_id]
    assert queue.get(run_id).state == "queued"


def test_a_run_that_lives_is_not_taken_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path / "home")
    queue = Queue(open_engine(home))
    run_id = queue.submit("train", RunSpec().to_dict())
    queue.claim("train", "test")
    queue.started(run_id, os.getpid())
    assert main(["resume", run_id, "--home", str(home.root)]) == 2
    assert "This run is running" in capsys.readouterr().err


def test_a_project_of_the_same_name_from_elsewhere_is_left_alone(
    tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home")
    library = Library(open_engine(home))
    library.create("tiles")  # made in the browser
    monkeypatch.setattr(commands, "worked_off", lambda *given: 0)
    for _ in range(2):
        assert main(["train", str(tiles), "--home", str(home.root)]) == 0
    assert sorted(one.n_images for one in library.projects()) == [0, 24]


def test_a_file_that_cannot_be_written_is_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [{"file": "a.jpg", "top": [["ant", 1.0]], "error": None}]
    monkeypatch.setattr("tl_core.jobs.predicting.predict_paths", lambda *given: answers)
    (tmp_path / "x.csv").mkdir()
    assert main(["predict", "t1", "a.jpg", "--csv", str(tmp_path / "x.csv")]) == 2
    told = capsys.readouterr()
    assert "x.csv" in told.err and "Traceback" not in told.err and not told.out
