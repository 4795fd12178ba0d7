"""What the coach has before it after an epoch, and how it writes numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tl_core.config import RunSpec
from tl_core.events import EpochDone, FinishReason

__all__ = ["GOOD_FIT", "HARDLY_MOVED", "Seen", "mean", "percent", "points"]

GOOD_FIT = 0.95  # accuracy on training pictures above which nothing is left to learn (0007)
HARDLY_MOVED = 0.9  # of ln(classes); a training loss above it has learned next to nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A run up to an epoch.

    ``val_losses`` is float (epochs, n_val) in nats, rows aligned with ``history``; ``majority`` the
    share of the largest class among the validation pictures; ``usual_lr`` a rate known to work with
    these settings, None when none is; ``end`` why the run ends here, None while it goes on.

    ``begins`` says how many epochs were done when each stage began, that of the stage at work last:
    (0,) for a run that is not in stages. ``spec`` and ``usual_lr`` are of the stage at work.
    """

    spec: RunSpec
    n_classes: int
    majority: float
    usual_lr: float | None
    history: Sequence[EpochDone]
    val_losses: np.ndarray
    end: FinishReason | None
    begins: tuple[int, ...] = (0,)

    @property
    def epoch(self) -> int:
        """Epochs done, of all stages."""
        return len(self.history)

    @property
    def begun(self) -> int:
        """Epochs done before the stage at work."""
        return self.begins[-1]

    @property
    def own(self) -> Sequence[EpochDone]:
        """Epochs of the stage at work."""
        return self.history[self.begun :]

    @property
    def own_losses(self) -> np.ndarray:
        """Validation losses of the stage at work, float (epochs, n_val) in nats."""
        return self.val_losses[self.begun :]

    @property
    def planned(self) -> int:
        """Epochs of the stage at work, as planned."""
        return self.spec.train.epochs or 0

    @property
    def lr(self) -> float:
        """The learning rate of the stage at work, as planned."""
        return self.spec.train.lr or 0.0

    @property
    def of_the_stage(self) -> str:
        """What a sentence that counts epochs adds where there was a stage before."""
        return " of this stage" if self.begun else ""

    @property
    def chance(self) -> float:
        """The loss of pure guessing, in nats."""
        return math.log(self.n_classes)

    @property
    def best(self) -> EpochDone:
        """The epoch that is kept; there must be one."""
        return min(self.history, key=lambda done: (done.val_loss, done.epoch))


def mean(values: Sequence[float]) -> float:
    """The mean of at least one number."""
    return sum(values) / len(values)


def percent(share: float) -> str:
    """``0.123`` as "12 %", small ones with a decimal."""
    return f"{100 * share:.0f} %" if abs(share) >= 0.1 or share == 0 else f"{100 * share:.1f} %"


def points(share: float, sign: str = "") -> str:
    """``0.05`` as "5 points"."""
    return f"{sign}{100 * share:.0f} points"
