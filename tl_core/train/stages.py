"""Fine-tuning in stages: the head first, then one block more at a time, with a gate between them.

Each stage is a run of ``loop.fit`` from the best weights of the one before, with its own plan and
recipe; epochs are numbered through. Before a further block is opened somebody is asked (``Gate``),
and the run waits. At the end the best epoch of all stages is kept: a block that did not help is
taken back. What a stage begins from is a ``Begun``, which is all that is needed to take the run up
again in that stage.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from tl_core.cache.shelf import Shelf
from tl_core.errors import CheckpointError, DivergedError
from tl_core.events import (
    CheckpointSaved,
    Continued,
    EpochDone,
    Event,
    FindingRaised,
    GateClosed,
    GateOpened,
    LayersChanged,
    Paused,
    RunFinished,
    RunResumed,
    RunStarted,
    StepDone,
    event_from_dict,
    event_to_dict,
)
from tl_core.intervals import wilson
from tl_core.models.freezing import apply_plan, load_trainable_state, trainable_state
from tl_core.models.groups import LayerGroup
from tl_core.models.plan import FreezePlan
from tl_core.train.checkpoint import Checkpoint, write_tensors
from tl_core.train.engine import Decided
from tl_core.train.loop import fit
from tl_core.train.policies import best_epoch, is_best
from tl_core.train.recipe import Control, Judge, Recipe, TrainData

__all__ = ["Begun", "Gate", "Stage", "fit_in_stages", "read_begun", "write_begun"]

KEY, START, LOSSES = "thaw", "start/", "val_losses"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stage:
    """One stage, ready to be trained."""

    plan: FreezePlan
    recipe: Recipe
    decided: Decided | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Begun:
    """What a stage begins from: epochs, losses and findings of the stages before it.

    ``begins`` says how many epochs were done when each of the stages before it began. ``start`` is
    what its plan trains as it was when the stage began, of the best weights so far; empty in the
    first stage. ``val_losses`` is float32 (epochs, n_val) in nats.
    """

    number: int = 0
    begins: tuple[int, ...] = ()
    history: tuple[EpochDone, ...] = ()
    findings: tuple[FindingRaised, ...] = ()
    val_losses: np.ndarray | None = None
    start: Mapping[str, Tensor] | None = None


class Gate(Protocol):
    """Who decides whether a further block is opened."""

    def opened(
        self, number: int, history: Sequence[EpochDone], val_losses: np.ndarray
    ) -> GateOpened | None:
        """What to ask before stage ``number``; None = the run ends here."""

    def answer(self, asked: GateOpened) -> tuple[bool, str]:
        """Wait for it: whether to go on, and who says so ("user" or "policy")."""


def fit_in_stages(
    model: nn.Module,
    groups: Sequence[LayerGroup],
    stages: Callable[[int], Stage],
    n_stages: int,
    data: TrainData,
    *,
    classes: Sequence[str],
    model_name: str,
    control: Control,
    gate: Gate,
    judge: Callable[[int, Sequence[int]], Judge],
    begun: Begun | None = None,
    resume: Checkpoint | None = None,
    begin: Callable[[Begun], None] = lambda begun: None,
    save: Callable[[Checkpoint], None] = lambda checkpoint: None,
    shelf: Shelf | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Event]:
    """Train stage after stage; events as of ``loop.fit``, with gates between the stages.

    RunStarted is said again when a further block opens: layers, epochs (of all stages so far) and
    rates are then others.

    Args:
        model: As for ``fit``.
        groups: Its layer groups.
        stages: The settings of a stage by its number, asked when it begins.
        n_stages: How many there can be.
        data: As for ``fit``.
        classes: As for ``fit``.
        model_name: As for ``fit``.
        control: As for ``fit``.
        gate: Asked before every stage but the first.
        judge: Gives the judge of a stage, from its number and the epochs done when each stage up
            to it began. A judge is given all epochs, numbered through, and told the end of the
            run only.
        begun: The stage that was at work when the run was interrupted; None = the first.
        resume: Its last checkpoint, if there was one.
        begin: Called with what a stage begins from, before it does.
        save: As for ``fit``, of the stage's own epochs.
        shelf: As for ``fit``.
        progress: As for ``fit``.

    Raises:
        TLError: As ``fit``.
    """
    now, taken_up = begun or Begun(), begun is not None
    while True:
        stage = stages(now.number)
        apply_plan(model, groups, stage.plan)
        if now.start is not None:
            load_trainable_state(model, groups, stage.plan, now.start)
        else:
            now = replace(now, start=trainable_state(model, groups, stage.plan))
        begin(now)
        begins = (*now.begins, len(now.history))
        whole = _Whole(now, judge(now.number, begins), len(data.val_y))
        result = yield from _one(
            model,
            groups,
            stage,
            data,
            whole,
            classes,
            model_name,
            control,
            resume,
            save,
            shelf,
            progress,
            again=taken_up and resume is None and now.number > 0,
        )
        resume, taken_up = None, False
        if best_epoch(whole.history) <= len(now.history):  # what was opened did not help
            assert now.start is not None
            load_trainable_state(model, groups, stage.plan, now.start)
            model.eval()
        following = now.number + 1
        if result.reason in ("stopped", "diverged") or following >= n_stages:
            break
        asked = gate.opened(following, whole.history, whole.losses)
        if asked is None:
            break
        yield asked
        goes_on, by = gate.answer(asked)
        yield GateClosed(epoch=len(whole.history), opened=goes_on, by=by)
        if not goes_on:
            if control.poll() == "stop":
                result = replace(result, reason="stopped")
            break
        now = Begun(
            number=following,
            begins=begins,
            history=tuple(whole.history),
            findings=tuple(whole.findings),
            val_losses=whole.losses,
        )
    yield from whole.last_words(result.reason)
    yield whole.finished(result)


class _Whole:
    """All epochs of a run in stages, those of the stage at work among them."""

    def __init__(self, begun: Begun, judge: Judge, n_val: int) -> None:
        self._begun, self._judge = begun, judge
        self.history: list[EpochDone] = list(begun.history)
        self.findings: list[FindingRaised] = list(begun.findings)
        before = begun.val_losses
        self._before = np.zeros((0, n_val), np.float32) if before is None else before
        self.losses: np.ndarray = self._before
        self.offset = len(begun.history)

    def resumed(self, checkpoint: Checkpoint) -> None:
        """Enter what a checkpoint of this stage holds."""
        self.losses = np.vstack([self._before, checkpoint.val_losses])
        for done in checkpoint.history:
            self.add(done)
        self.findings += checkpoint.findings

    def judged(
        self,
        history: Sequence[EpochDone],
        val_losses: np.ndarray,
        raised: Sequence[FindingRaised],
        end: object,
    ) -> list[FindingRaised]:
        """What the judge sees in all epochs; the end of a stage is not the end of the run."""
        self.losses = np.vstack([self._before, val_losses])
        known = [*self._begun.history]
        for done in history:
            known.append(self._numbered(done, known))
        found = self._judge(known, self.losses, self.findings, None)
        self.findings += found
        return found

    def add(self, done: EpochDone) -> EpochDone:
        """Enter an epoch, numbered through."""
        whole = self._numbered(done, self.history)
        self.history.append(whole)
        return whole

    def last_words(self, end: str) -> list[FindingRaised]:
        """What can only be said at the end."""
        found = self._judge(self.history, self.losses, self.findings, end)  # type: ignore[arg-type]
        self.findings += found
        return found

    def broken(self) -> RunFinished:
        """The end of a stage whose loss stopped being a number before any epoch was done."""
        return RunFinished(
            reason="diverged", epochs=0, best_epoch=0, val_accuracy=0.0, val_accuracy_ci=[0.0, 1.0]
        )

    def finished(self, last: RunFinished) -> RunFinished:
        """The result of the best epoch of all stages."""
        best = self.history[best_epoch(self.history) - 1]
        right = round(best.val_acc * best.n_val)
        return replace(
            last,
            epochs=len(self.history),
            best_epoch=best.epoch,
            val_accuracy=best.val_acc,
            val_accuracy_ci=list(wilson(right, best.n_val)),
            findings=list(self.findings),
        )

    def _numbered(self, done: EpochDone, before: Sequence[EpochDone]) -> EpochDone:
        number = self.offset + done.epoch
        return replace(done, epoch=number, is_best=is_best(before, done.val_loss))


def _one(
    model: nn.Module,
    groups: Sequence[LayerGroup],
    stage: Stage,
    data: TrainData,
    whole: _Whole,
    classes: Sequence[str],
    model_name: str,
    control: Control,
    resume: Checkpoint | None,
    save: Callable[[Checkpoint], None],
    shelf: Shelf | None,
    progress: Callable[[int, int], None],
    *,
    again: bool,
) -> Generator[Event, None, RunFinished]:
    """One stage; its end is returned, not said."""
    if resume is not None:
        whole.resumed(resume)
    events = fit(
        model,
        groups,
        stage.plan,
        data,
        stage.recipe,
        classes=classes,
        model_name=model_name,
        control=control,
        resume=resume,
        save=save,
        judge=whole.judged,
        decided=stage.decided,
        shelf=shelf,
        progress=progress,
    )
    try:
        for event in events:
            if isinstance(event, RunFinished):
                return event
            yield _in_the_whole(event, whole)
            if again and isinstance(event, RunStarted):  # readers forget what the stage had done
                yield RunResumed(epoch=whole.offset, history=list(whole.history))
    except DivergedError:
        if not whole.history:  # nothing to fall back on
            raise
        return whole.broken()
    raise AssertionError("fit ends with RunFinished")


def _in_the_whole(event: Event, whole: _Whole) -> Event:
    """An event of a stage with its epochs numbered through."""
    match event:
        case EpochDone():
            return whole.add(event)
        case RunStarted():
            return replace(event, epochs=whole.offset + event.epochs)
        case RunResumed():
            return replace(event, epoch=len(whole.history), history=list(whole.history))
        case CheckpointSaved():
            return replace(event, epoch=len(whole.history), best_epoch=best_epoch(whole.history))
        case StepDone() | LayersChanged() | Paused() | Continued():
            return replace(event, epoch=whole.offset + event.epoch)
        case _:
            return event


# -- on disk ---------------------------------------------------------------------------------------


def write_begun(path: Path, begun: Begun) -> None:
    """Write what a stage begins from, whole or not at all.

    Raises:
        StorageError: The disk is full or not writable.
    """
    tensors = {f"{START}{name}": value for name, value in (begun.start or {}).items()}
    losses = begun.val_losses
    if losses is not None:
        tensors[LOSSES] = torch.from_numpy(np.ascontiguousarray(losses, np.float32))
    facts = {
        "number": begun.number,
        "begins": list(begun.begins),
        "history": [asdict(done) for done in begun.history],
        "findings": [event_to_dict(one) for one in begun.findings],
    }
    write_tensors(path, tensors, {KEY: json.dumps(facts)})


def read_begun(path: Path) -> Begun:
    """Read a file of ``write_begun``; nothing in it is executed.

    Raises:
        CheckpointError: It is missing or damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {})[KEY])
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        found = [event_from_dict(body) for body in facts["findings"]]
        return Begun(
            number=int(facts["number"]),
            # not yet written by early versions; one stage before is a safe guess then
            begins=tuple(int(one) for one in facts.get("begins", [0][: int(facts["number"])])),
            history=tuple(EpochDone(**body) for body in facts["history"]),
            findings=tuple(one for one in found if isinstance(one, FindingRaised)),
            val_losses=tensors[LOSSES].numpy() if LOSSES in tensors else None,
            start={
                name.removeprefix(START): value
                for name, value in tensors.items()
                if name.startswith(START)
            },
        )
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as err:
        raise CheckpointError(
            f"The file {path.name} of this run is damaged.", hint="Start the run again."
        ) from err
