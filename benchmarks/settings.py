"""What both sides of a comparison share: the network, its settings, the folds. No torch.

The plain loop takes Thaw's own resolved defaults, so that neither side has a better rate or batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tl_core.config import RunSpec, changed
from tl_core.models.catalog import card as card_of
from tl_core.train.defaults import resolved

__all__ = ["MODEL", "SIZE_PX", "half", "held_out", "layers_of", "spec_for"]

MODEL = "resnet10t.tiny_imagenet"  # the embedded backbone
SIZE_PX = 128  # the picture size it was trained at


def half(model: str = MODEL) -> str:
    """The choice of layers that trains the later half of the backbone's blocks."""
    return f"last:{(len(card_of(model).groups) - 1) // 2}"


def layers_of(words: str, model: str = MODEL) -> str:
    """A choice of layers as Thaw writes it; ``half`` is allowed too."""
    return half(model) if words == "half" else words


def spec_for(*, n_train: int, n_classes: int, **settings: Any) -> RunSpec:
    """All settings of a run, as Thaw resolves them.

    Args:
        n_train: Training pictures.
        n_classes: Classes.
        settings: Dotted RunSpec fields with two underscores for the dot (``train__epochs=5``);
            None leaves a field to Thaw.
    """
    given = {name.replace("__", "."): value for name, value in settings.items()}
    asked = changed(RunSpec(), {name: value for name, value in given.items() if value is not None})
    card = card_of(asked.model.name)
    return resolved(asked, card=card, n_train=n_train, n_classes=n_classes)


def held_out(labels: np.ndarray, *, folds: int, fold: int) -> np.ndarray:
    """Positions of one fold's held-out pictures; every class is divided evenly.

    Args:
        labels: int (N,), class positions.
        folds: At least 2.
        fold: 0..folds-1; the folds do not overlap and are together everything.

    Returns:
        Sorted positions, int64.
    """
    chosen = [np.flatnonzero(labels == label)[fold::folds] for label in np.unique(labels)]
    return np.sort(np.concatenate(chosen)).astype(np.int64)
