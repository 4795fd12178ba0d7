"""A classifier that somebody sent: brought on the first page, asked on Predict, gone on from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages import seed
from tests.pages.conftest import OpenPage, texts
from tests.pages.test_predict import answered, source
from tl_core.config import ModelConfig, RunSpec
from tl_core.jobs.batches import Answered, Batch, keep_batch
from tl_core.session import Studio
from tl_ui.texts import brought as text
from tl_ui.texts import many, predict


def plain(said: str) -> str:
    return said.replace("\\", "")


def test_a_zip_makes_a_project_and_is_checked(open_page: OpenPage, studio: Studio) -> None:
    app = open_page("home")
    upload = next(one for one in app.get("file_uploader") if one.label == text.UPLOAD)
    upload.upload("thaw-birds.zip", b"PK")
    app.button(key="bundle.go").click().run()
    assert not app.exception
    (project,), (task,) = studio.projects(), studio.active()
    assert project.name == "thaw-birds"
    assert (task.kind, task.project_id, task.spec["name"]) == (
        "bring_bundle",
        project.id,
        "thaw-birds.zip",
    )
    assert Path(studio.home.folder("uploads") / f"{task.spec['upload_id']}.upload").is_file()
    assert text.CHECKING in texts(app), "the page that follows it"


def test_a_path_does_too_and_nothing_is_asked_for(open_page: OpenPage, studio: Studio) -> None:
    app = open_page("home")
    app.button(key="bundle.go").click().run()
    assert text.NOTHING in texts(app) and not studio.projects()
    app.text_input(key="bundle.path").set_value("/sent/birds")
    app.button(key="bundle.go").click().run()
    (task,) = studio.active()
    assert task.spec == {"name": "birds", "folder": "/sent/birds"}


def test_what_was_refused_says_why_and_can_be_brought_again(
    open_page: OpenPage, studio: Studio
) -> None:
    project = studio.create("Birds")
    error = {"code": "export", "message": "This is not a bundle.", "hint": "Bring another."}
    seed.task(studio, "bring_bundle", project_id=project.id, state="failed", error=error)
    app = open_page("predict", project=project.id)
    assert "This is not a bundle" in plain(texts(app))
    app.text_input(key="bundle.path").set_value("/sent/birds")
    app.button(key="bundle.go").click().run()
    (task,) = studio.active()
    assert task.project_id == project.id and len(studio.projects()) == 1


def test_it_says_what_it_is_and_answers_photos(open_page: OpenPage, studio: Studio) -> None:
    project = seed.bundle(studio)
    app = open_page("predict", project=project.id)
    said = plain(texts(app))
    assert "knows 2 classes: finch and <b>owl</b>" in said
    assert "right on 43 of 50 test pictures" in said and "**86\N{NO-BREAK SPACE}%**" in said
    assert "Exported on 2026-01-02" in said and "48 held-out pictures" in said
    assert text.EMPTY_BODY in said
    assert "held" not in [one.value for one in app.button_group]
    assert "# A picture classifier" in [one.value for one in app.code], "without its head"
    app.get("file_uploader")[0].upload("my bird.png", seed.picture(7)).run()
    (task,) = studio.active()
    assert task.spec["bundle"] is True and "run_id" not in task.spec
    answered(studio, ("finch", 0.84), ("<b>owl</b>", 0.16))
    app.run()
    said = plain(texts(app))
    assert "Fairly sure: finch, 84 %" in said and "One class is enough" in said
    assert not app.exception


def test_many_pictures_are_a_table_of_its_own(open_page: OpenPage, studio: Studio) -> None:
    project = seed.bundle(studio)
    app = open_page("predict", project=project.id)
    source(app, "many")
    app.text_input(key="many.folder").set_value("/pictures")
    app.button(key="many.read").click().run()
    (task,) = studio.active()
    assert task.spec == {"bundle": True, "folder": "/pictures"}
    rows = (
        Answered(file="a.png", top=(("finch", 0.9), ("<b>owl</b>", 0.1)), likely=("finch",)),
        Answered(file="b.png", top=(("finch", 0.6), ("<b>owl</b>", 0.4)), likely=()),
    )
    found = Batch(
        name="pictures", at=0.0, rows=rows, promised=0.9, refuses=False, drift=(), compared=False
    )
    keep_batch(studio.home, project.id, task.id, found)
    seed.end_task(studio, task.id, result={"pictures": 2, "errors": 0})
    app.run()
    assert app.dataframe[0].value["file"].tolist() == ["a.png", "b.png"]
    said = plain(texts(app))
    assert many.NOT_TOLD not in said and many.NOT_COMPARED not in said, "it cannot compare"
    app.button(key="many.remove").click().run()
    assert not app.exception and not app.dataframe


@pytest.mark.parametrize("certified", ["changed", "none"])
def test_what_nobody_vouches_for_is_warned_of(
    open_page: OpenPage, studio: Studio, certified: str
) -> None:
    project = seed.bundle(studio, certified=certified)
    said = texts(open_page("predict", project=project.id))
    assert (text.CHANGED in said) is (certified == "changed")
    assert (text.UNCERTIFIED in said) is (certified == "none")


def test_why_it_cannot_learn_more_is_said(open_page: OpenPage, studio: Studio) -> None:
    app = open_page("predict", project=seed.bundle(studio, obstacle="It brings no weights.").id)
    assert f"{text.NOT_FURTHER} It brings no weights." in plain(texts(app))
    assert text.TEACH not in [one.label for one in app.get("page_link")]


def test_beside_runs_one_chooses_who_answers(open_page: OpenPage, studio: Studio) -> None:
    project = seed.bundle(studio)
    trained = seed.project_with_pictures(studio)
    app = open_page("predict", project=trained.id, run=seed.finished_run(studio, trained))
    assert not [one for one in app.button_group if one.key == "predict.who"]
    studio.library.replace_images(project.id, seed.intake(studio.home), seed.DataConfig())
    app = open_page("predict", project=project.id, run=seed.finished_run(studio, project))
    control = next(one for one in app.button_group if one.key == "predict.who")
    app.get("file_uploader")[0].upload("a.png", seed.picture(7)).run()
    assert "run_id" in studio.active()[0].spec
    control.set_value("brought").run()
    assert "knows 2 classes" in plain(texts(app)) and not app.exception
    assert [one.spec.get("bundle") for one in studio.active()] == [True, None], "asked again"


def test_its_card_on_the_first_page_leads_to_predict(open_page: OpenPage, studio: Studio) -> None:
    project = seed.bundle(studio)
    app = open_page("home")
    assert "A classifier that was brought; knows 2 classes" in plain(texts(app))
    app.button(key=f"home.open.{project.id}").click().run()
    assert predict.EMPTY in texts(app) and not app.exception


def test_the_model_page_says_where_a_training_begins(open_page: OpenPage, studio: Studio) -> None:
    project = seed.bundle(studio)
    about = studio.brought(project.id)
    assert about is not None
    studio.library.replace_images(project.id, seed.intake(studio.home), seed.DataConfig())
    model = ModelConfig(name=about.model, weights="file", weights_file=about.weights)
    studio.save_draft(project.id, RunSpec(model=model))
    said = plain(texts(open_page("model", project=project.id)))
    assert "Goes on from the classifier Birds" in said
