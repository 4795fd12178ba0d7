"""A project that is deleted leaves no byte behind, and takes none from others."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.pages import seed
from tests.privacy.lived import Lived, done, found_in, live
from tests.privacy.marked import MARK, PATH_MARK
from tl_core.config import DataConfig
from tl_core.jobs import removing, schema
from tl_core.jobs.predicting import predict_with_run
from tl_core.jobs.schema import open_engine
from tl_core.jobs.supervisor import Supervisor
from tl_core.session import Studio
from tl_core.storage import Home, write_json


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    return live(tmp_path_factory.mktemp("lived"))


@pytest.fixture
def lived(once: Lived, tmp_path: Path) -> Lived:
    """A copy of its own for each test."""
    shutil.copytree(once.root, tmp_path / "home", dirs_exist_ok=True)
    return Lived(
        root=tmp_path / "home",
        project=once.project,
        run=once.run,
        other=once.other,
        other_run=once.other_run,
        photo=once.photo,
    )


def answers(lived: Lived) -> object:
    """What the other project's run says of its own pictures."""
    studio = Studio(lived.home)
    files = [
        (row.path, lived.home.local_blob(row.digest))
        for row in studio.library.images(lived.other, limit=None)
    ]
    return predict_with_run(lived.home, open_engine(lived.home), lived.other_run, files)


def stored(home: Home, folder: str) -> set[str]:
    """Digests that files of a folder are named after."""
    return {path.name[:64] for path in (home.root / folder).rglob("*") if len(path.name) >= 64}


@pytest.mark.slow
def test_nothing_is_left_of_a_deleted_project_and_everything_of_the_other(lived: Lived) -> None:
    studio, home = Studio(lived.home), lived.home
    before, report = answers(lived), studio.report(lived.other_run, "val")
    mine = studio.library.digests(lived.project) | {lived.photo}
    shared = studio.library.digests(lived.other)
    only_mine = sorted(mine - shared)
    rows = [row.id for row in studio.queue.rows(project_id=lived.project, limit=None)]
    assert len(only_mine) > 10
    assert mine & shared
    words = [lived.project, f"Mine {MARK}", *rows, *only_mine]
    (home.folder("uploads") / "0123456789abcdef.json").write_text("{}", encoding="utf-8")
    assert len(found_in(home.root, words)) > 50

    studio.delete(lived.project)

    assert found_in(home.root, words) == {}
    assert stored(home, "blobs") == stored(home, "thumbs") == shared
    assert answers(lived) == before
    assert studio.report(lived.other_run, "val") == report
    assert done(studio, studio.ask("export", lived.other, run_id=lived.other_run))
    studio.delete(lived.other)
    assert stored(home, "blobs") == stored(home, "thumbs") == set()
    assert found_in(home.root, [MARK, PATH_MARK, *shared]) == {}


@pytest.fixture
def studio(home: Home) -> Studio:
    return Studio(home)


def test_earlier_sets_uploads_and_the_list_of_sources_go_as_well(
    studio: Studio, home: Home
) -> None:
    project = studio.create("Gone")
    studio.library.replace_images(project.id, seed.intake(home, per_class=4), DataConfig())
    first = studio.library.digests(project.id)
    studio.library.replace_images(
        project.id, seed.intake(home, classes=("x", "y"), per_class=2), DataConfig()
    )
    upload = studio.take_in(project.id, files=[("a/1.png", seed.picture(1))])
    told = str(studio.run(upload).spec["upload_id"])
    write_json(home.folder("uploads") / f"{told}.json", {"name": "holiday.zip"})
    write_json(home.root / "sources.json", {project.id: "/somewhere/private", "p1": "/other"})
    weights = seed.keep(home, b"weights")
    studio.ask("check_weights", project.id, model="x", digest=weights, file="w.safetensors")
    assert first & stored(home, "blobs")

    studio.delete(project.id)

    assert not stored(home, "blobs")
    assert not list(home.folder("uploads").iterdir())
    assert found_in(home.root, [project.id, "private", "holiday"]) == {}


def test_contents_that_a_task_a_draft_or_a_run_of_others_names_stay(
    studio: Studio, home: Home
) -> None:
    gone, kept = studio.create("Gone"), studio.create("Kept")
    photo, weights = seed.keep(home, seed.picture(7)), seed.keep(home, b"weights")
    studio.ask("predict", kept.id, run_id="t", digests=[photo], names=["a.png"])
    draft = studio.draft(kept.id).to_dict()
    draft["model"] |= {"weights": "file", "weights_file": weights}
    studio.library.update(kept.id, draft=draft)
    unknown = seed.keep(home, b"asked of nobody")
    studio.delete(gone.id)
    assert home.has_blob(photo)
    assert home.has_blob(weights)
    assert not home.has_blob(unknown)


def test_a_run_takes_pictures_with_it_that_only_it_still_had(studio: Studio, home: Home) -> None:
    project = seed.project_with_pictures(studio)
    run_id = seed.finished_run(studio, project)
    old = studio.library.digests(project.id)
    studio.library.replace_images(
        project.id, seed.intake(home, classes=("ants", "x"), per_class=2), DataConfig()
    )
    now = studio.library.digests(project.id)
    assert now & old
    assert stored(home, "blobs") == old | now
    studio.remove(run_id)
    assert stored(home, "blobs") == now
    assert not (home.root / "runs" / run_id).exists()


def test_nothing_unknown_goes_while_pictures_are_being_taken_in(studio: Studio, home: Home) -> None:
    gone, kept = studio.create("Gone"), studio.create("Kept")
    studio.take_in(kept.id, folder="/somewhere")  # waits: from now on new contents may come
    coming = seed.keep(home, seed.picture(3))
    studio.delete(gone.id)
    assert home.has_blob(coming)


def test_nothing_unknown_goes_while_the_command_line_takes_pictures_in(
    studio: Studio, home: Home
) -> None:
    scratch = home.folder("cache", "intake", "tmp1")
    coming = seed.keep(home, seed.picture(3))
    studio.delete(studio.create("Gone").id)
    assert home.has_blob(coming)
    long_ago = time.time() - 2 * removing.CALM_S
    os.utime(scratch, (long_ago, long_ago))
    gone = studio.create("Gone")
    last = seed.keep(home, seed.picture(4))
    studio.delete(gone.id)
    assert not scratch.exists()
    assert not home.has_blob(last)
    assert home.has_blob(coming)  # older than the project; goes with the next sweep


def test_a_later_start_sweeps_what_a_crash_left(studio: Studio, home: Home) -> None:
    project = seed.project_with_pictures(studio)
    orphan, young = seed.keep(home, b"orphan"), seed.keep(home, b"young")
    left = [
        home.folder("cache", "intake", "tmpa") / "3",
        home.folder("tmp", "inspect-b") / "x.png",
        home.folder("tmp") / "c.photo",
        home.folder("cache", "pixels", "key") / "0-a.npy",
    ]
    day_ago = time.time() - removing.STALE_S - 60
    for path in left:
        path.write_bytes(b"left")
    blob = home.root / "blobs" / orphan[:2] / orphan
    for path in (*left, left[0].parent, left[1].parent, blob):
        os.utime(path, (day_ago, day_ago))
    removing.sweep(home, Supervisor(home).engine)
    assert not [path for path in left if path.exists()]
    assert not home.has_blob(orphan)
    assert home.has_blob(young)
    assert all(home.has_blob(digest) for digest in studio.library.digests(project.id))


def test_deleted_rows_are_overwritten_in_the_file(home: Home) -> None:
    studio = Studio(home)
    project = studio.create("A name like no other")
    assert found_in(home.root, ["A name like no other"])
    studio.delete(project.id)
    assert found_in(home.root, ["A name like no other", project.id]) == {}


def test_what_an_older_version_let_go_of_is_cleared_once(home: Home) -> None:
    open_engine(home)
    with sqlite3.connect(home.database) as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        connection.execute("INSERT INTO services VALUES ('long ago deleted', 1, 1.0)")
        connection.commit()
        connection.execute("DELETE FROM services")
        connection.execute(f"UPDATE about SET version = {schema.VERSION - 1}")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    assert found_in(home.root, ["long ago deleted"])
    engine = open_engine(home)
    assert found_in(home.root, ["long ago deleted"]) == {}
    with engine.connect() as again:
        assert again.execute(text("PRAGMA secure_delete")).scalar() == 1
