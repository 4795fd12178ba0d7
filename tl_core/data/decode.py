"""Any supported picture file to plain 8-bit RGB, by stated rules; everything else is an error.

Files are hostile until decoded: only known formats are tried, whatever the file's name says, and
the size in the header is checked before a pixel is decoded.

- Orientation noted by the camera (EXIF) is applied; embedded colour profiles are ignored.
- Transparency is laid on white. CMYK and palettes are converted; greyscale is repeated.
- Grey of more than 8 bits becomes 8 bits by the rule of its set, see ``tl_core.data.reading``;
  DICOM by its own window where it has one, see ``tl_core.data.dicom``. Of 16-bit colour the upper
  8 bits count.
- An animation counts as its first frame and a stereo photo (MPO) as its first picture. A file of
  several pages is several pictures: ``pages`` gives them all, ``decode`` the first.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import IO

from PIL import Image

from tl_core.data.decoded import MAX_PIXELS, Decoded, Found, reduced
from tl_core.data.dicom import dicom_pages
from tl_core.data.plain import FORMATS, plain_pages
from tl_core.data.quarantine import unreadable
from tl_core.data.reading import Reading
from tl_core.data.sniff import is_dicom, may_be_dicom
from tl_core.errors import UnreadableImageError

__all__ = ["FORMATS", "MAX_PIXELS", "Decoded", "decode", "open_rgb", "pages"]

START_BYTES = 512  # read to say what a file is


def open_rgb(
    source: IO[bytes] | Path,
    *,
    max_side_px: int | None = None,
    max_pixels: int = MAX_PIXELS,
    reading: Reading | None = None,
) -> Image.Image:
    """Decode a picture to upright 8-bit RGB. See ``decode``."""
    return decode(source, max_side_px=max_side_px, max_pixels=max_pixels, reading=reading).image


def decode(
    source: IO[bytes] | Path,
    *,
    max_side_px: int | None = None,
    max_pixels: int = MAX_PIXELS,
    reading: Reading | None = None,
) -> Decoded:
    """Decode a whole picture, so that damage anywhere in it is noticed; the first of several.

    Args:
        source: A path, or a seekable binary stream at its start (left open).
        max_side_px: Nobody needs more pixels than this on the shorter side: a JPEG may come back
            reduced by 2, 4 or 8, any picture of more than ``LARGE_PIXELS`` by a whole number,
            both sides staying at least this long. None = full size.
        max_pixels: Refuse pictures of more pixels (width * height), judged from the header. At
            most ``MAX_PIXELS`` is useful.
        reading: The rule for grey of more than 8 bits; None = by the picture's kind alone.

    Returns:
        ``image`` is RGB.

    Raises:
        UnreadableImageError: Not a picture, unsupported, too large or damaged; the code is one of
            ``tl_core.data.quarantine.CODES``.
    """
    found_pages = pages(source, max_side_px=max_side_px, max_pixels=max_pixels, reading=reading)
    with closing(found_pages):
        _, found = next(found_pages)
    if isinstance(found, UnreadableImageError):
        raise found
    if found.native:
        return found
    found = replace(found, image=found.image.convert("RGB"))
    return reduced(found, max_side_px)


def pages(
    source: IO[bytes] | Path,
    *,
    max_side_px: int | None = None,
    max_pixels: int = MAX_PIXELS,
    reading: Reading | None = None,
) -> Generator[Found, None, None]:
    """Decode every picture of a file, one after the other; at least one comes, or an error.

    Args:
        source: As for ``decode``.
        max_side_px: As for ``decode``, but what is not ``native`` comes in full size.
        max_pixels: As for ``decode``.
        reading: As for ``decode``.

    Yields:
        The number of the page from 1, and the picture; or, when the file has others, the
        ``UnreadableImageError`` that says why this page cannot be used.

    Raises:
        UnreadableImageError: The file cannot be used.
    """
    try:
        with source.open("rb") if isinstance(source, Path) else nullcontext(source) as stream:
            yield from _pages(stream, max_side_px, max_pixels, reading)
    except OSError as err:
        raise unreadable(f"could not be read ({err.strerror or err})", code="damaged") from err


def _pages(
    stream: IO[bytes], max_side_px: int | None, max_pixels: int, reading: Reading | None
) -> Generator[Found, None, None]:
    start = stream.read(START_BYTES)
    stream.seek(0)
    if not start:
        raise unreadable("is empty (0 bytes)", code="empty")
    if is_dicom(start) or may_be_dicom(start):
        yield from dicom_pages(stream, max_pixels=max_pixels, reading=reading)
    else:
        yield from plain_pages(
            stream, start, max_side_px=max_side_px, max_pixels=max_pixels, reading=reading
        )
