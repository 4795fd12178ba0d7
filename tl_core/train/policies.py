"""Decisions taken from the history of a run: which epoch to keep, and whether to go on.

Policies are pure functions of the epochs done so far, so a run taken up again decides as the
interrupted one would have. They return decisions; nothing is raised to steer.

The measure is the validation loss, not the accuracy: with few pictures the accuracy moves in
steps of one picture and many epochs tie, while the loss uses how sure every answer was.
"""

from __future__ import annotations

from collections.abc import Sequence

from tl_core.events import EpochDone, FinishReason

__all__ = ["best_epoch", "is_best", "stop_reason"]


def best_epoch(history: Sequence[EpochDone]) -> int:
    """The epoch (1-based) with the lowest validation loss, the earliest of equals; 0 if none."""
    if not history:
        return 0
    return min(history, key=lambda done: (done.val_loss, done.epoch)).epoch


def is_best(history: Sequence[EpochDone], val_loss: float) -> bool:
    """Whether an epoch with this validation loss would be kept over all of ``history``."""
    return all(val_loss < done.val_loss for done in history)


def stop_reason(history: Sequence[EpochDone], *, epochs: int, patience: int) -> FinishReason | None:
    """Why training ends after ``history``, or None to go on.

    Args:
        history: Epochs done, in order.
        epochs: The plan's number of epochs.
        patience: Epochs without a lower validation loss that are waited for; 0 = no early stop.
    """
    if len(history) >= epochs:
        return "completed"
    if patience and history and len(history) - best_epoch(history) >= patience:
        return "early_stop"
    return None
