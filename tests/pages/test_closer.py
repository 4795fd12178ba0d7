"""Look closer on the Evaluate page: every view, on made-up answers that are kept like real ones."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages import seed
from tests.pages.conftest import OpenPage, texts
from tl_core.evaluate.confidence import judged_sets
from tl_core.evaluate.thresholds import cheapest, counted
from tl_core.session import Project, Studio
from tl_core.storage import read_json, write_json
from tl_ui.texts import closer as text
from tl_ui.texts.evaluate import VIEWS
from tl_ui.texts.numbers import percent


@pytest.fixture
def project(studio: Studio) -> Project:
    return seed.project_with_pictures(studio, per_class=120)


@pytest.fixture
def run_id(studio: Studio, project: Project) -> str:
    return seed.finished_run(studio, project)


def opened(open_page: OpenPage, project: Project, run_id: str, view: str) -> AppTest:
    app = open_page("evaluate", project=project.id, run=run_id, view=VIEWS["closer"])
    control: Any = next(one for one in app.get("segmented_control") if one.key == "closer.view")
    control.set_value(view).run()
    assert not app.exception
    return app


def plain(app: AppTest) -> str:
    return texts(app).replace("\\", "")


def test_all_scores_stand_in_one_table_with_their_ranges(
    studio: Studio, project: Project, run_id: str, open_page: OpenPage
) -> None:
    report = studio.report(run_id, "test")
    assert report is not None
    app = opened(open_page, project, run_id, "scores")
    table = next(one.value for one in app.dataframe if next(iter(one.value.columns)) == "name")
    assert len(table) == len(report["scores"])
    assert percent(report["scores"]["accuracy"]["value"]) in list(table["value"])


def test_the_line_is_chosen_on_validation_and_counted_on_test(
    studio: Studio, project: Project, run_id: str, open_page: OpenPage
) -> None:
    app = opened(open_page, project, run_id, "class")
    app.number_input(key="closer.miss").set_value(10.0).run()
    test, val = studio.answers(run_id, "test"), studio.answers(run_id, "val")
    assert test is not None and val is not None
    line = cheapest(val, 0, miss=10, alarm=1)
    now = counted(test, 0, line, miss=10)
    said = plain(app)
    assert f"from {percent(line)} on (chosen for your costs)" in said
    assert f"{now.hits} of {now.hits + now.missed}, likely" in said
    assert text.SAME_PART not in said
    app.toggle(key="closer.by_hand").set_value(True).run()
    app.slider[0].set_value(0.99).run()
    assert "from 99 % on (by hand)" in plain(app)


def test_kinds_are_told_with_their_pictures(
    studio: Studio, project: Project, run_id: str, open_page: OpenPage
) -> None:
    path = studio.home.run_dir(run_id) / "report-test.json"
    report = read_json(path)
    images = [str(one.id) for one in studio.snapshot(run_id).part("test")][:12]
    weak = {
        "by": "brightness", "value": "low", "n": 12, "right": 4, "share": 0.33, "ci": [0.1, 0.6],
        "expected": 0.8, "gap": -0.47, "gap_ci": [-0.7, -0.1], "chance": 0.001, "clear": True,
        "images": images,
    }  # fmt: skip
    write_json(path, {**report, "slices": [weak]})
    app = opened(open_page, project, run_id, "kinds")
    said = plain(app)
    assert "It is clearly weaker on: Brightness: darkest third." in said
    table = next(one.value for one in app.dataframe if next(iter(one.value.columns)) == "kind")
    assert list(table["says"]) == [text.WEAKER] and list(table["gap"]) == ["-47 points"]
    write_json(path, {**report, "slices": []})
    assert text.NO_KINDS in plain(opened(open_page, project, run_id, "kinds"))


def test_the_confidence_is_corrected_and_taken_back_with_a_click(
    studio: Studio, project: Project, run_id: str, open_page: OpenPage
) -> None:
    before = studio.answers(run_id, "test")
    app = opened(open_page, project, run_id, "confidence")
    app.button(key="closer.correct").click().run()
    now, found = studio.temperature(run_id), studio.answers(run_id, "test")
    assert now != 1.0 and before is not None and found is not None
    assert (found.given == before.given).all()
    assert found.losses.mean() < before.losses.mean()
    report = studio.report(run_id, "test")
    assert report is not None
    assert report["log_loss"] == pytest.approx(float(found.losses.mean()))
    assert f"(temperature {now:.2f})" in plain(app)
    app.button(key="closer.as_trained").click().run()
    again = studio.answers(run_id, "test")
    assert studio.temperature(run_id) == 1.0 and again is not None
    assert again.losses.mean() == pytest.approx(float(before.losses.mean()))


def test_several_answers_keep_their_promise_in_words(
    studio: Studio, project: Project, run_id: str, open_page: OpenPage
) -> None:
    test, val = studio.answers(run_id, "test"), studio.answers(run_id, "val")
    assert test is not None and val is not None
    found = judged_sets(val, test, 0.9)
    assert found is not None
    said = plain(opened(open_page, project, run_id, "confidence"))
    assert f"among the answers of {found.covered} of {found.n} pictures" in said


def test_a_run_of_an_earlier_version_can_be_judged_anew(
    studio: Studio, project: Project, run_id: str, open_page: OpenPage
) -> None:
    for split in ("val", "test"):
        (studio.home.run_dir(run_id) / f"answers-{split}.safetensors").unlink()
    app = open_page("evaluate", project=project.id, run=run_id, view=VIEWS["closer"])
    assert text.OLD in texts(app)
    app.button(key="closer.judge").click().run()
    (task,) = studio.active()
    assert (task.kind, task.spec) == ("judge", {"run_id": run_id})
    error = {"code": "x", "message": "A picture is gone.", "hint": ""}
    seed.end_task(studio, task.id, state="failed", error=error)
    app = open_page("evaluate", project=project.id, run=run_id, view=VIEWS["closer"])
    assert "A picture is gone." in plain(app) and app.button(key="closer.judge")
