"""Heat maps as pictures: the photo as the network gets it, and the map in colour to lay over it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from tl_core.data.pixels import shown

__all__ = ["OPACITY", "coloured", "laid_over", "photo", "strength"]

OPACITY = 0.6  # of the strongest place
SIDE_PX = 384  # of what is drawn, at least
SOFTENED = 64  # the map's side has so many widths of the blur that takes single pixels away
BRIGHTEST = 99.5  # percentile that is drawn at full strength
# from nothing over orange to yellow: dark and light differ too, so it does not hang on hue alone
RAMP = np.array([[90, 0, 60], [200, 40, 40], [255, 140, 0], [255, 240, 90]], dtype=np.float32)


def photo(pixels: NDArray[np.uint8]) -> Image.Image:
    """(C, S, S) uint8 as something to look at, of a size to be looked at."""
    return _large(shown(pixels).convert("RGB"))


def strength(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(S, S) in 0..1: what speaks for the class, 1 where it is strongest; 0 where nothing does."""
    soft = gaussian_filter(np.maximum(np.nan_to_num(values), 0), len(values) / SOFTENED)
    top = float(np.percentile(soft, BRIGHTEST))
    held: NDArray[np.float32] = np.clip(soft / top if top > 0 else soft * 0, 0, 1)
    return held.astype(np.float32)


def coloured(share: NDArray[np.float32]) -> Image.Image:
    """RGBA: colour and alpha grow with ``share`` (S, S) in 0..1."""
    at = np.clip(share, 0, 1) * (len(RAMP) - 1)
    low = np.minimum(at.astype(int), len(RAMP) - 2)
    part = (at - low)[..., None]
    colour = RAMP[low] * (1 - part) + RAMP[low + 1] * part
    alpha = np.sqrt(np.clip(share, 0, 1))[..., None] * 255
    return _large(Image.fromarray(np.concatenate([colour, alpha], -1).astype(np.uint8)))


def laid_over(below: Image.Image, heat: Image.Image, opacity: float = OPACITY) -> Image.Image:
    """The photo with the map over it; ``opacity`` 0 = the photo alone, 1 = the map at its full."""
    faded = heat.copy()
    faded.putalpha(heat.getchannel("A").point(lambda value: int(value * opacity)))
    return Image.alpha_composite(below.convert("RGBA"), faded).convert("RGB")


def _large(image: Image.Image) -> Image.Image:
    side = max(SIDE_PX, image.width)
    return image.resize((side, side), Image.Resampling.BICUBIC)
