"""Model: the choice, the catalogue, the search, downloads, and weights of one's own."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages import seed
from tests.pages.conftest import OpenPage, texts
from tl_core.config import ModelConfig, RunSpec, changed
from tl_core.models.catalog import cards, search
from tl_core.session import Studio
from tl_core.storage import Home
from tl_ui.texts import model as text

EMBEDDED = "resnet10t.tiny_imagenet"
TO_FETCH = "resnet18.tv_in1k"


@pytest.fixture(autouse=True)
def _nothing_downloaded(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(home.root / "hub"))


def view(app: AppTest, name: str) -> str:
    control = next(one for one in app.button_group if one.key == "model.view")
    control.set_value(name).run()
    assert not app.exception
    return texts(app)


def wanted(app: AppTest, name: str) -> list[str]:
    """Choose a filter; returns the networks then shown."""
    next(one for one in app.button_group if one.key == "model.filter").set_value(name).run()
    assert not app.exception
    keys = [str(one.key) for one in app.button]
    return [key.removeprefix("model.choose.") for key in keys if key.startswith("model.choose.")]


def picked(studio: Studio, name: str, **more: str) -> str:
    """A project that has chosen a network; returns its id."""
    project = seed.project_with_pictures(studio)
    model = ModelConfig(name=name, **more)
    studio.save_draft(project.id, changed(RunSpec(), {"model": model}))
    return project.id


def test_without_pictures_the_page_sends_to_them(open_page: OpenPage, studio: Studio) -> None:
    app = open_page("model", project=studio.create("Leaves").id)
    assert "There are no pictures to train on yet" in texts(app)
    assert not any(str(one.key).startswith("model.choose") for one in app.button)


def test_the_embedded_network_is_chosen_at_first_and_ready(
    open_page: OpenPage, studio: Studio
) -> None:
    app = open_page("model", project=seed.project_with_pictures(studio).id)
    said = texts(app)
    assert text.EMBEDDED in said
    assert not any(one.key == "model.download" for one in app.button)
    assert not app.button(key="next_layers").disabled
    assert app.button(key=f"model.choose.{EMBEDDED}").disabled


def test_every_card_says_what_it_is(open_page: OpenPage, studio: Studio) -> None:
    app = open_page("model", project=seed.project_with_pictures(studio).id)
    said = texts(app).replace("\\", "")
    for card in cards():
        assert f"**{card.title}**" in said
        assert card.summary in said
        assert card.good_for in said
        assert text.origin(card) in said
        assert text.facts(card) in said


def test_choosing_saves_the_draft(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    app = open_page("model", project=project.id)
    app.button(key=f"model.choose.{TO_FETCH}").click().run()
    assert not app.exception
    assert studio.draft(project.id).model == ModelConfig(name=TO_FETCH)
    assert app.button(key=f"model.choose.{TO_FETCH}").disabled
    assert app.button(key="model.download").label == "Download now (47 MB)"


def test_filters(open_page: OpenPage, studio: Studio) -> None:
    app = open_page("model", project=seed.project_with_pictures(studio).id)
    assert len(wanted(app, "all")) == len(cards())
    assert wanted(app, "ready") == [EMBEDDED]
    light = wanted(app, "light")
    assert EMBEDDED in light
    assert "vgg16.tv_in1k" not in light
    strong = wanted(app, "strong")
    assert "convnext_tiny.in12k_ft_in1k" in strong
    assert EMBEDDED not in strong


def test_a_download_is_asked_for_and_followed(open_page: OpenPage, studio: Studio) -> None:
    app = open_page("model", project=picked(studio, TO_FETCH))
    app.button(key="model.download").click().run()
    task = studio.active()[0]
    assert (task.kind, task.spec) == ("download", {"model": TO_FETCH})
    assert text.DOWNLOADING in texts(app)
    seed.end_task(studio, task.id, state="running", progress=("Weights", 10_000_000, 47_000_000))
    app.run()
    assert app.get("progress")[0].proto.text == "Weights: 10 of 47 MB"


def test_a_download_is_found_again_after_a_refresh(open_page: OpenPage, studio: Studio) -> None:
    project_id = picked(studio, TO_FETCH)
    seed.task(studio, "download", {"model": "vgg16.tv_in1k"}, state="running")
    app = open_page("model", project=project_id)
    assert app.button(key="model.download").label.startswith("Download now")  # another network's
    seed.task(studio, "download", {"model": TO_FETCH})
    assert text.DOWNLOADING in texts(open_page("model", project=project_id))


def test_offline_says_what_to_do_instead(open_page: OpenPage, studio: Studio) -> None:
    app = open_page("model", project=picked(studio, TO_FETCH))
    app.button(key="model.download").click().run()
    error = {
        "code": "weights_unavailable",
        "message": "The weights are not on this machine and could not be downloaded.",
        "hint": "Without a connection use the one that comes with Thaw.",
    }
    seed.end_task(studio, studio.active()[0].id, state="failed", error=error)
    app.run()
    said = app.error[0].value.replace("\\", "")
    assert error["message"] in said
    assert error["hint"] in said
    assert app.button(key="model.download").label == text.AGAIN


def test_the_search_covers_all_networks(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    app = open_page("model", project=project.id)
    view(app, "search")
    app.text_input(key="model.query").set_value("resnet 50").run()
    found = [one.name for one in search("resnet 50", limit=20)]
    assert found
    said = texts(app).replace("\\", "")
    assert all(f"**{name}**" in said for name in found)
    app.text_input(key="model.query").set_value("no such network").run()
    assert text.SEARCH_NONE in app.info[0].value


def test_an_unknown_network_is_looked_into(open_page: OpenPage, studio: Studio) -> None:
    outside = next(one.name for one in search("", limit=500) if not one.in_catalogue)
    project = seed.project_with_pictures(studio)
    app = open_page("model", project=project.id)
    view(app, "search")
    app.text_input(key="model.query").set_value(outside).run()
    app.button(key=f"model.found.{outside}").click().run()
    assert not app.exception
    assert studio.draft(project.id).model.name == outside
    asked = [one for one in studio.active() if one.kind == "describe"]
    assert [one.spec for one in asked] == [{"model": outside}]
    assert text.DESCRIBING in texts(app)
    app.run()
    assert len(studio.active()) == 1  # asked once
    seed.end_task(studio, asked[0].id, state="failed", error=seed.ERROR)
    app.run()
    assert text.DESCRIBE_FAILED in texts(app)
    assert studio.active() == []


def test_own_weights_are_stored_and_tried(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    app = open_page("model", project=project.id)
    view(app, "own")
    app.selectbox(key="model.own.network").set_value(TO_FETCH)
    app.get("file_uploader")[0].upload("mine.safetensors", b"12345678{}")
    app.button(key="model.own.go").click().run()
    assert not app.exception
    task = studio.active()[0]
    assert task.kind == "check_weights"
    assert task.spec["model"] == TO_FETCH
    assert task.spec["file"] == "mine.safetensors"
    assert studio.home.has_blob(task.spec["digest"])
    assert text.OWN_TRYING in texts(app)
    assert studio.draft(project.id) == RunSpec()  # not before they fit


def test_own_weights_that_fit_are_chosen(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    app = open_page("model", project=project.id)
    view(app, "own")
    app.text_input(key="model.own.path").set_value("/weights/mine.pth")
    app.button(key="model.own.go").click().run()
    task = studio.active()[0]
    assert task.spec["path"] == "/weights/mine.pth"
    result = {"model": EMBEDDED, "digest": "f" * 64, "file": "mine.pth"}
    seed.end_task(studio, task.id, result=result)
    app.run()
    assert not app.exception
    model = ModelConfig(name=EMBEDDED, weights="file", weights_file="f" * 64)
    assert studio.draft(project.id).model == model
    said = texts(app).replace("\\", "")
    assert text.own("mine.pth") in said
    assert text.OWN_FILE in said
    app.button(key="model.back").click().run()
    assert studio.draft(project.id).model == ModelConfig(name=EMBEDDED)


def test_own_weights_that_do_not_fit_say_why(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    app = open_page("model", project=project.id)
    view(app, "own")
    app.text_input(key="model.own.path").set_value("/weights/mine.pth")
    app.button(key="model.own.go").click().run()
    error = {"code": "weights_file", "message": "Only 3 tensors fit.", "hint": "Choose another."}
    seed.end_task(studio, studio.active()[0].id, state="failed", error=error)
    app.run()
    assert "Only 3 tensors fit" in app.error[0].value
    assert studio.draft(project.id) == RunSpec()


def test_no_file_is_said(open_page: OpenPage, studio: Studio) -> None:
    app = open_page("model", project=seed.project_with_pictures(studio).id)
    view(app, "own")
    app.button(key="model.own.go").click().run()
    assert text.OWN_NONE in app.warning[0].value.replace("\\", "")
    assert "check_weights" not in {row.kind for row in studio.active()}


def test_a_network_used_before_says_what_it_took(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio)
    seed.finished_run(studio, project)
    said = texts(open_page("model", project=project.id)).replace("\\", "")
    assert re.search(r"Last run here: \d+ seconds? \(head only\)", said)  # a busy machine takes 2


def test_numbers_in_words() -> None:
    assert text.work(4_089_000_000) == "4.1 billion"
    assert text.work(23_089_648) == "23 million"
    assert text.work(0) == text.UNKNOWN
    assert text.size(102.2) == "102 MB"
    assert text.size(1340.0) == "1.3 GB"
