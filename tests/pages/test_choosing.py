"""Choices of layers compared on the Layers page: asked for, shown with intervals, taken over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.pages import seed
from tests.pages.conftest import OpenPage, texts
from tl_core.jobs.estimate import keep_rate
from tl_core.session import Project, RunRow, Studio
from tl_ui.texts import choosing as text
from tl_ui.views.choosing import AT_ONCE, KIND


@pytest.fixture
def project(studio: Studio) -> Project:
    keep_rate(studio.home, 1e10, "CPU")
    return seed.project_with_pictures(studio)


def row(layers: str, right: list[int], *, left: bool = False) -> dict[str, Any]:
    share = sum(right) / (10 * len(right))
    return {
        "layers": layers,
        "right": right,
        "judged": [10] * len(right),
        "seconds": 4.0,
        "left": left,
        "accuracy": share,
        "interval": [share - 0.1, share + 0.1],
    }


RACED = [
    row("exact-head", [8, 7, 8, 7, 8]),
    row("deep-probe", [9, 8, 9, 8, 9]),
    row("last:1", [9, 9, 8, 9, 8]),
    row("all", [5], left=True),
]
GAINS = {
    "exact-head": {"value": -0.1, "low": -0.15, "high": -0.05},
    "last:1": {"value": 0.0, "low": -0.1, "high": 0.1},
    "all": None,
}


def compared(studio: Studio, project: Project, **more: Any) -> str:
    result = {
        "raced": RACED,
        "best": "deep-probe",
        "chosen": "deep-probe",
        "gains": GAINS,
        "model": studio.draft(project.id).model.name,
        "title": "ResNet-10-T",
        "pictures": 50,
        "of": 50,
        "folds": 5,
        "seconds": 70.0,
        "data_version": studio.library.get(project.id).data_version,
        **more,
    }
    spec = studio.draft(project.id)
    settings = {
        "model.weights": spec.model.weights,
        "model.weights_file": spec.model.weights_file,
        "train.image_size": spec.train.image_size,
        "train.resize": spec.train.resize,
    }
    return seed.task(
        studio,
        KIND,
        {"model": spec.model.name, "settings": settings},
        project_id=project.id,
        state="finished",
        result=result,
    )


def at_once(studio: Studio, project: Project) -> list[RunRow]:
    return studio.queue.rows(project_id=project.id, kind=AT_ONCE)


HEADS = {
    "raced": RACED[:2],
    "gains": {"exact-head": {"value": -0.1, "low": -0.15, "high": -0.05}},
    "best": "deep-probe",
    "chosen": "deep-probe",
    "title": "ResNet-10-T",
    "pictures": 50,
    "of": 50,
    "folds": 5,
    "seconds": 3.0,
}


def test_heads_are_compared_without_being_asked_and_the_better_one_is_a_click_away(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    app = open_page("layers", project=project.id)
    assert text.MEASURING in texts(app)
    (asked,) = at_once(studio, project)
    assert asked.spec["settings"]["train.resize"] == "squash"
    app.run()
    assert len(at_once(studio, project)) == 1  # once for these pictures and settings
    studio.stop(asked.id)
    seed.task(
        studio,
        AT_ONCE,
        project_id=project.id,
        state="finished",
        payload=asked.spec,
        result={**HEADS, "model": asked.spec["model"], "data_version": asked.spec["data_version"]},
    )
    app.run()
    said = texts(app)
    assert "**Deep probe** suits these pictures: 86 %" in said and text.UNASKED in said
    app.button(key="choosing.use").click().run()
    assert studio.draft(project.id).freeze.layers == "deep-probe"


def test_another_picture_size_compares_heads_anew_and_what_waited_is_dropped(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    app = open_page("layers", project=project.id)
    spec = studio.draft(project.id)
    studio.save_draft(project.id, replace(spec, train=replace(spec.train, image_size=64)))
    app.run()
    new, old = at_once(studio, project)
    assert old.state == "cancelled" and new.state == "queued"
    assert new.spec["settings"]["train.image_size"] == 64


def test_a_whole_comparison_takes_the_place_of_that_of_the_heads(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    compared(studio, project)
    app = open_page("layers", project=project.id)
    assert not at_once(studio, project)
    assert text.MEASURING not in texts(app)


def test_pictures_that_look_different_are_named(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    compared(studio, project, looks_different=True)
    said = texts(open_page("layers", project=project.id))
    assert text.DIFFERENT in said.replace("\\", "")


def test_it_says_how_long_it_takes_before_it_is_asked_for(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    app = open_page("layers", project=project.id)
    said = texts(app)
    assert text.UNASKED in said and "At most about" in said
    app.button(key="choosing.go").click().run()
    (asked,) = studio.queue.rows(project_id=project.id, kind=KIND)
    assert asked.project_id == project.id and asked.spec["model"] == "resnet10t.tiny_imagenet"


def test_the_choice_is_told_with_what_cannot_be_told_apart(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    compared(studio, project)
    said = texts(open_page("layers", project=project.id))
    assert "**Deep probe** suits these pictures: 86 %" in said
    assert "Last block cannot be told apart from it." in said
    assert "left after 1 of 5: no gain to be seen" in said
    assert text.STALE not in said


def test_a_dearer_best_within_chance_is_said(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    compared(studio, project, best="last:1")
    said = texts(open_page("layers", project=project.id))
    assert "Last block came out not a picture ahead, which is within chance" in said


def test_one_click_takes_the_layers_over(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    compared(studio, project)
    app = open_page("layers", project=project.id)
    app.button(key="choosing.use").click().run()
    assert studio.draft(project.id).freeze.layers == "deep-probe"
    assert not any(one.key == "choosing.use" for one in app.button)


def test_other_pictures_or_another_model_make_it_stale(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    compared(studio, project, data_version=-1)
    said = texts(open_page("layers", project=project.id))
    assert text.STALE in said and text.AGAIN in said


def test_another_picture_size_makes_it_stale_and_heads_are_compared_meanwhile(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    compared(studio, project)
    spec = studio.draft(project.id)
    studio.save_draft(project.id, replace(spec, train=replace(spec.train, image_size=64)))
    app = open_page("layers", project=project.id)
    assert text.STALE in texts(app) and text.MEASURING in texts(app)
    app.button(key="choosing.go").click().run()
    asked = studio.queue.rows(project_id=project.id, kind=KIND)[0]
    assert asked.spec["settings"]["train.image_size"] == 64


def test_heads_that_could_not_be_compared_can_be_compared_again(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    app = open_page("layers", project=project.id)
    (asked,) = at_once(studio, project)
    seed.end_task(
        studio,
        asked.id,
        state="failed",
        error={"code": "x", "message": "It broke.", "hint": "Try again."},
    )
    app.run()
    assert "It broke. Try again." in texts(app).replace("\\", "")
    app.button(key="choosing.heads").click().run()
    assert [one.state for one in at_once(studio, project)] == ["queued", "failed"]
    assert text.MEASURING in texts(app)


def test_going_back_to_settings_whose_comparison_was_dropped_is_no_dead_end(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    app = open_page("layers", project=project.id)
    spec = studio.draft(project.id)
    studio.save_draft(project.id, replace(spec, train=replace(spec.train, image_size=64)))
    app.run()
    studio.save_draft(project.id, spec)
    app.run()
    app.button(key="choosing.heads").click().run()
    assert at_once(studio, project)[0].state == "queued"


def test_a_failure_is_a_sentence(open_page: OpenPage, studio: Studio, project: Project) -> None:
    error = {"code": "too_few", "message": "There are too few.", "hint": "Bring more."}
    seed.task(studio, KIND, project_id=project.id, state="failed", error=error)
    said = texts(open_page("layers", project=project.id))
    assert text.FAILED in said
    assert "There are too few. Bring more." in said.replace("\\", "")
