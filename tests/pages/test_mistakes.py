"""Mistakes on the Evaluate page: chosen by cell or map, mended, trained again, and compared."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages import seed
from tests.pages.conftest import OpenPage, texts
from tl_core.config import RunSpec
from tl_core.jobs.mending import NOTE
from tl_core.session import Project, Studio
from tl_ui.map_chart import chosen_of, map_figure
from tl_ui.texts import evaluate, explain
from tl_ui.texts import mending as text


@pytest.fixture
def project(studio: Studio) -> Project:
    return seed.project_with_pictures(studio, per_class=40)


def opened(open_page: OpenPage, project: Project, run_id: str, way: str = "cell") -> AppTest:
    view = evaluate.VIEWS["mistakes"]
    app = open_page("evaluate", project=project.id, run=run_id, view=view)
    control: Any = app.get_by_key("mistakes.way")
    control.set_value(way).run()
    assert not app.exception
    return app


def plain(app: AppTest) -> str:
    return texts(app).replace("\\", "")


def test_the_most_frequent_mistake_is_open_at_first_and_any_cell_can_be(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = seed.finished_run(studio, project, right=0.5)
    report = studio.report(run_id, "test")
    assert report is not None
    names, counts = report["classes"], report["confusion"]
    app = opened(open_page, project, run_id)
    true = app.selectbox(key="confusion.true").value
    answered = app.selectbox(key="confusion.answered").value
    most = max(counts[i][j] for i in range(3) for j in range(3) if i != j)
    assert counts[names.index(true)][names.index(answered)] == most
    assert text.chosen(most, most) in plain(app)
    app.selectbox(key="confusion.true").set_value(names[0])
    app.selectbox(key="confusion.answered").set_value(names[0]).run()
    assert f"**{names[0]}**, rightly answered: {counts[0][0]}" in texts(app)


def test_mistakes_are_shown_or_their_absence_is_said(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    wrong = seed.finished_run(studio, project, right=0.3)
    app = opened(open_page, project, wrong, "sure")
    report = studio.report(wrong, "test")
    assert report is not None
    n = len(report["mistakes"])
    assert evaluate.MISTAKES_HINT in texts(app) and text.chosen(n, n) in plain(app)
    assert app.get("image")
    perfect = seed.finished_run(studio, project, right=1.1)
    app = opened(open_page, project, perfect, "sure")
    assert text.NO_MISTAKES in texts(app) and explain.NOTHING in texts(app)


def test_pictures_that_left_the_set_cannot_be_mended(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = seed.finished_run(studio, project, right=0.3)
    report = studio.report(run_id, "test")
    assert report is not None
    first, *others = [int(one["image"]) for one in report["mistakes"]]
    studio.curation.exclude(project.id, [first], title="Left out")
    said = plain(opened(open_page, project, run_id, "sure"))
    assert text.chosen(len(others), len(others)) in said
    nothing = seed.intake(studio.home, classes=())
    studio.library.replace_images(project.id, nothing, studio.data(project.id).config)
    assert text.GONE in plain(opened(open_page, project, run_id, "sure"))


def test_the_map_is_asked_for_and_chooses_pictures(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = seed.finished_run(studio, project)
    app = opened(open_page, project, run_id, "map")
    app.button(key="map.draw").click().run()
    (task,) = studio.active()
    assert (task.kind, task.spec) == ("map", {"run_id": run_id})
    strange = seed.drawn_map(studio, run_id)
    seed.end_task(studio, task.id, result={"run_id": run_id})
    app = opened(open_page, project, run_id, "map")
    assert text.strange(2) in texts(app) and explain.NOTHING in texts(app)
    app.button(key="map.show_strange").click().run()
    assert not app.exception
    assert text.chosen(2, 2) in plain(app)
    offered = {one.key for one in app.button if str(one.key).startswith("explain.choose.")}
    assert offered == {f"explain.choose.{one}" for one in strange}


def test_a_map_that_failed_says_why_and_can_be_tried_again(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = seed.finished_run(studio, project)
    task = studio.ask("map", project.id, run_id=run_id)
    error = {"code": "x", "message": "It broke.", "hint": "Try."}
    seed.end_task(studio, task, state="failed", error=error)
    app = opened(open_page, project, run_id, "map")
    assert "It broke." in plain(app)
    assert app.button(key="map.draw").label == text.AGAIN


def test_a_line_around_points_is_believed_only_as_ids(studio: Studio, project: Project) -> None:
    told = {"selection": {"points": [{"customdata": "7"}, {"customdata": ["8"]}, {"x": 1}, 3]}}
    assert chosen_of(told) == ["7", "8"]
    assert chosen_of(None) == chosen_of({"selection": {"points": [{"customdata": {}}]}}) == []


def test_every_picture_is_a_point_and_names_cannot_become_markup(
    studio: Studio, project: Project
) -> None:
    from tl_core.jobs.maps import drawn_map

    run_id = seed.finished_run(studio, project)
    seed.drawn_map(studio, run_id)
    found = drawn_map(studio.home, run_id)
    assert found is not None
    names = {one.image: "<b>x</b>" for one in found.points}
    wrong = found.points[0].image
    drawn = map_figure(
        found.points, colour="class", names=names, answers={}, wrong={wrong}, dark=False
    )
    ids = [one for trace in drawn.data for one in trace.customdata]
    assert sorted(ids) == sorted(names)
    assert all("<b>x" not in line for trace in drawn.data for line in trace.text)
    rings = {
        image: width
        for trace in drawn.data
        for image, width in zip(trace.customdata, trace.marker.line.width, strict=True)
    }
    assert [one for one, width in rings.items() if width] == [wrong]


def mend(studio: Studio, project: Project, run_id: str, split: str) -> None:
    row = next(one for one in studio.snapshot(run_id).part(split) if one.label == "ants")
    studio.curation.relabel(project.id, {row.id: "bees"}, title="Moved")


def test_after_mending_it_trains_again_and_says_whether_it_helped(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = seed.finished_run(studio, project, right=0.6)
    app = opened(open_page, project, run_id)
    assert text.BEGIN in plain(app)
    mend(studio, project, run_id, "train")
    mend(studio, project, run_id, "test")
    app = opened(open_page, project, run_id)
    assert "2 pictures moved to another class" in plain(app) and text.judging(1) in plain(app)
    app.button(key="mending.go").click().run()
    (row,) = studio.active()
    assert (row.spec["parent"], row.spec["note"]) == (run_id, NOTE)
    assert text.RUNNING in plain(app)
    studio.stop(row.id)  # a worker has never taken it
    spec = RunSpec.from_dict(row.spec)
    after = seed.finished_run(studio, project, right=1.1, seed=1, spec=spec)
    app = opened(open_page, project, run_id)
    said = plain(app)
    assert "The new run is better than this run." in said and text.ON_VALIDATION in said
    assert text.SAME_SET in said
    app.button(key="mending.open").click().run()
    assert app.query_params["run"] == after


def test_a_new_run_without_a_result_is_said_and_can_be_tried_again(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = seed.finished_run(studio, project)
    mend(studio, project, run_id, "train")
    row = studio.run(run_id)
    studio.stop(studio.start_mended(row))
    app = opened(open_page, project, run_id)
    assert text.FAILED in plain(app)
    assert app.button(key="mending.go").label == text.GO
