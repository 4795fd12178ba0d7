"""How much a control does: settings tried from scratch, pictures, folds. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from tl_core.models.catalog import valid_image_size
from tl_core.models.facts import ModelCard

__all__ = ["FOLDS", "PICTURES", "REPEATS", "Budget", "control_px", "planned_epochs"]

FOLDS, REPEATS = 5, 2  # ten paired differences, the fewest worth an interval
PICTURES = 400  # that take part; more would take hours from scratch on a small machine
SIDE_PX = 64  # of the pictures on both sides: a quarter of the time of 128
INNER = 4  # folds of the training part on one of which settings are tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Settings tried from scratch: every rate with the fewest epochs, the best with the others."""

    rates: tuple[float, ...] = (1e-3, 3e-3, 3e-4)
    epochs: tuple[int, ...] = (15, 45)


def control_px(card: ModelCard) -> int:
    """Side of the pictures both sides look at, one that the network can take."""
    return valid_image_size(card, min(card.input_px, SIDE_PX))


def planned_epochs(budget: Budget) -> float:
    """Epochs on one fold's training part that a control may take, the longest choice assumed."""
    tuning = len(budget.rates) * budget.epochs[0] + sum(budget.epochs[1:])
    longest = max(budget.epochs)
    return ceil(tuning * (INNER - 1) / INNER) + FOLDS * REPEATS * longest + FOLDS * longest
