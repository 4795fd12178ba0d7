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
from sqlalchemy import Engine, update

from tests.unit.data.deep import dicom, ramp, tiff
from tests.unit.jobs.tiles import tiny_project, write_tiles
from tl_core.errors import ConfigError, DataError
from tl_core.jobs.bringing import queue_intake
from tl_core.jobs.library import Library
from tl_core.jobs.queue import Queue, RunRow
from tl_core.jobs.schema import images, open_engine
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


# -- what joins is read as the set is --------------------------------------------------------------


def set_of(home: Home, engine: Engine, files: dict[str, bytes]) -> str:
    library = Library(engine)
    project = library.create("Slides").id
    row = brought(home, engine, project, files=list(files.items()))
    assert row.error is None, row.error
    return project


def channels(n: int, top: int, seed: int, dtype: type = np.uint16) -> bytes:
    rng = np.random.default_rng(seed)
    values = (rng.uniform(0, 1, (12, 12, n)) * top).astype(dtype)
    return tiff(values, photometric="minisblack", planarconfig="contig")


def test_one_patient_who_comes_back_stays_on_his_side(home: Home, engine: Engine) -> None:
    def slide(patient: int, number: int) -> bytes:
        pixels = ramp(patient, 40_000 + 10 * number)
        return dicom(pixels, PatientID=f"P{patient}")

    first = {f"{'ab'[p % 2]}/{p}-{i}.dcm": slide(p, i) for p in range(8) for i in range(3)}
    project = set_of(home, engine, first)
    library = Library(engine)
    sides = {row.path.split("/")[-1][0]: row.split for row in library.images(project, limit=None)}
    judged = next(int(p) for p, part in sides.items() if part != "train")
    later = [(f"{'ab'[judged % 2]}/new-{i}.dcm", slide(judged, 100 + i)) for i in range(6)]
    row = brought(home, engine, project, files=later, mode="add")
    assert (row.result or {})["added"] == 6
    new = [one for one in library.images(project, limit=None) if "new-" in one.path]
    assert {one.split for one in new} == {sides[str(judged)]}


def test_the_first_deep_pictures_of_a_set_of_channels_make_its_rule(
    home: Home, engine: Engine
) -> None:
    flat = {f"{c}/{i}.tif": channels(5, 255, i, np.uint8) for c in "ab" for i in range(3)}
    project = set_of(home, engine, flat)
    library = Library(engine)
    assert library.get(project).reading == {"channels": 5}
    for top in (1000, 4000):
        deep = [(f"a/{top}-{i}.tif", channels(5, top, 50 + i)) for i in range(3)]
        row = brought(home, engine, project, files=deep, mode="add")
        assert row.error is None, row.error
        reading = library.get(project).reading
        assert reading["channels"] == 5
        assert all(900 < high <= 1000 for _, high in reading["planes"][0])  # and stays


def test_what_joins_must_be_of_the_kind_of_the_set(home: Home, engine: Engine) -> None:
    first = {f"{c}/{i}.tif": channels(5, 900, i) for c in "ab" for i in range(3)}
    project = set_of(home, engine, first)
    mixed = [(f"a/{i}.png", picture(i)) for i in range(4)]
    mixed += [(f"a/more-{i}.tif", channels(5, 900, 70 + i)) for i in range(2)]
    row = brought(home, engine, project, files=mixed, mode="add")
    assert (row.result or {})["added"] == 2
    assert len(Library(engine).quarantine(project)) == 4


def test_deep_pictures_do_not_join_those_that_an_older_version_read_otherwise(
    home: Home, engine: Engine, tmp_path: Path
) -> None:
    library = Library(engine)
    project = tiny_project(home, engine)
    deep = tmp_path / "deep.png"
    Image.fromarray(ramp(0, 60_000)).save(deep)
    digest = home.put_blob(deep)  # stored as it came, as before there was a rule
    with engine.begin() as connection:
        change = update(images).where(images.c.project_id == project, images.c.image_id == 1)
        connection.execute(change.values(digest=digest, format="PNG"))
    row = brought(home, engine, project, files=[("up/x.tif", tiff(ramp(0, 900)))], mode="add")
    assert row.state == "failed"
    assert "read by an older rule" in str((row.error or {})["message"])
    assert library.get(project).reading == {}
