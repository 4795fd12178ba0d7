"""The data check: asked for, shown with its pictures, repaired on demand, undone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.pages import seed
from tests.pages.conftest import OpenPage, texts
from tl_core.check.findings import DataFinding, Repair
from tl_core.session import Project, Studio
from tl_ui.texts import check as text

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


def test_the_check_is_asked_for(open_page: OpenPage, studio: Studio, project: Project) -> None:
    app = open_page("data", project=project.id)
    assert text.UNCHECKED in texts(app)
    app.button(key="check.go").click().run()
    assert [one.kind for one in studio.active() if one.kind == "check"] == ["check"]
    assert not app.exception


def test_findings_are_told_in_words(open_page: OpenPage, studio: Studio, project: Project) -> None:
    checked(studio, project, LEAK, SHORTCUT, WRONG, COPIES)
    said = texts(open_page("data", project=project.id))
    assert "2 problems, 1 thing to look at, 1 thing good to know" in said
    for finding in (LEAK, SHORTCUT, WRONG, COPIES):
        assert any(
            finding.sentence.rstrip(".") in one.label.replace("\\", "")
            for one in open_page("data", project=project.id).expander
        )
    assert "gives 90 % of the pictures the same class as you" in said


def test_nothing_found_is_said(open_page: OpenPage, studio: Studio, project: Project) -> None:
    checked(studio, project, judged=0, accuracy=None)
    said = texts(open_page("data", project=project.id))
    assert text.CLEAN in said and text.NOT_JUDGED in said


def test_spare_copies_are_left_out_and_taken_back(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    task = checked(studio, project, COPIES)
    app = open_page("data", project=project.id)
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
    app = open_page("data", project=project.id)
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
    app = open_page("data", project=project.id)
    app.button(key=f"check.class.{task}.0").click().run()
    assert studio.gallery.marked(project.id) == sorted(pair)
    assert app.session_state["data.view"] == "pictures"
    assert not app.exception


def test_only_chosen_labels_are_changed(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    task = checked(studio, project, WRONG)
    app = open_page("data", project=project.id)
    app.button(key=f"check.relabel.{task}.0").click().run()
    assert text.NOTHING_CHOSEN in texts(app)
    app.checkbox(key=f"check.one.{task}.0.1.14").check()
    app.button(key=f"check.relabel.{task}.0").click().run()
    assert not app.exception
    rows = studio.library.some_images(project.id, [3, 14])
    assert [row.label for row in rows] == ["ants", "wasps"]


def test_all_shown_are_left_out(open_page: OpenPage, studio: Studio, project: Project) -> None:
    task = checked(studio, project, WRONG)
    app = open_page("data", project=project.id)
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
