"""Runs in stages from the queue to the result: by policy, asked, and interrupted at the gate."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.unit.jobs.tiles import tiny_project
from tl_core.config import FreezeConfig, RunSpec, TrainConfig, changed
from tl_core.events import (
    CheckpointSaved,
    Event,
    FindingRaised,
    GateClosed,
    GateOpened,
    StagesPlanned,
)
from tl_core.jobs.gains import expected_gain
from tl_core.jobs.gates import waits_at
from tl_core.jobs.log import EventLog
from tl_core.jobs.queue import Queue, RunRow
from tl_core.jobs.schema import open_engine
from tl_core.jobs.submit import submit_training
from tl_core.jobs.view import RunView, fold
from tl_core.jobs.work import BEGUN, carry_out
from tl_core.storage import Home


def spec(stages: str, layers: str = "last:1") -> RunSpec:
    return RunSpec(
        freeze=FreezeConfig(layers=layers, stages=stages),
        train=TrainConfig(epochs=2, lr=1e-3, batch_size=8, image_size=32, seed=7),
    )


@pytest.fixture
def engine(home: Home) -> Engine:
    return open_engine(home)


def carried_out(home: Home, engine: Engine, run: str, sink: Any = None) -> RunRow:
    claimed = Queue(engine).claim("train", "test", run)
    assert claimed is not None
    return carry_out(home, engine, claimed, sink)


def told(engine: Engine, run: str) -> list[Event]:
    return [entry.event for entry in EventLog(engine).all_after(run)]


def test_gradual_goes_all_the_way_without_asking(home: Home, engine: Engine) -> None:
    run = submit_training(home, engine, tiny_project(home, engine), spec("gradual", "last:2"))
    row = carried_out(home, engine, run)
    assert row.state == "finished", row.error
    asked = [one for one in told(engine, run) if isinstance(one, GateOpened)]
    assert [one.layers for one in asked] == ["last:1", "last:2"]
    assert not any(one.asks for one in asked)
    assert asked[0].gained is None and asked[1].gained is not None
    assert asked[1].fell_low is not None and asked[1].fell_high is not None
    assert asked[1].fell_low <= (asked[1].fell or 0) <= asked[1].fell_high
    assert asked[0].block_lr == pytest.approx(asked[0].lr / 10)
    assert asked[1].block_lr == pytest.approx(asked[1].lr / 10 * 0.4)  # further from the head
    view = fold(RunView(run_id=run), EventLog(engine).all_after(run))
    head_epochs = len(view.history) - 4
    assert [one.epoch for one in view.history] == list(range(1, head_epochs + 5))
    assert not (home.run_dir(run) / BEGUN).exists()


def test_an_answer_opens_the_block(home: Home, engine: Engine) -> None:
    run = submit_training(home, engine, tiny_project(home, engine), spec("ask"))
    queue = Queue(engine)

    def answer(event: Event) -> None:
        if isinstance(event, GateOpened):
            assert event.asks
            threading.Timer(0.5, queue.command, (run, "open:1")).start()

    row = carried_out(home, engine, run, answer)
    assert row.state == "finished", row.error
    (closed,) = [one for one in told(engine, run) if isinstance(one, GateClosed)]
    assert closed.opened and closed.by == "user"


@pytest.mark.parametrize("order", ["keep:1", "stop"])
def test_declining_and_stopping_keep_the_head(home: Home, engine: Engine, order: str) -> None:
    run = submit_training(home, engine, tiny_project(home, engine), spec("ask"))

    def answer(event: Event) -> None:
        if isinstance(event, GateOpened):
            Queue(engine).command(run, order)

    row = carried_out(home, engine, run, answer)
    assert row.state == "finished", row.error
    view = fold(RunView(run_id=run), EventLog(engine).all_after(run))
    assert view.gate is None and view.finished is not None
    (closed,) = [one for one in told(engine, run) if isinstance(one, GateClosed)]
    assert not closed.opened and closed.epoch == len(view.history)


def test_an_answer_counts_for_its_own_gate_only(home: Home, engine: Engine) -> None:
    run = submit_training(home, engine, tiny_project(home, engine), spec("ask", "last:2"))
    queue = Queue(engine)

    def answer(event: Event) -> None:
        if isinstance(event, GateOpened) and event.stage == 1:
            for order in ("keep:2x", "open:1", "keep:1", "open:1"):  # two tabs, and nonsense
                queue.command(run, order)
        elif isinstance(event, GateOpened):
            queue.command(run, "open:1")  # a tab that was not drawn anew
            assert waits_at(EventLog(engine), queue.get(run)) == event
            threading.Timer(1.0, queue.command, (run, "keep:2")).start()

    row = carried_out(home, engine, run, answer)
    assert row.state == "finished", row.error
    entries = list(EventLog(engine).all_after(run))
    closed = [one for one in entries if isinstance(one.event, GateClosed)]
    assert [one.event.opened for one in closed] == [True, False]  # type: ignore[union-attr]
    (second,) = [
        one for one in entries if isinstance(one.event, GateOpened) and one.event.stage == 2
    ]
    assert closed[1].at - second.at > 0.8, "it waited for the answer to its own question"
    assert waits_at(EventLog(engine), row) is None


def test_the_stages_that_may_come_are_told_first(home: Home, engine: Engine) -> None:
    run = submit_training(home, engine, tiny_project(home, engine), spec("ask", "last:2"))

    def answer(event: Event) -> None:
        if isinstance(event, GateOpened):
            view = fold(RunView(run_id=run), EventLog(engine).all_after(run))
            assert view.share == pytest.approx(view.plan.epochs[0] / sum(view.plan.epochs))  # type: ignore[union-attr]
            Queue(engine).command(run, "keep:1")

    assert carried_out(home, engine, run, answer).state == "finished"
    (planned,) = [one for one in told(engine, run) if isinstance(one, StagesPlanned)]
    assert (planned.stages, planned.layers) == ("ask", ["head", "last:1", "last:2"])
    assert planned.epochs[1:] == [2, 2] and len(planned.expected_seconds) == 3
    view = fold(RunView(run_id=run), EventLog(engine).all_after(run))
    assert view.declined and view.share == 1.0 and view.stage_at == 0


def test_a_run_interrupted_at_its_gate_asks_again(home: Home, engine: Engine) -> None:
    run = submit_training(home, engine, tiny_project(home, engine), spec("ask"))
    queue = Queue(engine)

    def interrupted(event: Event) -> None:
        if isinstance(event, GateOpened):
            raise KeyboardInterrupt

    assert carried_out(home, engine, run, interrupted).state == "interrupted"
    view = fold(RunView(run_id=run), EventLog(engine).all_after(run))
    assert view.gate is not None
    before = len(view.history)
    queue.requeue(run)

    def answer(event: Event) -> None:
        if isinstance(event, GateOpened):
            queue.command(run, "open:1")

    row = carried_out(home, engine, run, answer)
    assert row.state == "finished", row.error
    view = fold(RunView(run_id=run), EventLog(engine).all_after(run))
    assert [one.epoch for one in view.history] == list(range(1, before + 3))


def test_a_run_killed_in_a_stage_is_judged_as_if_it_had_not_been(
    home: Home, engine: Engine
) -> None:
    project = tiny_project(home, engine)
    long = changed(spec("gradual"), {"train.epochs": 6, "train.lr": 1.0})
    whole, killed = (submit_training(home, engine, project, long) for _ in range(2))
    assert carried_out(home, engine, whole).state == "finished"
    head = next(one.epoch for one in told(engine, whole) if isinstance(one, GateOpened))

    def kill(event: Event) -> None:
        if isinstance(event, CheckpointSaved) and event.epoch == head + 3:
            raise KeyboardInterrupt

    assert carried_out(home, engine, killed, kill).state == "interrupted"
    Queue(engine).requeue(killed)
    assert carried_out(home, engine, killed).state == "finished"

    def said(run: str) -> list[tuple[str, int, int, str]]:
        found = [one for one in told(engine, run) if isinstance(one, FindingRaised)]
        return [(one.verdict, one.epoch, one.stage, one.evidence) for one in found]

    assert "diverged" in [one[0] for one in said(whole) if one[2] == 1]
    assert said(killed) == said(whole)


def row_of(result: dict[str, Any]) -> Any:
    class Row:
        pass

    row = Row()
    row.result = {"data_version": 1, "model": "m", **result}  # type: ignore[attr-defined]
    row.spec = {}  # type: ignore[attr-defined]
    return row


def test_the_expected_gain_is_read_from_the_comparison_in_both_directions() -> None:
    raced = [
        {"layers": "exact-head", "right": [40, 42, 38], "judged": [50] * 3, "seconds": 1.0},
        {"layers": "deep-probe", "right": [45, 45, 44], "judged": [50] * 3, "seconds": 1.0},
        {"layers": "last:1", "right": [41, 43, 40], "judged": [50] * 3, "seconds": 1.0},
        {"layers": "all", "right": [30], "judged": [50], "seconds": 1.0},
    ]
    row = row_of({"chosen": "deep-probe", "folds": 5, "raced": raced})  # neither of those asked
    asked: dict[str, Any] = {"before": "head", "after": "last:1", "data_version": 1, "model": "m"}
    asked |= {"run": "t1", "spec": {}}
    found = expected_gain([row], **asked)
    assert found is not None and found.value == pytest.approx(4 / 150)
    assert found.low < found.value < found.high
    back = expected_gain([row], **{**asked, "before": "last:1", "after": "head"})
    assert back is not None and back.low == pytest.approx(-found.high)
    chosen_before = row
    assert expected_gain([chosen_before], **{**asked, "data_version": 2}) is None
    assert expected_gain([chosen_before], **{**asked, "after": "all"}) is None
    assert expected_gain([], **asked) is None


def test_a_gain_measured_with_the_settings_of_the_run_comes_first() -> None:
    def measured(after: list[int], **spec: str) -> Any:
        raced = [
            {"layers": "exact-head", "right": [40, 42, 38], "judged": [50] * 3, "seconds": 1.0},
            {"layers": "last:1", "right": after, "judged": [50] * 3, "seconds": 1.0},
        ]
        row = row_of({"chosen": "exact-head", "folds": 3, "raced": raced})
        row.spec = spec
        return row

    rows = [
        measured([20, 21, 22], run="another"),
        measured([41, 43, 39]),
        measured([45, 47, 43], run="mine"),
    ]
    asked: dict[str, Any] = {"before": "head", "after": "last:1", "data_version": 1, "model": "m"}
    asked |= {"run": "mine", "spec": {}}
    found = expected_gain(rows, **asked)
    assert found is not None and found.value == pytest.approx(15 / 150)
    found = expected_gain(rows[:2], **asked)
    assert found is not None and found.value == pytest.approx(3 / 150)
    assert expected_gain(rows[:1], **asked) is None
    seen = measured([41, 43, 39])
    seen.spec = {"settings": {"train.resize": "pad", "train.image_size": None}}
    of = {"train": {"resize": "pad", "image_size": 128}}
    assert expected_gain([seen], **{**asked, "spec": of}) is not None
    of = {"train": {"resize": "squash", "image_size": 128}}
    assert expected_gain([seen], **{**asked, "spec": of}) is None
