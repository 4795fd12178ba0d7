"""Many pictures at once on the Predict page, and "none of these" below single answers."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages import seed
from tests.pages.conftest import OpenPage, texts
from tests.pages.test_explained import explanations
from tests.pages.test_predict import TOP
from tl_core.evaluate.drift import Drift
from tl_core.evaluate.foreign import Refusal
from tl_core.jobs.batches import Answered, Batch, keep_batch, kept_batch, refusal_path
from tl_core.session import Project, Studio
from tl_core.storage import write_json
from tl_ui.components.uploader import Uploaded
from tl_ui.server import presence
from tl_ui.texts import many as text
from tl_ui.texts import predict
from tl_ui.views import many

REFUSAL = Refusal(
    limit=0.3, share=0.05, part="test", refused=2, known=40, found=9, foreign=60, by_class={}
)
DARKER = Drift(measure="brightness", apart=0.5, higher=False, then=0.5, now=0.2, chance=0.001)


@pytest.fixture
def project(studio: Studio) -> Project:
    return seed.project_with_pictures(studio, per_class=40)


@pytest.fixture
def run_id(studio: Studio, project: Project) -> str:
    return seed.finished_run(studio, project)


def opened(open_page: OpenPage, project: Project, run_id: str) -> AppTest:
    app = open_page("predict", project=project.id, run=run_id, **{"from": predict.SOURCES["many"]})
    assert not app.exception
    return app


def plain(app: AppTest) -> str:
    return texts(app).replace("\\", "")


def batch(
    studio: Studio,
    project: Project,
    run_id: str,
    drift: tuple[Drift, ...] = (),
    more: int = 0,
    compared: bool = False,
) -> str:
    digest = studio.snapshot(run_id).images[0].digest
    rows = (
        *(Answered(file=f"{n}.png", top=(("ants", 0.9),), likely=("ants",)) for n in range(more)),
        Answered(file="<b>a</b>.png", digest=digest, top=(("ants", 0.9),), likely=("ants",)),
        Answered(file="b.png", top=(("bees", 0.6), ("ants", 0.4)), likely=("bees", "ants")),
        Answered(file="c.png", top=(("ants", 0.8), ("bees", 0.2)), none=True),
        Answered(file="d.png", error="It is damaged."),
    )
    task = seed.task(
        studio,
        "predict_many",
        {"run_id": run_id, "folder": "/x"},
        project_id=project.id,
        state="finished",
        result={"run_id": run_id},
    )
    whole = Batch(
        name="in.zip",
        at=0.0,
        rows=rows,
        promised=0.9,
        refuses=True,
        drift=drift,
        compared=compared or bool(drift),
    )
    keep_batch(studio.home, run_id, task, whole)
    write_json(refusal_path(studio.home, run_id), {"refusal": REFUSAL.to_dict()})
    return task


def test_a_folder_is_asked_about_and_followed(
    studio: Studio, project: Project, run_id: str, open_page: OpenPage
) -> None:
    app = opened(open_page, project, run_id)
    app.text_input(key="many.folder").set_value("/pictures")
    app.button(key="many.read").click().run()
    (task,) = studio.active()
    assert (task.kind, task.spec) == ("predict_many", {"run_id": run_id, "folder": "/pictures"})
    error = {"code": "x", "message": "There is nothing at /pictures.", "hint": ""}
    seed.end_task(studio, task.id, state="failed", error=error)
    assert "There is nothing at /pictures." in plain(opened(open_page, project, run_id))


def test_what_was_uploaded_piece_by_piece_is_asked_about(
    studio: Studio,
    project: Project,
    run_id: str,
    open_page: OpenPage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(presence._state, "routes", True)
    done = Uploaded(upload_id="ab" * 16, name="holiday.zip", kind="zip", mode="ask")
    monkeypatch.setattr(many, "uploader", lambda **given: done)
    opened(open_page, project, run_id)
    (task,) = studio.active()
    asked = {"run_id": run_id, "upload_id": done.upload_id, "name": "holiday.zip"}
    assert (task.kind, task.spec) == ("predict_many", asked)


def test_of_several_batches_one_is_read_and_shown(
    studio: Studio,
    project: Project,
    run_id: str,
    open_page: OpenPage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old, new = batch(studio, project, run_id), batch(studio, project, run_id, more=5)
    read: list[str] = []
    monkeypatch.setattr(many, "kept_batch", lambda *of: read.append(of[2]) or kept_batch(*of))
    app = opened(open_page, project, run_id)
    assert set(read) == {new} and len(app.dataframe[0].value) == 9
    app.selectbox(key=f"many.{run_id}").set_value(old).run()
    assert len(app.dataframe[0].value) == 4 and not app.exception


def test_earlier_answers_are_named_by_what_was_asked() -> None:
    result = {"pictures": 12, "errors": 2}
    assert text.earlier({"folder": "/in/birds/"}, result, "now") == "birds: 10 pictures, now"
    assert text.earlier({"name": "a.zip", "folder": ""}, None, "now") == "a.zip: 0 pictures, now"


def test_the_answers_are_a_table_that_can_be_narrowed(
    studio: Studio, project: Project, run_id: str, open_page: OpenPage
) -> None:
    batch(studio, project, run_id)
    app = opened(open_page, project, run_id)
    table = app.dataframe[0].value
    assert list(table["answer"]) == ["ants", "bees", text.NONE, ""]
    assert list(table["remark"]) == ["", text.UNSURE, "", "It is damaged."]
    assert text.NOT_TOLD in plain(app) and text.refused(REFUSAL) in plain(app)
    assert "many.meaning" in explanations(app)
    for choice, files in (("=ants", 1), ("none", 1), ("unsure", 1), ("error", 1), ("", 4)):
        control: Any = app.get_by_key(next(k.key for k in app.button_group if "many.show" in k.key))
        control.set_value(choice).run()
        assert len(app.dataframe[0].value) == files, choice
    assert app.get("download_button")


def test_pictures_that_differ_are_warned_of(
    studio: Studio, project: Project, run_id: str, open_page: OpenPage
) -> None:
    batch(studio, project, run_id, drift=(DARKER,))
    said = plain(opened(open_page, project, run_id))
    assert text.DIFFERENT in said and "these are darker" in said


@pytest.mark.parametrize("compared", [True, False])
def test_nothing_is_said_of_what_was_not_compared(
    studio: Studio, project: Project, run_id: str, open_page: OpenPage, compared: bool
) -> None:
    batch(studio, project, run_id, more=30, compared=compared)
    said = plain(opened(open_page, project, run_id))
    assert (text.ALIKE in said) is compared and (text.NOT_COMPARED in said) is not compared


def test_answers_can_be_removed(
    studio: Studio, project: Project, run_id: str, open_page: OpenPage
) -> None:
    task = batch(studio, project, run_id)
    app = opened(open_page, project, run_id)
    app.button(key="many.remove").click().run()
    assert not app.exception and kept_batch(studio.home, run_id, task) is None
    assert not app.dataframe


def test_none_of_these_is_learned_on_request_and_then_said(
    studio: Studio, project: Project, run_id: str, open_page: OpenPage
) -> None:
    digest = studio.snapshot(run_id).images[0].digest
    asked = {"run_id": run_id, "digests": [digest], "names": ["a.png"]}
    body = {"answers": [{"file": digest, "top": [list(one) for one in TOP], "error": None}]}
    seed.task(studio, "predict", asked, project_id=project.id, state="finished", result=body)
    app = open_page("predict", project=project.id, run=run_id)
    assert text.ONLY_THESE in plain(app)
    app.button(key="many.learn").click().run()
    (task,) = studio.active()
    assert (task.kind, task.spec) == ("familiar", {"run_id": run_id})
    write_json(refusal_path(studio.home, run_id), {"refusal": REFUSAL.to_dict()})
    seed.end_task(studio, task.id, result={"refuses": True})
    app = open_page("predict", project=project.id, run=run_id)
    assert text.refused(REFUSAL) in plain(app) and text.ONLY_THESE not in plain(app)
    body["answers"][0]["none"] = True
    seed.task(studio, "predict", asked, project_id=project.id, state="finished", result=body)
    said = plain(open_page("predict", project=project.id, run=run_id))
    assert f"### {predict.NONE}" in said and predict.none_but(TOP) in said


def test_how_often_known_pictures_are_refused_has_its_range() -> None:
    assert "2 of 40 test pictures of the known classes, wrongly (1 to 17 % of all such" in (
        text.refused(REFUSAL)
    )
