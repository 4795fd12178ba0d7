"""How often a linear head is right about pictures it does not know, over many divisions, exactly.

The head is the ridge regression of each class (yes 1, no 0) on the deep probe's features, which is
as often right as the probe's own head (decision 0015) and needs no steps: with K the inner products
of the pictures, s the strength and G = (K + s)^-1, the errors of a head that does not know the
pictures S are (G_SS)^-1 (G Y)_S. One inverse serves every fold of every division.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from tl_core.probe.select import Prepared

__all__ = ["EXACT_ROWS", "FIRST", "LEVEL", "STRENGTHS", "Heads", "inverted", "unknowing"]

STRENGTHS = (3.0, 1.0, 0.3, 0.1, 0.03, 0.01)  # pictures have mean squared length 1
FIRST = 2  # of them, the one to begin with; from there to where it gets better
LEVEL = 1.0  # what a constant feature adds to every inner product: the intercept
EXACT_ROWS = 1500  # up to which float64 costs nothing worth saving


class Heads:
    """Heads on the same pictures, judged over any divisions.

    Args:
        ready: The pictures' features.
        labels: (N,) int64, class positions.
        n_classes: Outputs.
        fold: (N,) int64, the division on which the strength is chosen.
    """

    def __init__(self, ready: Prepared, labels: Tensor, n_classes: int, fold: Tensor) -> None:
        self._y = labels.to(ready.x.device)
        kind = torch.float64 if len(labels) <= EXACT_ROWS else torch.float32
        self._truth = F.one_hot(self._y, n_classes).to(kind)
        self._inverse = self._truth.new_empty(0)
        self._chosen(ready, fold)

    def right(self, fold: Tensor) -> Tensor:
        """Whether the head that does not know a picture is right about it, (N,) bool on the CPU.

        Args:
            fold: (N,) int64, the fold that holds each picture out: 0, 1, ... without gaps.
        """
        return self.answers(fold).argmax(1) == self._y.cpu()

    def answers(self, fold: Tensor) -> Tensor:
        """What the head that does not know a picture says of it, (N, C) on the CPU; about 0 to 1.

        Args:
            fold: As for ``right``.
        """
        return (self._truth - unknowing(self._inverse, self._truth, fold)).cpu()

    def _chosen(self, ready: Prepared, fold: Tensor) -> None:
        """Keep the inverse at the strength, and the share of placed features, of least error."""
        products = ready.products(None)
        best, at = math.inf, FIRST
        for share in ready.shares:
            inner = ready.mixed(products, share).to(self._truth.dtype) + LEVEL
            tried: dict[int, float] = {}
            waiting = [at, at + 1, at - 1]
            while waiting:
                number = waiting.pop(0)
                if number in tried or not 0 <= number < len(STRENGTHS):
                    continue
                inverse = inverted(inner, STRENGTHS[number])
                tried[number] = float(unknowing(inverse, self._truth, fold).square().mean())
                if tried[number] <= min(tried.values()):
                    waiting += [number + 1, number - 1]
                if tried[number] < best:
                    best, at, self._inverse = tried[number], number, inverse


def unknowing(inverse: Tensor, truth: Tensor, fold: Tensor) -> Tensor:
    """Truth less answer of the head that does not know the picture, (N, C).

    Args:
        inverse: (N, N), of ``inverted``.
        truth: (N, C), one hot, of the same kind.
        fold: (N,) int64, the fold that holds each picture out: 0, 1, ... without gaps.
    """
    found = torch.empty_like(truth)
    known = inverse @ truth
    fold = fold.to(truth.device)
    for number in range(int(fold.max()) + 1):
        rows = (fold == number).nonzero()[:, 0]
        found[rows] = torch.linalg.solve(inverse[rows][:, rows], known[rows])
    return found


def inverted(inner: Tensor, strength: float) -> Tensor:
    """(K + s)^-1 of the inner products K (N, N)."""
    with_strength = inner.clone()
    with_strength.diagonal().add_(strength)
    found: Tensor = torch.cholesky_inverse(torch.linalg.cholesky(with_strength))
    return found
