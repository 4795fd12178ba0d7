"""What the readers of picture files have in common: their answer, and the limits they keep to."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from PIL import Image

from tl_core.data.quarantine import unreadable
from tl_core.errors import UnreadableImageError

__all__ = [
    "LARGE_PIXELS",
    "MAX_PIXELS",
    "MOST_PAGES",
    "Decoded",
    "Found",
    "check_pages",
    "check_size",
    "damaged",
    "on_white",
    "reduced",
    "room",
    "too_large",
]

MAX_PIXELS = 100_000_000  # width * height; the largest camera sensors in use have about that
LARGE_PIXELS = 25_000_000  # above, pictures are decoded one at a time to keep memory bounded
MOST_PAGES = 500  # of one file
# Of all pages of a file together. Pages may share their bytes, so a small file can claim any size.
MAX_FILE_PIXELS = 2_000_000_000

_large = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoded:
    """A decoded picture and what its file said.

    Attributes:
        image: Upright RGB, or "L" for a page that is not ``native``; may be smaller than
            ``width`` x ``height``.
        width: The picture's own, in pixels, as shown upright.
        height: As ``width``.
        format: "JPEG" (stereo photos too), "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF", "HEIF" or
            "DICOM".
        native: Whether the file is this one picture in 8 bits, so that it can be kept as it is.
        n_pages: Pictures in the file.
        animated: It is the first frame of an animation.
        transparent: Parts of it were see-through; white lies behind them now.
        planes: uint8 (H, W, C) of a picture of 2 or more than 4 channels, whose ``image`` is then
            a preview; else None.
        plane_samples: As ``sample``, for each channel of ``planes``; empty for 8 bits.
        sample: Some of its numbers, float64 (n,), when it has more than 8 bits of grey, else None.
        unit: Of ``sample``, "HU" or "".
        taken: When, by the camera's clock: seconds since 1970 without a time zone, or None.
        camera: Maker and model, or "".
        patient: Whose picture it is, as a hash; "" when the file does not say.
    """

    image: Image.Image
    width: int
    height: int
    format: str
    native: bool = True
    n_pages: int = 1
    animated: bool = False
    transparent: bool = False
    planes: np.ndarray | None = None
    plane_samples: tuple[np.ndarray, ...] = ()
    sample: np.ndarray | None = None
    unit: str = ""
    taken: float | None = None
    camera: str = ""
    patient: str = ""


# A page's number, from 1, with what it holds or why it cannot be used.
Found: TypeAlias = tuple[int, Decoded | UnreadableImageError]


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Refuse a picture by the size its header gives.

    Raises:
        UnreadableImageError: No pixels, or more than ``max_pixels``.
    """
    if width < 1 or height < 1:
        raise unreadable("holds a picture without pixels", code="damaged")
    if width * height > max_pixels:
        raise too_large(max_pixels, (width, height))


def check_pages(n_pages: int, pixels: int) -> None:
    """Refuse a file of too many pages, or of too many ``pixels`` in all of them.

    Raises:
        UnreadableImageError: It is one.
    """
    if n_pages > MOST_PAGES:
        raise unreadable(
            f"holds more than {MOST_PAGES} pages: divide it into smaller files", code="too_large"
        )
    if pixels > MAX_FILE_PIXELS:
        raise unreadable(
            f"holds more than {MAX_FILE_PIXELS / 1e9:g} billion pixels in its {n_pages} pages: "
            "divide it into smaller files",
            code="too_large",
        )


def room(pixels: int) -> AbstractContextManager[object]:
    """Hold this while a picture is decoded: large ones wait for each other."""
    return _large if pixels > LARGE_PIXELS else nullcontext()


def reduced(found: Decoded, max_side_px: int | None) -> Decoded:
    """A large picture made smaller by a whole number, its sides staying ``max_side_px`` at least.

    None, and any other picture, changes nothing.
    """
    if not max_side_px or found.width * found.height <= LARGE_PIXELS:
        return found
    factor = min(found.image.size) // max_side_px
    return replace(found, image=found.image.reduce(factor)) if factor > 1 else found


def on_white(layer: Image.Image) -> tuple[Image.Image, bool]:
    """An RGBA picture on white as RGB, and whether anything of it was see-through."""
    white = Image.new("RGB", layer.size, (255, 255, 255))
    white.paste(layer, mask=layer)
    darkest, _ = layer.getchannel("A").getextrema()
    return white, int(darkest) < 255  # type: ignore[arg-type]  # one channel: a pair of numbers


def damaged() -> UnreadableImageError:
    """The error for bytes that end too early or make no sense."""
    return unreadable("is damaged or cut off", code="damaged")


def too_large(max_pixels: int, size: tuple[int, int] | None = None) -> UnreadableImageError:
    """The error for a picture of more pixels than allowed."""
    own = f" ({size[0]} x {size[1]} pixels)" if size else ""
    return unreadable(
        f"is too large{own}: at most {max_pixels / 1e6:g} million pixels are decoded",
        code="too_large",
        hint="Scale the picture down and bring it again.",
    )
