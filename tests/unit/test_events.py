"""Events are plain values: they survive JSON, and nothing is in them that a log must not hold."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from tests.unit.jobs.samples import engine_chosen, epoch, finding, finished, started
from tl_core.events import (
    EVENT_TYPES,
    Began,
    CheckpointSaved,
    Continued,
    Event,
    GateClosed,
    GateOpened,
    LayersChanged,
    Paused,
    Progress,
    RunFailed,
    RunResumed,
    StagesPlanned,
    StepDone,
    StrengthTried,
    Warned,
    event_from_dict,
    event_to_dict,
)

ONE_OF_EACH: list[Event] = [
    Began(run_id="r"),
    started(),
    RunResumed(epoch=1, history=[epoch(1)]),
    Progress(stage="x", done=1, total=2),
    engine_chosen(expected_seconds=None),
    StagesPlanned(
        stages="auto", layers=["head", "all"], epochs=[25, 20], expected_seconds=[1.5, None]
    ),
    StrengthTried(strength=1e-3, loss=0.4, accuracy=0.8, done=1, total=9),
    StepDone(epoch=1, step=1, steps=2, loss=0.1, lr=0.1),
    epoch(1),
    LayersChanged(epoch=1, trainable=["head"]),
    CheckpointSaved(epoch=1, best_epoch=1),
    Paused(epoch=1),
    GateOpened(
        epoch=4,
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
    ),
    GateClosed(epoch=4, opened=True, by="user"),
    Continued(epoch=1),
    Warned(code="c", message="m"),
    finding(1),
    finished(),
    RunFailed(code="c", message="m"),
]


def test_every_event_is_tried() -> None:
    assert {event.name for event in ONE_OF_EACH} == set(EVENT_TYPES)


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: event.name)
def test_an_event_survives_json(event: Event) -> None:
    assert event_from_dict(json.loads(json.dumps(event_to_dict(event)))) == event


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: event.name)
def test_fields_of_a_newer_version_are_ignored(event: Event) -> None:
    assert event_from_dict({**event_to_dict(event), "from_the_future": 1}) == event


def test_no_event_carries_a_clock() -> None:
    for cls in EVENT_TYPES.values():
        names = {one.name for one in fields(cls)}
        assert not names & {"at", "time", "seconds", "timestamp"}, cls.__name__


def test_an_unknown_event_is_not_guessed_at() -> None:
    with pytest.raises(KeyError):
        event_from_dict({"event": "nonsense"})
