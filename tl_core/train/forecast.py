"""How long a run will take, from measured costs per picture. No torch.

The usual way costs E N (p + s): every epoch sends every picture through the frozen blocks (p) and
trains the rest (s). With K kept views it is K N p + E N s; the gain is E (p + s) / (K p + E s).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

__all__ = ["Work", "seconds", "speed_up"]

FULL = 2.0  # judging is in full precision, which takes about twice the time of the fastest way
END_S = 0.6  # writing weights and reports; seen on two cores
STEP_S = 0.0006  # of a step besides its pictures: events, schedule, Python; seen on two cores


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a run has to do. ``views`` 0 means that frozen blocks compute every epoch anew."""

    n_train: int
    n_val: int
    n_test: int
    n_fit: int
    epochs: int
    batch_size: int
    views: int
    kept: bool


def seconds(work: Work, *, prefix: float, suffix: float, suffix_forward: float) -> float:
    """From the first step to the result.

    Args:
        work: What there is to do.
        prefix: Seconds per picture through the frozen blocks.
        suffix: Seconds per picture of one training step of the rest, the optimizer included.
        suffix_forward: Seconds per picture through the rest without gradients.
    """
    judged = work.n_val + work.n_fit
    passes = work.epochs * work.n_train
    steps = work.epochs * ceil(work.n_train / max(work.batch_size, 1))
    if work.kept:
        frozen = min(work.views or work.epochs, work.epochs) * work.n_train + work.n_val
    else:
        frozen = work.epochs * (work.n_train + judged)
    end = (work.n_val + work.n_test) * (prefix + suffix_forward) * FULL + END_S
    return (
        frozen * prefix
        + passes * suffix
        + work.epochs * judged * suffix_forward * FULL
        + steps * STEP_S
        + end
    )


def speed_up(epochs: int, views: int, *, prefix: float, suffix: float) -> float:
    """E (p + s) / (K p + E s): how many times less work the views leave."""
    return epochs * (prefix + suffix) / (min(views, epochs) * prefix + epochs * suffix)
