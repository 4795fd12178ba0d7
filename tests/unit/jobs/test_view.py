"""What a run looks like: events folded, in one go or in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.jobs.samples import epoch, finding, finished, started
from tl_core.events import (
    Began,
    CheckpointSaved,
    Continued,
    Event,
    Paused,
    Progress,
    RunFailed,
    RunResumed,
    StepDone,
)
from tl_core.jobs.log import Entry
from tl_core.jobs.view import RunView, fold


def entries(*events: Event, gap_s: float = 1.0) -> list[Entry]:
    return [Entry(seq, 100 + seq * gap_s, event) for seq, event in enumerate(events, start=1)]


def step(number: int, in_epoch: int = 1) -> StepDone:
    return StepDone(epoch=in_epoch, step=number, steps=5, loss=0.6, lr=0.01)


def test_an_uninterrupted_run() -> None:
    view = fold(
        RunView(run_id="r"),
        entries(
            started(),
            step(1),
            step(5),
            epoch(1),
            CheckpointSaved(epoch=1, best_epoch=1),
            step(1, 2),
            epoch(2, best=False),
            finding(2),
            finished(2),
        ),
    )
    assert [row.epoch for row in view.history] == [1, 2]
    assert view.finished is not None
    assert view.best_epoch == 2  # the terminal event has the last word
    assert view.elapsed_s == 8.0
    assert view.stage is None
    assert len(view.findings) == 1


def test_a_resumed_run_forgets_what_was_not_saved() -> None:
    view = fold(
        RunView(run_id="r"),
        entries(
            started(),
            epoch(1),
            epoch(2),
            epoch(3, best=False),
            finding(3),
            Began(run_id="r"),
            started(),
            RunResumed(epoch=2, history=[epoch(1), epoch(2)]),
            epoch(3),
        ),
    )
    assert [row.epoch for row in view.history] == [1, 2, 3]
    assert view.findings == ()
    assert view.restarts == 1
    assert view.best_epoch == 3


def test_an_epoch_lost_between_checkpoint_and_log_comes_back() -> None:
    view = fold(
        RunView(run_id="r"),
        entries(started(), epoch(1), started(), RunResumed(epoch=2, history=[epoch(1), epoch(2)])),
    )
    assert [row.epoch for row in view.history] == [1, 2]


def test_time_spent_paused_does_not_count() -> None:
    view = fold(
        RunView(run_id="r"),
        [
            Entry(1, 0.0, started()),
            Entry(2, 10.0, Paused(epoch=1)),
            Entry(3, 500.0, Continued(epoch=1)),
            Entry(4, 505.0, step(1)),
        ],
    )
    assert view.elapsed_s == 15.0
    assert not view.paused


def test_time_between_two_processes_does_not_count() -> None:
    view = fold(
        RunView(run_id="r"),
        [
            Entry(1, 0.0, Began(run_id="r")),
            Entry(2, 4.0, started()),
            Entry(3, 10.0, epoch(1)),
            Entry(4, 900.0, Began(run_id="r")),
            Entry(5, 902.0, started()),
        ],
    )
    assert view.elapsed_s == 12.0


def test_time_left_comes_from_the_epochs_done() -> None:
    view = fold(
        RunView(run_id="r", state="running"),
        entries(started(epochs=4), step(1), step(5), epoch(1), step(5, 2), epoch(2)),
    )
    assert view.share == pytest.approx(0.5)
    assert view.eta_s == pytest.approx(4.0)  # two epochs of two seconds
    assert fold(RunView(run_id="r"), entries(started())).eta_s is None


def test_a_failed_run_says_why() -> None:
    view = fold(
        RunView(run_id="r"),
        entries(started(), Progress(stage="x", done=1, total=2), RunFailed(code="c", message="m")),
    )
    assert view.failed is not None
    assert view.stage is None


EVENTS = st.lists(
    st.one_of(
        st.builds(Began, run_id=st.just("r")),
        st.builds(started, epochs=st.integers(1, 9)),
        st.builds(step, st.integers(1, 5), st.integers(1, 9)),
        st.builds(epoch, st.integers(1, 9), best=st.booleans()),
        st.builds(Paused, epoch=st.integers(1, 9)),
        st.builds(Continued, epoch=st.integers(1, 9)),
        st.builds(finding, st.integers(1, 9)),
        st.builds(lambda n: RunResumed(epoch=n, history=[epoch(1)]), st.integers(0, 9)),
        st.builds(finished, epochs=st.integers(1, 9)),
    ),
    max_size=30,
)


@given(events=EVENTS, cut=st.integers(0, 30))
@settings(max_examples=150, deadline=None)
def test_folding_in_pieces_is_folding_at_once(events: list[Event], cut: int) -> None:
    log = entries(*events)
    empty = RunView(run_id="r")
    assert fold(empty, log) == fold(fold(empty, log[:cut]), log[cut:])
    assert fold(fold(empty, log), log) == fold(empty, log)  # reading twice changes nothing
