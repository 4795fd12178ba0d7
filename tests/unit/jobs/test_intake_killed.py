"""A crash or a wish to stop in the middle of taking pictures in: the old set stays, whole."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import pytest

from tests.unit.data import hostile
from tests.unit.jobs.test_resume import process
from tl_core.data import passes
from tl_core.errors import CancelledError
from tl_core.jobs import removing, work
from tl_core.jobs.schema import open_engine
from tl_core.jobs.work import carry_out
from tl_core.session import Studio
from tl_core.storage import Home


@pytest.fixture
def studio(home: Home) -> Studio:
    return Studio(home)


def bring(studio: Studio, project_id: str, members: dict[str, bytes]) -> str:
    """Queue an upload and claim it."""
    task_id = studio.take_in(project_id, files=list(members.items()))
    assert studio.queue.claim("side", "test", task_id) is not None
    return task_id


def old_set(studio: Studio) -> tuple[str, Any]:
    """A project with six pictures, and all that is known of them."""
    project = studio.create("Insects")
    row = studio.run(bring(studio, project.id, hostile.two_classes()))
    assert carry_out(studio.home, open_engine(studio.home), row).state == "finished"
    return project.id, known(studio, project.id)


def known(studio: Studio, project_id: str) -> Any:
    return studio.library.records(project_id), studio.quarantine(project_id)


def files_of(home: Home, *parts: str) -> list[str]:
    root = home.root.joinpath(*parts)
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def new_set(n: int = 30) -> dict[str, bytes]:
    members = {
        f"{label}/{number}.png": hostile.picture(kind="PNG", seed=1000 + 100 * position + number)
        for position, label in enumerate(("cats", "dogs"))
        for number in range(n // 2)
    }
    return {**members, "cats/broken.jpg": b"\xff\xd8\xff"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.slow
def test_killed_in_the_middle_of_an_intake_the_old_set_is_whole_and_a_retry_works(
    studio: Studio, home: Home
) -> None:
    project_id, before = old_set(studio)
    task_id = bring(studio, project_id, new_set())
    for done in ("1", "12", "31"):  # the first, one in the middle, the last
        assert process(home, "tests.unit.jobs.killer", task_id, "progress", done) == -9
        assert known(studio, project_id) == before
        assert all(home.has_blob(one.digest) for one in before[0][1])
        assert studio.queue.end(task_id, "interrupted", exit_code=-9)
        studio.resume(task_id)
        assert studio.queue.claim("side", "test", task_id) is not None
    assert files_of(home, "cache", "intake")  # what the killed ones were at
    assert process(home, "tl_core.jobs.worker", task_id) == 0

    after = studio.library.records(project_id)[1]
    assert [one.path for one in after] == sorted(new_set().keys() - {"cats/broken.jpg"})
    assert [one.file for one in studio.quarantine(project_id)] == ["cats/broken.jpg"]
    assert not files_of(home, "uploads")
    removing.sweep(home, open_engine(home))
    assert files_of(home, "cache", "intake")  # too young to be known as a leaving
    long_ago = time.time() - 2 * removing.STALE_S
    for path in home.root.joinpath("cache").rglob("*"):
        if path.suffix != ".json":
            os.utime(path, (long_ago, long_ago))
    removing.sweep(home, open_engine(home))
    assert not files_of(home, "cache", "intake")
    rows = home.root / "cache" / "pixels"
    assert all(path.with_suffix(".json").exists() for path in rows.rglob("*.npy"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.slow
def test_a_project_deleted_after_a_killed_intake_leaves_nothing(studio: Studio, home: Home) -> None:
    project_id, _ = old_set(studio)
    task_id = bring(studio, project_id, new_set())
    assert process(home, "tests.unit.jobs.killer", task_id, "progress", "12") == -9
    assert studio.queue.end(task_id, "interrupted", exit_code=-9)
    assert len(files_of(home, "blobs")) > 6
    minutes_ago = time.time() - 2 * removing.CALM_S
    for path in home.root.joinpath("cache").rglob("*"):
        os.utime(path, (minutes_ago, minutes_ago))
    studio.delete(project_id)
    for folder in ("blobs", "thumbs", "uploads", "runs"):
        assert not files_of(home, folder), folder
    assert not files_of(home, "cache", "intake")
    assert [name for name in files_of(home, "cache", "pixels") if name != "used"] == []


def test_a_project_deleted_during_its_intake_leaves_nothing(
    studio: Studio, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    project_id, _ = old_set(studio)
    task_id = bring(studio, project_id, new_set())
    keep = passes.Passes._keep
    kept = 0

    def keep_then_delete(self: Any, *told: Any) -> Any:
        nonlocal kept
        kept += 1
        if kept == 5:
            studio.delete(project_id)
        return keep(self, *told)

    monkeypatch.setattr(passes.Passes, "_keep", keep_then_delete)
    carry_out(home, open_engine(home), studio.run(task_id))
    for folder in ("blobs", "thumbs", "uploads", "runs"):
        assert not files_of(home, folder), folder
    assert not files_of(home, "cache", "intake")


def test_cancelled_in_the_middle_nothing_has_changed(
    studio: Studio, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "POLL_S", 0.0)  # the store is asked each time
    project_id, before = old_set(studio)
    source = hostile.folder_of(home.root.parent / "many", new_set(200))
    task_id = studio.take_in(project_id, folder=str(source))
    assert studio.queue.claim("side", "test", task_id) is not None
    row = studio.run(task_id)

    read: list[int] = []

    def watch(event: Any) -> None:
        if event.name == "progress":
            read.append(event.done)
            if event.done == 20:
                studio.stop(task_id)

    ended = carry_out(home, open_engine(home), row, sink=watch)
    assert ended.state == "failed"
    assert ended.error is not None
    assert ended.error["code"] == CancelledError.code
    assert max(read) == 20
    assert known(studio, project_id) == before
    assert not files_of(home, "cache", "intake")
