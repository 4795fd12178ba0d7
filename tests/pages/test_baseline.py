"""The instant baseline: made by itself, never in the way, and not made twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.pages import seed
from tests.pages.conftest import OpenPage, texts
from tl_core.config import ModelConfig, RunSpec, changed
from tl_core.session import RunRow, Studio
from tl_core.storage import Home
from tl_ui.texts import baseline as text

TO_FETCH = "resnet18.tv_in1k"


@pytest.fixture(autouse=True)
def _nothing_downloaded(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(home.root / "hub"))


def made(studio: Studio) -> list[RunRow]:
    """Every baseline ever asked for, newest first."""
    return studio.queue.rows(kind="baseline")


@pytest.mark.parametrize("page", ["data", "model"])
def test_it_is_asked_for_once_and_nothing_waits_for_it(
    open_page: OpenPage, studio: Studio, page: str
) -> None:
    project = seed.project_with_pictures(studio)
    app = open_page(page, project=project.id)
    said = texts(app)
    assert text.MAKING in said
    assert text.WAITS in said
    following = "next_model" if page == "data" else "next_layers"
    assert not app.button(key=following).disabled
    open_page("model", project=project.id)
    (row,) = made(studio)
    assert row.project_id == project.id
    assert (row.spec["model"], row.spec["data_version"]) == (
        studio.draft(project.id).model.name,
        project.data_version,
    )


def test_the_answer_is_shown_with_its_interval_and_the_line_to_beat(
    open_page: OpenPage, studio: Studio
) -> None:
    project = seed.project_with_pictures(studio)
    app = open_page("data", project=project.id)
    seed.end_task(studio, made(studio)[0].id, result=seed.BASELINE)
    app.run()
    said = texts(app).replace("\\", "")
    assert "<strong>82 %</strong>" in said
    assert "125 of 153 right in validation<br>likely 76 to 87 %" in said
    assert "Reached in 3 seconds and without training (" in said
    assert "always guessing the largest class gives 54 %" in said
    again = open_page("data", project=project.id)  # another session, another day
    assert "<strong>82 %</strong>" in texts(again)
    assert len(made(studio)) == 1


def test_other_pictures_or_another_network_have_their_own(
    open_page: OpenPage, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = seed.project_with_pictures(studio)
    app = open_page("data", project=project.id)
    seed.end_task(studio, made(studio)[0].id, result=seed.BASELINE)
    studio.resplit(project.id, replace(studio.data(project.id).config, seed=7))
    app.run()
    waiting = made(studio)[0]
    assert len(made(studio)) == 2
    monkeypatch.setattr("tl_ui.views.baseline.is_downloaded", lambda name: True)
    studio.save_draft(project.id, changed(RunSpec(), {"model": ModelConfig(name=TO_FETCH)}))
    app.run()
    assert studio.task(waiting.id).state == "cancelled"  # nobody waits for it any more
    assert made(studio)[0].spec["model"] == TO_FETCH
    assert text.MAKING in texts(app)


def test_weights_are_not_fetched_for_it(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    model = ModelConfig(name=TO_FETCH)
    studio.save_draft(project.id, changed(RunSpec(), {"model": model}))
    assert text.NOT_HERE in texts(open_page("model", project=project.id))
    assert made(studio) == []


def test_own_weights_have_none(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    model = ModelConfig(name=TO_FETCH, weights="file", weights_file="0" * 64)
    studio.save_draft(project.id, changed(RunSpec(), {"model": model}))
    assert text.NOT_OWN in texts(open_page("model", project=project.id))
    assert made(studio) == []


def test_a_failure_is_told_and_can_be_tried_again(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    app = open_page("data", project=project.id)
    seed.end_task(studio, made(studio)[0].id, state="failed")
    app.run()
    said = texts(app)
    assert text.FAILED in said
    assert "The archive is broken" in said
    assert not app.button(key="next_model").disabled
    app.run()
    assert len(made(studio)) == 1  # not by itself
    app.button(key="baseline.again").click().run()
    assert len(made(studio)) == 2
    assert text.MAKING in texts(app)


def test_a_set_that_cannot_be_trained_on_has_none(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio, classes=("ants",))
    assert text.TITLE not in texts(open_page("data", project=project.id))
    assert made(studio) == []


def test_nothing_is_asked_while_other_pictures_come_in(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    seed.task(studio, "import", project_id=project.id, state="running")
    open_page("data", project=project.id)
    assert made(studio) == []


@pytest.mark.parametrize(
    ("accuracy", "interval", "words"),
    [
        (0.82, [0.76, 0.87], "tells your classes apart already"),
        (0.56, [0.48, 0.64], "not shown to be better than guessing"),
        (0.30, [0.23, 0.38], "worse than guessing"),
    ],
)
def test_the_meaning_follows_the_interval(
    accuracy: float, interval: list[float], words: str
) -> None:
    found = {**seed.BASELINE, "accuracy": accuracy, "ci": interval}
    assert words in text.meaning(found)
    assert "54 %" in text.bar(found)
