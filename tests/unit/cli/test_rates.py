"""``lr-find``, and the rates of blocks as options: asked once, obeyed, and said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.jobs.tiles import write_tiles
from tl_core.cli.main import main
from tl_core.jobs import rating
from tl_core.jobs.queue import Queue
from tl_core.jobs.rate_question import rate_question
from tl_core.jobs.schema import open_engine
from tl_core.storage import Home

SMALL = ["--image-size", "32", "--batch-size", "8", "--layers", "last:1"]


@pytest.fixture
def tiles(tmp_path: Path) -> Path:
    return write_tiles(tmp_path / "tiles")


def last(text: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(text.splitlines()[-1])
    return body


def test_a_rate_is_looked_for_once_for_the_same_pictures(
    tiles: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = ["--home", str(tmp_path / "home")]
    assert main(["lr-find", str(tiles), *SMALL, "--json", *home]) == 0
    found = last(capsys.readouterr().out)
    assert found["layers"] == "last:1" and found["seeds"] == 3
    assert len(found["losses"]) <= len(found["rates"]) == 50
    assert found["found"]["reason"] in ("found", "no_drop", "disagree", "short")
    assert found["default"] == 0.001

    def again(*_: Any, **__: Any) -> Any:
        raise AssertionError("it was asked before")

    monkeypatch.setattr(rating, "range_test", again)
    assert main(["lr-find", str(tiles), *SMALL, "--json", *home]) == 0
    assert last(capsys.readouterr().out)["losses"] == found["losses"]
    assert main(["lr-find", str(tiles), *SMALL, *home]) == 0
    said = capsys.readouterr().out
    assert "50 rates from 1e-05 to 1, 3 runs of" in said
    assert "suggested" in said or "No answer" in said
    # other pictures: the answer that is there is none for them
    (tiles / "up" / "000.png").unlink()
    assert main(["lr-find", str(tiles), *SMALL, "--json", *home]) == 2


@pytest.mark.parametrize("layers", ["deep-probe", "exact-head"])
def test_a_solved_head_has_no_rate(
    tiles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], layers: str
) -> None:
    arguments = ["lr-find", str(tiles), "--layers", layers, "--home", str(tmp_path / "home")]
    assert main(arguments) == 2
    assert "takes no steps, so it has no learning rate" in capsys.readouterr().err


def test_rates_of_blocks_are_obeyed_and_said(
    tiles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path / "home")]
    rates = ["--lr", "0.02", "--backbone-lr", "0.5", "--block-decay", "0.5"]
    rates += ["--block-rates", "4:0.25", "--epochs", "1", "--layers", "last:2"]
    assert main(["train", str(tiles), "--image-size", "32", *rates, "--json", *home]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    started = next(one for one in told if one["event"] == "run_started")
    assert started["lr"] == 0.02
    expected = [0.0] * (len(started["rates"]) - 3) + [0.005, 0.01, 0.02]
    expected[4] = 0.02 * 0.25 if expected[4] else 0.0
    assert started["rates"] == pytest.approx(expected)


def test_an_impossible_rate_of_a_block_is_a_sentence(
    tiles: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", str(tiles), "--block-rates", "4=0.2", "--home", str(tmp_path / "home")]
    assert main(arguments) == 2
    assert "'4=0.2' is not the rate of a block." in capsys.readouterr().err


def test_the_question_forgets_what_does_not_shape_the_curve() -> None:
    from tl_core.config import RunSpec, changed

    usual = rate_question(RunSpec(), 1)
    same = {"train.lr": 0.5, "train.epochs": 3, "train.schedule": "constant", "note": "mine"}
    assert rate_question(changed(RunSpec(), same), 1) == usual
    for other in ({"train.batch_size": 4}, {"freeze.layers": "all"}, {"train.block_decay": 0.5}):
        assert rate_question(changed(RunSpec(), other), 1) != usual
    assert rate_question(RunSpec(), 2) != usual


def test_it_can_be_stopped(tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.unit.jobs.tiles import tiny_project
    from tl_core.config import RunSpec, changed
    from tl_core.jobs.rate_question import ask_rate
    from tl_core.jobs.work import Orders, carry_out
    from tl_core.models.catalog import DEFAULT_MODEL, card
    from tl_core.train.defaults import resolved

    home = Home(tmp_path / "home")
    engine = open_engine(home)
    project_id = tiny_project(home, engine)
    spec = changed(RunSpec(), {"train.image_size": 32, "train.batch_size": 8})
    spec = resolved(spec, card=card(DEFAULT_MODEL), n_train=12, n_classes=2)
    queue = Queue(engine)
    waiting = ask_rate(queue, project_id, rate_question(spec, 1))
    asked = ask_rate(queue, project_id, rate_question(spec, 1))
    assert queue.get(waiting).state == "cancelled"  # nobody waits for that one any more
    monkeypatch.setattr(Orders, "cancelled", lambda self: True)
    row = queue.claim("side", "test", asked)
    assert row is not None
    ended = carry_out(home, engine, row)
    assert ended.error is not None and ended.error["code"] == "cancelled"
