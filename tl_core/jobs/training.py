"""A training run from its stored settings to its reports. Imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file
from torch import nn

from tl_core.cache.shelf import Shelf
from tl_core.config import PROBES, RGB, RunSpec, changed
from tl_core.data.pixels import Pixels, open_pixels
from tl_core.diagnose.rules import Coach
from tl_core.diagnose.verdicts import standing
from tl_core.errors import TLError, TrainError
from tl_core.evaluate.report import SPLIT_WORDS
from tl_core.events import EngineChosen, RunFinished, Warned
from tl_core.jobs import continuing, estimate, following
from tl_core.jobs.continuing import WEIGHTS, Origin
from tl_core.jobs.costing import keep_decided, network_name
from tl_core.jobs.judging import judged
from tl_core.jobs.library import ImageRow
from tl_core.jobs.log import EventLog
from tl_core.jobs.probing import probe
from tl_core.jobs.staging import staged
from tl_core.jobs.submit import Snapshot, read_snapshot
from tl_core.jobs.view import RunView, fold
from tl_core.jobs.work import Context
from tl_core.models.build import build
from tl_core.models.catalog import card
from tl_core.models.facts import ModelCard
from tl_core.models.groups import LayerGroup, layer_groups
from tl_core.models.plan import FreezePlan
from tl_core.storage import read_json, write_json
from tl_core.train.checkpoint import (
    read_checkpoint,
    write_checkpoint,
    write_tensors,
)
from tl_core.train.defaults import resolved
from tl_core.train.engine import Decided
from tl_core.train.loop import fit
from tl_core.train.measuring import plan_engine
from tl_core.train.recipe import Recipe, TrainData, fit_subset, recipe_for
from tl_core.train.ways import in_stages

__all__ = ["train", "train_data"]

ENGINE = "engine.json"  # how the run is computed, decided once


def train(context: Context) -> dict[str, Any]:
    """Carry out a training run, from its last checkpoint when there is one.

    Leaves ``model.safetensors`` (best epoch) and ``report-val.json`` / ``report-test.json`` in
    the run's folder.

    Returns:
        Accuracies for the list of runs.

    Raises:
        TLError: For the user; the caller records it.
    """
    folder = context.home.run_dir(context.row.id)
    spec = RunSpec.from_dict(context.row.spec)
    snapshot = read_snapshot(context.home, context.row.id)
    facts = card(spec.model.name).for_channels(spec.model.channels)
    origin = continuing.begin(context.home, context.engine, context.row.id, spec, snapshot)
    model, origin = _begun(context, spec, snapshot, origin)
    parts = {split: _pixels(context, spec, snapshot, split) for split in ("train", "val", "test")}
    if spec.freeze.layers in PROBES:
        data, groups = train_data(spec, snapshot, parts), layer_groups(model)
        found, finished = probe(context, spec, facts, snapshot.classes, model, groups, data)
        model = found.classifier
    else:
        finished = _fit(context, spec, facts, snapshot, model, parts, goes_on=origin.weights)
    _save_weights(model, folder / WEIGHTS)
    finished = judged(context, spec, facts, snapshot, model, parts, finished)
    came = following.follow_up(context.home, context.row.id, spec, origin, finished)
    if came is not None:
        context.emit(came)
        finished = replace(finished, findings=[*finished.findings, came])
    context.emit(replace(finished, findings=standing(finished.findings)))
    continuing.forget_start(context.home, context.row.id)
    with suppress(TLError, OSError, ValueError):  # a better estimate is not worth a finished run
        _learn_time(context, spec, facts, snapshot)
    return {
        "val_accuracy": finished.val_accuracy,
        "val_accuracy_ci": finished.val_accuracy_ci,
        "test_accuracy": finished.test_accuracy,
        "test_accuracy_ci": finished.test_accuracy_ci,
        "best_epoch": finished.best_epoch,
        "epochs": finished.epochs,
        "reason": finished.reason,
    }


def _begun(
    context: Context, spec: RunSpec, snapshot: Snapshot, origin: Origin
) -> tuple[nn.Module, Origin]:
    """The network with its first weights, and where they are from after all."""
    start = continuing.start_weights(context.home, context.row.id)
    if origin.weights and not start.is_file():  # it was over already when its process was killed
        origin = replace(origin, weights=False, why="Its first weights are not here any more.")
    if origin.weights:
        model = _network(context, spec, snapshot, weights="random")  # all are replaced
        state = load_file(start)
        own = model.state_dict()
        if own.keys() == state.keys() and all(own[k].shape == state[k].shape for k in own):
            model.load_state_dict(state)
            return model, origin
        origin = replace(origin, weights=False, why="Its weights do not fit this network.")
        continuing.keep_origin(context.home, context.row.id, origin)
    if origin.why:
        context.emit(
            Warned(
                code="started_anew",
                message="This run could not go on from the earlier one, so it started anew.",
                hint=origin.why,
            )
        )
    weights = "random" if spec.freeze.layers == "scratch" else spec.model.weights
    return _network(context, spec, snapshot, weights=weights), origin


def _network(context: Context, spec: RunSpec, snapshot: Snapshot, *, weights: str) -> nn.Module:
    path = context.home.local_blob(spec.model.weights_file) if weights == "file" else None
    return build(
        spec.model.name,
        n_classes=len(snapshot.classes),
        weights=weights,
        weights_path=path,
        dropout=spec.train.dropout,
        seed=spec.train.seed,
        image_size=spec.train.image_size,
        channels=spec.model.channels or RGB,
        report=context.progress("Downloading the weights", "bytes"),
        notice=lambda sentence: context.emit(Warned(code="weights_partial", message=sentence)),
    )


def _pixels(context: Context, spec: RunSpec, snapshot: Snapshot, split: str) -> Pixels:
    size = spec.train.image_size
    assert size is not None  # resolved when the run was submitted
    return open_pixels(
        context.home,
        [row.digest for row in snapshot.part(split)],
        size_px=size,
        resize=spec.train.resize,
        channels=spec.model.channels or RGB,
        report=context.progress(f"Preparing the {SPLIT_WORDS[split]} pictures"),
    )


def _labels(snapshot: Snapshot, rows: Sequence[ImageRow]) -> np.ndarray:
    return np.asarray(snapshot.labels(rows), dtype=np.int64)


def _fit(
    context: Context,
    spec: RunSpec,
    facts: ModelCard,
    snapshot: Snapshot,
    model: nn.Module,
    parts: dict[str, Pixels],
    *,
    goes_on: bool,
) -> RunFinished:
    """Train and emit every event but the last, which is returned."""
    groups = layer_groups(model)
    data = train_data(spec, snapshot, parts)

    def coach(own: RunSpec, begins: Sequence[int] = (0,)) -> Coach:
        return Coach(
            own,
            n_classes=len(snapshot.classes),
            val_labels=data.val_y,
            usual_lr=_usual_rate(own, facts, snapshot),
            begins=begins,
        )

    shelf = Shelf(context.home)

    def decide(number: int, own: RunSpec, plan: FreezePlan, recipe: Recipe) -> Decided:
        name = f"engine-{number}.json" if number else ENGINE
        return _decided(context, own, model, groups, plan, data, recipe, shelf, name)

    if in_stages(spec, len(groups)):
        events = staged(
            context,
            spec,
            facts,
            snapshot,
            model,
            groups,
            data,
            decide=decide,
            coach=coach,
            save=lambda checkpoint: write_checkpoint(context.checkpoint, checkpoint),
        )
    else:
        plan = FreezePlan.from_layers(spec.freeze.layers, len(groups))
        recipe = recipe_for(spec, mean=facts.mean, std=facts.std)
        if goes_on:
            recipe = replace(recipe, head_start="random")  # the head it has already is to stay
        path = context.checkpoint
        events = fit(
            model,
            groups,
            plan,
            data,
            recipe,
            classes=snapshot.classes,
            model_name=facts.title,
            control=context.orders,
            resume=read_checkpoint(path) if path.is_file() else None,
            save=lambda checkpoint: write_checkpoint(path, checkpoint),
            judge=coach(spec),
            decided=decide(0, spec, plan, recipe),
            shelf=shelf,
            progress=context.progress("Fitting the head"),
        )
    for event in events:
        if isinstance(event, RunFinished):
            return event
        context.emit(event)
    raise TrainError("Training ended without a result.", hint="Start the run again.")


def _usual_rate(spec: RunSpec, facts: ModelCard, snapshot: Snapshot) -> float | None:
    """The rate Thaw would have chosen, which is known to work."""
    free = changed(spec, {"train.lr": None})
    n_train, n_classes = len(snapshot.part("train")), len(snapshot.classes)
    return resolved(free, card=facts, n_train=n_train, n_classes=n_classes).train.lr


def train_data(spec: RunSpec, snapshot: Snapshot, parts: dict[str, Pixels]) -> TrainData:
    """Pictures, labels and contents of a run's training and validation part."""
    train, val = snapshot.part("train"), snapshot.part("val")
    train_y = _labels(snapshot, train)
    return TrainData(
        train_x=parts["train"].images,
        train_y=train_y,
        val_x=parts["val"].images,
        val_y=_labels(snapshot, val),
        fit_index=fit_subset(train_y, seed=spec.train.seed),
        n_test=len(snapshot.part("test")),
        train_keys=tuple(row.digest for row in train),
        val_keys=tuple(row.digest for row in val),
        resize=spec.train.resize,
    )


def _decided(
    context: Context,
    spec: RunSpec,
    model: nn.Module,
    groups: Sequence[LayerGroup],
    plan: FreezePlan,
    data: TrainData,
    recipe: Recipe,
    shelf: Shelf,
    name: str,
) -> Decided:
    """Measure how to compute, or go on as the run was begun; told in either case."""
    path = context.home.run_dir(context.row.id) / name
    if path.is_file():
        body = read_json(path)
        decided, chosen = Decided.from_dict(body["decided"]), EngineChosen(**body["chosen"])
    else:
        decided, chosen, warned = plan_engine(
            model,
            groups,
            plan,
            data,
            recipe,
            home=context.home,
            shelf=shelf,
            name=network_name(spec),
        )
        for one in warned:
            context.emit(one)
        write_json(path, {"decided": decided.to_dict(), "chosen": asdict(chosen)})
        keep_decided(context.home, spec, decided, chosen, len(data.train_y))
    shelf.tidy(coming_bytes=int(chosen.cache_mb * 1e6))
    context.emit(chosen)
    return decided


def _save_weights(model: nn.Module, path: Path) -> None:
    state = {
        name: value.detach().to("cpu").contiguous().clone()
        for name, value in model.state_dict().items()
    }
    write_tensors(path, state)


def _learn_time(context: Context, spec: RunSpec, facts: ModelCard, snapshot: Snapshot) -> None:
    """Compare the told time with the real one, so that the next estimate is better."""
    described = estimate.described(context.home, facts)
    log = EventLog(context.engine)
    view = fold(RunView(run_id=context.row.id), log.all_after(context.row.id))
    if view.restarts or view.finished is None or view.finished.reason != "completed":
        return
    if view.plan and len(view.history) < sum(view.plan.epochs[: view.stage_at + 1]):
        return  # a stage ended early
    told = estimate.expected(
        context.home,
        spec,
        described,
        n_train=len(snapshot.part("train")),
        n_val=len(snapshot.part("val")),
        n_classes=len(snapshot.classes),
        ran=view.stage_at + 1,
    )
    estimate.learn_from(context.home, told.seconds, view.elapsed_s + estimate.START_S)
