"""Predict: a photo, the webcam or a held-out picture; the answer in words; errors kindly."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.pages import seed
from tests.pages.conftest import OpenPage, texts
from tl_core.session import Project, Studio
from tl_ui.texts import many
from tl_ui.texts import predict as text


def source(app: AppTest, name: str) -> None:
    next(one for one in app.button_group if one.key == "from").set_value(name).run()
    assert not app.exception


def trained(studio: Studio) -> tuple[Project, str]:
    project = seed.project_with_pictures(studio)
    return project, seed.finished_run(studio, project)


def answered(studio: Studio, *top: tuple[str, float]) -> None:
    """Let the network answer the same for every picture of the one question asked."""
    task = studio.active()[0]
    rows = [
        {"file": digest, "top": [list(one) for one in top], "error": None}
        for digest in task.spec["digests"]
    ]
    seed.end_task(studio, task.id, result={"answers": rows})


TOP = (("ants", 0.84), ("bees", 0.12), ("wasps", 0.04))


def test_without_a_finished_run_the_page_sends_to_training(
    open_page: OpenPage, studio: Studio
) -> None:
    project = seed.project_with_pictures(studio)
    seed.running_run(studio, project)
    app = open_page("predict", project=project.id)
    assert "No training run of this project has finished yet" in texts(app)
    assert not app.get("file_uploader")


def test_a_finished_run_waits_for_a_picture(open_page: OpenPage, studio: Studio) -> None:
    project, run_id = trained(studio)
    app = open_page("predict", project=project.id)
    said = texts(app)
    assert text.EMPTY in said
    assert text.EMPTY_BODY in said
    assert app.query_params["run"] == run_id
    assert studio.active() == []


def test_a_photo_is_asked_about_and_answered(open_page: OpenPage, studio: Studio) -> None:
    project, run_id = trained(studio)
    app = open_page("predict", project=project.id)
    app.get("file_uploader")[0].upload("my ant.png", seed.picture(7)).run()
    assert not app.exception
    task = studio.active()[0]
    assert (task.kind, task.spec["run_id"], task.spec["names"]) == (
        "predict",
        run_id,
        ["my ant.png"],
    )
    assert text.LOOKING in texts(app)
    answered(studio, *TOP)
    app.run()
    assert not app.exception
    said = texts(app).replace("\\", "")
    assert "### Fairly sure: ants, 84 %" in said
    assert "ants 84 %, bees 12 %, wasps 4 %." in said
    assert "my ant.png" in said
    assert many.ONLY_THESE in said
    assert text.seen(128) in said
    assert len(app.get("plotly_chart")) == 1
    assert studio.active() == []  # asked once


def test_an_answer_survives_a_refresh(open_page: OpenPage, studio: Studio) -> None:
    project, _ = trained(studio)
    app = open_page("predict", project=project.id)
    app.get("file_uploader")[0].upload("my ant.png", seed.picture(7)).run()
    assert text.LOOKING in texts(open_page("predict", project=project.id))
    answered(studio, *TOP)
    assert "Fairly sure" in texts(open_page("predict", project=project.id))


def test_what_is_no_picture_is_said_and_the_rest_is_asked(
    open_page: OpenPage, studio: Studio
) -> None:
    project, _ = trained(studio)
    app = open_page("predict", project=project.id)
    files = [("notes.png", b"no picture", "image/png"), ("ant.png", seed.picture(1), "image/png")]
    app.get("file_uploader")[0].set_value(files).run()
    assert not app.exception
    assert "notes.png" in app.error[0].value.replace("\\", "")
    assert studio.active()[0].spec["names"] == ["ant.png"]


def test_at_most_eight_photos(open_page: OpenPage, studio: Studio) -> None:
    project, _ = trained(studio)
    app = open_page("predict", project=project.id)
    files = [(f"{i}.png", seed.picture(i), "image/png") for i in range(10)]
    app.get("file_uploader")[0].set_value(files).run()
    assert len(studio.active()[0].spec["digests"]) == 8
    assert text.TOO_MANY in [one.value for one in app.toast]


def test_a_held_out_picture_is_one_click(open_page: OpenPage, studio: Studio) -> None:
    project, run_id = trained(studio)
    app = open_page("predict", project=project.id)
    source(app, "held")
    row = studio.snapshot(run_id).part("test")[0]
    app.button(key=f"predict.try.{row.id}").click().run()
    task = studio.active()[0]
    assert task.spec["digests"] == [row.digest]
    assert task.spec["labels"] == [row.label]
    answered(studio, (row.label, 0.97), ("other", 0.03))
    app.run()
    said = texts(app).replace("\\", "")
    assert f"Very sure: {row.label}, 97 %" in said
    assert f"Right: it is labelled {row.label}." in said


def test_the_webcam(open_page: OpenPage, studio: Studio) -> None:
    project, _ = trained(studio)
    app = open_page("predict", project=project.id)
    source(app, "camera")
    assert text.CAMERA_NOTE in texts(app)
    assert len(app.get("camera_input")) == 1


def test_a_failed_prediction_says_why(open_page: OpenPage, studio: Studio) -> None:
    project, _ = trained(studio)
    app = open_page("predict", project=project.id)
    app.get("file_uploader")[0].upload("ant.png", seed.picture(7)).run()
    seed.end_task(studio, studio.active()[0].id, state="failed", error=seed.ERROR)
    app.run()
    assert "The archive is broken" in app.error[0].value
    assert studio.active() == []  # not asked again by itself


def test_one_unreadable_picture_among_others(open_page: OpenPage, studio: Studio) -> None:
    project, _ = trained(studio)
    app = open_page("predict", project=project.id)
    app.get("file_uploader")[0].upload("ant.png", seed.picture(7)).run()
    rows = [{"file": "x", "top": [], "error": "The file is cut off."}]
    seed.end_task(studio, studio.active()[0].id, result={"answers": rows})
    app.run()
    assert not app.exception
    assert "The file is cut off" in app.warning[0].value


def test_another_run_is_asked_about_the_same_picture(open_page: OpenPage, studio: Studio) -> None:
    project, first = trained(studio)
    second = seed.finished_run(studio, project, seed=1)
    app = open_page("predict", project=project.id)
    assert app.query_params["run"] == second  # the newest
    app.get("file_uploader")[0].upload("ant.png", seed.picture(7)).run()
    answered(studio, *TOP)
    app.run()
    app.selectbox(key="run.pick").set_value(first).run()
    assert not app.exception
    assert studio.active()[0].spec["run_id"] == first
    assert studio.active()[0].spec["names"] == ["ant.png"]


def test_the_answer_in_words() -> None:
    assert text.verdict([("ants", 0.97), ("bees", 0.03)]) == "Very sure: ants, 97 %"
    assert text.verdict([("ants", 0.84)]) == "Fairly sure: ants, 84 %"
    assert text.verdict([("ants", 0.6), ("bees", 0.4)]) == "Leaning towards: ants, 60 %"
    assert text.verdict([("ants", 0.4), ("bees", 0.35)]) == "Undecided: ants 40 %, bees 35 %"
    assert text.truth("ants", "bees") == "Wrong: it is labelled ants."
    top = [("a", 0.5), ("b", 0.2), ("c", 0.1), ("d", 0.1), ("e", 0.05)]
    assert (
        text.bars(top, 7) == "a 50 %, b 20 %, c 10 %, d 10 %, e 5 %; 2 other classes together 5 %."
    )


def test_what_to_say_to_be_right_as_often_as_promised() -> None:
    top = [("hat", 0.5), ("dress", 0.3), ("shoe", 0.15), ("bag", 0.05)]
    assert text.likely_ones(top, 0.4, 0.9) == (
        "One class is enough to be right in 90 of 100 such pictures."
    )
    assert text.likely_ones(top, 0.1, 0.9).endswith("say: hat, dress or shoe.")
    assert text.likely_ones(top, 0.6, 0.9).startswith("No class is likely enough")


def test_the_sets_of_an_answer_come_from_the_validation_pictures(
    open_page: OpenPage, studio: Studio
) -> None:
    project = seed.project_with_pictures(studio, per_class=60)
    run_id = seed.finished_run(studio, project)
    digest = studio.snapshot(run_id).part("test")[0].digest
    studio.ask("predict", project.id, run_id=run_id, digests=[digest], names=["a.jpg"])
    answered(studio, *TOP)
    said = texts(open_page("predict", project=project.id, run=run_id)).replace("\\", "")
    assert "in 90 of 100 such pictures" in said or "No class is likely enough" in said
