"""The trainer: a generator of events that can be paused, stopped, and taken up again exactly.

``fit`` owns the order of things and nothing else: passes over pictures are in ``passes``, rates in
``optim``, decisions in ``policies``, the state at an epoch boundary in ``checkpoint``. All
randomness of an epoch is a function of the seed and the epoch, so an epoch can be repeated (after
memory ran out) or continued from (after an interruption) and gives the same numbers on the CPU.
See docs/decisions/0004-generator-trainer.md.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from tl_core.cache.shelf import Shelf
from tl_core.errors import DivergedError
from tl_core.events import (
    CheckpointSaved,
    Continued,
    Event,
    FinishReason,
    LayersChanged,
    Paused,
    RunResumed,
    StepDone,
)
from tl_core.models.groups import LayerGroup
from tl_core.models.plan import FreezePlan
from tl_core.train.checkpoint import Checkpoint
from tl_core.train.device import is_out_of_memory
from tl_core.train.engine import Decided
from tl_core.train.heading import start_exactly
from tl_core.train.optim import schedule_factor, set_rates
from tl_core.train.passes import Judged, Stepped, batches
from tl_core.train.policies import stop_reason
from tl_core.train.recipe import Control, Judge, Order, Recipe, TrainData
from tl_core.train.run import Run
from tl_core.train.seed import generator, mix, seed_network

__all__ = ["Checkpoint", "Control", "Recipe", "TrainData", "fit"]

POLL_S = 0.2  # how often a paused run looks whether it may go on


@dataclass(slots=True)
class _Pass:
    """What one pass over the training pictures came to."""

    pictures: int = 0
    loss: float = 0.0  # summed over pictures
    right: int = 0
    lr: float = 0.0
    end: FinishReason | None = None
    complete: bool = False


def fit(
    model: nn.Module,
    groups: Sequence[LayerGroup],
    plan: FreezePlan,
    data: TrainData,
    recipe: Recipe,
    *,
    classes: Sequence[str],
    model_name: str,
    control: Control,
    resume: Checkpoint | None = None,
    save: Callable[[Checkpoint], None] = lambda checkpoint: None,
    judge: Judge = lambda history, val_losses, raised, end: [],
    decided: Decided | None = None,
    shelf: Shelf | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Event]:
    """Train and yield what happens, from RunStarted to exactly one RunFinished.

    ``model`` is moved to the device, frozen by ``plan`` and trained in place. When RunFinished is
    yielded it holds the weights of the best epoch (lowest validation loss) in evaluation mode. A
    stop during the first epoch still judges what there is; later it drops the unfinished epoch.

    Args:
        model: Classifier with ``len(classes)`` outputs; input (B, 3, S, S) float32, normalised.
        groups: Its layer groups, stem -> head.
        plan: Which of them train.
        data: Pictures and labels; at least two training and one validation picture.
        recipe: Settings.
        classes: Class names, aligned with the labels.
        model_name: For RunStarted.
        control: Asked after every step.
        resume: Go on after this checkpoint instead of starting.
        save: Called with the state after every epoch; CheckpointSaved follows once it returns.
        judge: Asked for findings after every epoch, and with its reason at the end.
        decided: How it is computed, from ``plan_engine``; None = float32, kept in memory.
        shelf: Where what frozen blocks give is kept for other runs.
        progress: Told (done, all) while the head is fitted before fine-tuning begins.

    Raises:
        DivergedError: The loss stopped being a number before any epoch was done.
        DeviceMemoryError: The smallest batch does not fit.
        CheckpointError: ``resume`` is from other settings, data or frozen weights.
        FrozenDriftError: A frozen group changed (a bug).
    """
    if resume is None and recipe.head_start == "exact":
        start_exactly(
            model,
            groups,
            plan,
            data,
            recipe,
            n_classes=len(classes),
            decided=decided,
            shelf=shelf,
            progress=progress,
        )
    run = Run(model, groups, plan, data, recipe, judge=judge, decided=decided, shelf=shelf)
    if resume is not None:
        run.restore(resume)  # first: the batch may have been halved before
    yield run.started(classes, model_name)
    if resume is not None:
        yield RunResumed(epoch=resume.epoch, history=list(resume.history))
    else:
        yield LayersChanged(epoch=1, trainable=list(plan.trainable_names(groups)))
    end = stop_reason(run.history, epochs=recipe.epochs, patience=recipe.patience)
    while end is None:
        end = yield from _epoch(run, control, save)
    if not run.history:
        raise DivergedError(
            "The loss stopped being a number in the first epoch.",
            hint="Lower the learning rate, ten times for a start.",
        )
    run.load_best()
    run.check_frozen()
    yield run.finished(end)


def _epoch(
    run: Run, control: Control, save: Callable[[Checkpoint], None]
) -> Generator[Event, None, FinishReason | None]:
    """Train one epoch, judge it and save it; returns why the run ends, or None."""
    taught, scores = yield from _taught(run, control)
    end = taught.end
    if scores is None:  # diverged, or stopped inside a later epoch: what was kept before stands
        yield from run.new_findings(end)
        return end
    yield run.add(
        *scores,
        train_loss=taught.loss / taught.pictures,
        train_acc=taught.right / taught.pictures,
        lr=taught.lr,
    )
    end = end or stop_reason(run.history, epochs=run.recipe.epochs, patience=run.recipe.patience)
    yield from run.new_findings(end)
    checkpoint = run.keep()
    if taught.complete:  # a part of an epoch cannot be gone on from exactly
        save(checkpoint)
        yield CheckpointSaved(epoch=checkpoint.epoch, best_epoch=checkpoint.best_epoch)
    return end


def _taught(
    run: Run, control: Control
) -> Generator[Event, None, tuple[_Pass, tuple[Judged, Judged] | None]]:
    """One epoch's training and scores, repeated with half the batch while memory runs out."""
    while True:
        try:
            taught = yield from _train(run, control)
            if taught.end == "diverged" or (not taught.complete and run.history):
                return taught, None
            fit, val = run.score()
            if np.isfinite(val.losses).all():
                return taught, (fit, val)
            taught.end = "diverged"
            return taught, None
        except RuntimeError as err:
            if not is_out_of_memory(err):
                raise
        # outside the handler: what the failed step held is free again
        yield run.halve_batch()


def _train(run: Run, control: Control) -> Generator[Event, None, _Pass]:
    """One pass over the training pictures, in this epoch's order and with its augmentation.

    A step's loss is read when the next one is under way, so that no step waits for the host.
    """
    epoch, seed = len(run.history) + 1, run.recipe.seed
    order = np.random.default_rng(mix(seed, epoch, "order")).permutation(len(run.data.train_y))
    seed_network(seed, epoch)
    run.passes.training()
    parts = batches(order, run.batch_size)
    done = _Pass()
    waiting: tuple[int, Stepped] | None = None
    inputs = run.passes.engine.training(epoch, parts)
    try:
        for step, given in enumerate(inputs):
            progress = (epoch - 1 + step / len(parts)) / run.recipe.epochs
            done.lr = set_rates(run.optimizer, schedule_factor(run.recipe.schedule, progress))
            target = run.targets[torch.from_numpy(parts[step]).to(run.device)]
            gen = generator(seed, epoch, "features", step)
            stepped = run.passes.step(given, target, run.optimizer, gen)
            if waiting is not None and _entered(done, *waiting, parts):
                yield _told(done, waiting, parts, epoch)
            waiting = step, stepped
            if done.end is None and (yield from _ordered(control, epoch)) == "stop":
                done.end = "stopped"
            if done.end is not None:
                break
        if waiting is not None and done.end != "diverged" and _entered(done, *waiting, parts):
            yield _told(done, waiting, parts, epoch)
    finally:
        inputs.close()  # a view that was not finished is not kept
    done.complete = done.end != "diverged" and waiting is not None and waiting[0] + 1 == len(parts)
    return done


def _entered(done: _Pass, step: int, stepped: Stepped, parts: Sequence[np.ndarray]) -> bool:
    """Enter a step's outcome; a loss that is no number ends the pass and is not told."""
    loss, n = float(stepped.loss), len(parts[step])
    if not math.isfinite(loss):
        done.end = "diverged"
        return False
    done.pictures += n
    done.loss += loss * n
    done.right += int(stepped.right)
    return True


def _told(
    done: _Pass, waiting: tuple[int, Stepped], parts: Sequence[np.ndarray], epoch: int
) -> StepDone:
    step, stepped = waiting
    return StepDone(
        epoch=epoch, step=step + 1, steps=len(parts), loss=float(stepped.loss), lr=done.lr
    )


def _ordered(control: Control, epoch: int) -> Generator[Event, None, Order]:
    """Do as the control says: wait out a pause; returns "go" or "stop"."""
    order = control.poll()
    if order != "pause":
        return order
    yield Paused(epoch=epoch)
    while order == "pause":
        time.sleep(POLL_S)
        order = control.poll()
    if order == "go":
        yield Continued(epoch=epoch)
    return order
