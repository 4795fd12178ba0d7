"""What a run looks like on screen: events folded into one value.

The only place that knows what an event means for a reader. ``fold`` is pure and associative:
``fold(view, a + b) == fold(fold(view, a), b)``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tl_core.config import PROBES
from tl_core.events import (
    Began,
    CheckpointSaved,
    Continued,
    EngineChosen,
    EpochDone,
    FindingRaised,
    GateClosed,
    GateOpened,
    LayersChanged,
    Paused,
    Progress,
    RunFailed,
    RunFinished,
    RunResumed,
    RunStarted,
    StepDone,
    StrengthTried,
    Warned,
)
from tl_core.jobs.log import Entry

__all__ = ["RunView", "fold"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A training run up to event number ``cursor``. Seconds exclude pauses and interruptions."""

    run_id: str
    state: str = "queued"
    cursor: int = 0
    started: RunStarted | None = None
    engine: EngineChosen | None = None
    engine_from: float | None = None  # elapsed_s when it was chosen by the process at work
    strengths: tuple[StrengthTried, ...] = ()  # in the order they were tried
    history: tuple[EpochDone, ...] = ()
    step: StepDone | None = None
    stage: Progress | None = None
    best_epoch: int | None = None
    findings: tuple[FindingRaised, ...] = ()
    warnings: tuple[Warned, ...] = ()
    finished: RunFinished | None = None
    failed: RunFailed | None = None
    paused: bool = False
    gate: GateOpened | None = None  # the question that the run waits with
    elapsed_s: float = 0.0
    epoch_seconds: tuple[float, ...] = ()
    restarts: int = 0  # rises when the history was replaced after a resume
    last_at: float | None = None
    epoch_from: float | None = None  # elapsed_s when the running epoch began

    @property
    def over(self) -> bool:
        """Nothing more will come unless somebody resumes the run."""
        return self.state in {"finished", "failed", "cancelled", "interrupted"}

    @property
    def is_probe(self) -> bool:
        """Whether the head is solved, not trained: there are strengths in place of epochs."""
        return self.started is not None and self.started.layers in PROBES

    @property
    def strength(self) -> StrengthTried | None:
        """The strength of the lowest cross-validated loss so far; it is the one that is kept."""
        return min(self.strengths, key=lambda one: one.loss, default=None)

    @property
    def share(self) -> float:
        """Part of the training that is done, 0 to 1."""
        if self.started is None:
            return 0.0
        if self.is_probe and self.strengths and not self.history:
            last = self.strengths[-1]
            return min(1.0, last.done / max(1, last.total))
        done = len(self.history) * self.started.steps
        if self.step is not None and self.step.epoch > len(self.history):
            done += self.step.step
        return min(1.0, done / max(1, self.started.epochs * self.started.steps))

    @property
    def eta_s(self) -> float | None:
        """Seconds left; None when there is nothing to tell it from.

        From the median of the latest epochs, once there are some that stand for those to come: an
        epoch that makes a version of the pictures costs more than one that reads it. Before that,
        what was expected at the start less the time since, and when that is over, any epochs.
        """
        if self.over or self.gate is not None:
            return None
        making = self.engine.views if self.engine and self.engine.cache == "kept" else 0
        guesses = (self._measured_s(making), self._expected_s(), self._measured_s(0))
        return next((one for one in guesses if one is not None), None)

    def _expected_s(self) -> float | None:
        """Seconds left as expected at the start; None once that time is over."""
        if self.engine is None or self.engine.expected_seconds is None or self.engine_from is None:
            return None
        left = self.engine.expected_seconds - (self.elapsed_s - self.engine_from)
        return left if left > 0 else None

    def _measured_s(self, skipped: int) -> float | None:
        """Seconds left as measured on the epochs after the first ``skipped``."""
        if self.started is None or not self.epoch_seconds[skipped:]:
            return None
        recent = sorted(self.epoch_seconds[skipped:][-5:])
        per_epoch = recent[(len(recent) - 1) // 2]
        return max(0.0, per_epoch * self.started.epochs * (1.0 - self.share))


def fold(view: RunView, entries: Iterable[Entry]) -> RunView:
    """Return ``view`` with further entries taken in, in order."""
    for entry in entries:
        if entry.seq > view.cursor:
            view = _clocked(view, entry)
            view = replace(_taken(view, entry), cursor=entry.seq)
    return view


def _clocked(view: RunView, entry: Entry) -> RunView:
    idle = (
        view.paused
        or view.gate is not None
        or view.last_at is None
        or isinstance(entry.event, Began)
    )
    passed = 0.0 if idle or view.last_at is None else max(0.0, entry.at - view.last_at)
    return replace(view, elapsed_s=view.elapsed_s + passed, last_at=entry.at)


def _taken(view: RunView, entry: Entry) -> RunView:
    match entry.event:
        case Began():
            return replace(
                view,
                step=None,
                epoch_from=None,
                engine_from=None,
                strengths=(),
                paused=False,
                gate=None,
            )
        case EngineChosen() as event:
            return replace(view, engine=event, engine_from=view.elapsed_s)
        case StrengthTried() as event:
            return replace(view, strengths=(*view.strengths, event), stage=None)
        case RunStarted() as event:
            return replace(view, started=event, stage=None, epoch_from=view.elapsed_s)
        case RunResumed() as event:
            return _resumed(view, event)
        case Progress() as event:
            return replace(view, stage=event)
        case StepDone() as event:
            begun = view.elapsed_s if view.epoch_from is None else view.epoch_from
            return replace(view, step=event, stage=None, epoch_from=begun)
        case EpochDone() as event:
            return _epoch(view, event)
        case LayersChanged(epoch=1) if view.history:  # begun anew: there was no checkpoint
            return replace(
                view,
                history=(),
                epoch_seconds=(),
                findings=(),
                best_epoch=None,
                restarts=view.restarts + 1,
            )
        case CheckpointSaved() as event:
            return replace(view, best_epoch=event.best_epoch)
        case Paused():
            return replace(view, paused=True)
        case Continued():
            return replace(view, paused=False)
        case GateOpened() as event:
            return replace(view, gate=event if event.asks else None, stage=None)
        case GateClosed():
            return replace(view, gate=None, epoch_from=view.elapsed_s)
        case Warned() as event:
            return replace(view, warnings=(*view.warnings, event))
        case FindingRaised() as event:
            return replace(view, findings=(*view.findings, event))
        case RunFinished() as event:
            return replace(
                view,
                finished=event,
                best_epoch=event.best_epoch,
                stage=None,
                paused=False,
                gate=None,
            )
        case RunFailed() as event:
            return replace(view, failed=event, stage=None, paused=False, gate=None)
        case _:
            return view


def _epoch(view: RunView, event: EpochDone) -> RunView:
    begun = view.epoch_from if view.epoch_from is not None else view.elapsed_s
    return replace(
        view,
        history=(*view.history, event),
        epoch_seconds=(*view.epoch_seconds, view.elapsed_s - begun),
        epoch_from=view.elapsed_s,
        best_epoch=event.epoch if event.is_best else view.best_epoch,
        stage=None,
    )


def _resumed(view: RunView, event: RunResumed) -> RunView:
    best = [row.epoch for row in event.history if row.is_best]
    return replace(
        view,
        history=tuple(event.history),
        epoch_seconds=view.epoch_seconds[: event.epoch],
        findings=tuple(one for one in view.findings if one.epoch <= event.epoch),
        best_epoch=best[-1] if best else None,
        step=None,
        restarts=view.restarts + 1,
    )
