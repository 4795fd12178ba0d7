"""The Evaluate page: numbers with their interval, every cell opens its pictures."""

from __future__ import annotations

import re
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import OpenPage, texts
from tests.pages.seed import (
    failed_run,
    finding,
    finished_run,
    intake,
    project_with_pictures,
    running_run,
)
from tl_core.session import Project, Studio
from tl_ui.texts import evaluate as text
from tl_ui.texts.numbers import interval, percent
from tl_ui.views.confusion import figure


def markup(app: AppTest) -> str:
    found: list[Any] = list(app.get("html"))
    return "\n".join(one.value for one in found)


@pytest.fixture
def project(studio: Studio) -> Project:
    return project_with_pictures(studio, per_class=40)


def test_empty_project_is_sent_to_its_pictures(studio: Studio, open_page: OpenPage) -> None:
    app = open_page("evaluate", project=studio.create("Empty").id)
    assert "There are no pictures to train on yet." in texts(app)


@pytest.mark.parametrize("seed", [running_run, failed_run])
def test_without_a_finished_run_it_is_sent_to_train(
    studio: Studio, project: Project, open_page: OpenPage, seed: Any
) -> None:
    seed(studio, project)
    app = open_page("evaluate", project=project.id)
    assert "No training run of this project has finished yet." in texts(app)


def test_the_test_pictures_are_judged_first_with_interval_and_baseline(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = finished_run(studio, project)
    report = studio.report(run_id, "test")
    assert report is not None
    app = open_page("evaluate", project=project.id, run=run_id)
    said, drawn = texts(app), markup(app)
    score = report["accuracy"]
    assert f"<strong>{percent(score['value'])}</strong>" in drawn
    assert f"{score['right']} of {report['n']} right" in drawn
    assert f"the true figure is likely {interval(score['ci'])}" in drawn
    assert f"Always “{report['majority']['class']}”" in said
    assert "this is the number to quote" in said
    for sentence in studio.sentences(report):
        assert sentence in said.replace("\\", "")


def test_validation_is_judged_on_request_and_said_to_be_too_good(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = finished_run(studio, project, seed=3)
    app = open_page("evaluate", project=project.id, run=run_id)
    split: Any = app.get_by_key("evaluate.split")
    split.set_value("val").run()
    report = studio.report(run_id, "val")
    assert report is not None
    assert f"<strong>{percent(report['accuracy']['value'])}</strong>" in markup(app)
    assert "a little too good" in texts(app)


def test_a_set_without_test_pictures_says_so(studio: Studio, open_page: OpenPage) -> None:
    project = project_with_pictures(studio, parts=("train", "val"))
    run_id = finished_run(studio, project)
    app = open_page("evaluate", project=project.id, run=run_id)
    assert text.ONLY_VAL in texts(app)
    assert "evaluate.split" not in {one.key for one in app.get("segmented_control")}


def test_a_run_without_a_report_stops_kindly(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = finished_run(studio, project)
    for split in ("val", "test"):
        (studio.home.run_dir(run_id) / f"report-{split}.json").unlink()
    said = texts(open_page("evaluate", project=project.id, run=run_id))
    assert text.NO_REPORT in said


def test_every_class_has_its_row(studio: Studio, project: Project, open_page: OpenPage) -> None:
    run_id = finished_run(studio, project)
    report = studio.report(run_id, "test")
    assert report is not None
    table = open_page("evaluate", project=project.id, run=run_id).dataframe[0].value
    assert list(table["class"]) == report["classes"]
    first = report["per_class"][0]
    assert table["support"][0] == first["support"]
    assert table["recall"][0] == round(100 * first["recall"])
    assert table["recall_ci"][0] == interval(first["recall_ci"])


def test_every_cell_of_the_matrix_can_be_clicked(studio: Studio, project: Project) -> None:
    report = studio.report(finished_run(studio, project, right=0.5), "test")
    assert report is not None
    points = figure(report).data[1]
    found = {(true, answered): n for true, answered, n in points.customdata}
    names = report["classes"]
    assert found == {
        (names[i], names[j]): report["confusion"][i][j] for i in range(3) for j in range(3)
    }
    assert all(
        x == one[1] and y == one[0]
        for x, y, one in zip(points.x, points.y, points.customdata, strict=True)
    )


def test_a_result_outlives_its_pictures_leaving_the_project(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = finished_run(studio, project)
    nothing = intake(studio.home, classes=())
    studio.library.replace_images(project.id, nothing, studio.data(project.id).config)
    for name in ("train", "evaluate", "export"):
        app = open_page(name, project=project.id, run=run_id)
        assert "There are no pictures" not in texts(app), name


def test_findings_lead_to_a_changed_run_on_the_train_page(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = finished_run(studio, project, findings=[finding()])
    app = open_page("evaluate", project=project.id, run=run_id)
    app.button(key=f"anew.{run_id}.overfit.0").click().run()
    assert app.title[0].value == "Train"
    assert app.query_params["run"] == studio.runs(project.id)[0].id != run_id


def test_names_of_classes_cannot_become_markup(studio: Studio, open_page: OpenPage) -> None:
    names = ("<img src=x onerror=alert(1)>", "[a](http://tracker)")
    project = project_with_pictures(studio, classes=names, per_class=20)
    run_id = finished_run(studio, project, right=0.4)
    for view in text.VIEWS.values():
        app = open_page("evaluate", project=project.id, run=run_id, view=view)
        assert not re.search(r"(?<!\\)<img|(?<!\\)\[a", texts(app))
        assert "<img src=x" not in markup(app)
    assert "&lt;img src=x" in markup(open_page("evaluate", project=project.id, run=run_id))
