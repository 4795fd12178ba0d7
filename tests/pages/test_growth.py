"""Would more pictures help: asked for, followed, told, and out of date when the pictures change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.pages import seed
from tests.pages.conftest import OpenPage, texts
from tl_core.check.honesty import Share
from tl_core.session import Project, Studio
from tl_core.worth.growth import Curve, Growth, Point
from tl_ui.texts import growth as text
from tl_ui.texts.evaluate import VIEWS

POINTS = tuple(
    Point(pictures=n, value=v, low=v - 0.04, high=v + 0.04)
    for n, v in ((25, 0.7), (35, 0.74), (50, 0.77), (71, 0.8), (90, 0.82))
)
LINE = (*POINTS, Point(pictures=400, value=0.9, low=0.86, high=0.94))
GOOD = Curve(
    name="",
    pictures=100,
    points=POINTS,
    line=LINE,
    now=Share(value=0.84, low=0.8, high=0.88),
    twice=Share(value=0.88, low=0.85, high=0.91),
    gain=Share(value=0.04, low=0.02, high=0.06),
)
UNKNOWN = replace(GOOD, twice=None, gain=None, reason="back_cast")
FOUND = Growth(
    pictures=100,
    available=100,
    repeats=20,
    majority=0.5,
    overall=GOOD,
    classes=(replace(GOOD, name="ants", pictures=50), replace(UNKNOWN, name="b*es", pictures=50)),
    most=("ants",),
)


@pytest.fixture
def project(studio: Studio) -> Project:
    found = seed.project_with_pictures(studio, per_class=40)
    seed.finished_run(studio, found)
    return found


def measured(studio: Studio, project: Project, found: Growth = FOUND, **more: Any) -> str:
    result = {
        "growth": found.to_dict(),
        "model": "resnet10t.tiny_imagenet",
        "title": "Thaw ResNet-10T",
        "seconds": 7.0,
        "data_version": studio.library.get(project.id).data_version,
        **more,
    }
    return seed.task(
        studio, "learning_curve", project_id=project.id, state="finished", result=result
    )


def test_it_is_asked_for(open_page: OpenPage, studio: Studio, project: Project) -> None:
    app = open_page("evaluate", project=project.id, view=VIEWS["better"])
    assert text.INTRO in texts(app)
    app.button(key="growth.go").click().run()
    waiting = [one for one in studio.active() if one.kind == "learning_curve"]
    assert len(waiting) == 1 and waiting[0].spec["model"] == studio.draft(project.id).model.name
    assert not app.exception


def test_the_answer_comes_first_and_names_the_class(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    measured(studio, project)
    app = open_page("evaluate", project=project.id, view=VIEWS["better"])
    said = texts(app).replace("\\", "")
    assert "with twice as many about 88 of 100 right (85 to 91) instead of 84." in said
    assert "More pictures of ants would help most" in said
    table = next(one.value for one in app.dataframe if text.THEN in one.value)
    assert list(table[text.THEN]) == ["88 % (85 to 91 %)", "cannot say: forecast failed"]
    assert text.STALE not in texts(app)


def test_without_an_outlook_that_is_said(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    measured(studio, project, replace(FOUND, overall=UNKNOWN, most=()))
    said = texts(open_page("evaluate", project=project.id, view=VIEWS["better"])).replace("\\", "")
    assert "Cannot say whether more pictures would help." in said
    assert "did not come true" in said and "instead of 84." not in said


def test_other_pictures_make_it_stale(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    measured(studio, project, data_version=-1)
    app = open_page("evaluate", project=project.id, view=VIEWS["better"])
    assert text.STALE in texts(app)
    assert any(one.key == "growth.go" for one in app.button)


def test_a_failure_is_told_and_can_be_tried_again(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    seed.task(studio, "learning_curve", project_id=project.id, state="failed")
    app = open_page("evaluate", project=project.id, view=VIEWS["better"])
    assert text.FAILED in texts(app)
    app.button(key="growth.go").click().run()
    assert not app.exception
