"""The gallery: looked through by filters and pages, selected, moved, left out, kept together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.pages import seed
from tests.pages.conftest import OpenPage, texts
from tl_core.config import DataConfig
from tl_core.jobs.gallery import Look
from tl_core.session import Project, Studio
from tl_ui.server import presence
from tl_ui.texts import curation as text


@pytest.fixture
def project(studio: Studio) -> Project:
    """36 pictures: ants 1 to 12, bees 13 to 24, wasps 25 to 36."""
    return seed.project_with_pictures(studio)


def pictures(app: AppTest) -> AppTest:
    """The page with the gallery in sight."""
    next(one for one in app.button_group if one.key == "data.view").set_value("pictures").run()
    assert not app.exception
    return app


def choose(app: AppTest, project: Project, what: str, value: str) -> AppTest:
    """Set one of the filters made of buttons."""
    key = f"pictures.{what}.{project.id}"
    next(one for one in app.button_group if one.key == key).set_value(value).run()
    assert not app.exception
    return app


def typing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A new name is typed where a class can be chosen; AppTest knows listed options only."""
    real = st.selectbox

    def selectbox(*args: Any, **more: Any) -> Any:
        typed = str(more.get("key", "")).startswith("selected.target")
        return name if typed else real(*args, **more)

    monkeypatch.setattr(st, "selectbox", selectbox)


def said(app: AppTest) -> str:
    return texts(app).replace("\\", "")


def toasts(app: AppTest) -> list[str]:
    return [one.value.replace("\\", "") for one in app.toast]


def test_pictures_are_shown_by_class_part_and_name(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio, per_class=25)
    app = pictures(open_page("data", project=project.id))
    assert "1 to 60 of 75 pictures" in texts(app)
    assert len(app.get("pagination")) == 1
    app.selectbox(key=f"pictures.class.{project.id}").set_value("bees").run()
    assert "25 pictures" in texts(app)
    assert not app.get("pagination")
    choose(app, project, "part", "test")
    assert f"{studio.count(project.id, 'bees', 'test')} pictures" in texts(app)
    choose(app, project, "part", "all")
    app.text_input(key=f"pictures.text.{project.id}").set_value("/00").run()
    assert "10 pictures" in texts(app)
    app.text_input(key=f"pictures.text.{project.id}").set_value("nowhere").run()
    assert text.NOTHING_SHOWN in texts(app)


def test_the_next_page_of_pictures(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio, per_class=25)
    app = pictures(open_page("data", project=project.id))
    app.get("pagination")[0].select(2).run()
    assert not app.exception
    assert "61 to 75 of 75 pictures" in texts(app)
    studio.curation.exclude(project.id, range(1, 20), title="out")  # there is one page now
    app.run()
    assert not app.exception and "56 pictures" in texts(app)


def test_a_selection_is_there_again_in_another_session(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    app = pictures(open_page("data", project=project.id))
    assert text.UNSELECTED not in texts(app) and not [
        b for b in app.button if b.key == "selected.leave"
    ]
    app.selectbox(key=f"pictures.class.{project.id}").set_value("bees").run()
    app.button(key="pictures.all").click().run()
    studio.gallery.mark(project.id, [1, 2])
    again = pictures(open_page("data", project=project.id))  # as after a refresh
    assert "14 selected: 12 bees, 2 ants" in said(again)
    choose(again, project, "show", "selected")
    assert "14 pictures" in texts(again)
    again.button(key="selected.none").click().run()
    assert studio.gallery.marked(project.id) == []
    assert text.NOTHING_SELECTED in texts(again)


def test_selected_pictures_are_moved(open_page: OpenPage, studio: Studio, project: Project) -> None:
    studio.gallery.mark(project.id, [1, 2, 13])
    parts = {row.id: row.split for row in studio.images(project.id)}
    app = pictures(open_page("data", project=project.id))
    app.button(key="selected.move").click().run()
    assert text.NO_TARGET in texts(app)
    app.selectbox(key="selected.target.0").set_value("bees")
    app.button(key="selected.move").click().run()
    assert not app.exception
    assert toasts(app) == ["2 pictures moved from ants to bees"]
    rows = {row.id: row for row in studio.images(project.id)}
    assert [rows[one].label for one in (1, 2, 3, 13)] == ["bees", "bees", "ants", "bees"]
    assert {one: row.split for one, row in rows.items()} == parts
    assert studio.gallery.marked(project.id) == []  # dealt with
    assert studio.curation.history(project.id)[0].title == "2 pictures moved from ants to bees"


def test_a_new_class_is_made_of_the_selected(
    open_page: OpenPage, studio: Studio, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    typing(monkeypatch, " red  ants")
    studio.gallery.mark(project.id, range(1, 7))
    app = pictures(open_page("data", project=project.id))
    app.button(key="selected.move").click().run()
    assert not app.exception
    found = [row.label for row in studio.library.classes(project.id)]
    assert found == ["ants", "bees", "red ants", "wasps"]


def test_a_name_in_other_capitals_is_the_class_that_is_there(
    open_page: OpenPage, studio: Studio, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    typing(monkeypatch, "BEES")
    studio.gallery.mark(project.id, [1])
    app = pictures(open_page("data", project=project.id))
    app.button(key="selected.move").click().run()
    assert len(studio.library.classes(project.id)) == 3
    assert "differs only in capitals" in toasts(app)[0]
    studio.gallery.mark(project.id, [1])
    app.run()
    app.button(key="selected.move").click().run()
    assert text.already("bees") in said(app)


def test_a_name_of_nothing_is_refused_kindly(
    open_page: OpenPage, studio: Studio, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    typing(monkeypatch, "\u200b")
    studio.gallery.mark(project.id, [1])
    app = pictures(open_page("data", project=project.id))
    app.button(key="selected.move").click().run()
    assert "1 to 80 characters" in app.error[0].value
    assert studio.gallery.marked(project.id) == [1]  # nothing is lost by it


def test_what_a_change_does_to_classes_is_said(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    studio.gallery.mark_all(project.id, Look(label="wasps"))
    app = pictures(open_page("data", project=project.id))
    app.selectbox(key="selected.target.0").set_value("bees")
    app.button(key="selected.move").click().run()
    assert any("The class wasps has no pictures left" in one for one in toasts(app))
    studio.gallery.mark_all(project.id, Look(label="ants", split="test"))
    app.run()
    app.button(key="selected.leave").click().run()
    assert any("ants has no test picture" in one for one in toasts(app))
    assert "ants has no test picture, so it cannot be judged." in said(app)


def test_pictures_are_left_out_looked_at_and_taken_in_again(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    studio.gallery.mark(project.id, [1, 2])
    app = pictures(open_page("data", project=project.id))
    app.button(key="selected.leave").click().run()
    assert toasts(app) == ["2 pictures of ants left out"]
    assert {one.label: one.value for one in app.metric}["Left out"] == "4"  # and two files
    next(one for one in app.button_group if one.key == "data.view").set_value("left").run()
    assert text.left_out_by_you(2) in texts(app)
    app.button(key="left.look").click().run()
    assert not app.exception and "2 pictures" in texts(app)
    app.button(key="pictures.all").click().run()
    assert "2 selected: ants" in said(app)
    app.button(key="selected.restore").click().run()
    assert toasts(app) == ["2 pictures taken in again"]
    assert studio.library.count(project.id, excluded=True) == 0
    assert text.NOTHING_LEFT_OUT in texts(app)


def test_pictures_are_kept_together(open_page: OpenPage, studio: Studio, project: Project) -> None:
    studio.gallery.mark(project.id, [1, 2, 3, 4])
    app = pictures(open_page("data", project=project.id))
    app.button(key="selected.together").click().run()
    assert not app.exception
    assert len({row.split for row in studio.library.some_images(project.id, [1, 2, 3, 4])}) == 1
    assert toasts(app)[0].startswith(text.together(4))


def test_pictures_with_given_parts_are_said_to_stay_apart(
    open_page: OpenPage, studio: Studio
) -> None:
    project = seed.project_with_pictures(studio, parts=("train", "train", "val"))
    studio.gallery.mark(project.id, [1, 2, 3])
    app = pictures(open_page("data", project=project.id))
    app.button(key="selected.together").click().run()
    assert any(text.APART in one for one in toasts(app))


def test_a_filter_of_a_class_that_is_gone_shows_all(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    app = pictures(open_page("data", project=project.id))
    app.selectbox(key=f"pictures.class.{project.id}").set_value("bees").run()
    studio.curation.rename(project.id, ["bees"], "hornets", title="renamed")
    app.run()
    assert not app.exception and "36 pictures" in texts(app)


def test_the_order_by_time_is_offered_where_times_are_known(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    app = pictures(open_page("data", project=project.id))
    orders = app.selectbox(key=f"pictures.order.{project.id}").options
    assert text.ORDERS["time"] not in orders
    body = seed.intake(studio.home)
    dated = tuple(replace(one, taken=float(i)) for i, one in enumerate(body.records))
    studio.library.replace_images(project.id, replace(body, records=dated), DataConfig())
    app = pictures(open_page("data", project=project.id))
    app.selectbox(key=f"pictures.order.{project.id}").set_value("time").run()
    assert not app.exception


def test_with_our_routes_the_pictures_are_in_the_picker(
    open_page: OpenPage, studio: Studio, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(presence._state, "routes", True)
    studio.gallery.mark(project.id, [1])
    app = pictures(open_page("data", project=project.id))
    assert len(app.get("bidi_component")) >= 1
    assert "1 selected: ants" in said(app)
