"""A training run from its stored settings to its reports. Imports torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from tl_core.config import RunSpec
from tl_core.data.pixels import Pixels, open_pixels
from tl_core.diagnose.rules import Coach
from tl_core.errors import TLError, TrainError
from tl_core.evaluate.predict import probabilities
from tl_core.evaluate.report import build_report
from tl_core.events import RunFinished, Warned
from tl_core.jobs import estimate
from tl_core.jobs.library import ImageRow
from tl_core.jobs.loading import WEIGHTS
from tl_core.jobs.log import EventLog
from tl_core.jobs.submit import Snapshot, read_snapshot
from tl_core.jobs.view import RunView, fold
from tl_core.jobs.work import CHECKPOINT, Context
from tl_core.models.build import build
from tl_core.models.catalog import card
from tl_core.models.facts import ModelCard
from tl_core.models.groups import layer_groups
from tl_core.models.plan import FreezePlan
from tl_core.storage import write_json
from tl_core.train.checkpoint import (
    Checkpoint,
    read_checkpoint,
    write_checkpoint,
    write_tensors,
)
from tl_core.train.device import choose_device
from tl_core.train.loop import fit
from tl_core.train.recipe import TrainData, fit_subset, recipe_for

__all__ = ["train"]


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
    facts = card(spec.model.name)
    model = _network(context, spec, snapshot)
    parts = {split: _pixels(context, spec, snapshot, split) for split in ("train", "val", "test")}
    finished = _fit(context, spec, facts, snapshot, model, parts)
    _save_weights(model, folder / WEIGHTS)
    finished = _judged(context, spec, facts, snapshot, model, parts, finished)
    context.emit(finished)
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


def _network(context: Context, spec: RunSpec, snapshot: Snapshot) -> nn.Module:
    weights = "random" if spec.freeze.layers == "scratch" else spec.model.weights
    path = context.home.local_blob(spec.model.weights_file) if weights == "file" else None
    return build(
        spec.model.name,
        n_classes=len(snapshot.classes),
        weights=weights,
        weights_path=path,
        dropout=spec.train.dropout,
        seed=spec.train.seed,
        image_size=spec.train.image_size,
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
        report=context.progress(f"Preparing the {_SPLIT_WORDS[split]} pictures"),
    )


_SPLIT_WORDS = {"train": "training", "val": "validation", "test": "test"}


def _labels(snapshot: Snapshot, rows: Sequence[ImageRow]) -> np.ndarray:
    return np.asarray(snapshot.labels(rows), dtype=np.int64)


def _fit(
    context: Context,
    spec: RunSpec,
    facts: ModelCard,
    snapshot: Snapshot,
    model: nn.Module,
    parts: dict[str, Pixels],
) -> RunFinished:
    """Train and emit every event but the last, which is returned."""
    groups = layer_groups(model)
    plan = FreezePlan.from_layers(spec.freeze.layers, len(groups))
    train_y = _labels(snapshot, snapshot.part("train"))
    data = TrainData(
        train_x=parts["train"].images,
        train_y=train_y,
        val_x=parts["val"].images,
        val_y=_labels(snapshot, snapshot.part("val")),
        fit_index=fit_subset(train_y, seed=spec.train.seed),
        n_test=len(snapshot.part("test")),
    )
    path = context.home.run_dir(context.row.id) / CHECKPOINT
    for event in fit(
        model,
        groups,
        plan,
        data,
        recipe_for(spec, mean=facts.mean, std=facts.std),
        classes=snapshot.classes,
        model_name=facts.title,
        control=context.orders,
        resume=read_checkpoint(path) if path.is_file() else None,
        save=lambda checkpoint: _keep(path, checkpoint),
        judge=Coach(spec, n_classes=len(snapshot.classes), val_labels=data.val_y),
    ):
        if isinstance(event, RunFinished):
            return event
        context.emit(event)
    raise TrainError("Training ended without a result.", hint="Start the run again.")


def _keep(path: Path, checkpoint: Checkpoint) -> None:
    write_checkpoint(path, checkpoint)


def _save_weights(model: nn.Module, path: Path) -> None:
    state = {
        name: value.detach().to("cpu").contiguous().clone()
        for name, value in model.state_dict().items()
    }
    write_tensors(path, state)


def _judged(
    context: Context,
    spec: RunSpec,
    facts: ModelCard,
    snapshot: Snapshot,
    model: nn.Module,
    parts: dict[str, Pixels],
    finished: RunFinished,
) -> RunFinished:
    """Write the reports; the test pictures are looked at here for the first time."""
    counts = Counter(row.label for row in snapshot.part("train"))
    for split in ("val", "test"):
        rows = snapshot.part(split)
        if not rows:
            continue
        answers = probabilities(
            model,
            parts[split].images,
            mean=facts.mean,
            std=facts.std,
            device=choose_device("auto"),
            report=context.progress(
                f"Judging the {_SPLIT_WORDS[split]} pictures", cancellable=False
            ),
        )
        report = build_report(
            _labels(snapshot, rows),
            answers,
            classes=snapshot.classes,
            image_ids=[str(row.id) for row in rows],
            split=split,
            train_counts=counts,
        )
        folder = context.home.run_dir(context.row.id)
        write_json(folder / f"report-{split}.json", report)
        if split == "test":
            finished = replace(
                finished,
                test_accuracy=report["accuracy"]["value"],
                test_accuracy_ci=list(report["accuracy"]["ci"]),
            )
    return finished


def _learn_time(context: Context, spec: RunSpec, facts: ModelCard, snapshot: Snapshot) -> None:
    """Compare the told time with the real one, so that the next estimate is better."""
    described = estimate.described(context.home, facts)
    log = EventLog(context.engine)
    view = fold(RunView(run_id=context.row.id), log.all_after(context.row.id))
    if view.restarts or view.finished is None or view.finished.reason != "completed":
        return
    told = estimate.expected(
        context.home,
        spec,
        described,
        n_train=len(snapshot.part("train")),
        n_val=len(snapshot.part("val")),
        n_classes=len(snapshot.classes),
    )
    estimate.learn_from(context.home, told.seconds, view.elapsed_s + estimate.START_S)
