"""A run in stages: head first, then one block more at a time, asking at every gate. Torch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from tl_core.cache.shelf import Shelf
from tl_core.config import RunSpec
from tl_core.errors import CheckpointError
from tl_core.events import EpochDone, Event, GateOpened, StagesPlanned
from tl_core.intervals import paired_mean, wilson
from tl_core.jobs import estimate
from tl_core.jobs.gains import COMPARISON, expected_gain
from tl_core.jobs.submit import Snapshot
from tl_core.jobs.work import Context
from tl_core.models.facts import ModelCard
from tl_core.models.groups import LayerGroup
from tl_core.models.plan import FreezePlan
from tl_core.train.blockrates import rates_of
from tl_core.train.checkpoint import Checkpoint, read_checkpoint
from tl_core.train.engine import Decided
from tl_core.train.policies import best_epoch
from tl_core.train.recipe import Judge, Recipe, TrainData, recipe_digest, recipe_for
from tl_core.train.stages import Begun, Stage, fit_in_stages, read_begun, write_begun
from tl_core.train.ways import stage_spec, stages_of

__all__ = ["staged"]

WAIT_S = 0.3

Decide = Callable[[int, RunSpec, FreezePlan, Recipe], Decided]


def staged(
    context: Context,
    spec: RunSpec,
    facts: ModelCard,
    snapshot: Snapshot,
    model: nn.Module,
    groups: Sequence[LayerGroup],
    data: TrainData,
    *,
    decide: Decide,
    coach: Callable[[RunSpec, Sequence[int]], Judge],
    save: Callable[[Checkpoint], None],
) -> Iterator[Event]:
    """The events of a run in stages, from where it was left.

    Args:
        context: Of the run.
        spec: Resolved; ``freeze.layers`` is where the stages end.
        facts: Of the network.
        snapshot: The pictures.
        model: With the weights that the first stage begins from.
        groups: Its layer groups.
        data: The pictures.
        decide: How a stage is computed: from its number, settings, plan and recipe.
        coach: A judge for a stage, from its settings and the epochs done when each stage up to it
            began.
        save: Keeps a checkpoint.
    """
    way = _Way(context, spec, facts, snapshot, groups)
    begun = read_begun(context.begun) if context.begun.is_file() else None
    stages: dict[int, Stage] = {}

    def stage(number: int) -> Stage:
        if number not in stages:
            own = way.spec(number)
            plan = FreezePlan.from_layers(own.freeze.layers, len(groups))
            recipe = recipe_for(own, mean=facts.mean, std=facts.std)
            decided = decide(number, own, plan, recipe)
            stages[number] = Stage(plan=plan, recipe=recipe, decided=decided)
        return stages[number]

    def judge(number: int, begins: Sequence[int]) -> Judge:
        return coach(way.spec(number), begins)

    def begin(one: Begun) -> None:
        write_begun(context.begun, one)

    yield way.planned()
    resume = _checkpoint(context, stage(begun.number if begun else 0), data)
    yield from fit_in_stages(
        model,
        groups,
        stage,
        len(way.layers),
        data,
        classes=snapshot.classes,
        model_name=facts.title,
        control=context.orders,
        gate=_Asked(context, spec, way),
        judge=judge,
        begun=begun,
        resume=resume,
        begin=begin,
        save=save,
        shelf=Shelf(context.home),
        progress=context.progress("Fitting the head"),
    )


def _checkpoint(context: Context, stage: Stage, data: TrainData) -> Checkpoint | None:
    """The last checkpoint, if it is of this stage: one before may have left its own."""
    if not context.checkpoint.is_file():
        return None
    try:
        found = read_checkpoint(context.checkpoint)
    except CheckpointError:
        return None
    return found if found.recipe_digest == recipe_digest(stage.recipe, data) else None


class _Way:
    """The stages of a run: their layers and settings, and what they cost."""

    def __init__(
        self,
        context: Context,
        spec: RunSpec,
        facts: ModelCard,
        snapshot: Snapshot,
        groups: Sequence[LayerGroup],
    ) -> None:
        self._context, self._spec, self._facts = context, spec, facts
        self._snapshot, self._groups = snapshot, groups
        self.layers = stages_of(spec.freeze.layers, len(groups))

    def spec(self, number: int) -> RunSpec:
        """A stage's settings, every automatic one filled in."""
        return stage_spec(
            self._spec,
            number,
            card=self._facts,
            n_groups=len(self._groups),
            n_train=len(self._snapshot.part("train")),
            n_classes=len(self._snapshot.classes),
        )

    def planned(self) -> StagesPlanned:
        """What may come, for those who read along."""
        numbers = range(len(self.layers))
        return StagesPlanned(
            stages=self._spec.freeze.stages,
            layers=list(self.layers),
            epochs=[self.spec(number).train.epochs or 0 for number in numbers],
            expected_seconds=[self.seconds(number) for number in numbers],
        )

    def block(self, number: int) -> str:
        """What stage ``number`` opens, by name."""
        body = len(self._groups) - 1
        return self._groups[body - number].title

    def rate(self, number: int) -> float:
        """At which the block that stage ``number`` opens learns."""
        own = self.spec(number)
        plan = FreezePlan.from_layers(own.freeze.layers, len(self._groups))
        return rates_of(own.train, plan)[len(self._groups) - 1 - number]

    def seconds(self, number: int) -> float | None:
        """What a stage takes, as far as this machine is known; the process runs already."""
        told = estimate.expected(
            self._context.home,
            self.spec(number),
            estimate.described(self._context.home, self._facts),
            n_train=len(self._snapshot.part("train")),
            n_val=len(self._snapshot.part("val")),
            n_classes=len(self._snapshot.classes),
        )
        return None if told.seconds is None else told.seconds - estimate.START_S


@dataclass(frozen=True, slots=True)
class _Asked:
    """The gate: tells what a stage brought and what the next one costs, and waits or decides."""

    context: Context
    run: RunSpec
    way: _Way

    def opened(
        self, number: int, history: Sequence[EpochDone], val_losses: np.ndarray
    ) -> GateOpened:
        """As ``stages.Gate``."""
        best = history[best_epoch(history) - 1]
        own = self.way.spec(number)
        return GateOpened(
            epoch=len(history),
            stage=number,
            asks=self.run.freeze.stages == "ask",
            layers=self.way.layers[number],
            before=self.way.layers[number - 1],
            block=self.way.block(number),
            lr=own.train.lr or 0.0,
            block_lr=self.way.rate(number),
            epochs=own.train.epochs or 0,
            expected_seconds=self.way.seconds(number),
            val_accuracy=best.val_acc,
            val_accuracy_ci=list(wilson(round(best.val_acc * best.n_val), best.n_val)),
            **self._brought(number, history, val_losses),
        )

    def answer(self, asked: GateOpened) -> tuple[bool, str]:
        """As ``stages.Gate``."""
        policy = self.run.freeze.stages
        if policy == "gradual":
            return True, "policy"
        if policy == "auto":
            return self._worth_it(asked), "policy"
        while True:
            if self.context.orders.cancelled():
                return False, "user"
            answer = self.context.orders.answered(asked.stage)
            if answer is not None:
                return answer, "user"
            time.sleep(WAIT_S)

    def _worth_it(self, asked: GateOpened) -> bool:
        """Whether to go on unasked: it helped last time, or is expected to help."""
        if asked.fell_low is not None:
            return asked.fell_low > 0
        context = self.context
        project = context.library.get(context.row.project_id)
        found = expected_gain(
            context.queue.rows(project_id=project.id, kind=COMPARISON, states=("finished",)),
            before=asked.before,
            after=asked.layers,
            data_version=project.data_version,
            model=self.run.model.name,
            run=context.row.id,
            spec=context.row.spec,
        )
        return found is None or found.value > 0

    def _brought(
        self, number: int, history: Sequence[EpochDone], val_losses: np.ndarray
    ) -> dict[str, float]:
        """What the stage that ended brought over those before it."""
        if number < 2:
            return {}
        last = self._epochs_of(number - 1, history)
        before, after = history[: len(history) - last], history[len(history) - last :]
        if not before or not after:
            return {}
        old, new = best_epoch(before), len(before) + _best_at(after)
        fall = (val_losses[old - 1] - val_losses[new - 1]).astype(np.float64)
        if len(fall) < 2:
            return {}
        mean, low, high = paired_mean(fall.tolist())
        return {
            "gained": history[new - 1].val_acc - history[old - 1].val_acc,
            "fell": mean,
            "fell_low": low,
            "fell_high": high,
        }

    def _epochs_of(self, number: int, history: Sequence[EpochDone]) -> int:
        """How many of the epochs are of stage ``number``, the last one that ran."""
        begun = read_begun(self.context.begun)
        return len(history) - len(begun.history) if begun.number == number else 0


def _best_at(history: Sequence[EpochDone]) -> int:
    """Place (1-based) of the epoch with the lowest validation loss."""
    best = min(history, key=lambda done: (done.val_loss, done.epoch))
    return list(history).index(best) + 1
