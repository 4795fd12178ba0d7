"""Further forms of a bundle that are written when asked for, and what is needed to judge them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Extras", "HeldOut"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """Which forms besides ``model.onnx``: 8-bit ONNX, a torch.export program, a folder for timm."""

    int8: bool = False
    torch_export: bool = False
    timm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOut:
    """Pictures by which the 8-bit network is made and judged, as the network gets them.

    Attributes:
        calibration: (N, C, S, S) uint8, as ``write_int8`` takes them.
        split: "test" or "val", what ``batches`` are of.
        labels: int64 (M,) true classes of the held-out pictures.
        pictures: M digests of their contents.
        batches: Gives all M in order, (B, C, S, S) uint8 at a time, from the beginning each time.
    """

    calibration: NDArray[np.uint8]
    split: str
    labels: NDArray[np.int64]
    pictures: tuple[str, ...]
    batches: Callable[[], Iterator[NDArray[np.uint8]]]
