"""Whole classes: renamed, merged, left out; never by accident, always to be undone."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages import seed
from tests.pages.conftest import OpenPage, texts
from tl_core.session import Project, Studio
from tl_ui.texts import curation as text


@pytest.fixture
def project(studio: Studio) -> Project:
    """Ants, bees and wasps, 12 pictures each."""
    return seed.project_with_pictures(studio)


def labels(studio: Studio, project: Project) -> dict[str, int]:
    return {row.label: row.total for row in studio.library.classes(project.id)}


def named(app: AppTest, studio: Studio, project: Project, label: str, name: str) -> AppTest:
    """A new name is typed for a class."""
    app.selectbox(key=f"classes.rename.class.{project.id}").set_value(label).run()
    version = studio.library.get(project.id).data_version
    app.text_input(key=f"classes.name.{version}.{label}").set_value(name).run()
    assert not app.exception
    return app


def kind(app: AppTest, value: str) -> AppTest:
    next(one for one in app.button_group if one.key == "classes.change").set_value(value).run()
    return app


def test_a_class_is_renamed(open_page: OpenPage, studio: Studio, project: Project) -> None:
    app = open_page("data", project=project.id)
    app.button(key="classes.rename").click().run()
    assert text.NO_NAME in texts(app)
    named(app, studio, project, "ants", " emmets ")
    app.button(key="classes.rename").click().run()
    assert not app.exception
    assert labels(studio, project) == {"bees": 12, "emmets": 12, "wasps": 12}
    assert studio.curation.history(project.id)[0].title == "ants renamed to emmets"
    app.button(key="history.undo").click().run()
    assert "ants" in labels(studio, project)


def test_a_name_that_is_there_asks_before_it_merges(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    app = named(open_page("data", project=project.id), studio, project, "ants", "Bees")
    said = texts(app).replace("\\", "")
    assert "There is a class bees already, with 12 pictures." in said
    assert labels(studio, project) == {"ants": 12, "bees": 12, "wasps": 12}
    button = app.button(key="classes.join")
    assert button.label.replace("\\", "") == "Merge ants into bees"
    button.click().run()
    assert labels(studio, project) == {"bees": 24, "wasps": 12}
    assert studio.curation.history(project.id)[0].title == "ants merged into bees"


def test_only_the_capitals_of_a_class_are_changed(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    app = named(open_page("data", project=project.id), studio, project, "ants", "ANTS")
    assert not app.warning
    app.button(key="classes.rename").click().run()
    assert labels(studio, project) == {"ANTS": 12, "bees": 12, "wasps": 12}


def test_a_name_of_nothing_is_refused_kindly(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    app = named(open_page("data", project=project.id), studio, project, "ants", "\u200b")
    assert "1 to 80 characters" in app.error[0].value
    assert labels(studio, project) == {"ants": 12, "bees": 12, "wasps": 12}


def test_several_classes_become_one(open_page: OpenPage, studio: Studio, project: Project) -> None:
    app = kind(open_page("data", project=project.id), "merge")
    version = project.data_version
    assert app.button(key="classes.merge").disabled
    app.multiselect(key=f"classes.merged.{version}").set_value(["ants", "wasps"]).run()
    app.selectbox(key=f"classes.into.{version}").set_value("wasps").run()
    app.button(key="classes.merge").click().run()
    assert not app.exception
    assert labels(studio, project) == {"bees": 12, "wasps": 24}
    assert studio.curation.history(project.id)[0].title == "ants merged into wasps"


def test_a_class_is_left_out_with_its_pictures(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    app = kind(open_page("data", project=project.id), "leave")
    app.selectbox(key=f"classes.leave.class.{project.id}").set_value("bees").run()
    app.button(key="classes.leave").click().run()
    assert not app.exception
    assert labels(studio, project) == {"ants": 12, "wasps": 12}
    assert studio.data(project.id).n_left_out == 12
    title = "The class bees left out with its 12 pictures"
    assert studio.curation.history(project.id)[0].title == title


def test_classes_without_a_part_are_named() -> None:
    from tests.pages.test_data import row

    whole = row("ants", 9)
    assert text.gaps([whole, row("bees", 9)]) == ""  # nobody has validation or test pictures
    judged = type(whole)(label="wasps", total=9, train=5, val=2, test=2)
    said = text.gaps([whole, judged])
    assert "ants has no validation picture" in said and "ants has no test picture" in said
    assert "Divide the pictures again" in said
    assert "Divide" not in text.gaps([whole, judged], ("train", "val"))
