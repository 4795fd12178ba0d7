"""A run whose head is solved instead of trained: the exact head and the deep probe.

It tells the same story as a training run, in one epoch: what is computed, which strengths were
tried, and how the result judges the validation pictures, which took no part in it. There is nothing
to resume: it is done in seconds and begins again. Imports torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from tl_core.cache.numerics import Numerics
from tl_core.cache.shelf import Shelf
from tl_core.config import RunSpec
from tl_core.errors import ModelError
from tl_core.events import EngineChosen, EpochDone, RunFinished, RunStarted, StrengthTried
from tl_core.intervals import wilson
from tl_core.jobs.costing import network_name
from tl_core.jobs.work import Context
from tl_core.models.facts import ModelCard
from tl_core.models.groups import LayerGroup
from tl_core.models.plan import FreezePlan
from tl_core.probe.deep import fit_deep_probe
from tl_core.probe.exact import fit_exact_head, start_head
from tl_core.probe.features import BlockFeatures
from tl_core.probe.path import Report
from tl_core.train.device import choose_device, device_title
from tl_core.train.engine import clean_views
from tl_core.train.forecast import LOOKS, Cost, probe_seconds
from tl_core.train.heading import all_features
from tl_core.train.measuring import plan_engine
from tl_core.train.recipe import TrainData, recipe_for

__all__ = ["Probed", "probe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scores:
    """Mean loss in nats, accuracy and count of some pictures."""

    loss: float
    accuracy: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Probed:
    """A solved classifier, and how it does on kept features."""

    classifier: nn.Module
    fit: _Scores
    val: _Scores


def probe(
    context: Context,
    spec: RunSpec,
    facts: ModelCard,
    classes: Sequence[str],
    model: nn.Module,
    groups: Sequence[LayerGroup],
    data: TrainData,
) -> tuple[Probed, RunFinished]:
    """Solve the head, telling every step; the last event is returned, not emitted.

    Returns:
        The classifier (``model`` with its exact head, or a deep probe around it), and the result.

    Raises:
        ModelError: The network cannot be divided before its head.
    """
    device = choose_device("auto")
    context.emit(_started(spec, facts, classes, model, groups, data, device))
    solve = _exact if spec.freeze.layers == "exact-head" else _deep
    found = solve(context, spec, facts, classes, model, groups, data)
    fit, val = found.fit, found.val
    context.emit(
        EpochDone(
            epoch=1,
            train_loss=fit.loss,
            train_acc=fit.accuracy,
            fit_acc=fit.accuracy,
            val_loss=val.loss,
            val_acc=val.accuracy,
            n_fit=fit.n,
            n_val=val.n,
            lr=0.0,
            is_best=True,
        )
    )
    return found, RunFinished(
        reason="completed",
        epochs=1,
        best_epoch=1,
        val_accuracy=val.accuracy,
        val_accuracy_ci=list(wilson(round(val.accuracy * val.n), val.n)),
    )


def _exact(
    context: Context,
    spec: RunSpec,
    facts: ModelCard,
    classes: Sequence[str],
    model: nn.Module,
    groups: Sequence[LayerGroup],
    data: TrainData,
) -> Probed:
    numerics, shelf = _numerics(context, spec, facts, model, groups, data), Shelf(context.home)
    recipe = recipe_for(spec, mean=facts.mean, std=facts.std)
    found = clean_views(model, groups, data, recipe, numerics=numerics, shelf=shelf)
    if found is None:
        raise ModelError(
            f"{facts.title} cannot be divided before its head.",
            hint="Choose Head only, which trains it step by step.",
        )
    context.progress("Looking at the pictures")(0, 0)
    train, val = (
        all_features(views, len(labels))
        for views, labels in zip(found, (data.train_y, data.val_y), strict=True)
    )
    head = fit_exact_head(
        train,
        torch.from_numpy(data.train_y),
        len(classes),
        seed=spec.train.seed,
        report=_teller(context),
    )
    start_head(model, groups, head)
    fit_rows = torch.from_numpy(data.fit_index).to(train.device)
    fit = _scores(head.logits(train[fit_rows]), data.train_y[data.fit_index])
    return Probed(classifier=model, fit=fit, val=_scores(head.logits(val), data.val_y))


def _deep(
    context: Context,
    spec: RunSpec,
    facts: ModelCard,
    classes: Sequence[str],
    model: nn.Module,
    groups: Sequence[LayerGroup],
    data: TrainData,
) -> Probed:
    train_x: Any = data.train_x  # rows of a store can be read like an array
    val_x: Any = data.val_x
    shelf, n = Shelf(context.home), len(data.train_y) + len(data.val_y)
    looked = BlockFeatures(
        model,
        groups,
        image_size=int(data.train_x.shape[-1]),
        mean=facts.mean,
        std=facts.std,
        n_pictures=n,
        device=choose_device("auto"),
        name=network_name(spec),
        home=context.home,
        shelf=shelf,
        facts={"fit": data.resize},
    )
    numerics, bytes_each = looked.numerics(train_x), 2 * looked.taps.width
    chosen = EngineChosen(
        precision=numerics.precision,
        train_precision=numerics.train_precision,
        memory_format=numerics.memory_format,
        threads=numerics.threads or torch.get_num_threads(),
        batch_size=len(data.train_y),
        views=LOOKS,
        cache="kept",
        cache_mb=n * bytes_each / 1e6,
        cut=groups[-1].name,
        prefix_ms=looked.seconds * 1e3,
        suffix_ms=0.0,
        expected_seconds=None,
    )
    shelf.tidy(coming_bytes=n * bytes_each)
    cost = Cost(prefix=looked.seconds, suffix=0.0, suffix_forward=0.0)
    context.emit(_told(chosen, cost, data, deep=True))
    train = looked.of(train_x, data.keys("train"), context.progress("Looking at the pictures"))
    val = looked.of(val_x, data.keys("val"), context.progress("Looking at the validation pictures"))
    deep, choice = fit_deep_probe(
        looked,
        train,
        torch.from_numpy(data.train_y),
        n_classes=len(classes),
        seed=spec.train.seed,
        report=_teller(context),
    )
    fit = choice.logits[torch.from_numpy(data.fit_index).to(choice.logits.device)]
    return Probed(
        classifier=deep,
        fit=_scores(fit, data.train_y[data.fit_index]),
        val=_scores(deep.head(val.float()), data.val_y),
    )


def _teller(context: Context) -> Report:
    def tell(strength: float, loss: float, accuracy: float, done: int, total: int) -> None:
        context.emit(
            StrengthTried(strength=strength, loss=loss, accuracy=accuracy, done=done, total=total)
        )

    return tell


def _scores(logits: torch.Tensor, labels: np.ndarray) -> _Scores:
    target = torch.from_numpy(labels).to(logits.device)
    loss = torch.nn.functional.cross_entropy(logits.float(), target)
    right = (logits.argmax(1) == target).float().mean()
    return _Scores(loss=float(loss), accuracy=float(right), n=len(labels))


def _numerics(
    context: Context,
    spec: RunSpec,
    facts: ModelCard,
    model: nn.Module,
    groups: Sequence[LayerGroup],
    data: TrainData,
) -> Numerics:
    """Measure how to compute the frozen network, and say so."""
    decided, chosen, _ = plan_engine(
        model,
        groups,
        FreezePlan.from_layers("head", len(groups)),
        data,
        recipe_for(spec, mean=facts.mean, std=facts.std),
        home=context.home,
        name=network_name(spec),
        trains=False,
    )
    context.emit(_told(chosen, decided.cost, data, deep=False))
    return decided.numerics


def _told(chosen: EngineChosen, cost: Cost, data: TrainData, *, deep: bool) -> EngineChosen:
    expected = probe_seconds(
        cost, n_train=len(data.train_y), n_val=len(data.val_y), n_test=data.n_test, deep=deep
    )
    return replace(chosen, views=LOOKS if deep else 1, expected_seconds=expected)


def _started(
    spec: RunSpec,
    facts: ModelCard,
    classes: Sequence[str],
    model: nn.Module,
    groups: Sequence[LayerGroup],
    data: TrainData,
    device: torch.device,
) -> RunStarted:
    parameters = sum(p.numel() for p in model.parameters())
    return RunStarted(
        model=facts.title,
        layers=spec.freeze.layers,
        epochs=1,
        steps=1,
        n_train=len(data.train_y),
        n_val=len(data.val_y),
        n_test=data.n_test,
        classes=list(classes),
        trainable=groups[-1].parameters,
        parameters=parameters,
        lr=0.0,
        batch_size=len(data.train_y),
        image_size=int(data.train_x.shape[-1]),
        device=device_title(device),
        majority=data.majority,
    )
