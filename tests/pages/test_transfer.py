"""Does transfer help: told how long before the click, followed, gone on with, and told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pages import seed
from tests.pages.conftest import OpenPage, texts
from tl_core.check.honesty import Share
from tl_core.jobs.estimate import keep_rate
from tl_core.session import Project, Studio
from tl_core.worth.transfer import ARMS, Arm, Transfer
from tl_ui.texts import transfer as text
from tl_ui.texts.evaluate import VIEWS
from tl_ui.worth_charts import transfer_figure

SHARES = dict(zip(ARMS, (0.84, 0.66, 0.8, 0.54, 0.6, 0.82), strict=True))
FOUND = Transfer(
    pictures=100,
    available=240,
    image_px=64,
    folds=5,
    repeats=2,
    difference=Share(value=0.18, low=0.12, high=0.24),
    verdict="helps",
    needed=None,
    arms=tuple(
        Arm(
            name=name,
            accuracy=Share(value=value, low=value - 0.04, high=value + 0.04),
            values=(value,) * 10,
            seconds=1.0,
        )
        for name, value in SHARES.items()
    ),
    lr=0.001,
    epochs=45,
    tried=4,
    epochs_in_time=3,
)


@pytest.fixture
def project(studio: Studio) -> Project:
    found = seed.project_with_pictures(studio, per_class=40)
    seed.finished_run(studio, found)
    return found


def run(studio: Studio, project: Project, **more: Any) -> str:
    result = {
        "transfer": FOUND.to_dict(),
        "model": "resnet10t.tiny_imagenet",
        "title": "Thaw ResNet-10T",
        "seconds": 400.0,
        "data_version": studio.library.get(project.id).data_version,
        **more,
    }
    return seed.task(studio, "control", project_id=project.id, state="finished", result=result)


def test_the_time_is_told_before_the_click(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    assert text.UNKNOWN_TIME in texts(
        open_page("evaluate", project=project.id, view=VIEWS["better"])
    )
    keep_rate(studio.home, 3e10, "two cores")
    seconds = studio.control_seconds(project.id)
    assert seconds is not None and 60 < seconds < 3600
    app = open_page("evaluate", project=project.id, view=VIEWS["better"])
    assert text.expected(seconds) in texts(app)
    app.button(key="transfer.go").click().run()
    waiting = [one for one in studio.active() if one.kind == "control"]
    assert len(waiting) == 1 and waiting[0].lane == "train"


def test_the_verdict_comes_first_then_equal_budgets(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    run(studio, project)
    said = texts(open_page("evaluate", project=project.id, view=VIEWS["better"])).replace("\\", "")
    assert "Transfer helps: about 84 of 100 right with the pretrained network, 66" in said
    assert "from scratch gets 3 epochs: 60 of 100 (56 to 64)" in said
    assert "Fine-tuned for the same 45 epochs, the pretrained network gets 82 of 100" in said
    assert "100 of 240 pictures that are not for the test" in said and "64 px" in said
    assert text.STALE not in said


def test_bars_are_in_order_with_their_intervals() -> None:
    bars = transfer_figure(FOUND).data[0]
    assert list(bars.y)[::-1] == [text.NAMES[one] for one in text.SHOWN]
    assert list(bars.x)[::-1] == [SHARES[one] for one in text.SHOWN]
    assert bars.error_x.array[0] == pytest.approx(0.04)


def test_other_pictures_make_it_stale(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    run(studio, project, data_version=-1)
    app = open_page("evaluate", project=project.id, view=VIEWS["better"])
    assert text.STALE in texts(app)
    assert any(one.key == "transfer.go" for one in app.button)


def test_a_stopped_control_is_offered_to_go_on(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    error = {"code": "cancelled", "message": "Cancelled.", "hint": ""}
    seed.task(studio, "control", project_id=project.id, state="failed", error=error)
    app = open_page("evaluate", project=project.id, view=VIEWS["better"])
    assert text.STOPPED in texts(app)
    assert app.button(key="transfer.go").label == text.GO_ON


def test_a_failed_control_is_told(open_page: OpenPage, studio: Studio, project: Project) -> None:
    seed.task(studio, "control", project_id=project.id, state="failed")
    said = texts(open_page("evaluate", project=project.id, view=VIEWS["better"]))
    assert text.FAILED in said and text.AGAIN in said
