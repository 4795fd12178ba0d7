"""How long a run will take, from measured costs per picture. No torch.

The usual way costs E N (p + s): every epoch sends every picture through the frozen blocks (p) and
trains the rest (s). With K kept views it is K N p + E N s; the gain is E (p + s) / (K p + E s).
Reading and changing a picture comes to p: once per view, or once per epoch.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

__all__ = ["LOOKS", "Cost", "Work", "probe_seconds", "seconds", "speed_up"]

FULL = 2.0  # the result is judged in full precision, about twice the time of the fastest way
END_S = 0.6  # writing weights and reports; seen on two cores
LOOKS = 2  # the deep probe sees every picture mirrored too
SOLVED_PER_S, DEEP_PER_S = 5000.0, 500.0  # pictures whose head is solved; seen on two cores
STEP_S = 0.0006  # of a step besides its pictures: events, schedule, Python; seen on two cores


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Seconds per picture.

    ``prefix`` is the way through the frozen blocks, ``suffix`` one training step of the rest, the
    optimizer included, ``suffix_forward`` the rest without gradients, ``reading`` the way from the
    working copy to what the network is fed, changed as in training, ``keeping`` writing what the
    frozen blocks gave.
    """

    prefix: float
    suffix: float
    suffix_forward: float
    reading: float = 0.0
    keeping: float = 0.0


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


def seconds(work: Work, cost: Cost) -> float:
    """From the first step to the result."""
    judged = work.n_val + work.n_fit
    passes = work.epochs * work.n_train
    steps = work.epochs * ceil(work.n_train / max(work.batch_size, 1))
    if work.kept:
        frozen = min(work.views or work.epochs, work.epochs) * work.n_train + work.n_val
        each = cost.prefix + cost.reading + cost.keeping
    else:
        frozen = work.epochs * (work.n_train + judged)
        each = cost.prefix + cost.reading
    exactly = (cost.prefix + cost.suffix_forward) * FULL + cost.reading
    end = (work.n_val + work.n_test) * exactly + END_S
    return (
        frozen * each
        + passes * cost.suffix
        + work.epochs * judged * cost.suffix_forward
        + steps * STEP_S
        + end
    )


def probe_seconds(cost: Cost, *, n_train: int, n_val: int, n_test: int, deep: bool) -> float:
    """Of a head that is solved at once, on the last block's features or on every block's."""
    looks, per_s = (LOOKS, DEEP_PER_S) if deep else (1, SOLVED_PER_S)
    judged = FULL * (n_val + n_test)  # in the end, in full precision
    pictures = looks * (n_train + n_val + judged)
    return pictures * (cost.prefix + cost.reading) + n_train / per_s + END_S


def speed_up(epochs: int, views: int, *, prefix: float, suffix: float) -> float:
    """E (p + s) / (K p + E s): how many times less work the views leave."""
    return epochs * (prefix + suffix) / (min(views, epochs) * prefix + epochs * suffix)
