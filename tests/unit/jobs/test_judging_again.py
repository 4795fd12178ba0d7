"""A run of an earlier version is judged anew: the same answers, everything that is asked now."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.jobs.test_continuing import SPEC, trained
from tests.unit.jobs.tiles import tiny_project
from tl_core.cli.main import main
from tl_core.config import FreezeConfig
from tl_core.jobs.confidence import change_temperature
from tl_core.jobs.queue import Queue
from tl_core.jobs.quick import KINDS
from tl_core.jobs.schema import open_engine
from tl_core.jobs.submit import submit_training
from tl_core.jobs.work import Context
from tl_core.session import Studio
from tl_core.storage import Home, read_json


@pytest.mark.parametrize("layers", ["head", "deep-probe"])
def test_nothing_changes_for_a_run_that_has_kept_everything(home: Home, layers: str) -> None:
    engine = open_engine(home)
    spec = replace(SPEC, freeze=FreezeConfig(layers=layers))
    run_id = submit_training(home, engine, tiny_project(home, engine), spec)
    assert trained(home, engine, run_id)[0].state == "finished"
    studio, folder = Studio(home), home.run_dir(run_id)
    change_temperature(home, run_id, 2.0)
    before = {split: read_json(folder / f"report-{split}.json") for split in ("val", "test")}
    kept = studio.answers(run_id, "test")
    for file in folder.glob("answers-*"):
        file.unlink()
    for file in folder.glob("report-*"):
        file.unlink()
    queue = Queue(engine)
    row = queue.claim("side", "test", queue.submit("judge", {"run_id": run_id}))
    assert row is not None and KINDS["judge"](Context(home, engine, row)) == {"run_id": run_id}
    again = studio.answers(run_id, "test")
    assert kept is not None and again is not None
    assert again.images == kept.images and again.pictures == kept.pictures
    assert np.allclose(again.probabilities, kept.probabilities, atol=1e-5)
    assert np.array_equal(again.units, kept.units)  # type: ignore[arg-type]
    for split, report in before.items():
        new = read_json(folder / f"report-{split}.json")
        assert new["confusion"] == report["confusion"] and new["slices"] == report["slices"]
        assert new["chose_epoch"] == report["chose_epoch"]
        assert new["log_loss"] == pytest.approx(report["log_loss"], abs=1e-4)


def test_the_command_line_judges_anew_what_was_not_kept(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = open_engine(home)
    run_id = submit_training(home, engine, tiny_project(home, engine), SPEC)
    assert trained(home, engine, run_id)[0].state == "finished"
    for file in home.run_dir(run_id).glob("answers-*.safetensors"):
        file.unlink()
    options = ["evaluate", run_id, "--home", str(home.root), "--sets", "0.5", "--json"]
    capsys.readouterr()
    assert main(options) == 2
    assert "Ask for --again first." in capsys.readouterr().err
    assert main([*options, "--again"]) == 0
    assert json.loads(capsys.readouterr().out)["sets"]["promised"] == 0.5
