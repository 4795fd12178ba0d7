"""The map of a run's pictures: every picture once, kept with the run, and on the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.unit.jobs.test_probing import run
from tl_core.cli.main import main
from tl_core.jobs import mapping
from tl_core.jobs.mapping import make_map
from tl_core.jobs.maps import drawn_map
from tl_core.jobs.queue import Queue
from tl_core.jobs.quick import KINDS
from tl_core.jobs.removing import forget_run
from tl_core.jobs.schema import open_engine
from tl_core.jobs.submit import read_snapshot
from tl_core.jobs.work import Context
from tl_core.storage import Home
from tl_ui.texts import about_mending


@pytest.mark.parametrize("layers", ["exact-head", "deep-probe"])
def test_every_picture_of_a_run_has_its_place(home: Home, layers: str) -> None:
    engine = open_engine(home)
    run_id, _ = run(home, engine, freeze__layers=layers)
    assert drawn_map(home, run_id) is None
    queue = Queue(engine)
    row = queue.claim("side", "test", queue.submit("map", {"run_id": run_id}))
    assert row is not None
    told = KINDS["map"](Context(home, engine, row))
    found = drawn_map(home, run_id)
    assert found is not None
    known = {str(one.id): one for one in read_snapshot(home, run_id).images}
    assert len(found.points) == found.of == told["shown"] == told["of"] == len(known)
    assert {one.image for one in found.points} == known.keys()
    for one in found.points:
        assert (one.label, one.split) == (known[one.image].label, known[one.image].split)
    assert 0 <= found.chance < found.kept <= 1
    Queue(engine).end(run_id, "finished", exit_code=0)
    forget_run(home, engine, run_id)
    assert not list(home.root.rglob("map-*.json"))


def test_of_many_pictures_some_from_every_part_are_shown(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(home)
    run_id, _ = run(home, engine, freeze__layers="exact-head")
    monkeypatch.setattr(mapping, "MOST", 12)
    found = make_map(home, engine, run_id)
    assert len(found.points) == 12 < found.of
    assert {one.split for one in found.points} == {"train", "val", "test"}


def test_the_command_line_writes_the_map(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id, _ = run(home, open_engine(home), freeze__layers="exact-head")
    target = tmp_path / "map.csv"
    options = ["map", run_id, "--home", str(home.root), "--csv", str(target)]
    capsys.readouterr()
    assert main([*options, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    rows = list(csv.DictReader(target.open(encoding="utf-8-sig")))
    assert len(rows) == told["pictures"] == told["shown"]
    strange = {one["file"] for one in rows if one["strange"] == "1"}
    assert strange == {one["file"] for one in told["strange"]}
    assert main(options) == 0
    assert "stand among another class" in capsys.readouterr().out
    assert main(["map", "nothing", "--home", str(home.root)]) == 2


def test_what_is_told_of_the_limits_is_true() -> None:
    from tl_core.explain import layout

    assert about_mending.MOST == mapping.MOST
    assert about_mending.NEAR == layout.NEAR
    assert round(layout.STRANGE * layout.NEAR) == about_mending.STRANGE
