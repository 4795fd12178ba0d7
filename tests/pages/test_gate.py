"""The gate on the Train page: what is asked, what is known, and the two answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.pages import seed
from tests.pages.conftest import OpenPage, texts
from tests.unit.jobs.samples import epoch, started
from tl_core.events import Event, GateOpened
from tl_core.jobs.gains import COMPARISON
from tl_core.jobs.log import Writer
from tl_core.session import Project, Studio
from tl_ui.asking import share_of
from tl_ui.texts import gate as text
from tl_ui.texts import train as words

ASKED = GateOpened(
    epoch=2,
    stage=1,
    asks=True,
    layers="last:1",
    before="head",
    block="Stage 4",
    lr=0.003,
    block_lr=0.0003,
    epochs=20,
    expected_seconds=12.0,
    val_accuracy=0.8,
    val_accuracy_ci=[0.7, 0.9],
)


@pytest.fixture
def project(studio: Studio) -> Project:
    return seed.project_with_pictures(studio)


def waiting(studio: Studio, project: Project, asked: GateOpened = ASKED) -> str:
    """A run that waits at its gate."""
    run = studio.start(project.id)
    events: list[Event] = [started(epochs=2), epoch(1), epoch(2), asked]
    assert studio.queue.claim("train", "test", run) is not None
    assert studio.queue.started(run, 1)
    writer = Writer(studio._engine, run)
    for one in events:
        writer.append(one)
    return run


def test_it_says_where_the_run_stands_and_what_the_block_costs(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    run = waiting(studio, project)
    said = texts(open_page("train", project=project.id, run=run)).replace("\\", "")
    assert "Open Stage 4 too?" in said
    assert "The head alone reaches 80 % right in validation (likely 70 to 90 %)." in said
    assert text.UNMEASURED in said
    assert "about 10 seconds, 20 epochs" in said and "0.0003" in said


@pytest.mark.parametrize(("answer", "command"), [("open", "open:1"), ("keep", "keep:1")])
def test_an_answer_reaches_the_run(
    open_page: OpenPage, studio: Studio, project: Project, answer: str, command: str
) -> None:
    run = waiting(studio, project)
    app = open_page("train", project=project.id, run=run)
    app.button(key=f"gate.{answer}.{run}.1").click().run()
    assert [kind for _, kind in studio.queue.commands_after(run, 0, 0.0)] == [command]
    assert not app.exception


def test_the_gain_can_be_measured_while_it_waits(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    run = waiting(studio, project)
    app = open_page("train", project=project.id, run=run)
    app.button(key="gate.measure.1").click().run()
    (asked,) = [one for one in studio.active() if one.kind == COMPARISON]
    assert asked.spec["candidates"] == ["exact-head", "last:1"] and asked.spec["exhaustive"]
    assert asked.spec["run"] == run, "with the settings of the run, not with those drafted since"


def raced(layers: str, right: list[int]) -> dict[str, Any]:
    return {"layers": layers, "right": right, "judged": [50] * len(right), "seconds": 1.0}


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ([45, 46, 45, 46, 45], "it helps"),
        ([35, 34, 35, 34, 35], "it hurts"),
        ([41, 38, 44, 36, 42], "cannot be told"),
    ],
)
def test_a_measured_gain_is_told_with_its_interval(
    open_page: OpenPage, studio: Studio, project: Project, after: list[int], words: str
) -> None:
    result: dict[str, Any] = {
        "chosen": "deep-probe",
        "folds": 5,
        "raced": [raced("exact-head", [40, 40, 40, 40, 40]), raced("last:1", after)],
        "model": studio.draft(project.id).model.name,
        "data_version": studio.library.get(project.id).data_version,
    }
    seed.task(studio, COMPARISON, project_id=project.id, state="finished", result=result)
    run = waiting(studio, project)
    said = texts(open_page("train", project=project.id, run=run))
    assert words in said and text.UNMEASURED not in said


def test_what_the_last_block_brought_is_told(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    later = replace(
        ASKED, stage=2, before="last:1", gained=0.02, fell=0.05, fell_low=0.01, fell_high=0.09
    )
    run = waiting(studio, project, later)
    said = texts(open_page("train", project=project.id, run=run)).replace("\\", "")
    assert "changed by -0.050 (-0.090 to -0.010): it helped" in said


def test_a_policy_needs_no_answer(open_page: OpenPage, studio: Studio, project: Project) -> None:
    run = waiting(studio, project, replace(ASKED, asks=False))
    said = texts(open_page("train", project=project.id, run=run))
    assert "Open Stage 4 too?" not in said


def test_what_waits_behind_it_says_so_with_the_way_to_the_question(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    run = waiting(studio, project)
    behind = seed.queued_run(studio, project)
    app = open_page("train", project=project.id, run=behind)
    name = studio.run(run).name
    (bar,) = app.get("progress")
    assert f"It waits because the run “{name}” waits for your answer." in (
        bar.proto.text.replace("\\", "")
    )
    (link,) = [one for one in app.get("page_link") if one.proto.label == text.ANSWER]
    assert f"run={run}" in link.proto.query_string
    assert "number 1 in the queue" not in bar.proto.text
    home = open_page("home")
    assert text.WAITS_BEHIND in "\n".join(str(one.value) for one in home.sidebar.markdown)
    assert text.held(name) in [one.proto.text.replace("\\", "") for one in home.get("progress")]


def test_a_task_behind_it_says_so_too(studio: Studio, project: Project) -> None:
    waiting(studio, project)
    task = studio.ask("control", project.id)
    assert "waits for your answer" in share_of(studio, studio.task(task))[1]
    other = studio.ask("export", project.id)
    assert "next in the queue" in share_of(studio, studio.task(other))[1]


def test_a_new_run_is_told_what_it_would_wait_for(
    open_page: OpenPage, studio: Studio, project: Project
) -> None:
    waiting(studio, project)
    app = open_page("train", project=project.id, run="new")
    said = texts(app)
    assert words.BUSY_ASKS in said and words.BUSY not in said
    assert text.ANSWER in [one.proto.label for one in app.get("page_link")]
