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
    StagesPlanned,
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
    plan: StagesPlanned | None = None  # of a run in stages
    gate: GateOpened | None = None  # the question that the run waits with
    declined: bool = False  # at a gate it was decided that no further block is opened
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
        if self.plan is None:
            return self._stage_share
        if self.declined:
            return 1.0
        told = [one for one in self.plan.expected_seconds if one is not None]
        weights: list[float] = [*self.plan.epochs]
        if len(told) == len(weights) and sum(told) > 0:  # a head's epoch is over in no time
            weights = told
        at, part = self.stage_at, 1.0 if self.gate else self._stage_share
        return min(1.0, (sum(weights[:at]) + part * weights[at]) / max(1e-9, sum(weights)))

    @property
    def stage_at(self) -> int:
        """Number of the stage at work; 0 in the first, and in a run without stages."""
        if self.plan is None or self.started is None:
            return 0
        known = self.started.layers in self.plan.layers
        return self.plan.layers.index(self.started.layers) if known else 0

    @property
    def may_end_sooner(self) -> bool:
        """Whether it is not decided yet that all stages run."""
        plan = self.plan
        if plan is None or plan.stages == "gradual" or self.declined:
            return False
        return self.stage_at + 1 < len(plan.layers)

    @property
    def _begun(self) -> int:
        """Epochs done before the stage at work."""
        if self.plan is None or self.started is None:
            return 0
        return max(0, self.started.epochs - self.plan.epochs[self.stage_at])

    @property
    def _stage_share(self) -> float:
        """Part of the stage at work that is done, 0 to 1; of the training where there is one."""
        assert self.started is not None
        done = (len(self.history) - self._begun) * self.started.steps
        if self.step is not None and self.step.epoch > len(self.history):
            done += self.step.step
        planned = (self.started.epochs - self._begun) * self.started.steps
        return min(1.0, max(0.0, done / max(1, planned)))

    @property
    def eta_s(self) -> float | None:
        """Seconds left, of a run in stages for all that may come; None when there is nothing to
        tell it from.

        From the median of the latest epochs, once there are some that stand for those to come: an
        epoch that makes a version of the pictures costs more than one that reads it. Before that,
        what was expected at the start less the time since, and when that is over, any epochs.
        """
        if self.over or self.gate is not None:
            return None
        making = self.engine.views if self.engine and self.engine.cache == "kept" else 0
        guesses = (self._measured_s(making), self._expected_s(), self._measured_s(0))
        left = next((one for one in guesses if one is not None), None)
        later = self._later_s()
        return None if left is None or later is None else left + later

    def _later_s(self) -> float | None:
        """Seconds that the stages after the one at work may take; None = not known."""
        if self.plan is None or self.declined:
            return 0.0
        told = self.plan.expected_seconds[self.stage_at + 1 :]
        known = [one for one in told if one is not None]
        return sum(known) if len(known) == len(told) else None

    def _expected_s(self) -> float | None:
        """Seconds left of the stage at work as expected at its start; None once that is over."""
        if self.engine is None or self.engine.expected_seconds is None or self.engine_from is None:
            return None
        left = self.engine.expected_seconds - (self.elapsed_s - self.engine_from)
        return left if left > 0 else None

    def _measured_s(self, skipped: int) -> float | None:
        """Seconds left of the stage at work as measured on its epochs after the first ones.

        Args:
            skipped: How many first ones say nothing of the others.
        """
        known = self.epoch_seconds[self._begun + skipped :]
        if self.started is None or not known:
            return None
        recent = sorted(known[-5:])
        per_epoch = recent[(len(recent) - 1) // 2]
        planned = self.started.epochs - self._begun
        return max(0.0, per_epoch * planned * (1.0 - self._stage_share))


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
                declined=False,
            )
        case StagesPlanned() as event:
            return replace(view, plan=event)
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
        case GateClosed() as event:
            declined = not event.opened
            return replace(view, gate=None, declined=declined, epoch_from=view.elapsed_s)
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
