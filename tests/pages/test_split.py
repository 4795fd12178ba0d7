"""The split: explained, counted, kept whole, judged, and drawn again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.pages import seed
from tests.pages.conftest import OpenPage
from tests.pages.test_data import view
from tl_core.check.honesty import Honesty, Share
from tl_core.config import DataConfig
from tl_core.session import Project, Studio
from tl_ui.texts import split as text

STEADY = Honesty(
    pictures=30,
    groups=0,
    in_groups=0,
    folds=5,
    repeats=5,
    grouped=Share(value=0.84, low=0.78, high=0.89),
)
FLATTERED = replace(
    STEADY,
    groups=8,
    in_groups=24,
    single=Share(value=0.93, low=0.88, high=0.97),
    gap=Share(value=0.09, low=0.05, high=0.13),
)


@pytest.fixture
def project(studio: Studio) -> Project:
    return seed.project_with_pictures(studio)


def grouped(studio: Studio, **of_record: Any) -> Project:
    """The pictures in threes of one plant; whatever else is given for all of them."""
    project = studio.library.create("Plants")
    body = seed.intake(studio.home)
    records = tuple(
        replace(one, group=f"plant {number // 3}", **of_record)
        for number, one in enumerate(body.records)
    )
    studio.library.replace_images(project.id, replace(body, records=records), DataConfig())
    return project


def checked(studio: Studio, project: Project, honesty: Honesty | None, version: int = 1) -> None:
    result = {
        "findings": [],
        "pictures": 36,
        "judged": 0,
        "accuracy": None,
        "honesty": honesty.to_dict() if honesty else None,
        "seconds": 4.0,
        "data_version": version,
    }
    seed.task(studio, "check", project_id=project.id, state="finished", result=result)


def test_the_split_is_explained_and_can_be_drawn_again(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    app = open_page("data", project=project.id)
    said = view(app, "split").replace("\\", "")
    assert text.HOW in said and text.NO_GROUPS in said and text.UNMEASURED in said
    assert text.certainty(6, 6) in said
    app.slider(key=f"data.val_fraction.{project.id}").set_value(25)
    app.slider(key=f"data.test_fraction.{project.id}").set_value(0)
    app.number_input(key=f"data.seed.{project.id}").set_value(7)
    app.button(key="data.go").click().run()
    assert not app.exception
    data = studio.data(project.id)
    assert data.config == DataConfig(val_fraction=0.25, test_fraction=0.0, seed=7)
    assert (data.n_train, data.n_val, data.n_test) == (27, 9, 0)


def test_shares_that_leave_too_little_are_refused(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    app = open_page("data", project=project.id)
    view(app, "split")
    app.slider(key=f"data.val_fraction.{project.id}").set_value(50)
    app.slider(key=f"data.test_fraction.{project.id}").set_value(50)
    app.button(key="data.go").click().run()
    assert "more than 80" in app.error[0].value
    assert studio.data(project.id).config == DataConfig()


def test_parts_given_by_the_folders_are_kept(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio, parts=("train", "train", "val"))
    app = open_page("data", project=project.id)
    said = view(app, "split").replace("\\", "")
    assert text.given(("train", "val")) in said
    assert not app.slider and not app.checkbox


def test_a_given_test_part_leaves_the_validation_share(open_page: OpenPage, studio: Studio) -> None:
    project = seed.project_with_pictures(studio, parts=("train", "train", "test"))
    app = open_page("data", project=project.id)
    assert text.given(("train", "test")) in view(app, "split")
    assert app.slider(key=f"data.test_fraction.{project.id}").disabled
    assert not app.slider(key=f"data.val_fraction.{project.id}").disabled


def test_groups_are_counted_and_bursts_need_a_time(open_page: OpenPage, studio: Studio) -> None:
    project = grouped(studio)
    app = open_page("data", project=project.id)
    said = view(app, "split").replace("\\", "")
    assert "36 pictures belong together in 12 plants." in said
    pictures, subjects = (one.value for one in app.dataframe)
    assert list(pictures["All"]) == [12, 12, 12]
    assert [list(subjects[name]) for name in ("All", "Train", "Val", "Test")] == [
        [4, 4, 4],
        [2, 2, 2],
        [1, 1, 1],
        [1, 1, 1],
    ]
    assert app.checkbox(key=f"data.bursts.{project.id}").disabled


def test_bursts_can_be_let_go(open_page: OpenPage, studio: Studio) -> None:
    project = grouped(studio, taken=100.0)
    app = open_page("data", project=project.id)
    assert "carry one and the same second" in view(app, "split")
    app.checkbox(key=f"data.bursts.{project.id}").uncheck()
    app.button(key="data.go").click().run()
    assert not app.exception
    assert studio.data(project.id).config == DataConfig(bursts=False)


def test_a_class_of_one_group_and_torn_groups_are_warned_of(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    numbers = [row.id for row in studio.library.images(project.id, label="ants", limit=None)]
    given = {row.id: row.split for row in studio.library.images(project.id, limit=None)}
    assert len({given[one] for one in numbers}) == 3
    body = seed.intake(studio.home)
    records = tuple(
        replace(one, group="patient 1", split=("train", "val")[number % 2])
        if one.label == "ants"
        else replace(one, split=("train", "val")[number % 2])
        for number, one in enumerate(body.records)
    )
    studio.library.replace_images(project.id, replace(body, records=records), DataConfig())
    said = view(open_page("data", project=project.id), "split")
    assert "All pictures of ants belong together" in said
    assert "1 group lies in more than one part" in said


def test_what_repeated_folds_say_is_shown(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    checked(studio, project, STEADY)
    app = open_page("data", project=project.id)
    said = view(app, "split").replace("\\", "")
    assert "84 %" in [one.value for one in app.metric]
    assert "78 to 89 %" in said and text.cross_validated(STEADY) in said
    assert text.OUTDATED not in said


def test_the_gap_is_shown_with_both_numbers(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    checked(studio, project, FLATTERED, version=0)
    app = open_page("data", project=project.id)
    said = view(app, "split").replace("\\", "")
    assert {"84 %", "93 %", "9 points"} <= {one.value for one in app.metric}
    assert "would promise 9 points too much" in said and text.OUTDATED in said


def test_a_gap_that_is_not_shown_is_called_none() -> None:
    none = replace(FLATTERED, gap=Share(value=0.01, low=-0.02, high=0.04))
    assert "no difference beyond chance here" in text.gap(none)
    assert "1 point (\N{MINUS SIGN}2 to 4 points)" in text.gap(none)
    assert text.gap(STEADY) == ""
    assert text.points(Share(value=0.011, low=0, high=1)) == "1 point"


def test_too_few_pictures_are_not_measured(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    checked(studio, project, None)
    assert text.TOO_FEW in view(open_page("data", project=project.id), "split")


def test_few_test_pictures_are_called_uncertain() -> None:
    assert "If 31 of the 36 test pictures are right" in text.certainty(36, 36)
    assert "71 to 94 %" in text.certainty(36, 36)
    assert "Without test pictures" in text.certainty(0, 0)
    assert "36 test pictures are 12 groups and single ones" in text.certainty(36, 12)
    assert "55 to 95 %" in text.certainty(36, 12)
