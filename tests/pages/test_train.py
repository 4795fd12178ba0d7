"""The Train page in every state of a run; its buttons give the right orders."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import OpenPage, texts
from tests.pages.seed import (
    failed_run,
    finding,
    finished_run,
    interrupted_run,
    paused_run,
    project_with_pictures,
    queued_run,
    running_run,
    short_spec,
    write,
)
from tl_core.config import FreezeConfig, RunSpec, TrainConfig
from tl_core.events import RunFinished, Warned
from tl_core.session import Project, Studio
from tl_ui.texts import train as text


@pytest.fixture
def project(studio: Studio) -> Project:
    return project_with_pictures(studio)


def progress(app: AppTest) -> list[str]:
    bars: list[Any] = list(app.get("progress"))
    return [bar.text.replace("\\", "") for bar in bars if bar.text]


def orders(studio: Studio, run_id: str) -> list[str]:
    return [kind for _, kind in studio.queue.commands_after(run_id, 0, 0.0)]


def labels(app: AppTest) -> set[str]:
    return {button.label for button in app.button}


def test_empty_project_is_sent_to_its_pictures(studio: Studio, open_page: OpenPage) -> None:
    app = open_page("train", project=studio.create("Empty").id)
    assert "There are no pictures to train on yet." in texts(app)
    assert text.START not in labels(app)


def test_ready_says_what_will_run_and_starts_it(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    app = open_page("train", project=project.id)
    said = texts(app)
    assert "**Head only**" in said
    assert "**24 pictures**" in said
    assert "25 epochs, learning rate 0\\.01" in said
    app.button(key="start").click().run()
    (row,) = studio.runs(project.id)
    assert row.state == "queued"
    assert app.query_params["run"] == row.id
    assert progress(app) == ["Waiting for its turn: number 1 in the queue"]


def test_a_second_run_says_that_it_will_wait(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    running_run(studio, project)
    app = open_page("train", project=project.id, run="new")
    assert "This one will wait for its turn." in texts(app)
    app.button(key="start").click().run()
    assert progress(app) == ["Waiting for its turn: number 1 in the queue"]


def test_a_start_that_cannot_be_is_explained(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    app = open_page("train", project=project.id)
    draft = replace(studio.draft(project.id), freeze=FreezeConfig(layers="last:40"))
    studio.save_draft(project.id, draft)
    app.button(key="start").click().run()
    assert "asks for too many" in texts(app)
    assert not studio.runs(project.id)


def test_a_waiting_run_can_be_taken_off(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = queued_run(studio, project)
    app = open_page("train", project=project.id, run=run_id)
    assert text.PAUSE not in labels(app)
    app.button(key=f"stop.{run_id}").click().run()
    assert studio.run(run_id).state == "cancelled"
    assert text.CANCELLED in texts(app)


def test_running_shows_where_it_is_and_how_sure_the_number_is(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = running_run(studio, project)
    app = open_page("train", run=run_id)
    (line,) = progress(app)
    assert line.startswith("Epoch 4 of 6, step 1 of 4 · about ")
    said = texts(app)
    assert "Validation accuracy 66 %" in said
    assert "4 of 6 right; likely 30 to 90 %" in said.replace("\\", "")
    assert text.STAYS in said


def test_the_page_finds_the_run_at_work_by_itself(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    finished_run(studio, project)
    run_id = running_run(studio, project)
    assert open_page("train", project=project.id).query_params["run"] == run_id


def test_a_run_in_the_address_brings_its_own_project(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    other = project_with_pictures(studio, "Other")
    run_id = running_run(studio, other)
    app = open_page("train", project=project.id, run=run_id)
    assert app.query_params["project"] == other.id
    assert progress(app)[0].startswith("Epoch 4 of 6")


def test_orders_reach_the_run(studio: Studio, project: Project, open_page: OpenPage) -> None:
    run_id = running_run(studio, project)
    app = open_page("train", project=project.id, run=run_id)
    app.button(key=f"pause.{run_id}").click().run()
    app.button(key=f"stop.{run_id}").click().run()
    assert orders(studio, run_id) == ["pause", "stop"]


def test_paused_offers_to_go_on(studio: Studio, project: Project, open_page: OpenPage) -> None:
    run_id = paused_run(studio, project)
    app = open_page("train", project=project.id, run=run_id)
    assert progress(app) == [text.PAUSED]
    app.button(key=f"unpause.{run_id}").click().run()
    assert orders(studio, run_id) == ["continue"]


def test_stopping_takes_no_more_orders(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = running_run(studio, project)
    studio.queue.mark(run_id, "stopping")
    app = open_page("train", project=project.id, run=run_id)
    assert progress(app) == [text.STOPPING]
    assert app.button(key=f"stop.{run_id}").disabled


def test_the_page_turns_to_the_result_when_the_run_ends(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = running_run(studio, project)
    app = open_page("train", project=project.id, run=run_id)
    finished = RunFinished(
        reason="early_stop", epochs=4, best_epoch=2, val_accuracy=0.5, val_accuracy_ci=[0.2, 0.8]
    )
    write(studio, run_id, finished)
    studio.queue.end(run_id, "finished", exit_code=0, result={"val_accuracy": 0.5})
    app.run()
    assert "It ended by itself after epoch 4 of 6" in texts(app)
    assert text.JUDGE in labels(app)


def test_a_finding_is_shown_once_with_a_remedy_that_starts_a_changed_run(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = running_run(studio, project, findings=[finding(2), finding(3)])
    app = open_page("train", project=project.id, run=run_id)
    said = texts(app)
    assert said.count("learns the training pictures by heart") == 1
    assert "z \\= 3\\.4" in said
    assert text.TRY_WAITS in said
    app.button(key=f"remedy.{run_id}.overfit.0").click().run()
    changed = studio.runs(project.id)[0]
    assert changed.id != run_id
    assert changed.spec["train"]["dropout"] == 0.3
    assert changed.spec["parent"] == run_id
    assert app.query_params["run"] == changed.id


def test_what_was_adapted_is_said(studio: Studio, project: Project, open_page: OpenPage) -> None:
    run_id = running_run(studio, project)
    write(studio, run_id, Warned(code="batch", message="The batch was halved to 8.", hint="Fine."))
    app = open_page("train", project=project.id, run=run_id)
    assert "The batch was halved to 8" in texts(app)


def test_interrupted_is_resumed(studio: Studio, project: Project, open_page: OpenPage) -> None:
    run_id = interrupted_run(studio, project)
    app = open_page("train", project=project.id, run=run_id)
    assert "It was interrupted after epoch 3." in texts(app)
    app.button(key="resume").click().run()
    assert studio.run(run_id).state == "queued"


def test_failed_says_why_and_starts_again(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = failed_run(studio, project)
    app = open_page("train", project=project.id, run=run_id)
    said = texts(app)
    assert "not enough memory even for 2 pictures" in said
    assert "smaller picture size" in said
    assert text.JUDGE not in labels(app)
    app.button(key="start_again").click().run()
    assert studio.runs(project.id)[0].spec["parent"] == run_id


def test_finished_leads_to_the_judgement(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = finished_run(studio, project)
    app = open_page("train", project=project.id, run=run_id)
    said = texts(app)
    assert "All 6 epochs done. Epoch 6 was the best and is kept." in said
    assert "| Learning rate | 0\\.01 |" in said
    app.button(key="next_evaluate").click().run()
    assert app.title[0].value == "Evaluate"
    assert app.query_params["run"] == run_id


def test_other_settings_begin_from_the_run_shown(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    spec = replace(RunSpec(), train=TrainConfig(epochs=3, dropout=0.5))
    run_id = finished_run(studio, project, spec=spec)
    app = open_page("train", project=project.id, run=run_id)
    app.button(key="again").click().run()
    assert app.title[0].value == "Layers"
    assert studio.draft(project.id).train.dropout == 0.5


def test_the_last_run_is_shown_only_while_its_settings_are_current(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = finished_run(studio, project)
    studio.save_draft(project.id, short_spec())
    assert open_page("train", project=project.id).query_params["run"] == run_id
    studio.save_draft(project.id, RunSpec())
    app = open_page("train", project=project.id)
    assert app.query_params["run"] == "new"
    assert text.START in labels(app)


def test_another_run_is_chosen_in_the_list(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    first = finished_run(studio, project)
    second = failed_run(studio, project)
    app = open_page("train", project=project.id, run=second)
    app.selectbox(key="run.pick").set_value(first).run()
    assert app.query_params["run"] == first
    assert "All 6 epochs done." in texts(app)


def test_a_deleted_run_is_gone(studio: Studio, project: Project, open_page: OpenPage) -> None:
    run_id = finished_run(studio, project)
    app = open_page("train", project=project.id, run=run_id)
    app.button(key="delete").click().run()
    assert not studio.runs(project.id)
    assert text.START in labels(app)
