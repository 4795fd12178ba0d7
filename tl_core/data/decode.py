"""Any supported picture file to plain 8-bit RGB, by stated rules; everything else is an error.

Files are hostile until decoded: only the formats of ``FORMATS`` are tried, whatever the file's
name says, and the size in the header is checked before a pixel is decoded.

- Orientation noted by the camera (EXIF) is applied; embedded colour profiles are ignored.
- Transparency is laid on white. CMYK and palettes are converted; greyscale is repeated.
- 16-bit grey is divided by 257 (the full range 0..65535 becomes 0..255). 32-bit grey has no
  agreed range: the picture's own smallest value becomes 0 and its largest 255.
- A stereo photo (MPO) counts as its first picture. Animations and files of several pages are
  refused: one label cannot stand for all their pictures.
"""

from __future__ import annotations

import threading
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np
from PIL import ExifTags, Image

from tl_core.data.quarantine import unreadable
from tl_core.data.sniff import describe_start
from tl_core.errors import UnreadableImageError

__all__ = ["FORMATS", "MAX_PIXELS", "Decoded", "decode", "open_rgb"]

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
MAX_PIXELS = 100_000_000  # width * height; the largest camera sensors in use have about that
LARGE_PIXELS = 25_000_000  # above, pictures are decoded one at a time to keep memory bounded
START_BYTES = 512  # read to say what a file is that is no picture

# Second line of defence: Pillow itself refuses twice this. Ours below is the stricter one.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ON_THE_SIDE = (
    Image.Transpose.TRANSPOSE,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_90,
)
_large = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A decoded picture and what its file said.

    ``image`` is RGB and may be smaller than ``width`` x ``height``, the picture's own size in
    pixels as shown upright. ``format`` is one of ``FORMATS``, stereo photos being "JPEG".
    """

    image: Image.Image
    width: int
    height: int
    format: str


def open_rgb(
    source: IO[bytes] | Path, *, max_side_px: int | None = None, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """Decode a picture to upright 8-bit RGB. See ``decode``."""
    return decode(source, max_side_px=max_side_px, max_pixels=max_pixels).image


def decode(
    source: IO[bytes] | Path, *, max_side_px: int | None = None, max_pixels: int = MAX_PIXELS
) -> Decoded:
    """Decode a whole picture, so that damage anywhere in it is noticed.

    Args:
        source: A path, or a seekable binary stream at its start (left open).
        max_side_px: Nobody needs more pixels than this on the shorter side: a JPEG may come back
            reduced by 2, 4 or 8, any picture of more than ``LARGE_PIXELS`` by a whole number,
            both sides staying at least this long. None = full size.
        max_pixels: Refuse pictures of more pixels (width * height), judged from the header. At
            most ``MAX_PIXELS`` is useful.

    Raises:
        UnreadableImageError: Not a picture, unsupported, animated, too large or damaged; the
            code is one of ``tl_core.data.quarantine.CODES``.
    """
    try:
        with source.open("rb") if isinstance(source, Path) else nullcontext(source) as stream:
            return _decode(stream, max_side_px, max_pixels)
    except OSError as err:
        raise unreadable(f"could not be read ({err.strerror or err})", code="damaged") from err


def _decode(stream: IO[bytes], max_side_px: int | None, max_pixels: int) -> Decoded:
    start = stream.read(START_BYTES)
    stream.seek(0)
    if not start:
        raise unreadable("is empty (0 bytes)", code="empty")
    try:
        image = Image.open(stream, formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as err:
        raise _too_large(max_pixels) from err
    except Exception as err:
        # Pillow's parsers meet hostile bytes here; which error they end in is not defined.
        raise describe_start(start) from err
    if image.width * image.height > max_pixels:
        raise _too_large(max_pixels, image.size)
    if image.width < 1 or image.height < 1:
        raise unreadable("holds a picture without pixels", code="damaged")
    if image.width * image.height <= LARGE_PIXELS:
        return _decode_pixels(image, max_side_px)
    with _large:
        found = _decode_pixels(image, max_side_px)
        factor = min(found.image.size) // max_side_px if max_side_px else 1
        return replace(found, image=found.image.reduce(factor)) if factor > 1 else found


def _decode_pixels(image: Image.Image, max_side_px: int | None) -> Decoded:
    kind = "JPEG" if image.format == "MPO" else str(image.format)
    try:
        if kind != "JPEG" and getattr(image, "is_animated", False):
            raise _several(kind)
        width, height = image.size
        if kind == "JPEG" and max_side_px:
            image.draft(None, (max_side_px, max_side_px))
        image.load()
        turn = _TURNS.get(_orientation(image))
        if kind == "TIFF":  # Pillow has turned these by itself while loading
            width, height = image.size
        elif turn in _ON_THE_SIDE:
            width, height = height, width
        rgb = _to_rgb(image if turn is None else image.transpose(turn))
    except UnreadableImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as err:
        raise _too_large(MAX_PIXELS) from err
    except MemoryError as err:
        raise unreadable("needs more memory than there is", code="too_large") from err
    except Exception as err:  # as above: the decoder's errors on damaged bytes are not defined
        raise unreadable("is damaged or cut off", code="damaged") from err
    rgb.info = {}  # nothing of the file's profile, comments or EXIF may leak into what is saved
    return Decoded(image=rgb, width=width, height=height, format=kind)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # broken EXIF is no reason to lose the picture
        return 1


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and not image.has_transparency_data:
        return image.copy() if type(image) is not Image.Image else image
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.float32) / 257.0
        return _grey(values)
    if image.mode in ("I", "F"):
        return _grey(_stretched(np.asarray(image, dtype=np.float64)))
    if image.has_transparency_data or image.mode in ("La", "RGBa"):
        layer = image if image.mode == "RGBA" else image.convert("RGBA")
        white = Image.new("RGB", layer.size, (255, 255, 255))
        white.paste(layer, mask=layer)
        return white
    try:
        return image.convert("RGB")
    except ValueError as err:
        raise unreadable(
            f"uses a kind of colour that is not supported ({image.mode}): save it as JPEG or PNG",
            code="unsupported",
        ) from err


def _stretched(values: np.ndarray) -> np.ndarray:
    finite = np.isfinite(values)
    if not finite.any():
        raise unreadable("holds no numbers that can be shown", code="damaged")
    low, high = float(values[finite].min()), float(values[finite].max())
    values = np.where(finite, values, low)
    return (values - low) / (high - low) * 255.0 if high > low else np.zeros_like(values)


def _grey(values: np.ndarray) -> Image.Image:
    return Image.fromarray(np.rint(values).clip(0, 255).astype(np.uint8)).convert("RGB")


def _several(kind: str) -> UnreadableImageError:
    what = "holds several pages" if kind == "TIFF" else "is animated"
    return unreadable(f"{what}: save the one picture you want as JPEG or PNG", code="animated")


def _too_large(max_pixels: int, size: tuple[int, int] | None = None) -> UnreadableImageError:
    own = f" ({size[0]} x {size[1]} pixels)" if size else ""
    return unreadable(
        f"is too large{own}: at most {max_pixels / 1e6:g} million pixels are decoded",
        code="too_large",
        hint="Scale the picture down and bring it again.",
    )
