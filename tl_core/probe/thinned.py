"""Heads that learn from parts of a set and are judged on all the rest, for many parts at once.

As in ``repeated``, the head is the ridge regression of each class on the deep probe's features. The
pictures' inner products are computed once; a head on some of them is then a small system of
equations, and its answers about all others one product.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from tl_core.probe.repeated import EXACT_ROWS, FIRST, LEVEL, STRENGTHS, inverted, unknowing
from tl_core.probe.select import Prepared

__all__ = ["ThinnedHeads"]


class ThinnedHeads:
    """Heads on parts of the same pictures.

    Args:
        ready: The pictures' features.
        labels: (N,) int64, class positions.
        n_classes: Outputs.
    """

    def __init__(self, ready: Prepared, labels: Tensor, n_classes: int) -> None:
        self._y = labels.to(ready.x.device)
        kind = torch.float64 if len(labels) <= EXACT_ROWS else torch.float32
        self._truth = F.one_hot(self._y, n_classes).to(kind)
        products = ready.products(None)
        self._inner = [ready.mixed(products, share).to(kind) + LEVEL for share in ready.shares]

    def choice(
        self, parts: Sequence[tuple[Tensor, Tensor]], start: tuple[int, float] | None = None
    ) -> tuple[int, float]:
        """Which share of placed features and which strength have the least held-out error.

        Args:
            parts: (rows, fold) of some parts of one size: positions, and the fold of each of
                them, 0, 1, ... without gaps.
            start: The choice of another size, to begin with; from there to where it gets better.
        """
        best, found = math.inf, start or (0, STRENGTHS[FIRST])
        for number in range(len(self._inner)):
            tried: dict[int, float] = {}
            at = STRENGTHS.index(found[1])
            waiting = [at, at + 1, at - 1]
            while waiting:
                place = waiting.pop(0)
                if place in tried or not 0 <= place < len(STRENGTHS):
                    continue
                tried[place] = self._error(parts, number, STRENGTHS[place])
                if tried[place] <= min(tried.values()):
                    waiting += [place + 1, place - 1]
                if tried[place] < best:
                    best, found = tried[place], (number, STRENGTHS[place])
        return found

    def right(self, rows: Tensor, choice: tuple[int, float]) -> Tensor:
        """Whether the head that learned from ``rows`` is right about every picture, (N,) bool.

        Only what it says of the other pictures is worth anything.
        """
        number, strength = choice
        inner = self._inner[number]
        known = inner[rows][:, rows].clone()
        known.diagonal().add_(strength)
        weights = torch.cholesky_solve(self._truth[rows], torch.linalg.cholesky(known))
        answers = inner[:, rows] @ weights
        return (answers.argmax(1) == self._y).cpu()

    def right_without(self, fold: Tensor, choice: tuple[int, float]) -> Tensor:
        """Whether the head that does not know a picture's fold is right about it, (N,) bool."""
        number, strength = choice
        errors = unknowing(inverted(self._inner[number], strength), self._truth, fold)
        return ((self._truth - errors).argmax(1) == self._y).cpu()

    def _error(self, parts: Sequence[tuple[Tensor, Tensor]], number: int, strength: float) -> float:
        error = 0.0
        for rows, fold in parts:
            inverse = inverted(self._inner[number][rows][:, rows], strength)
            error += float(unknowing(inverse, self._truth[rows], fold).square().mean())
        return error
