"""How much of it is luck: asked for, followed, gone on with, told, and out of the way of many."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.pages import seed
from tests.pages.conftest import OpenPage, texts
from tests.pages.test_explained import all_explained
from tl_core.check.honesty import Share
from tl_core.session import Project, Studio
from tl_core.storage import write_json
from tl_core.worth.crossing import ClassCrossed, Crossing
from tl_ui.crossing_chart import crossing_figure
from tl_ui.texts import crossing as text

WIDE = Share(value=0.84, low=0.79, high=0.89)
FOUND = Crossing(
    pictures=100,
    groups=90,
    always=2,
    folds=5,
    repeats=1,
    learned=65,
    run_learned=80,
    accuracy=WIDE,
    balanced=replace(WIDE, value=0.8),
    majority=0.5,
    classes=(
        ClassCrossed(name="ants", pictures=60, right=55.0, found=WIDE),
        ClassCrossed(name="b*es", pictures=40, right=29.0, found=WIDE),
    ),
    values=(0.8, 0.85, 0.9, 0.85, 0.8),
    one=0.95,
    one_n=20,
    chose=True,
)


@pytest.fixture
def project(studio: Studio) -> Project:
    return seed.project_with_pictures(studio, per_class=40)


@pytest.fixture
def run(studio: Studio, project: Project) -> str:
    return seed.finished_run(studio, project)


def judged(studio: Studio, run: str, found: Crossing = FOUND) -> None:
    body = {"run_id": run, "crossing": found.to_dict(), "title": "Net", "seconds": 40.0, "at": 1.0}
    write_json(studio.home.run_dir(run) / "crossing.json", body)


def test_it_is_asked_for_this_run(
    open_page: OpenPage, studio: Studio, project: Project, run: str
) -> None:
    app = open_page("evaluate", project=project.id, run=run)
    assert text.INTRO in texts(app)
    app.button(key="crossing.go").click().run()
    (waiting,) = [one for one in studio.active() if one.kind == "cross_validate"]
    assert waiting.spec == {"run_id": run, "folds": 5, "repeats": 1}
    assert waiting.lane == "train" and not app.exception


def test_a_lucky_part_is_called_so_and_every_number_explained(
    open_page: OpenPage, studio: Studio, project: Project, run: str
) -> None:
    judged(studio, run)
    app = open_page("evaluate", project=project.id, run=run)
    said = texts(app).replace("\\", "")
    assert "About 84 of 100 are right (79 to 89)" in said
    assert (
        "20 validation pictures said 95 %, and they also chose its epoch: they were lucky" in said
    )
    assert "from 80 % to 90 %" in said and "100 pictures in 90 groups in 5 parts" in said
    all_explained(app, "crossing.meaning", "crossing.meaning.classes", drawn=6)
    table = next(one.value for one in app.dataframe if text.COUNT in one.value)
    assert list(table[text.CLASS]) == ["ants", "b*es"]


def test_dividing_more_often_goes_on_with_what_is_there(
    open_page: OpenPage, studio: Studio, project: Project, run: str
) -> None:
    judged(studio, run)
    app = open_page("evaluate", project=project.id, run=run)
    app.button(key="crossing.go").click().run()
    (waiting,) = [one for one in studio.active() if one.kind == "cross_validate"]
    assert waiting.spec["repeats"] == 5
    judged(studio, run, replace(FOUND, repeats=5))
    studio.stop(waiting.id)
    app = open_page("evaluate", project=project.id, run=run)
    assert text.STOPPED in texts(app)


def test_stopped_work_is_offered_to_go_on_and_failed_work_told(
    open_page: OpenPage, studio: Studio, project: Project, run: str
) -> None:
    error = {"code": "cancelled", "message": "Cancelled.", "hint": ""}
    spec = {"run_id": run, "folds": 5, "repeats": 1}
    seed.task(studio, "cross_validate", spec, project_id=project.id, state="failed", error=error)
    app = open_page("evaluate", project=project.id, run=run)
    assert app.button(key="crossing.go").label == text.GO_ON
    error = {"code": "run_state", "message": "It *went* on.", "hint": "Train anew."}
    seed.task(studio, "cross_validate", spec, project_id=project.id, state="failed", error=error)
    said = texts(open_page("evaluate", project=project.id, run=run))
    assert text.FAILED in said and "It \\*went\\* on" in said


def test_with_many_pictures_it_is_folded_away(
    open_page: OpenPage, studio: Studio, project: Project, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tl_ui.views.crossing.FEW", 10)
    app = open_page("evaluate", project=project.id, run=run)
    assert any(one.label == text.OPEN for one in app.expander)
    assert app.button(key="crossing.go").label == text.GO


def test_the_figure_shows_parts_together_and_the_run_itself() -> None:
    one, each, together = crossing_figure(FOUND).data
    assert list(one.x) == [0.95] and list(each.x) == list(FOUND.values)
    assert list(together.x) == [0.84]
    assert together.error_x.array[0] == pytest.approx(0.05)
