"""What a run looks like: events folded, in one go or in pieces."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.jobs.samples import epoch, finding, finished, started
from tl_core.events import (
    Began,
    CheckpointSaved,
    Continued,
    EngineChosen,
    Event,
    GateClosed,
    Paused,
    Progress,
    RunFailed,
    RunResumed,
    RunStarted,
    StagesPlanned,
    StepDone,
    StrengthTried,
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


def engine(expected: float | None = 20.0, *, cache: str = "kept", views: int = 2) -> EngineChosen:
    return EngineChosen(
        precision="bfloat16",
        train_precision="float32",
        memory_format="channels_last",
        threads=2,
        batch_size=16,
        views=views,
        cache=cache,
        cache_mb=1.5,
        cut="head",
        prefix_ms=1.0,
        suffix_ms=0.1,
        expected_seconds=expected,
    )


def strength(number: int, loss: float = 0.5) -> StrengthTried:
    return StrengthTried(strength=10.0**-number, loss=loss, accuracy=0.7, done=number, total=4)


def test_time_left_is_what_was_expected_until_epochs_tell_better() -> None:
    run = RunView(run_id="r", state="running")
    begun = fold(run, entries(engine(), started(epochs=9)))
    assert begun.eta_s == pytest.approx(19.0)  # a second has passed since
    making = [engine(), started(epochs=9), step(1), step(5), epoch(1), step(5, 2), epoch(2)]
    assert fold(run, entries(*making)).eta_s == pytest.approx(14.0)  # both made a version
    reading = entries(*making, step(5, 3), epoch(3))
    assert fold(run, reading).eta_s == pytest.approx(12.0)  # six more of two seconds


def test_time_left_when_the_expectation_is_over_or_unknown() -> None:
    run = RunView(run_id="r", state="running")
    for expected in (2.0, None):
        log = entries(engine(expected), started(epochs=4), step(5), epoch(1))
        assert fold(run, log[:-1]).eta_s is None
        assert fold(run, log).eta_s == pytest.approx(6.0)
    off = entries(engine(20.0, cache="off"), started(epochs=4), step(5), epoch(1))
    assert fold(run, off).eta_s == pytest.approx(6.0)  # every epoch is like the first


def test_a_probe_is_told_by_its_strengths() -> None:
    plan = replace(started(epochs=1, steps=1), layers="deep-probe")
    log = [plan, engine(), strength(1, 0.6), strength(2, 0.4), strength(3, 0.5)]
    view = fold(RunView(run_id="r", state="running"), entries(*log))
    assert view.is_probe
    assert view.engine == engine()
    assert view.strength == strength(2, 0.4)
    assert view.share == pytest.approx(0.75)
    again = fold(view, [Entry(6, 999.0, Began(run_id="r"))])
    assert again.strengths == ()  # begun anew, they are tried anew
    assert fold(view, [Entry(6, 106.0, epoch(1))]).share == 1.0


def test_strengths_before_training_are_no_progress_of_it() -> None:
    view = fold(RunView(run_id="r"), entries(started(), strength(4)))
    assert not view.is_probe
    assert view.share == 0.0


def test_a_failed_run_says_why() -> None:
    view = fold(
        RunView(run_id="r"),
        entries(started(), Progress(stage="x", done=1, total=2), RunFailed(code="c", message="m")),
    )
    assert view.failed is not None
    assert view.stage is None


STAGES = StagesPlanned(
    stages="ask",
    layers=["head", "last:1", "last:2"],
    epochs=[4, 2, 2],
    expected_seconds=[10.0, 30.0, 60.0],
)


def opened(epochs: int, layers: str) -> RunStarted:
    return replace(started(epochs=epochs), layers=layers)


def test_a_run_in_stages_counts_all_that_may_come() -> None:
    run = RunView(run_id="r", state="running")
    head = [STAGES, engine(10.0, views=0), started(epochs=4), step(5), epoch(1), epoch(2)]
    view = fold(run, entries(*head))
    assert view.share == pytest.approx(0.05)  # half of the first 10 of 100 seconds
    assert view.eta_s == pytest.approx(2 + 90)  # two epochs of a second, and both blocks
    assert view.may_end_sooner and view.stage_at == 0
    closed = GateClosed(epoch=4, opened=True, by="user")
    block = [*head, epoch(3), epoch(4), closed, engine(30.0, views=0), opened(6, "last:1")]
    view = fold(run, entries(*block))
    assert view.share == pytest.approx(0.1) and view.stage_at == 1
    assert view.eta_s == pytest.approx(29 + 60)  # as expected, a second later
    view = fold(run, entries(*block, step(5, 5), epoch(5), gap_s=5.0))
    assert view.share == pytest.approx(0.1 + 0.15)
    assert view.eta_s == pytest.approx(10 + 60), "from the epochs of this stage alone"
    last = [*block, epoch(5), epoch(6), closed, opened(8, "last:2"), epoch(7)]
    view = fold(run, entries(*last))
    assert view.share == pytest.approx(0.7)
    assert not view.may_end_sooner


def test_nothing_is_left_once_a_gate_is_declined() -> None:
    log = [STAGES, started(epochs=4), *(epoch(n) for n in (1, 2, 3, 4))]
    log.append(GateClosed(epoch=4, opened=False, by="user"))
    view = fold(RunView(run_id="r", state="running"), entries(*log))
    assert view.share == 1.0 and view.eta_s == 0.0 and not view.may_end_sooner
    again = fold(view, [Entry(99, 999.0, Began(run_id="r"))])
    assert again.share < 1.0, "killed before its result: the gate will ask again"


def test_stages_of_unknown_length_are_counted_in_epochs() -> None:
    plan = replace(STAGES, expected_seconds=[None, 30.0, 60.0])
    log = [plan, started(epochs=4), step(5), *(epoch(n) for n in (1, 2, 3, 4))]
    view = fold(RunView(run_id="r", state="running"), entries(*log))
    assert view.share == pytest.approx(0.5)
    assert view.eta_s == pytest.approx(90.0)  # of the head nothing is left
    unknown = replace(plan, expected_seconds=[10.0, None, 60.0])
    view = fold(RunView(run_id="r", state="running"), entries(unknown, *log[1:4]))
    assert view.eta_s is None, "no time is made up for a stage that was never measured"


EVENTS = st.lists(
    st.one_of(
        st.builds(Began, run_id=st.just("r")),
        st.builds(started, epochs=st.integers(1, 9)),
        st.builds(step, st.integers(1, 5), st.integers(1, 9)),
        st.builds(engine, st.none() | st.floats(0, 99), views=st.integers(0, 4)),
        st.builds(strength, st.integers(1, 4)),
        st.builds(epoch, st.integers(1, 9), best=st.booleans()),
        st.builds(Paused, epoch=st.integers(1, 9)),
        st.builds(Continued, epoch=st.integers(1, 9)),
        st.builds(finding, st.integers(1, 9)),
        st.builds(lambda n: RunResumed(epoch=n, history=[epoch(1)]), st.integers(0, 9)),
        st.builds(finished, epochs=st.integers(1, 9)),
        st.just(STAGES),
        st.builds(opened, st.integers(1, 9), st.sampled_from(STAGES.layers)),
        st.builds(GateClosed, epoch=st.just(4), opened=st.booleans(), by=st.just("user")),
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
