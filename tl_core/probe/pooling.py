"""A layer's output as a few numbers per channel: what is there anywhere, and what is where.

A map of (channels, height, width) becomes its average and maximum, and the averages and maxima of
the cells of a grid laid over it. Cells overlap where the side is not a multiple of the grid's.
Sequences of tokens are laid out as the map they came from; tokens that stand for no place
(a transformer's class token) are kept as they are. Nothing here has weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["Block", "Layout", "Pool", "Scheme", "layout_of"]

Kind = Literal["map", "last", "tokens", "vector"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """How finely maps are pooled: ``cells`` per side of the grid (0 = none), with ``peaks`` the
    maxima of the cells as well as their averages.
    """

    cells: int
    peaks: bool

    def values(self, side: int) -> int:
        """Numbers per channel of a map of this side."""
        if side == 1:
            return 1
        cells = min(self.cells, side)
        return 2 + cells * cells * (1 + self.peaks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a layer's output is to be read.

    ``map`` is (B, C, H, W), ``last`` (B, H, W, C), ``tokens`` (B, N, C), ``vector`` (B, C) or a map
    of one pixel. ``side`` is the length of the shorter side of the map, ``extra`` how many tokens
    before it stand for no place.
    """

    kind: Kind
    channels: int
    side: int = 1
    extra: int = 0

    def values(self, scheme: Scheme) -> int:
        """Numbers ``Pool`` gives per picture."""
        return self.channels * (self.extra + scheme.values(self.side))


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Consecutive features of one kind from one layer group.

    ``placed`` features say what is where, the others what there is anywhere.
    """

    group: str
    placed: bool
    size: int


class Pool(nn.Module):
    """(B, ...) as ``layout`` says, of any float type, to (B, ``layout.values(scheme)``) float32.

    Order: tokens without place, average, maximum, averages of the cells, maxima of the cells; the
    cells row by row, each with all channels.
    """

    def __init__(self, layout: Layout, scheme: Scheme) -> None:
        super().__init__()
        self.layout = layout
        self.cells = min(scheme.cells, layout.side)
        self.peaks = scheme.peaks

    def extra_repr(self) -> str:
        """All it depends on: part of what its features are kept under."""
        return f"{self.layout}, cells={self.cells}, peaks={self.peaks}"

    def blocks(self, group: str) -> tuple[Block, ...]:
        """What is given, in order."""
        layout = self.layout
        if layout.side == 1:
            anywhere, placed = layout.channels * (layout.extra + 1), 0
        else:
            anywhere = layout.channels * (layout.extra + 2)
            placed = layout.channels * self.cells**2 * (1 + self.peaks)
        found = (
            Block(group=group, placed=False, size=anywhere),
            Block(group=group, placed=True, size=placed),
        )
        return tuple(one for one in found if one.size)

    def forward(self, x: Tensor) -> Tensor:
        """As the class says."""
        layout = self.layout
        parts: list[Tensor] = []
        if layout.kind == "vector":
            return x.flatten(1).float()
        if layout.kind == "tokens":
            if layout.extra:
                parts.append(x[:, : layout.extra].flatten(1))
            side = math.isqrt(x.shape[1] - layout.extra)
            x = x[:, layout.extra :].reshape(-1, side, side, x.shape[2])
        x = x if layout.kind == "map" else x.permute(0, 3, 1, 2)
        parts.append(x.mean((2, 3)))
        # exported graphs have no adaptive pooling for sides that are not multiples
        pooled = _by_slices if torch.compiler.is_compiling() else _at_once
        averages, maxima = pooled(x, self.cells, self.peaks)
        parts.append(x.amax((2, 3)) if maxima is None else maxima.amax((2, 3)))
        for grid in (averages, maxima if self.peaks else None):
            if grid is not None:
                parts.append(grid.permute(0, 2, 3, 1).flatten(1))
        return torch.cat([one.float() for one in parts], dim=1)


def layout_of(shape: tuple[int, ...], *, extra: int = 0) -> Layout | None:
    """Read the shape of a layer's output without its batch; None when it is not understood.

    Args:
        shape: (C,), (N, C), (C, H, W) or (H, W, C).
        extra: Tokens before the map, where the network knows; otherwise as few as leave a square.
    """
    if len(shape) == 1:
        return Layout(kind="vector", channels=shape[0])
    if len(shape) == 2:
        n, channels = shape
        extra = extra if math.isqrt(n - extra) ** 2 == n - extra else n - math.isqrt(n) ** 2
        return Layout(kind="tokens", channels=channels, side=math.isqrt(n - extra), extra=extra)
    if len(shape) == 3:
        last = shape[0] == shape[1] != shape[2]
        channels, *sides = (shape[2], *shape[:2]) if last else shape
        if max(sides) == 1:
            return Layout(kind="vector", channels=channels)
        return Layout(kind="last" if last else "map", channels=channels, side=min(sides))
    return None


def _at_once(x: Tensor, cells: int, peaks: bool) -> tuple[Tensor | None, Tensor | None]:
    """Averages and maxima of the cells, (B, C, cells, cells)."""
    if not cells:
        return None, None
    maxima = F.adaptive_max_pool2d(x, cells) if peaks else None
    return F.adaptive_avg_pool2d(x, cells), maxima


def _by_slices(x: Tensor, cells: int, peaks: bool) -> tuple[Tensor | None, Tensor | None]:
    """The same from plain operations."""
    if not cells:
        return None, None
    rows = [x[:, :, a:b] for a, b in _bounds(x.shape[2], cells)]
    columns = _bounds(x.shape[3], cells)
    means = torch.stack([one.mean(2) for one in rows], 2)
    averages = torch.stack([means[..., a:b].mean(3) for a, b in columns], 3)
    if not peaks:
        return averages, None
    tops = torch.stack([one.amax(2) for one in rows], 2)
    return averages, torch.stack([tops[..., a:b].amax(3) for a, b in columns], 3)


def _bounds(side: int, cells: int) -> list[tuple[int, int]]:
    """Where the cells begin and end along a side; as torch's adaptive pooling has them."""
    return [(i * side // cells, -(-(i + 1) * side // cells)) for i in range(cells)]
