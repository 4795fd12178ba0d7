"""Ready-made events for the tests of the jobs package."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tl_core.events import (
    EngineChosen,
    EpochDone,
    FindingRaised,
    Remedy,
    RunFinished,
    RunStarted,
)


def started(epochs: int = 4, steps: int = 5) -> RunStarted:
    return RunStarted(
        model="tiny",
        layers="head",
        epochs=epochs,
        steps=steps,
        n_train=40,
        n_val=10,
        n_test=10,
        classes=["a", "b"],
        trainable=10,
        parameters=100,
        lr=0.01,
        batch_size=8,
        image_size=32,
        device="cpu",
        majority=0.5,
    )


def epoch(number: int, *, best: bool = True, val_loss: float = 0.5) -> EpochDone:
    return EpochDone(
        epoch=number,
        train_loss=0.6,
        train_acc=0.7,
        fit_acc=0.75,
        val_loss=val_loss,
        val_acc=0.7,
        n_fit=40,
        n_val=10,
        lr=0.01,
        is_best=best,
    )


def finding(after: int) -> FindingRaised:
    return FindingRaised(
        verdict="overfit",
        since_epoch=1,
        epoch=after,
        severity="warning",
        sentence="It learns the training pictures by heart.",
        evidence="z = 3.4",
        remedies=[Remedy(label="Lower the rate", changes={"train.lr": 0.001})],
    )


def finished(epochs: int = 4) -> RunFinished:
    return RunFinished(
        reason="completed",
        epochs=epochs,
        best_epoch=2,
        val_accuracy=0.7,
        val_accuracy_ci=[0.4, 0.9],
        findings=[finding(3)],
    )


def engine_chosen(**changes: Any) -> EngineChosen:
    """Two versions kept in half precision, four seconds expected."""
    usual = EngineChosen(
        precision="bfloat16",
        train_precision="float32",
        memory_format="channels_last",
        threads=2,
        batch_size=16,
        views=2,
        cache="kept",
        cache_mb=3.5,
        cut="head",
        prefix_ms=1.0,
        suffix_ms=0.1,
        expected_seconds=4.0,
    )
    return replace(usual, **changes)
