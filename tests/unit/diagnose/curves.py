"""Rows of a history, made by hand."""

from __future__ import annotations

from typing import Any

from tl_core.events import EpochDone


def row(epoch: int, **values: Any) -> EpochDone:
    plain: dict[str, Any] = {
        "train_loss": 0.5,
        "train_acc": 0.8,
        "fit_acc": 0.8,
        "val_loss": 0.5,
        "val_acc": 0.8,
        "n_fit": 200,
        "n_val": 100,
        "lr": 0.01,
        "is_best": False,
    }
    return EpochDone(epoch=epoch, **{**plain, **values})
