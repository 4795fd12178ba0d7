"""TIFF that Pillow has no kind of pixels for, through tifffile: 64-bit numbers, separate planes.

Pages that are not packed, or packed with Deflate, are read; what a page unpacks to is measured
before tifffile unpacks it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, TypeVar

import numpy as np
from PIL import Image

from tl_core.data.decoded import (
    MOST_PAGES,
    Decoded,
    Found,
    check_pages,
    check_size,
    damaged,
    on_white,
    room,
)
from tl_core.data.planes import MARK, MOST_CHANNELS, preview
from tl_core.data.quarantine import unreadable
from tl_core.data.reading import SIXTEEN_BITS, Deep, Reading
from tl_core.errors import UnreadableImageError

__all__ = ["channels_are_planes", "tiff_page", "tiff_pages", "turned"]

NOT_PACKED, DEFLATE = 1, (8, 32946)  # values of the tag Compression
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 0, 1, 2  # of the tag PhotometricInterpretation
ALPHA = (1, 2)  # of the tag ExtraSamples
SMALLER_COPY, MASK = 1, 4  # bits of the tag NewSubfileType
SPARE = 1 << 20  # bytes a page may unpack to beyond its own

Out = TypeVar("Out")


def tiff_pages(stream: IO[bytes], *, max_pixels: int, reading: Reading | None) -> Iterator[Found]:
    """Every full page of a file; see ``tl_core.data.decode.pages``."""
    numbers, pixels = _guarded(lambda: _full_pages(stream))
    check_pages(len(numbers), pixels)
    for number, index in enumerate(numbers, start=1):
        found: Decoded | UnreadableImageError
        try:
            found = tiff_page(
                stream, index, max_pixels=max_pixels, reading=reading, n_pages=len(numbers)
            )
        except UnreadableImageError as err:
            if len(numbers) == 1:
                raise
            found = err
        yield number, found


def tiff_page(
    stream: IO[bytes],
    index: int,
    *,
    max_pixels: int,
    reading: Reading | None,
    n_pages: int = 1,
) -> Decoded:
    """One page, by its place in the file from 0.

    Raises:
        UnreadableImageError: Damaged, too large, or pixels of no kind that is known.
    """
    return _guarded(lambda: _page(stream, index, max_pixels, reading, n_pages))


def _guarded(work: Callable[[], Out]) -> Out:
    try:
        return work()
    except UnreadableImageError:
        raise
    except MemoryError as err:
        raise unreadable("needs more memory than there is", code="too_large") from err
    except Exception as err:  # tifffile on hostile bytes: which error it ends in is not defined
        raise damaged() from err


def _opened(stream: IO[bytes]) -> Any:
    from tifffile import TiffFile  # few files need it

    stream.seek(0)
    return TiffFile(stream)


def _full_pages(stream: IO[bytes]) -> tuple[list[int], int]:
    numbers, pixels = [], 0
    with _opened(stream) as file:
        for index in range(4 * MOST_PAGES):
            try:
                page = file.pages[index]
            except IndexError:
                break
            if index and int(page.subfiletype) & (SMALLER_COPY | MASK):
                continue
            numbers.append(index)
            pixels += int(page.imagewidth) * int(page.imagelength)
            if len(numbers) > MOST_PAGES:
                break
    if not numbers:
        raise damaged()
    return numbers, pixels


def _page(
    stream: IO[bytes], index: int, max_pixels: int, reading: Reading | None, n_pages: int
) -> Decoded:
    with _opened(stream) as file:
        page = file.pages[index]
        width, height = int(page.imagewidth), int(page.imagelength)
        check_size(width, height, max_pixels)
        _check_kind(page)
        _check_unpacked(page, stream)
        with room(width * height):
            pixels = np.asarray(page.asarray(maxworkers=1))
            if int(page.samplesperpixel) > 1 and int(page.planarconfig) == 2:
                pixels = np.moveaxis(pixels, 0, -1)
            pixels = turned(pixels, _orientation(page))
            if _is_planes(page):
                return _planes(page, pixels, reading, n_pages)
            deep = _deep(page, pixels)
            shown, transparent = (deep.shown(reading), False) if deep else _shown(page, pixels)
    return Decoded(
        image=shown,
        width=shown.width,
        height=shown.height,
        format="TIFF",
        native=False,
        n_pages=n_pages,
        transparent=transparent,
        sample=None if deep is None else deep.sample(),
    )


def _check_kind(page: Any) -> None:
    """Refuse what has no known way to 8-bit grey or colour."""
    channels, photometric = int(page.samplesperpixel), int(page.photometric)
    if int(page.imagedepth) != 1 or page.dtype is None:
        raise unreadable("holds pixels of a kind that is not supported", code="unsupported")
    if int(page.compression) != NOT_PACKED and int(page.compression) not in DEFLATE:
        name = getattr(page.compression, "name", str(page.compression))
        raise unreadable(
            f"is packed in a way Thaw cannot open ({name}): save it without compression, or as PNG",
            code="unsupported",
        )
    kind = page.dtype.kind
    if _is_planes(page):
        if channels > MOST_CHANNELS or kind not in "uif":
            raise unreadable(
                f"has {channels} channels of a kind that is not supported: at most "
                f"{MOST_CHANNELS} channels of plain numbers are read",
                code="unsupported",
            )
        return
    if channels > 1 and photometric != RGB:
        raise unreadable(
            f"has {channels} channels of a kind of colour that is not supported: save it as PNG",
            code="unsupported",
        )
    if channels == 1 and (photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO) or kind not in "buif"):
        raise unreadable("holds pixels of a kind that is not supported", code="unsupported")
    if channels > 1 and (kind != "u" or page.dtype.itemsize > 2):
        raise unreadable(
            "holds colours of more than 16 bits: save it with 8 or 16 bits per colour",
            code="unsupported",
        )


def _is_planes(page: Any) -> bool:
    """Whether the channels are no colours: 2, more than 4, or not said to be red, green, blue."""
    extra = page.extrasamples if isinstance(page.extrasamples, tuple) else ()
    return channels_are_planes(int(page.samplesperpixel), int(page.photometric), extra)


def channels_are_planes(channels: int, photometric: int, extra: Sequence[int]) -> bool:
    """Whether channels are no colours, by a page's tags; ``extra`` is ExtraSamples.

    Grey with more channels than transparency, or more than any colour has.
    """
    if photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO):
        see_through = channels == 2 and tuple(extra)[:1] in ((ALPHA[0],), (ALPHA[1],))
        return channels > 1 and not see_through
    return photometric == RGB and channels > 4


def _planes(page: Any, pixels: np.ndarray, reading: Reading | None, n_pages: int) -> Decoded:
    """A picture of several channels, each in 8 bits; three become red, green and blue."""
    samples: tuple[np.ndarray, ...] = ()
    if pixels.dtype != np.uint8:
        full = SIXTEEN_BITS if pixels.dtype == np.dtype(np.uint16) else None
        deep = [Deep(stored=pixels[..., one], full=full) for one in range(pixels.shape[-1])]
        samples = tuple(one.sample() for one in deep)
        shown = [np.asarray(one.plane(reading, place, len(deep))) for place, one in enumerate(deep)]
        pixels = np.stack(shown, axis=-1)
    height, width, channels = pixels.shape
    return Decoded(
        image=preview(pixels),
        width=width,
        height=height,
        format="TIFF",
        native=page.description == MARK and not samples and n_pages == 1,
        n_pages=n_pages,
        planes=None if channels == 3 else pixels,
        plane_samples=samples,
    )


def _check_unpacked(page: Any, stream: IO[bytes]) -> None:
    """Refuse a page that unpacks to more than its pixels; tifffile itself sets no limit."""
    if int(page.compression) == NOT_PACKED:
        return
    left = 2 * int(page.imagewidth) * int(page.imagelength) * int(page.samplesperpixel)
    left = left * page.dtype.itemsize + SPARE
    for start, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        stream.seek(int(start))
        packed = stream.read(int(count))
        unpacker = zlib.decompressobj()
        while packed and not unpacker.eof:
            left -= len(unpacker.decompress(packed, 1 << 20))
            packed = unpacker.unconsumed_tail
            if left < 0:
                raise damaged()


def _orientation(page: Any) -> int:
    tag = page.tags.get(274)
    return int(tag.value) if tag is not None else 1


def turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """(H, W) or (H, W, C) turned upright, ``orientation`` as EXIF and TIFF number it, 1 to 8."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _deep(page: Any, pixels: np.ndarray) -> Deep | None:
    if pixels.ndim != 2 or pixels.dtype.kind == "b" or pixels.dtype == np.uint8:
        return None
    return Deep(
        stored=pixels,
        inverted=int(page.photometric) == WHITE_IS_ZERO,
        full=SIXTEEN_BITS if pixels.dtype == np.dtype(np.uint16) else None,
    )


def _shown(page: Any, pixels: np.ndarray) -> tuple[Image.Image, bool]:
    """Pixels of 8 bits, or the upper 8 of 16 bits of colour; and whether parts are see-through."""
    if pixels.dtype.kind == "b":
        pixels = pixels.astype(np.uint8) * 255
    if pixels.dtype.itemsize == 2:
        pixels = pixels >> 8
    pixels = np.ascontiguousarray(pixels, dtype=np.uint8)
    if pixels.ndim == 2:
        inverted = int(page.photometric) == WHITE_IS_ZERO
        return Image.fromarray(255 - pixels if inverted else pixels), False
    if pixels.shape[2] == 4 and tuple(page.extrasamples)[:1] and page.extrasamples[0] in ALPHA:
        return on_white(Image.fromarray(pixels))
    return Image.fromarray(np.ascontiguousarray(pixels[:, :, :3])), False
