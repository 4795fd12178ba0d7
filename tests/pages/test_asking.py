"""Short work: found again, told in words, and told apart."""

from __future__ import annotations

from tests.pages import seed
from tl_core.session import Studio
from tl_ui import asking
from tl_ui.texts import runs, tasks


def test_how_far_a_task_is(studio: Studio) -> None:
    first = seed.task(studio, "import")
    second = seed.task(studio, "import")
    assert asking.share_of(studio, studio.task(first)) == (0.0, tasks.waiting(1))
    assert "1 before it" in asking.share_of(studio, studio.task(second))[1]
    seed.end_task(studio, first, state="running")
    assert asking.share_of(studio, studio.task(first)) == (0.0, "Reading pictures…")
    seed.end_task(studio, second, state="running", progress=("Reading", 30, 120))
    assert asking.share_of(studio, studio.task(second)) == (0.25, "Reading: 30 of 120")


def test_a_download_counts_megabytes(studio: Studio) -> None:
    task = seed.task(studio, "download", state="running", progress=("Weights", 5_000_000, 0))
    assert asking.share_of(studio, studio.task(task)) == (0.0, "Weights")


def test_stopping_a_task_that_has_just_ended_is_no_error(studio: Studio) -> None:
    task = seed.task(studio, "import", state="finished")
    asking._stop(studio, task)
    asking._stop(studio, "gone")
    assert studio.task(task).state == "finished"


def test_runs_of_the_same_name_are_numbered() -> None:
    names = {"new": "A", "middle": "B", "old": "A"}
    assert runs.distinct(names) == {"new": "A (2)", "middle": "B", "old": "A"}
