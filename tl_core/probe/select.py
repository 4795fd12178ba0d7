"""How much each feature may say: standardised, every block heard, where-features and what-features.

Left alone, a block with many features would outvote the others. Here each layer group has the same
share of the pictures' squared length, and within it the features that say what is *where* have the
share ``placed``, the others the rest. What share suits the pictures (products photographed alike,
or ants anywhere) is found by cross-validation. Decision 0011 has the measurements, also of leaving
single features out, which did not pay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tl_core.probe.pooling import Block
from tl_core.probe.spaces import gram

__all__ = ["PLACED", "Prepared", "moments", "prepared_features"]

PLACED = (0.85, 0.4)  # shares tried, in this order
CONSTANT = 1e-4  # spread below which a feature says nothing; float16 keeps 3 digits of about 1
COLUMNS = 4096  # features at a time


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """Features with what makes them comparable; nothing of them is copied.

    ``x`` (N, D) as extracted; ``middle`` (D,) is to be subtracted; ``unit`` (D,) makes each layer
    group's placed features, and each one's others, together of mean squared length 1 / groups.
    ``is_placed`` (D,) bool.
    """

    x: Tensor
    middle: Tensor
    unit: Tensor
    is_placed: Tensor

    @property
    def shares(self) -> tuple[float, ...]:
        """Worth trying: one that makes no difference where only one kind of feature is there."""
        says = self.unit > 0
        both = bool((says & self.is_placed).any()) and bool((says & ~self.is_placed).any())
        return PLACED if both else (0.5,)

    def scale(self, placed: float) -> Tensor:
        """(D,) to multiply by after ``middle`` is subtracted; pictures get mean square length 1."""
        if len(self.shares) == 1:
            return self.unit
        return self.unit * torch.where(self.is_placed, placed, 1 - placed).sqrt()

    def products(self, rows: Tensor | None) -> tuple[Tensor, Tensor]:
        """Gram matrices of the placed features and of the others, before the shares."""
        x = self.x if rows is None else self.x[rows]
        found = []
        for kind in (self.is_placed, ~self.is_placed):
            some = kind.nonzero()[:, 0]
            found.append(gram(x[:, some], shift=self.middle[some], scale=self.unit[some]))
        return found[0], found[1]

    def mixed(self, products: tuple[Tensor, Tensor], placed: float) -> Tensor:
        """The Gram matrix at a share."""
        if len(self.shares) == 1:
            return products[0] + products[1]
        return placed * products[0] + (1 - placed) * products[1]

    def scaled(self, placed: float) -> Tensor:
        """All features at a share, (N, D) float32."""
        scale = self.scale(placed)
        found = torch.empty(self.x.shape, dtype=torch.float32, device=self.x.device)
        for left in range(0, self.x.shape[1], COLUMNS):
            part = slice(left, left + COLUMNS)
            found[:, part] = (self.x[:, part].float() - self.middle[part]) * scale[part]
        return found

    def weighted(self, of_pictures: Tensor, placed: float) -> Tensor:
        """(C, D) weights of scaled features from (C, N) weights of the pictures."""
        scale = self.scale(placed)
        found = torch.empty(len(of_pictures), self.x.shape[1], device=self.x.device)
        for left in range(0, self.x.shape[1], COLUMNS):
            part = slice(left, left + COLUMNS)
            piece = (self.x[:, part].float() - self.middle[part]) * scale[part]
            found[:, part] = of_pictures @ piece
        return found


def prepared_features(x: Tensor, blocks: Sequence[Block]) -> Prepared:
    """Measure features (N, D), float16 or float32, that lie in ``blocks``."""
    middle, spread = moments(x)
    says = spread > CONSTANT
    unit = torch.where(says, 1 / spread.clamp_min(CONSTANT), 0.0)
    names = sorted({one.group for one in blocks})
    keys = torch.cat(
        [torch.full((one.size,), 2 * names.index(one.group) + one.placed) for one in blocks]
    ).to(x.device)
    counts = torch.zeros(2 * len(names), device=x.device).index_add(0, keys, says.float())
    heard = torch.stack([(counts[kind::2] > 0).sum() for kind in (0, 1)])  # groups of each kind
    unit = unit / (counts[keys] * heard[keys % 2]).clamp_min(1).sqrt()
    return Prepared(x=x, middle=middle, unit=unit, is_placed=keys % 2 == 1)


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each column, float32."""
    middle, spread = torch.empty(2, x.shape[1], device=x.device).unbind(0)
    for left in range(0, x.shape[1], COLUMNS):
        part = slice(left, left + COLUMNS)
        spread[part], middle[part] = torch.std_mean(x[:, part].float(), 0, correction=0)
    return middle, spread
