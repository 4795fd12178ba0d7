"""The data check: asked for, shown with its pictures, repaired on demand, undone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages import seed
from tests.pages.conftest import OpenPage, texts
from tests.pages.test_data import view
from tl_core.check.findings import DataFinding, Repair
from tl_core.session import Project, Studio
from tl_ui.texts import check as text
from tl_ui.texts import data

COPIES = DataFinding(
    kind="copies",
    severity="info",
    sentence="1 spare picture in 1 group: exact copies, or nearly the same shot.",
    advice="They count more than once.",
    groups=((1, 2),),
    captions={1: "ants", 2: "ants"},
    repair=Repair(exclude=(2,)),
)
WRONG = DataFinding(
    kind="wrong_labels",
    severity="warning",
    sentence="2 pictures look like another class than their own, of 36 that were judged.",
    groups=((3,), (14,)),
    captions={3: "ants, or bees?", 14: "bees, or wasps?"},
    repair=Repair(relabel={3: "bees", 14: "wasps"}),
)
LEAK = DataFinding(
    kind="leak",
    severity="problem",
    sentence="1 picture that judges the result has a copy on the other side of the split.",
    groups=((5, 6),),
    repair=Repair(together=((5, 6),)),
)
SHORTCUT = DataFinding(
    kind="shortcut",
    severity="problem",
    sentence="The class can be told from their border alone.",
)


@pytest.fixture
def project(studio: Studio) -> Project:
    return seed.project_with_pictures(studio)


def checked(studio: Studio, project: Project, *findings: DataFinding, **more: Any) -> str:
    result = {
        "findings": [one.to_dict() for one in findings],
        "pictures": 36,
        "judged": 30,
        "accuracy": 0.9,
        "seconds": 4.0,
        "data_version": studio.library.get(project.id).data_version,
        **more,
    }
    return seed.task(studio, "check", project_id=project.id, state="finished", result=result)


def opened(open_page: OpenPage, project: Project) -> AppTest:
    """The page with what the check found in sight."""
    app = open_page("data", project=project.id)
    view(app, "check")
    return app


def test_the_check_is_asked_for(open_page: OpenPage, studio: Studio, project: Project) -> None:
    app = open_page("data", project=project.id)
    assert text.UNCHECKED in texts(app)
    app.button(key="check.go").click().run()
    assert [one.kind for one in studio.active() if one.kind == "check"] == ["check"]
    assert not app.exception


@pytest.mark.parametrize("key", ["check.go", "check.go.view"])
def test_the_view_of_findings_asks_too_when_there_was_no_check(
    open_page: OpenPage, studio: Studio, project: Project, key: str
) -> None:
    app = opened(open_page, project)
    assert text.UNMADE in texts(app)
    app.button(key=key).click().run()
    assert [one.kind for one in studio.active() if one.kind == "check"] == ["check"]
    assert text.AT_WORK in texts(app)
    assert not app.exception


def test_findings_are_told_in_words(open_page: OpenPage, studio: Studio, project: Project) -> None:
    checked(studio, project, LEAK, SHORTCUT, SHORTCUT, WRONG, COPIES)
    app = open_page("data", project=project.id)
    said = texts(app)
    assert "3 problems, 1 thing to look at, 1 thing good to know" in said
    assert "Data check · 36 pictures in 4 seconds" in said
    for line in text.titles([LEAK, SHORTCUT, SHORTCUT, WRONG, COPIES]):
        assert line in said
    assert not [one for one in app.expander if LEAK.sentence[:20] in one.label]
    assert app.session_state["data.view"] == "classes"  # not turned away from what one looks at
    app.button(key="check.look").click().run()
    assert not app.exception
    assert app.session_state["data.view"] == "check"
    for finding in (LEAK, SHORTCUT, WRONG, COPIES):
        assert any(
            finding.sentence.rstrip(".") in one.label.replace("\\", "") for one in app.expander
        )
    assert "gives 90 % of the pictures the same class as you" in texts(app)


def test_many_kinds_of_findings_are_named_in_few_lines() -> None:
    many = [replace(COPIES, kind=kind) for kind in list(text.TITLES)[:7]]
    lines = text.titles(many)
    assert len(lines) == text.LINES
    assert lines[-1] == "and 4 more kinds"
    assert text.titles([SHORTCUT, SHORTCUT]) == [f"{text.ICONS['problem']} A shortcut (2)"]
    assert text.titles([]) == []


def test_nothing_found_is_said(open_page: OpenPage, studio: Studio, project: Project) -> None:
    checked(studio, project, judged=0, accuracy=None)
    app = opened(open_page, project)
    said = texts(app)
    assert text.CLEAN in said and text.NOT_JUDGED in said
    assert "check.look" not in {one.key for one in app.button}
    app.button(key="check.go").click().run()
    assert any(one.kind == "check" for one in studio.active())


def test_a_check_that_ends_does_not_turn_the_page_away(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    app = open_page("data", project=project.id)
    view(app, "split")
    checked(studio, project, LEAK)
    app.run()
    assert app.session_state["data.view"] == "split"
    assert "1 problem" in texts(app)


def test_while_pictures_come_in_nothing_is_repaired(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    checked(studio, project, COPIES)
    seed.task(studio, "import", project_id=project.id, state="running")
    app = opened(open_page, project)
    assert data.BUSY in texts(app)
    assert not app.expander


def test_spare_copies_are_left_out_and_taken_back(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    task = checked(studio, project, COPIES)
    app = opened(open_page, project)
    app.button(key=f"check.repair.{task}.0").click().run()
    assert not app.exception
    assert studio.library.count(project.id, excluded=True) == 1
    assert text.STALE in texts(app)  # what was found is of the set before
    app.button(key="history.undo").click().run()
    assert studio.library.count(project.id, excluded=True) == 0
    app.button(key="history.redo").click().run()
    assert studio.library.count(project.id, excluded=True) == 1
    assert not app.exception


def test_copies_are_kept_together(open_page: OpenPage, studio: Studio, project: Project) -> None:
    pair = tuple(
        studio.library.images(project.id, split=part, limit=1)[0].id for part in ("train", "val")
    )
    leak = replace(LEAK, groups=(pair,), repair=Repair(together=(pair,)))
    task = checked(studio, project, leak)
    app = opened(open_page, project)
    app.button(key=f"check.repair.{task}.0").click().run()
    rows = studio.library.some_images(project.id, pair)
    assert rows[0].split == rows[1].split
    assert studio.curation.history(project.id)[0].title == text.together(1)
    assert text.DONE in texts(app)  # what is mended is not offered again
    assert f"check.repair.{task}.0" not in {one.key for one in app.button}


def test_one_picture_in_two_classes_is_taken_to_where_it_can_be_moved(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    first = studio.library.images(project.id, limit=None)
    other = next(one for one in first if one.label != first[0].label)
    pair = (first[0].id, other.id)
    twice = replace(LEAK, kind="across_classes", groups=(pair,), repair=Repair(exclude=pair))
    task = checked(studio, project, twice)
    app = opened(open_page, project)
    app.button(key=f"check.class.{task}.0").click().run()
    assert studio.gallery.marked(project.id) == sorted(pair)
    assert app.session_state["data.view"] == "pictures"
    assert not app.exception


def test_only_chosen_labels_are_changed(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    task = checked(studio, project, WRONG)
    app = opened(open_page, project)
    app.button(key=f"check.relabel.{task}.0").click().run()
    assert text.NOTHING_CHOSEN in texts(app)
    app.checkbox(key=f"check.one.{task}.0.1.14").check()
    app.button(key=f"check.relabel.{task}.0").click().run()
    assert not app.exception
    rows = studio.library.some_images(project.id, [3, 14])
    assert [row.label for row in rows] == ["ants", "wasps"]


def test_all_shown_are_left_out(open_page: OpenPage, studio: Studio, project: Project) -> None:
    task = checked(studio, project, WRONG)
    app = opened(open_page, project)
    app.checkbox(key=f"check.all.{task}.0.1").check()
    app.button(key=f"check.leave.{task}.0").click().run()
    gone = studio.library.images(project.id, excluded=True)
    assert [row.id for row in gone] == [3, 14]


def test_a_failed_check_can_be_asked_for_again(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    seed.task(studio, "check", project_id=project.id, state="failed")
    app = open_page("data", project=project.id)
    assert text.FAILED in texts(app)
    app.button(key="check.go").click().run()
    assert any(one.kind == "check" for one in studio.active())


def test_the_view_of_findings_says_that_the_check_failed(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    seed.task(studio, "check", project_id=project.id, state="failed")
    app = opened(open_page, project)
    assert texts(app).count(text.FAILED) == 2  # in the card, and in the view
    app.button(key="check.go.view").click().run()
    assert any(one.kind == "check" for one in studio.active())
