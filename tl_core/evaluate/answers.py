"""What a classifier says of every picture of a part: the raw material of every judgement."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["TINY", "Answers", "Bools", "Floats", "Ints"]

TINY = float(np.finfo(np.float32).tiny)  # a probability counts as no smaller

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """One part, picture by picture.

    Attributes:
        images: (N) ids of the pictures, as reports have them.
        pictures: (N) digests of their contents; the same in every project.
        labels: int64 (N,) true classes as positions in ``classes``.
        probabilities: float64 (N, C), rows sum to 1.
        classes: C names.
        units: int64 (N,), pictures of the same number belong together; None = not known.
    """

    images: tuple[str, ...]
    pictures: tuple[str, ...]
    labels: Ints
    probabilities: Floats
    classes: tuple[str, ...]
    units: Ints | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def given(self) -> Ints:
        """(N,) The answers: the position of the highest probability."""
        found: Ints = self.probabilities.argmax(axis=1).astype(np.int64)
        return found

    @cached_property
    def right(self) -> Bools:
        """(N,) Whether they are right."""
        found: Bools = self.given == self.labels
        return found

    @cached_property
    def confidence(self) -> Floats:
        """(N,) Probability of the given answer."""
        found: Floats = self.probabilities.max(axis=1)
        return found

    @cached_property
    def of_truth(self) -> Floats:
        """(N,) Probability of the true class."""
        found: Floats = self.probabilities[np.arange(len(self)), self.labels]
        return found

    @cached_property
    def losses(self) -> Floats:
        """(N,) Minus the log of the probability of the true class, in nats."""
        found: Floats = -np.log(np.maximum(self.of_truth, TINY))
        return found
