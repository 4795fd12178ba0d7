"""Noise that can be told apart: features and pixels for the tests of the probes."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def told_apart(
    n: int, width: int, classes: int, *, apart: float = 1.0, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """(n, width) float32 features around one centre per class, and their labels (n,)."""
    source = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % classes
    centres = torch.randn(classes, width, generator=source) * 3 * apart / width**0.5
    return torch.randn(n, width, generator=source) + centres[labels], labels


def striped(n: int, size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, 3, size, size) uint8: stripes across (class 0) or along (class 1), in noise."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n, dtype=np.int64) % 2
    wave = 40 * np.sin(np.arange(size) / 2.0)
    images = rng.normal(128, 25, (n, 3, size, size))
    images += np.where(labels[:, None, None, None] == 0, wave[:, None], wave[None, :])
    return images.clip(0, 255).astype(np.uint8), labels
