"""The event log: numbered without gaps, readable from any point, thinned where it may be."""

from __future__ import annotations

from tests.unit.jobs.samples import epoch
from tl_core.events import CheckpointSaved, Progress, RunResumed, StepDone
from tl_core.jobs.log import EventLog, Writer
from tl_core.jobs.schema import open_engine
from tl_core.storage import Home


def test_numbers_have_no_gaps_and_continue_after_a_restart(home: Home) -> None:
    engine = open_engine(home)
    for _ in range(2):  # the second writer is a restarted worker
        writer = Writer(engine, "r1")
        for number in range(3):
            writer.append(CheckpointSaved(epoch=number, best_epoch=1))
    entries = EventLog(engine).after("r1")
    assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5, 6]


def test_two_readers_see_the_same(home: Home) -> None:
    engine = open_engine(home)
    writer = Writer(engine, "r1")
    for number in range(5):
        writer.append(CheckpointSaved(epoch=number, best_epoch=1))
    log = EventLog(engine)
    assert log.after("r1") == log.after("r1")
    assert [entry.seq for entry in log.after("r1", 3)] == [4, 5]
    assert log.after("other") == []


def test_steps_are_thinned_to_four_a_second_but_the_last_is_kept(home: Home) -> None:
    engine = open_engine(home)
    now = [0.0]
    writer = Writer(engine, "r1", clock=lambda: now[0])
    for step in range(1, 101):
        now[0] += 0.01
        writer.append(StepDone(epoch=1, step=step, steps=100, loss=1.0, lr=0.1))
    steps = [entry.event.step for entry in EventLog(engine).after("r1")]  # type: ignore[union-attr]
    assert len(steps) <= 6
    assert steps[0] == 1
    assert steps[-1] == 100


def test_progress_of_two_stages_is_thinned_apart(home: Home) -> None:
    engine = open_engine(home)
    writer = Writer(engine, "r1", clock=lambda: 0.0)
    assert writer.append(Progress(stage="a", done=1, total=9))
    assert writer.append(Progress(stage="b", done=1, total=9))
    assert not writer.append(Progress(stage="a", done=2, total=9))
    assert writer.append(Progress(stage="a", done=9, total=9))


def test_nested_events_come_back_whole(home: Home) -> None:
    engine = open_engine(home)
    event = RunResumed(epoch=2, history=[epoch(1), epoch(2)])
    Writer(engine, "r1").append(event)
    assert EventLog(engine).after("r1")[0].event == event
    assert EventLog(engine).last("r1", "run_resumed") == event
    assert EventLog(engine).last("r1", "paused") is None


def test_the_steps_of_a_finished_epoch_are_dropped_and_the_rest_is_kept(home: Home) -> None:
    engine = open_engine(home)
    now = [0.0]
    writer = Writer(engine, "r1", clock=lambda: now[0])
    for number in (1, 2):
        for step in (1, 2):
            now[0] += 1
            writer.append(StepDone(epoch=number, step=step, steps=9, loss=1.0, lr=0.1))
        writer.append(epoch(number))
    entries = list(EventLog(engine).all_after("r1"))
    assert [entry.event.name for entry in entries] == ["epoch_done", "epoch_done"]
    assert [entry.seq for entry in entries] == [3, 6]
