"""``advise`` on a small real set: the ranking as JSON and as sentences, and wrong names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.jobs.tiles import write_tiles
from tl_core.cli import advising
from tl_core.cli.main import main
from tl_core.models.catalog import DEFAULT_MODEL
from tl_core.session import Studio
from tl_core.storage import Home

TO_FETCH = "resnet18.tv_in1k"


def test_the_ranking_is_told_and_kept_for_the_studio(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    tiles = str(write_tiles(tmp_path / "tiles", per_class=16))
    home = tmp_path / "home"
    models = ["--models", f"{DEFAULT_MODEL},{TO_FETCH}", "--home", str(home)]
    assert main(["advise", tiles, *models]) == 0
    body = json.loads(capsys.readouterr().out)
    assert body["recommended"]["model"] == DEFAULT_MODEL
    assert body["recommended"]["sentence"]
    names = [(one["name"], one["state"], one["control"]) for one in body["candidates"]]
    assert names == [
        (DEFAULT_MODEL, "measured", False),
        (DEFAULT_MODEL, "measured", True),
        (TO_FETCH, "not_here", False),
    ]
    first, control, _ = body["candidates"]
    assert first["kid"]["low"] < first["kid"]["value"] < first["kid"]["high"]
    assert {one["what"] for one in first["kid"]["rungs"]} >= {"same", "kinds", "shuffled"}
    assert "yours are at" in first["distance_in_words"]
    assert (control["kid"], control["distance_in_words"]) == (None, "")
    accuracy = first["scores"]["accuracy"]
    assert accuracy["low"] <= accuracy["value"] <= accuracy["high"]

    studio = Studio(Home(home))
    (project,) = studio.projects()
    (row,) = studio.queue.rows(project_id=project.id, kind="advise")
    assert row.state == "finished"

    monkeypatch.setattr(advising, "machine", lambda options: False)
    assert main(["advise", tiles, *models]) == 0
    said = capsys.readouterr().out
    assert "random weights" in said
    assert "On a scale from 0" in said and "does not depend on this" in said
    assert "not on this machine" in said
    assert f"train DATA --model {DEFAULT_MODEL}" in said


def test_a_wrong_name_is_said_before_the_pictures_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["advise", "nowhere.zip", "--models", "resnet10x"]) == 2
    assert "resnet10x" in capsys.readouterr().err
