"""Changes to whole batches, on the device that trains."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Mixed", "cropped", "mixed", "normalised", "resized"]

ASPECT = 4 / 3  # of a crop, at most, either way
LIGHT = 0.3  # brightness, contrast and colour, at most this part up or down
CUTMIX_SHARE = 0.5  # of the mixed batches; the others are blended
BLEND = 0.2  # of the Beta distribution of mixup; that of cutmix is 1


@dataclass(frozen=True, slots=True, eq=False)
class Mixed:
    """A batch whose pictures are made of two; ``share`` is what the first label is worth."""

    images: Tensor
    other: Tensor
    share: Tensor


def normalised(images: Tensor) -> Tensor:
    """ImageNet's mean and standard deviation, as all of timm's networks expect.

    Args:
        images: (B, 3, H, W), 0..1.
    """
    mean, std = (
        torch.tensor(values, device=images.device).view(1, 3, 1, 1)
        for values in (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD)
    )
    return (images - mean) / std


def resized(images: Tensor, size: int) -> Tensor:
    """Whole pictures at another size, 0..1.

    Args:
        images: uint8 (B, 3, S, S).
        size: Pixels.
    """
    return F.interpolate(images.float() / 255, (size, size), mode="bilinear", antialias=True)


def cropped(images: Tensor, size: int, rng: torch.Generator, *, area: float) -> Tensor:
    """Random crops, half of them mirrored, in changed light, 0..1.

    Args:
        images: uint8 (B, 3, S, S).
        size: Pixels of the result.
        rng: On the device of the pictures.
        area: Smallest share of the picture that is kept.
    """
    n, device = len(images), images.device

    def uniform(low: float, high: float) -> Tensor:
        return torch.empty(n, device=device).uniform_(low, high, generator=rng)

    stretch = torch.exp(uniform(-1, 1) * torch.tensor(ASPECT).log())
    kept = uniform(area, 1).sqrt()
    width, height = (kept * stretch.sqrt()).clamp(max=1), (kept / stretch.sqrt()).clamp(max=1)
    theta = torch.zeros(n, 2, 3, device=device)
    theta[:, 0, 0] = torch.where(uniform(-1, 1) < 0, -width, width)
    theta[:, 1, 1] = height
    theta[:, 0, 2] = uniform(-1, 1) * (1 - width)
    theta[:, 1, 2] = uniform(-1, 1) * (1 - height)
    grid = F.affine_grid(theta, [n, 3, size, size], align_corners=False)
    found = F.grid_sample(
        images.float() / 255, grid, padding_mode="reflection", align_corners=False
    )
    return _lit(found, *(1 + uniform(-LIGHT, LIGHT) for _ in range(3)))


def mixed(images: Tensor, rng: torch.Generator) -> Mixed:
    """Every picture of a batch with another one: blended, or with a patch of it.

    Args:
        images: (B, 3, S, S).
        rng: On the CPU; it decides for the whole batch.
    """
    n, size = len(images), images.shape[-1]
    other = torch.randperm(n, generator=rng)
    if float(torch.rand((), generator=rng)) >= CUTMIX_SHARE:
        share = _beta(BLEND, rng)
        share = max(share, 1 - share)
        blended = images.lerp(images[other.to(images.device)], 1 - share)
        return Mixed(blended, other, torch.tensor(share))
    side = (1 - float(torch.rand((), generator=rng))) ** 0.5 * size
    left, top = (float(torch.rand((), generator=rng)) * size for _ in range(2))
    x0, x1 = (int(min(max(left + sign * side / 2, 0), size)) for sign in (-1, 1))
    y0, y1 = (int(min(max(top + sign * side / 2, 0), size)) for sign in (-1, 1))
    patched = images.clone()
    patched[:, :, y0:y1, x0:x1] = images[other.to(images.device), :, y0:y1, x0:x1]
    return Mixed(patched, other, torch.tensor(1 - (x1 - x0) * (y1 - y0) / size**2))


def _lit(images: Tensor, bright: Tensor, contrast: Tensor, colour: Tensor) -> Tensor:
    bright, contrast, colour = (one.view(-1, 1, 1, 1) for one in (bright, contrast, colour))
    found = images * bright
    found = torch.lerp(found.mean((1, 2, 3), keepdim=True), found, contrast)
    grey = found.mean(1, keepdim=True)
    return torch.lerp(grey, found, colour).clamp(0, 1)


def _beta(alpha: float, rng: torch.Generator) -> float:
    """A draw from Beta(alpha, alpha) by Johnk's rule, which needs no more than uniform numbers."""
    while True:
        first, second = (float(torch.rand((), generator=rng)) for _ in range(2))
        x, y = math.pow(first, 1 / alpha), math.pow(second, 1 / alpha)
        if 0 < x + y <= 1:
            return x / (x + y)
