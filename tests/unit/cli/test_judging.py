"""``evaluate`` on the command line: scores, one class, sets, confidence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.pages import seed
from tl_core.cli.main import main
from tl_core.session import Studio
from tl_core.storage import Home


@pytest.fixture
def run_id(home: Home) -> str:
    studio = Studio(home)
    return seed.finished_run(studio, seed.project_with_pictures(studio, per_class=120))


def asked(home: Home, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert main(["evaluate", *options, "--json", "--home", str(home.root)]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_line_and_sets_are_counted_on_the_test_pictures(
    home: Home, run_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = Studio(home).snapshot(run_id).classes[0]
    told = asked(home, capsys, run_id, "--class", name, "--miss", "10", "--sets", "0.9")
    line, sets = told["line"], told["sets"]
    assert line["hits"] + line["missed"] + line["alarms"] + line["passed"] == told["n"]
    assert line["cost"] == 10 * line["missed"] + line["alarms"]
    low, high = line["found"][1:]
    assert low <= line["hits"] / (line["hits"] + line["missed"]) <= high
    assert 0 <= line["auc"][1] <= line["auc"][0] <= line["auc"][2] <= 1
    assert sets["n"] == told["n"] and sum(sets["sizes"]) == told["n"]
    home_of = ["--home", str(home.root)]
    assert main(["evaluate", run_id, "--class", name, "--sets", "0.9", *home_of]) == 0
    said = capsys.readouterr().out
    assert f"Say '{name}' from " in said and "Sets that promise 90.0 %" in said
    assert "F1 (macro)" in said and "95 % interval" in said


def test_the_confidence_is_corrected_and_taken_back(
    home: Home, run_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = asked(home, capsys, run_id)
    assert before["temperature"] == 1.0
    after = asked(home, capsys, run_id, "--confidence", "corrected")
    assert after["temperature"] != 1.0 and after["log_loss"] < before["log_loss"]
    assert after["accuracy"] == before["accuracy"]
    again = asked(home, capsys, run_id, "--confidence", "as-trained")
    assert again["temperature"] == 1.0
    assert again["log_loss"] == pytest.approx(before["log_loss"])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--class", "unicorn"], "There is no class 'unicorn'."),
        (["--class", "CLASS", "--miss", "0"], "A miss must cost more than nothing."),
        (["--sets", "1"], "The promise is a share from 0.5 to below 1."),
        (["--sets", "0.9999"], "There are too few validation pictures to promise 0.9999."),
    ],
)
def test_what_cannot_be_asked_is_said(
    home: Home,
    run_id: str,
    options: list[str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = Studio(home).snapshot(run_id).classes[0]
    real = [name if one == "CLASS" else one for one in options]
    assert main(["evaluate", run_id, *real, "--home", str(home.root)]) == 2
    assert sentence in capsys.readouterr().err
