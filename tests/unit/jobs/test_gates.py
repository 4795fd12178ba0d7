"""Gates seen from outside: what an answer is, which run waits for one, and who waits behind it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.jobs.samples import started
from tl_core.events import Began, Event, GateClosed, GateOpened
from tl_core.jobs.gates import answer, answered, held_by, waits_at
from tl_core.jobs.log import EventLog, Writer
from tl_core.jobs.queue import Queue
from tl_core.jobs.schema import open_engine
from tl_core.storage import Home


@pytest.fixture
def engine(home: Home) -> Any:
    return open_engine(home)


def asked(*, asks: bool = True) -> GateOpened:
    return GateOpened(
        epoch=4,
        stage=1,
        asks=asks,
        layers="last:1",
        before="head",
        block="Stage 4",
        lr=0.01,
        block_lr=0.001,
        epochs=4,
        expected_seconds=None,
        val_accuracy=0.5,
        val_accuracy_ci=[0.4, 0.6],
    )


def at_work(engine: Any, *events: Event, kind: str = "train") -> str:
    queue = Queue(engine)
    run = queue.submit(kind, {}, name="First")
    assert queue.claim("train", "test", run) is not None and queue.started(run, 1)
    writer = Writer(engine, run)
    for one in events:
        writer.append(one)
    return run


@pytest.mark.parametrize("opened", [True, False])
def test_an_answer_names_its_stage(opened: bool) -> None:
    assert answered(answer(3, opened=opened)) == (3, opened)
    assert len(answer(999, opened=opened)) <= 12  # what the store keeps of a command


@pytest.mark.parametrize("command", ["open", "keep:", "open:x", "open:-1", "stop", "shut:1", ""])
def test_other_commands_are_no_answers(command: str) -> None:
    assert answered(command) is None


@pytest.mark.parametrize(
    ("events", "waits"),
    [
        ([started(), asked()], True),
        ([started(), asked(asks=False)], False),
        ([started(), asked(), GateClosed(epoch=4, opened=True, by="user")], False),
        ([started(), asked(), Began(run_id="r")], False),
        ([started()], False),
    ],
)
def test_a_run_waits_from_its_question_to_the_answer(
    engine: Any, events: list[Event], waits: bool
) -> None:
    run = at_work(engine, *events)
    queue, log = Queue(engine), EventLog(engine)
    behind = queue.submit("train", {}, name="Second")
    other = queue.submit("export", {})
    assert (waits_at(log, queue.get(run)) is not None) == waits
    held = held_by(queue, log, queue.get(behind))
    assert (held.id if held else None) == (run if waits else None)
    assert held_by(queue, log, queue.get(other)) is None, "another lane goes on"
    assert held_by(queue, log, queue.get(run)) is None
    queue.mark(run, "stopping")
    assert held_by(queue, log, queue.get(behind)) is None, "it needs no answer any more"
