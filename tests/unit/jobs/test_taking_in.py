"""Bringing pictures as background work: replaced or added, whole or not at all."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import Engine

from tests.unit.jobs.tiles import tiny_project, write_tiles
from tl_core.errors import ConfigError, DataError
from tl_core.jobs.bringing import queue_intake
from tl_core.jobs.library import Library
from tl_core.jobs.queue import Queue, RunRow
from tl_core.jobs.schema import open_engine
from tl_core.jobs.work import carry_out
from tl_core.storage import Home

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def engine(home: Home) -> Engine:
    return open_engine(home)


def brought(home: Home, engine: Engine, project: str, **source: object) -> RunRow:
    queue = Queue(engine)
    task = queue_intake(home, queue, project, **source)  # type: ignore[arg-type]
    claimed = queue.claim("side", "test", task)
    assert claimed is not None
    return carry_out(home, engine, claimed)


def picture(number: int) -> bytes:
    sink = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 255, (24, 24, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(sink, "PNG")
    return sink.getvalue()


def paths(engine: Engine, project: str) -> list[tuple[int, str]]:
    return [(row.id, row.path) for row in Library(engine).images(project, limit=None)]


def test_added_pictures_join_and_replaced_ones_go(home: Home, engine: Engine) -> None:
    library = Library(engine)
    project = tiny_project(home, engine)
    before = paths(engine, project)
    pasted = [("image.png", picture(i)) for i in range(3)]
    row = brought(home, engine, project, files=pasted, mode="add", label="  side ways ")
    assert row.result == {"added": 3, "known": 0, "pictures": 27, "quarantined": 0}
    assert paths(engine, project)[:24] == before
    assert [path for _, path in paths(engine, project)[24:]] == [
        "side ways/image (2).png",
        "side ways/image (3).png",
        "side ways/image.png",
    ]
    assert [one.label for one in library.classes(project)] == ["down", "side ways", "up"]
    row = brought(home, engine, project, files=pasted, mode="add", label="side ways")
    assert (row.result or {})["known"] == 3

    files = [(f"{name}/{i}.png", picture(100 + i)) for i in range(4) for name in ("x", "y")]
    row = brought(home, engine, project, files=files)
    assert row.result == {"pictures": 8, "quarantined": 0}
    assert [one.label for one in library.classes(project)] == ["x", "y"]


def test_adding_to_an_empty_set_begins_it(home: Home, engine: Engine) -> None:
    project = Library(engine).create("Empty").id
    files = [(f"{name}/{i}.png", picture(i)) for i in range(9) for name in ("x", "y")]
    row = brought(home, engine, project, files=files, mode="add")
    assert row.result == {"pictures": 18, "quarantined": 0}


def test_a_table_on_this_machine_is_a_source(home: Home, engine: Engine, tmp_path: Path) -> None:
    tiles = write_tiles(tmp_path / "tiles", per_class=3)
    table = tiles / "labels.csv"
    table.write_text("file,label\n" + "".join(f"down/{i:03}.png,{'ab'[i % 2]}\n" for i in range(3)))
    project = Library(engine).create("Table").id
    row = brought(home, engine, project, folder=str(table))
    assert row.state == "finished"
    assert sorted(one.label for one in Library(engine).images(project)) == ["a", "a", "b"]


def test_what_cannot_be_queued_is_said(home: Home, engine: Engine) -> None:
    queue = Queue(engine)
    with pytest.raises(DataError, match="No pictures were given"):
        queue_intake(home, queue, "p", folder=" ")
    with pytest.raises(ConfigError, match="1 to 80 characters"):
        queue_intake(home, queue, "p", folder="/x", label="x" * 81)
    with pytest.raises(ConfigError, match="replace or to add"):
        queue_intake(home, queue, "p", folder="/x", mode="mix")


def test_a_failed_or_cancelled_addition_leaves_the_set(
    home: Home, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tiny_project(home, engine)
    before = paths(engine, project)
    row = brought(home, engine, project, files=[("x/no.png", b"no picture")], mode="add")
    assert row.state == "failed"
    monkeypatch.setattr("tl_core.jobs.work.Orders.cancelled", lambda _: True)
    row = brought(home, engine, project, files=[("x/1.png", picture(1))], mode="add")
    assert (row.error or {})["code"] == "cancelled"
    assert paths(engine, project) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killed_while_it_reads_the_set_is_whole_and_the_next_try_succeeds(
    home: Home, engine: Engine, tmp_path: Path
) -> None:
    project = tiny_project(home, engine)
    before = paths(engine, project)
    more = write_tiles(tmp_path / "more", per_class=20, size_px=32)
    queue = Queue(engine)
    task = queue_intake(home, queue, project, folder=str(more), mode="add")
    assert queue.claim("side", "test", task) is not None
    environment = {**os.environ, "THAW_HOME": str(home.root), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.unit.jobs.killer", task, "progress", "1"]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    assert done.returncode == -9
    assert paths(engine, project) == before
    queue.end(task, "failed", exit_code=-9)
    row = brought(home, engine, project, folder=str(more), mode="add")
    assert (row.result or {})["added"] == 40
    assert paths(engine, project)[:24] == before
