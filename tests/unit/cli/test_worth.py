"""``learning-curve`` and ``control``: what they print, for people and for scripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.pages.test_growth import FOUND as GROWTH
from tests.pages.test_transfer import FOUND as TRANSFER
from tl_core.cli import worth
from tl_core.cli.main import main
from tl_core.data.sample import SampleOptions, write_sample
from tl_core.jobs import controlling, growing
from tl_core.storage import Home


@pytest.fixture
def tiles(tmp_path: Path) -> str:
    write_sample(tmp_path / "tiles", SampleOptions(per_class=2))
    return str(tmp_path / "tiles")


@pytest.fixture(autouse=True)
def _measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def grown(home: Home, checked: Any, name: str, progress: Any) -> Any:
        progress("Looking")(1, 2)
        assert len(checked) == 12
        return GROWTH

    monkeypatch.setattr(growing, "grown", grown)
    monkeypatch.setattr(controlling, "compared", lambda *given: TRANSFER)


def test_the_curve_as_json_and_as_a_table(
    tiles: str, home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["learning-curve", tiles, "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["overall"]["twice"]["value"] == 0.88 and told["most"] == ["ants"]
    assert told["sentences"][0].startswith("More pictures would help: with twice as many about 88")
    monkeypatch.setattr(worth, "machine", lambda options: False)
    assert main(["learning-curve", tiles]) == 0
    said = capsys.readouterr().out
    assert "88.0 % (85-91 %)" in said and "cannot say: forecast failed" in said
    assert not any((home.root / "tmp").iterdir())


def test_the_control_as_json_and_as_a_table(
    tiles: str, home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["control", tiles, "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["verdict"] == "helps" and len(told["arms"]) == 6
    monkeypatch.setattr(worth, "machine", lambda options: False)
    assert main(["control", tiles]) == 0
    said = capsys.readouterr().out
    assert "Transfer helps" in said and "Same network from scratch" in said
    assert "66.0 % (62-70 %)" in said
