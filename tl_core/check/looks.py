"""What a picture looks like, in numbers that the checks share; computed once per content and kept.

Everything is taken from the picture's thumbnail (160 pixels, made while it was taken in) and from
its file's header, so that no picture is decoded again. Sharpness, brightness and information are
CleanVision's own measures.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
from cleanvision.issue_managers.image_property import (
    BlurrinessProperty,
    BrightnessProperty,
    EntropyProperty,
)
from PIL import ExifTags, Image
from scipy.ndimage import gaussian_filter

from tl_core.data.decode import open_rgb
from tl_core.data.rows import RowStore
from tl_core.data.thumbs import THUMB_SIZES, ensure_thumb
from tl_core.storage import Home

__all__ = ["GREY_PX", "LOOK", "fine_grey", "look_at", "looks_of"]

VERSION = 2  # part of the store's name: raise it when a number changes its meaning
GREY_PX, TINY_PX = 32, 8
RIM = 0.06  # of a side: the border that is looked at by itself
CORNER = 0.12  # of a side
OCTAVES = (0.8, 1.6, 3.2)  # pixels
FAINT = 0.25  # grey levels of detail that are there in any JPEG
AT_ONCE = 256  # pictures written together; what is finished outlives an interruption
LOOK = np.dtype(
    [
        ("brightness", "f4"),  # 0..1, of the mean colour
        ("dark_end", "f4"),  # brightness that 99 % of the pixels stay below
        ("light_end", "f4"),  # brightness that 95 % of the pixels exceed
        ("entropy", "f4"),  # bits, of the histogram of all channels
        ("edges", "f4"),  # standard deviation of the edges at 64 pixels
        ("levels", "f4"),  # standard deviation of the grey histogram at 64 pixels
        ("octaves", "f4", (2,)),  # log of the finest and the next detail, as shares of coarser
        ("color", "f4", (6,)),  # mean and standard deviation of R, G, B (0..255)
        ("rim", "f4", (6,)),  # the same of the border
        ("corners", "f4", (12,)),  # mean R, G, B of each corner
        ("tiny", "u1", (TINY_PX, TINY_PX, 3)),
        ("grey", "u1", (GREY_PX, GREY_PX)),
        ("taken", "f8"),  # seconds since 1970 by the camera's clock; NaN where nothing says it
        ("camera", "u4"),  # a number for maker and model; 0 where nothing says it
        ("quality", "f4"),  # sum of a JPEG's first quantisation table; 0 for other files
    ]
)


def looks_of(
    home: Home,
    digests: Sequence[str],
    *,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> np.ndarray:
    """One ``LOOK`` per picture, in the order asked for; the same content may come twice.

    Args:
        home: The store that holds the pictures.
        digests: Stored pictures.
        report: Called with (pictures looked at, pictures to look at); what it raises ends the work.

    Raises:
        StorageError: A picture is missing, or the disk is too full.
        UnreadableImageError: A stored file is no picture.
    """
    folder = home.folder("cache", "looks") / f"v{VERSION}"
    store = RowStore(folder, shape=(LOOK.itemsize,), dtype=np.uint8)
    missing = store.missing(digests)

    def one(digest: str) -> np.ndarray:
        image = open_rgb(ensure_thumb(home, digest, THUMB_SIZES[0]))
        found = look_at(image)
        with home.open_blob(digest) as stream:
            found["taken"], found["camera"], found["quality"] = _header(stream)
        return found.view(np.uint8)

    store.fill(missing, one, at_once=AT_ONCE, report=report)
    if not len(digests):
        return np.empty(0, LOOK)
    return np.ascontiguousarray(store.rows(digests)[:]).view(LOOK)[:, 0]


def fine_grey(home: Home, digest: str, size_px: int) -> np.ndarray:
    """A stored picture's thumbnail in grey, squeezed into a square: float32 (size_px, size_px)."""
    image = open_rgb(ensure_thumb(home, digest, THUMB_SIZES[0])).convert("L")
    small = image.resize((size_px, size_px), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32)


def look_at(image: Image.Image) -> np.ndarray:
    """The numbers of one picture, (1,) of ``LOOK``; what only a file's header says is left empty.

    Args:
        image: RGB, upright, of any size; about 160 pixels are enough.
    """
    found = np.zeros(1, LOOK)
    light = BrightnessProperty("dark").calculate(image)
    found["brightness"] = light["brightness"]
    found["dark_end"], found["light_end"] = light["brightness_perc_99"], light["brightness_perc_5"]
    found["entropy"] = EntropyProperty().calculate(image)["entropy"]
    sharp = BlurrinessProperty().calculate(image)
    found["edges"], found["levels"] = sharp["blurriness"], sharp["blurriness_grayscale_std"]
    found["octaves"] = _octaves(np.asarray(image.convert("L"), dtype=np.float32))
    pixels = np.asarray(image, dtype=np.float32)
    found["color"] = _mean_and_spread(pixels.reshape(-1, 3))
    found["rim"] = _mean_and_spread(_rim(pixels))
    found["corners"] = _corners(pixels)
    box = Image.Resampling.BOX
    found["tiny"] = np.asarray(image.resize((TINY_PX, TINY_PX), box))
    found["grey"] = np.asarray(image.convert("L").resize((GREY_PX, GREY_PX), box))
    found["taken"] = np.nan
    return found


def _octaves(grey: np.ndarray) -> np.ndarray:
    """How much finer detail there is for the coarser there is, in two steps: how sharp, whatever
    the picture shows. Blur takes the finest away and leaves the coarse.
    """
    smooth = [grey, *(gaussian_filter(grey, sigma) for sigma in OCTAVES)]
    detail = [float((one - next_).std()) for one, next_ in pairwise(smooth)]
    shares = (np.array(detail[:2]) + FAINT) / (detail[2] + FAINT)
    found: np.ndarray = np.log(shares)
    return found


def _mean_and_spread(pixels: np.ndarray) -> np.ndarray:
    return np.concatenate([pixels.mean(0), pixels.std(0)])


def _rim(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    rows, columns = max(1, round(RIM * height)), max(1, round(RIM * width))
    parts = (pixels[:rows], pixels[-rows:], pixels[:, :columns], pixels[:, -columns:])
    return np.concatenate([part.reshape(-1, 3) for part in parts])


def _corners(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    rows, columns = max(1, round(CORNER * height)), max(1, round(CORNER * width))
    parts = [
        pixels[vertical, horizontal].reshape(-1, 3).mean(0)
        for vertical in (slice(None, rows), slice(-rows, None))
        for horizontal in (slice(None, columns), slice(-columns, None))
    ]
    return np.concatenate(parts)


def _header(stream: Any) -> tuple[float, int, float]:
    """(time taken, camera, JPEG table) as ``LOOK`` has them; a broken header says nothing."""
    try:
        with Image.open(stream) as image:
            exif = image.getexif()
            details = exif.get_ifd(ExifTags.IFD.Exif)
            tables = getattr(image, "quantization", None) or {}
    except Exception:  # the picture itself was decoded before; its notes may be damaged
        return float("nan"), 0, 0.0
    when = details.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
    maker = (exif.get(ExifTags.Base.Make), exif.get(ExifTags.Base.Model))
    name = " ".join(str(one).strip("\0 ") for one in maker if one)
    camera = zlib.crc32(name.encode("utf-8", "replace")) or 1 if name else 0
    quality = float(sum(tables[min(tables)])) if tables else 0.0
    return _seconds(when), camera, quality


def _seconds(when: object) -> float:
    try:
        moment = datetime.strptime(str(when).strip("\0 "), "%Y:%m:%d %H:%M:%S")
        return moment.replace(tzinfo=UTC).timestamp()
    except ValueError:
        return float("nan")
