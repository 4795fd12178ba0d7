"""The history of a set on the page: undone, gone back to, and what runs have to do with it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages import seed
from tests.pages.conftest import OpenPage, texts
from tl_core.config import DataConfig
from tl_core.errors import DataError
from tl_core.jobs.versions import Since
from tl_core.session import Project, Studio
from tl_ui.texts import curation as text


@pytest.fixture
def project(studio: Studio) -> Project:
    return seed.project_with_pictures(studio)


def said(app: AppTest) -> str:
    return texts(app).replace("\\", "")


def test_without_a_change_there_is_no_history(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    app = open_page("data", project=project.id)
    assert text.BROUGHT not in said(app)
    assert not [one for one in app.button if (one.key or "").startswith("history")]


def test_changes_are_listed_with_their_runs_and_gone_back_to(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    run = seed.finished_run(studio, project)
    before = studio.images(project.id)
    studio.curation.exclude(project.id, [1], title="1 picture of ants left out")
    studio.curation.relabel(project.id, {2: "bees"}, title="1 picture moved from ants to bees")
    app = open_page("data", project=project.id)
    listed = said(app)
    assert "**1 picture moved from ants to bees** :gray-badge[now]" in listed
    assert f"Used by {studio.run(run).name}" in listed
    app.button(key="history.to.0").click().run()
    assert not app.exception
    assert studio.images(project.id) == before
    assert app.toast[0].value.replace("\\", "") == text.stepped(2)
    assert app.button(key="history.undo").disabled
    assert ":gray-badge[undone]" in said(app)
    app.button(key="history.to.2").click().run()
    assert studio.library.count(project.id, excluded=True) == 1
    app.button(key="history.undo").click().run()
    assert [one.undone for one in studio.curation.history(project.id)] == [True, False]


def test_pictures_of_a_run_that_no_step_leads_to_are_taken_again(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    studio.curation.exclude(project.id, [1], title="one")
    run = seed.finished_run(studio, project)
    studio.curation.undo(project.id)
    studio.curation.exclude(project.id, [30], title="another way")
    app = open_page("data", project=project.id)
    assert text.ELSEWHERE in said(app)
    app.button(key=f"history.as.{run}").click().run()
    assert not app.exception
    assert tuple(studio.images(project.id)) == studio.snapshot(run).images
    assert text.ELSEWHERE not in said(app)


def test_a_set_without_any_picture_of_a_run_stays_as_it_is(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    run = seed.finished_run(studio, project)
    pictures = [replace(one, digest="gone") for one in studio.snapshot(run).images]
    with pytest.raises(DataError, match="None of the pictures of this run"):
        studio.curation.as_it_was(project.id, pictures, title="as it was")
    assert studio.library.count(project.id) == 36
    body = seed.intake(studio.home, classes=("cats", "dogs"))
    dated = tuple(replace(one, digest=one.digest[::-1]) for one in body.records)
    studio.library.replace_images(project.id, replace(body, records=dated), DataConfig())
    studio.curation.exclude(project.id, [1], title="one")
    app = open_page("data", project=project.id)
    app.button(key=f"history.as.{run}").click().run()
    assert not app.exception
    assert "None of the pictures of this run" in said(app)
    assert studio.library.count(project.id) == 23


@pytest.mark.parametrize("name", ["evaluate", "train"])
def test_a_page_about_a_run_says_that_the_set_has_changed(
    open_page: OpenPage, studio: Studio, project: Project, name: str
) -> None:
    run = seed.finished_run(studio, project)
    assert "The set has changed" not in said(open_page(name, project=project.id, run=run))
    studio.curation.relabel(project.id, {1: "bees", 2: "bees"}, title="moved")
    studio.curation.exclude(project.id, [3], title="out")
    told = "The set has changed since this run: 2 pictures moved to another class, 1 left out."
    assert told in said(open_page(name, project=project.id, run=run))


def test_what_changed_is_told_in_one_sentence() -> None:
    assert text.since(Since()) == ""
    everything = Since(moved=1, parted=2, left_out=3, added=4)
    assert text.since(everything) == (
        "The set has changed since this run: 1 picture moved to another class, 3 left out, 4 new, "
        "2 in another part of the split. The run keeps its pictures as they were; train again to "
        "use the changes."
    )
    assert "other pictures now" in text.since(Since(replaced=True))
