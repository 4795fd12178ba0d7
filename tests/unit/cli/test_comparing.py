"""``compare``: what it prints, for people and for scripts, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.pages import seed
from tl_core.cli.main import main
from tl_core.config import FreezeConfig
from tl_core.session import Studio
from tl_core.storage import Home


@pytest.fixture
def runs(home: Home) -> list[str]:
    studio = Studio(home)
    project = seed.project_with_pictures(studio, per_class=40)
    scratch = replace(seed.short_spec(), freeze=FreezeConfig(layers="scratch"))
    return [
        seed.finished_run(studio, project, right=0.98, seed=1),
        seed.finished_run(studio, project, right=0.3, seed=2, spec=scratch),
        seed.finished_run(studio, project, right=0.95, seed=3),
    ]


def test_as_json(runs: list[str], home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *runs, "--json", "--home", str(home.root)]) == 0
    body = json.loads(capsys.readouterr().out)
    assert [one["run_id"] for one in body["runs"]] == runs
    assert (body["split"], body["reference"], body["tests"]) == ("val", runs[0], 3)
    first = body["pairs"][0]
    assert (first["first"], first["second"], first["verdict"]) == (runs[1], runs[0], "second")
    assert first["accuracy"]["low"] <= first["accuracy"]["value"] <= first["accuracy"]["high"] < 0
    assert body["sentences"][0] == f"{runs[0]} is better than {runs[1]}."
    assert body["settings"]["freeze.layers"] == {
        runs[0]: "head",
        runs[1]: "scratch",
        runs[2]: "head",
    }
    assert body["transfer"][0]["control"] == runs[1]


def test_for_people(runs: list[str], home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *runs, "--split", "test", "--home", str(home.root)]) == 0
    said = capsys.readouterr().out
    assert "On the test pictures, corrected for 2 comparisons:" in said
    assert f"- {runs[0]} is better than {runs[1]}." in said
    assert "What the pretrained network knows helps" in said
    assert "choose by validation, quote the test once" in said
    assert "freeze.layers" in said and "train.seed" not in said


def test_against_a_run_of_choice(
    runs: list[str], home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--against", runs[2], "--json", "--home", str(home.root)]
    assert main(["compare", *runs, *options]) == 0
    body = json.loads(capsys.readouterr().out)
    assert (body["reference"], body["by_itself"], body["tests"]) == (runs[2], False, 2)


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (["one"], "2 to 6 different runs"),
        (["one", "one"], "2 to 6 different runs"),
        (list("abcdefg"), "2 to 6 different runs"),
        (["one", "two"], "There is no run 'one' here"),
        (["one", "two", "--against", "three"], "three is not among the runs"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    wanted: list[str], told: str, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *wanted, "--home", str(home.root)]) == 2
    assert told in capsys.readouterr().err
