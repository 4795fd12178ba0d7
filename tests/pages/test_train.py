"""The Train page in every state of a run; its buttons give the right orders."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import OpenPage, texts
from tests.pages.seed import (
    engine_chosen,
    failed_run,
    finding,
    finished_probe,
    finished_run,
    interrupted_run,
    paused_run,
    project_with_pictures,
    queued_run,
    running_probe,
    running_run,
    short_spec,
    strength,
    write,
)
from tl_core.config import FreezeConfig, RunSpec, TrainConfig
from tl_core.events import Remedy, RunFinished, StagesPlanned, Warned
from tl_core.jobs.estimate import keep_rate
from tl_core.jobs.view import RunView
from tl_core.session import Project, Studio
from tl_core.storage import write_json
from tl_ui.charts import strength_figure, walks
from tl_ui.texts import coach
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
    assert coach.ONLY in said
    app.button(key=f"anew.{run_id}.overfit.0").click().run()
    changed = studio.runs(project.id)[0]
    assert changed.id != run_id
    assert changed.spec["train"]["dropout"] == 0.3
    assert (changed.spec["parent"], changed.spec["goes_on"]) == (run_id, False)
    assert app.query_params["run"] == changed.id
    assert not orders(studio, run_id), "starting anew leaves the run as it is"


def test_apply_and_continue_stops_the_run_and_queues_the_next(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = running_run(studio, project, findings=[finding(3)])
    app = open_page("train", project=project.id, run=run_id)
    app.button(key=f"go_on.{run_id}.overfit.0").click().run()
    changed = studio.runs(project.id)[0]
    assert (changed.spec["parent"], changed.spec["goes_on"]) == (run_id, True)
    assert changed.spec["verdict"] == "overfit"
    assert changed.spec["remedy"] == "Stop it from memorising: dropout 0.3"
    assert orders(studio, run_id) == ["stop"]
    assert app.query_params["run"] == changed.id


def test_only_a_run_at_work_can_be_stopped_at_its_best_epoch(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    stop = Remedy(act="stop", label="Stop now and keep epoch 2", changes={}, why="It is best.")
    tell = Remedy(act="tell", label="Bring more pictures", changes={}, why="They help.")
    found = replace(finding(3), remedies=[stop, *finding(3).remedies, tell])
    run_id = running_run(studio, project, findings=[found])
    app = open_page("train", project=project.id, run=run_id)
    assert "2 other things that may help" in [one.label for one in app.expander]
    assert "Bring more pictures" in texts(app)
    app.button(key=f"stop_best.{run_id}.overfit.0").click().run()
    assert orders(studio, run_id) == ["stop"]
    studio.queue.end(run_id, "interrupted")
    over = open_page("train", project=project.id, run=run_id)
    assert f"stop_best.{run_id}.overfit.0" not in {one.key for one in over.button}


def test_a_remedy_that_cannot_go_on_says_why(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = finished_run(studio, project, findings=[finding()])  # it has kept no network
    app = open_page("train", project=project.id, run=run_id)
    assert f"go_on.{run_id}.overfit.0" not in {one.key for one in app.button}
    assert "The earlier run has kept no network" in texts(app)


def test_a_finding_opens_to_three_answers(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = running_run(studio, project, findings=[finding(3)])
    said = texts(open_page("train", project=project.id, run=run_id))
    assert "The network learns single training pictures by heart" in said
    assert "What would change it" in said


def test_a_verdict_of_an_earlier_version_is_still_shown_and_explained(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    old = replace(finding(3, verdict="too_few_val"), sentence="With 6 pictures it is rough.")
    run_id = running_run(studio, project, findings=[old])
    said = texts(open_page("train", project=project.id, run=run_id))
    assert "With 6 pictures it is rough" in said
    assert "There are too few validation pictures to measure by" in said


def test_a_run_that_went_on_says_from_where(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    first = finished_run(studio, project)
    second = running_run(
        studio, project, spec=replace(short_spec(), parent=first, remedy="Use dropout of 0.3")
    )
    origin = {"run": first, "weights": True, "epoch": 4, "why": "", "seen": []}
    write_json(studio.home.run_dir(second) / "origin.json", origin)
    said = texts(open_page("train", project=project.id, run=second))
    assert "This run went on from epoch 4 of the earlier run" in said


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


def test_ready_says_that_a_probe_is_calculated(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    draft = replace(studio.draft(project.id), freeze=FreezeConfig(layers="deep-probe"))
    studio.save_draft(project.id, draft)
    said = texts(open_page("train", project=project.id))
    assert "**Deep probe**" in said
    assert text.SOLVING_WORDS in said
    assert "epochs, learning rate" not in said


def test_how_it_is_computed_is_told_with_the_time(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = running_run(studio, project)
    write(studio, run_id, engine_chosen(expected_seconds=40.0))
    said = texts(open_page("train", run=run_id))
    assert "computed once for 2 versions of every picture, in half precision (bfloat16)" in said
    assert "kept (3.5 MB). Expected to take about 40 seconds in all." in said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cache": "off", "views": 0}, "computed anew every epoch, in half precision"),
        ({"cache": "none", "views": 0}, "through the whole network every epoch, in full precision"),
        ({"views": 1, "expected_seconds": None}, "once for 1 version of every picture"),
    ],
)
def test_what_is_not_kept_is_not_claimed(changes: dict[str, Any], words: str) -> None:
    view = RunView(run_id="r", state="running", engine=engine_chosen(**changes))
    assert words in text.engine(view)
    assert ("Expected" in text.engine(view)) == (view.engine.expected_seconds is not None)


def test_a_probe_shows_its_strengths_while_it_runs(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = running_probe(studio, project, tried=5)
    app = open_page("train", run=run_id)
    (line,) = progress(app)
    assert line.startswith("Trying strengths: 5 of 9")
    said = texts(app)
    assert "Best strength so far 0.0001" in said
    assert "5 strengths tried. At 0.0001 the loss is lowest" in said
    assert len(app.get("plotly_chart")) == 2
    assert f"pause.{run_id}" not in {one.key for one in app.button}
    app.button(key=f"stop.{run_id}").click().run()
    assert orders(studio, run_id) == ["stop"]


def test_a_probe_stopped_before_it_was_solved_says_so(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    run_id = running_probe(studio, project, tried=2)
    studio.queue.end(run_id, "cancelled", exit_code=0)
    said = texts(open_page("train", run=run_id))
    assert text.STOPPED_EARLY in said
    assert text.CANCELLED not in said


def test_a_probe_before_its_first_strength_has_no_chart(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    app = open_page("train", run=running_probe(studio, project, tried=0))
    assert progress(app)[0].startswith("Preparing the answer · about 3 seconds left")
    assert not app.get("plotly_chart")
    assert text.NO_STRENGTH_YET in texts(app)


@pytest.mark.parametrize("layers", ["deep-probe", "exact-head"])
def test_a_solved_probe_names_the_strength_it_kept(
    studio: Studio, project: Project, open_page: OpenPage, layers: str
) -> None:
    run_id = finished_probe(studio, project, layers=layers)
    app = open_page("train", project=project.id, run=run_id)
    said = texts(app)
    assert "Solved: the best of 9 strengths is kept." in said
    assert "Strength chosen 0.00001" in said
    assert "84 % right, cross-validated" in said.replace("\\", "")
    assert "best epoch" not in said.lower()
    assert "through the frozen network twice, the second time mirrored, in half precision" in said
    assert f"| Blocks that learn | {text.PROBE_NAMES[layers]} |" in said
    assert "| Learning rate |" not in said
    assert len(app.get("plotly_chart")) == 2
    app.button(key="next_evaluate").click().run()
    assert app.title[0].value == "Evaluate"


def test_a_finished_run_says_how_long_it_took_against_what_was_told() -> None:
    finished = RunFinished(
        reason="completed", epochs=4, best_epoch=2, val_accuracy=0.5, val_accuracy_ci=[0.2, 0.8]
    )
    view = RunView(
        run_id="r", state="finished", engine=engine_chosen(), engine_from=2.0, elapsed_s=7.4,
        finished=finished,
    )  # fmt: skip
    assert text.engine(view).endswith("Expected 4 seconds, took 5 seconds.")
    stopped = replace(view, finished=replace(finished, reason="stopped"))
    assert "took" not in text.engine(stopped)


def test_a_deleted_run_is_gone(studio: Studio, project: Project, open_page: OpenPage) -> None:
    run_id = finished_run(studio, project)
    app = open_page("train", project=project.id, run=run_id)
    app.button(key="delete").click().run()
    assert not studio.runs(project.id)
    assert text.START in labels(app)


def test_the_chart_of_strengths_marks_the_one_chosen_only_when_all_were_tried() -> None:
    tried = [strength(number) for number in (1, 2, 3, 6)]
    line, ring = strength_figure(tried, "loss", done=False).data
    assert list(line.y) == [one.loss for one in tried]
    assert (ring.x[0], ring.y[0]) == (1e-5, tried[3].loss)
    assert not strength_figure(tried, "loss", done=False).layout.shapes
    done = strength_figure(tried, "accuracy", done=True)
    assert done.layout.shapes[0].x0 == 1e-5
    assert done.layout.annotations[0].x == pytest.approx(-5)  # in decades, as the axis counts
    none = [strength(2), replace(strength(1), strength=0.0)]
    assert strength_figure(none, "loss", done=True).layout.xaxis.type == "category"


def test_strengths_tried_again_with_another_mix_are_a_line_of_their_own() -> None:
    tried = [strength(number) for number in (1, 2, 3, 2, 3, 6)]
    assert [len(walk) for walk in walks(tried)] == [3, 3]
    faint, main, _ring = strength_figure(tried, "loss", done=True).data
    assert faint.opacity < main.opacity == 1.0
    view = RunView(run_id="r", strengths=tuple(tried))
    said = text.strengths_sentence(view, walks=2)
    assert said.startswith("4 strengths tried, each line with another mix")


def test_a_run_in_stages_says_which_stage_and_the_time_of_all(
    studio: Studio, project: Project, open_page: OpenPage
) -> None:
    freeze = FreezeConfig(layers="last:1", stages="ask")
    studio.save_draft(project.id, replace(studio.draft(project.id), freeze=freeze))
    keep_rate(studio.home, 1e10, "CPU")
    said = texts(open_page("train", project=project.id))
    assert "Up to about" in said and "at most 45 epochs in 2 stages, learning rate" in said
    run_id = running_run(studio, project)
    planned = StagesPlanned(
        stages="ask", layers=["head", "last:1"], epochs=[6, 4], expected_seconds=[10.0, 300.0]
    )
    write(studio, run_id, planned, engine_chosen(expected_seconds=10.0))
    said = "\n".join(progress(open_page("train", run=run_id)))
    assert "Stage 1 of up to 2: Epoch 4 of 6" in said and "up to about 5 min" in said
    view = studio.catch_up(run_id)
    assert "Expected to take about 10 seconds in this stage." in text.engine(view)
