"""Random changes to training pictures, whole batches at a time and on any device.

What is drawn and what is done are apart: ``draw`` gives every picture of the set its row of
uniform numbers for one epoch, ``apply`` turns rows into changed pictures. A picture's change thus
depends on neither its place in the order nor the batch size. Crop and rotation are one affine
resampling, so the picture is interpolated once; what comes in at the edges is its own reflection.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from tl_core.config import AugmentConfig
from tl_core.train.seed import generator

__all__ = ["DRAWS", "apply", "draw", "normalise", "preview", "to_unit"]

DRAWS = 10  # columns: flip, flip_vertical, area, aspect, x, y, angle, brightness, contrast, colour
ASPECT = math.log(4 / 3)  # widest and tallest crop; the usual range of random resized crops
GREY = (0.299, 0.587, 0.114)  # luma weights of ITU-R BT.601


def draw(n: int, gen: torch.Generator) -> Tensor:
    """Draw one epoch's numbers: (n, DRAWS) float32, uniform in [0, 1), on the CPU."""
    return torch.rand((n, DRAWS), generator=gen)


def to_unit(images: Tensor) -> Tensor:
    """Bring uint8 (B, 3, S, S) to float32 in [0, 1]; floats are taken to be there already."""
    return images.to(torch.float32).div_(255.0) if images.dtype == torch.uint8 else images


def apply(images: Tensor, draws: Tensor, config: AugmentConfig) -> Tensor:
    """Change each picture by its own row of draws.

    Args:
        images: (B, 3, S, S) uint8, or float32 in [0, 1]; left as they are.
        draws: (B, DRAWS) from ``draw``, on the device of the images.
        config: How far each change may go; switched-off changes cost nothing and alter nothing.

    Returns:
        (B, 3, S, S) float32 in [0, 1].
    """
    pictures = to_unit(images)
    if config.crop < 1.0 or config.rotate > 0:
        theta = _affine(draws, config)
        grid = F.affine_grid(theta, list(pictures.shape), align_corners=False)
        pictures = F.grid_sample(
            pictures, grid, mode="bilinear", padding_mode="reflection", align_corners=False
        )
    else:
        if config.flip:
            pictures = torch.where(_coin(draws[:, 0]), pictures.flip(3), pictures)
        if config.flip_vertical:
            pictures = torch.where(_coin(draws[:, 1]), pictures.flip(2), pictures)
    return _recolour(pictures, draws, config.color) if config.color > 0 else pictures


def normalise(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """What the network is fed: (images - mean) / std per channel.

    Args:
        images: (B, 3, S, S) uint8, or float32 in [0, 1].
        mean: Per channel, of pictures in [0, 1]; from the model's card.
        std: Likewise, above 0.
    """
    pictures = to_unit(images)
    shift = torch.tensor(mean, device=pictures.device).view(1, -1, 1, 1)
    scale = torch.tensor(std, device=pictures.device).view(1, -1, 1, 1)
    return (pictures - shift) / scale


def preview(pixels: np.ndarray, config: AugmentConfig, n: int = 8, seed: int = 0) -> np.ndarray:
    """Show what training would see: ``n`` changed versions of every picture.

    Args:
        pixels: (N, 3, S, S) uint8.
        config: The changes to show.
        n: Versions per picture, at least 1.
        seed: Same seed, same versions.

    Returns:
        (N, n, 3, S, S) uint8.
    """
    images = torch.from_numpy(np.repeat(pixels, n, axis=0))
    changed = apply(images, draw(len(images), generator(seed, "preview")), config)
    bytes_ = changed.mul(255.0).round_().clamp_(0, 255).to(torch.uint8).numpy()
    return bytes_.reshape(len(pixels), n, *pixels.shape[1:])


def _coin(column: Tensor) -> Tensor:
    return (column < 0.5).view(-1, 1, 1, 1)


def _affine(draws: Tensor, config: AugmentConfig) -> Tensor:
    """(B, 2, 3): from the new picture's coordinates in [-1, 1] to the old one's.

    The crop keeps exactly the drawn share of the area: where the drawn shape would stick out, it
    is made squarer.
    """
    area = 1.0 - (1.0 - config.crop) * draws[:, 2]
    wish = torch.sqrt(area * torch.exp(ASPECT * (2 * draws[:, 3] - 1)))
    width = torch.minimum(torch.maximum(wish, area), torch.ones_like(area))
    height = area / width
    x = (1 - width) * (2 * draws[:, 4] - 1)
    y = (1 - height) * (2 * draws[:, 5] - 1)
    angle = math.radians(config.rotate) * (2 * draws[:, 6] - 1)
    if config.flip:
        width = torch.where(draws[:, 0] < 0.5, -width, width)
    if config.flip_vertical:
        height = torch.where(draws[:, 1] < 0.5, -height, height)
    cos, sin = torch.cos(angle), torch.sin(angle)
    rows = [cos * width, -sin * height, x, sin * width, cos * height, y]
    return torch.stack(rows, dim=1).view(-1, 2, 3)


def _recolour(pictures: Tensor, draws: Tensor, reach: float) -> Tensor:
    """Brightness, contrast about the mean grey, and saturation, as one linear map, then clamped."""
    factors = 1.0 + reach * (2.0 * draws[:, 7:10] - 1.0)
    bright, contrast, colour = (factors[:, i].view(-1, 1, 1, 1) for i in range(3))
    if pictures.shape[1] == len(GREY):
        luma = torch.tensor(GREY, device=pictures.device).view(1, 3, 1, 1)
        grey = (pictures * luma).sum(dim=1, keepdim=True)
    else:  # not colours: each channel is changed about its own mean, and none mixed into another
        grey, colour = pictures.clone(), torch.ones_like(colour)
    middle = grey.mean(dim=(2, 3), keepdim=True)
    gain = bright * contrast
    shade = grey.mul_((1.0 - colour) * gain).add_((1.0 - contrast) * bright * middle)
    return (pictures * (colour * gain)).add_(shade).clamp_(0.0, 1.0)
