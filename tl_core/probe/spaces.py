"""Where the weights of linear heads are looked for: among all features, or among all pictures.

A penalised head is a weighted sum of the training pictures' features. With fewer pictures than
features it is cheaper to look for those weights: what one picture's features say about another's
is computed once (the Gram matrix), and a step of the solver costs one product with it instead of
two with all the features.

A *point* holds the weights of several fits side by side, (fits, forms, classes, numbers + 1); the
last number is the intercept. In ``PictureSpace`` a point has two forms, the weights of the pictures
and their product with the Gram matrix, so that no inner product needs another one.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

__all__ = ["FeatureSpace", "PictureSpace", "Space", "gram", "inner", "penalty"]

ROWS = 1024  # of the Gram matrix at a time; half of it follows from the other half
COLUMNS = 4096  # features at a time, so that float16 features are widened in pieces


class Space(Protocol):
    """What the solver needs to know about the features."""

    @property
    def rows(self) -> int:
        """Pictures."""

    def zeros(self, fits: int, classes: int) -> Tensor:
        """A point: (fits, forms, classes, numbers + 1) float32."""

    def scores(self, point: Tensor) -> Tensor:
        """(fits, classes, rows)."""

    def gradient(self, residual: Tensor, point: Tensor, strength: float) -> Tensor:
        """Of loss and penalty, as a point; ``residual`` (fits, classes, rows) is the loss's by the
        scores.
        """

    def weights(self, point: Tensor) -> tuple[Tensor, Tensor]:
        """Of all fits: (fits, classes, D) and intercepts (fits, classes)."""


class FeatureSpace:
    """Weights of the features themselves.

    Args:
        x: (N, D) float32.
    """

    def __init__(self, x: Tensor) -> None:
        self.x = x

    @property
    def rows(self) -> int:
        """Pictures."""
        return len(self.x)

    def zeros(self, fits: int, classes: int) -> Tensor:
        """As ``Space``."""
        return self.x.new_zeros(fits, 1, classes, self.x.shape[1] + 1)

    def scores(self, point: Tensor) -> Tensor:
        """As ``Space``."""
        weights, bias = self.weights(point)
        flat = torch.mm(weights.reshape(-1, self.x.shape[1]), self.x.t())
        return flat.view(*bias.shape, -1) + bias[:, :, None]

    def gradient(self, residual: Tensor, point: Tensor, strength: float) -> Tensor:
        """As ``Space``."""
        found = strength * point
        flat = torch.mm(residual.reshape(-1, self.rows), self.x)
        found[:, 0, :, :-1] += flat.view(*residual.shape[:2], -1)
        found[:, 0, :, -1] = residual.sum(2)
        return found

    def weights(self, point: Tensor) -> tuple[Tensor, Tensor]:
        """As ``Space``."""
        return point[:, 0, :, :-1], point[:, 0, :, -1]


class PictureSpace:
    """Weights of the training pictures.

    Args:
        products: (N, N) float32, ``gram`` of the features.
        x: (N, D) float32, the features, or None where ``weights`` is not asked for.
    """

    def __init__(self, products: Tensor, x: Tensor | None = None) -> None:
        self.products = products
        self.x = x

    @property
    def rows(self) -> int:
        """Pictures."""
        return len(self.products)

    def zeros(self, fits: int, classes: int) -> Tensor:
        """As ``Space``."""
        return self.products.new_zeros(fits, 2, classes, self.rows + 1)

    def moved_here(self, point: Tensor) -> Tensor:
        """The same weights of pictures as a point of this space, when their features are others."""
        of_pictures = point[:, 0, :, :-1]
        found = point.clone()
        flat = torch.mm(of_pictures.reshape(-1, self.rows), self.products)
        found[:, 1, :, :-1] = flat.view(of_pictures.shape)
        return found

    def scores(self, point: Tensor) -> Tensor:
        """As ``Space``; costs nothing."""
        return point[:, 1, :, :-1] + point[:, 1, :, -1:]

    def gradient(self, residual: Tensor, point: Tensor, strength: float) -> Tensor:
        """As ``Space``."""
        found = strength * point
        found[:, 0, :, :-1] += residual
        flat = torch.mm(residual.reshape(-1, self.rows), self.products)
        found[:, 1, :, :-1] += flat.view(residual.shape)
        found[:, :, :, -1] = residual.sum(2)[:, None]
        return found

    def weights(self, point: Tensor) -> tuple[Tensor, Tensor]:
        """As ``Space``."""
        assert self.x is not None
        of_pictures = point[:, 0, :, :-1]
        flat = torch.mm(of_pictures.reshape(-1, self.rows), self.x)
        return flat.view(*of_pictures.shape[:2], -1), point[:, 0, :, -1]


def inner(one: Tensor, two: Tensor) -> Tensor:
    """Inner products of two points, per fit: (fits,)."""
    return (one[:, 0] * two[:, -1]).sum((1, 2))


def penalty(one: Tensor, two: Tensor) -> Tensor:
    """Inner products without the intercepts, which are not penalised: (fits,)."""
    return (one[:, 0, :, :-1] * two[:, -1, :, :-1]).sum((1, 2))


def gram(x: Tensor, *, shift: Tensor | None = None, scale: Tensor | None = None) -> Tensor:
    """Inner products of all pairs of pictures.

    Args:
        x: (N, D), float32 or float16; not changed.
        shift: (D,) subtracted from every row first.
        scale: (D,) every row is multiplied by after that.

    Returns:
        (N, N) float32.
    """
    n, width = x.shape
    found = torch.zeros(n, n, dtype=torch.float32, device=x.device)
    for left in range(0, width, COLUMNS):
        part = slice(left, left + COLUMNS)
        piece = x[:, part].float()
        if shift is not None:
            piece = piece - shift[part]
        if scale is not None:
            piece = piece * scale[part]
        for top in range(0, n, ROWS):
            rows = piece[top : top + ROWS]
            found[top : top + ROWS, : top + len(rows)] += rows @ piece[: top + len(rows)].t()
    for top in range(0, n, ROWS):
        end = min(top + ROWS, n)
        found[top:end, end:] = found[end:, top:end].t()
    return found
