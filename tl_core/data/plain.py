"""Picture files that Pillow opens: photographs, drawings, and grey of 16 and 32 bits.

HEIF photos of telephones come through pi_heif, which turns them upright by itself. TIFF files may
have several pages; those that are only a smaller copy or a mask of another are passed over.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import IO, Any

import numpy as np
from PIL import Image

from tl_core.data import deep_tiff
from tl_core.data.camera import orientation, taken_and_camera
from tl_core.data.decoded import (
    MAX_PIXELS,
    MOST_PAGES,
    Decoded,
    Found,
    check_pages,
    check_size,
    damaged,
    on_white,
    reduced,
    room,
    too_large,
)
from tl_core.data.quarantine import unreadable
from tl_core.data.reading import SIXTEEN_BITS, Deep, Reading
from tl_core.data.sniff import describe_start, is_heif, is_tiff
from tl_core.errors import UnreadableImageError

__all__ = ["FORMATS", "plain_pages"]

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF")  # and HEIF, where pi_heif is there
SUBFILE, BITS, PACKING, PHOTOMETRIC, PLANES, SAMPLE_FORMAT = 254, 258, 259, 262, 284, 339  # TIFF
CHANNELS, EXTRA = 277, 338
SMALLER_COPY, MASK = 1, 4  # bits of SUBFILE

# Second line of defence: Pillow itself refuses twice this. Ours is the stricter one.
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
_heif = threading.Lock()
_heif_state: dict[str, bool] = {}


def plain_pages(
    stream: IO[bytes],
    start: bytes,
    *,
    max_side_px: int | None,
    max_pixels: int,
    reading: Reading | None,
) -> Iterator[Found]:
    """Every picture of a file; see ``tl_core.data.decode.pages``.

    Args:
        stream: At its start.
        start: Its first bytes, not empty.
        max_side_px: As for ``decode``; smaller pictures come of native ones only.
        max_pixels: As for ``decode``.
        reading: The rule for deep grey.
    """
    formats = (*FORMATS, "HEIF") if is_heif(start) and _heif_opens() else FORMATS
    try:
        image = Image.open(stream, formats=formats)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as err:
        raise too_large(max_pixels) from err
    except Exception as err:
        # Pillow's parsers meet hostile bytes here; which error they end in is not defined.
        if is_heif(start) and "HEIF" not in formats:
            raise _no_heif() from err
        if not is_tiff(start):
            raise describe_start(start) from err
        yield from deep_tiff.tiff_pages(stream, max_pixels=max_pixels, reading=reading)
        return
    check_size(image.width, image.height, max_pixels)
    if image.format == "TIFF":
        yield from _tiff_pages(image, stream, max_side_px, max_pixels, reading)
        return
    with room(image.width * image.height):
        found = reduced(_page(image, max_side_px, reading), max_side_px)
    yield 1, found


def _tiff_pages(
    image: Image.Image,
    stream: IO[bytes],
    max_side_px: int | None,
    max_pixels: int,
    reading: Reading | None,
) -> Iterator[Found]:
    """The pages of a TIFF file; those Pillow has no kind of pixels for through ``deep_tiff``."""
    frames, strange, pixels = _full_frames(image)
    check_pages(len(frames), pixels)
    for number, frame in enumerate(frames, start=1):
        found: Decoded | UnreadableImageError
        try:
            if frame in strange:
                found = deep_tiff.tiff_page(stream, frame, max_pixels=max_pixels, reading=reading)
            else:
                if len(frames) > 1 or frame:
                    image.seek(frame)
                check_size(image.width, image.height, max_pixels)
                with room(image.width * image.height):
                    found = _page(image, max_side_px, reading)
                    if len(frames) == 1:
                        found = reduced(found, max_side_px)
            if len(frames) > 1:
                found = replace(found, native=False, n_pages=len(frames))
        except UnreadableImageError as err:
            if len(frames) == 1:
                raise
            found = err
        except Exception as err:  # as in _page: a parser on damaged bytes
            raise damaged() from err
        yield number, found


def _full_frames(image: Image.Image) -> tuple[list[int], set[int], int]:
    """Frames that are pages of their own, those of them Pillow cannot decode, pixels in all."""
    frames: list[int] = []
    strange: set[int] = set()
    pixels = 0
    for frame in range(4 * MOST_PAGES):  # every page may have smaller copies of itself
        try:
            image.seek(frame)
        except EOFError:
            break
        except SyntaxError:  # Pillow's way to say that it has no such kind of pixels
            strange.add(frame)
        except Exception as err:
            raise damaged() from err
        tags = image.tag_v2  # type: ignore[attr-defined]
        try:
            if _deep_planes(tags) or _no_colors(tags):
                strange.add(frame)
        except Exception as err:  # tags of any type may stand in a hostile file
            raise damaged() from err
        kind = tags.get(SUBFILE, 0)
        if frame and isinstance(kind, int) and kind & (SMALLER_COPY | MASK):
            strange.discard(frame)
            continue
        frames.append(frame)
        pixels += 0 if frame in strange else image.width * image.height
        if len(frames) > MOST_PAGES:
            break
    if len(frames) == 1:
        image.seek(0)
    return frames, strange, pixels


def _deep_planes(tags: Any) -> bool:
    """Whether colours of more than 8 bits lie in planes that are not packed.

    Pillow takes the bytes of such planes for pixels of 8 bits and shows noise.
    """
    bits = tags.get(BITS, (1,))
    deep = max(bits) > 8 if isinstance(bits, tuple) else False
    return deep and tags.get(PLANES) == 2 and tags.get(PACKING, 1) == 1


def _no_colors(tags: Any) -> bool:
    """Whether there are more channels than Pillow shows: it would take the first for the whole."""
    extra = tags.get(EXTRA, ())
    return deep_tiff.channels_are_planes(
        int(tags.get(CHANNELS, 1)),
        int(tags.get(PHOTOMETRIC, 1)),
        extra if isinstance(extra, tuple) else (extra,),
    )


def _page(image: Image.Image, max_side_px: int | None, reading: Reading | None) -> Decoded:
    """The picture Pillow stands at."""
    kind = "JPEG" if image.format == "MPO" else str(image.format)
    several = kind not in ("JPEG", "TIFF", "HEIF") and bool(getattr(image, "is_animated", False))
    try:
        width, height = image.size
        inverted = kind == "TIFF" and image.tag_v2.get(PHOTOMETRIC) == 0  # type: ignore[attr-defined]
        if kind == "JPEG" and max_side_px:
            image.draft(None, (max_side_px, max_side_px))
        image.load()
        exif = image.getexif()
        turn = _TURNS.get(orientation(exif))
        if kind in ("TIFF", "HEIF"):  # turned already while loading
            turn, (width, height) = None, image.size
        elif turn in _ON_THE_SIDE:
            width, height = height, width
        upright = image if turn is None else image.transpose(turn)
        deep = _deep(upright, image, inverted)
        shown, transparent = (deep.shown(reading), False) if deep else _to_rgb(upright)
        taken, camera = taken_and_camera(exif)
    except UnreadableImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as err:
        raise too_large(MAX_PIXELS) from err
    except MemoryError as err:
        raise unreadable("needs more memory than there is", code="too_large") from err
    except Exception as err:  # as above: the decoder's errors on damaged bytes are not defined
        raise damaged() from err
    shown.info = {}  # nothing of the file's profile, comments or EXIF may leak into what is saved
    return Decoded(
        image=shown,
        width=width,
        height=height,
        format=kind,
        native=deep is None,
        animated=several,
        transparent=transparent,
        sample=None if deep is None else deep.sample(),
        taken=taken,
        camera=camera,
    )


def _deep(upright: Image.Image, image: Image.Image, inverted: bool) -> Deep | None:
    """Grey of more than 8 bits, or None for any other picture."""
    if upright.mode.startswith("I;16"):
        return Deep(stored=np.asarray(upright), full=SIXTEEN_BITS, inverted=inverted)
    if upright.mode not in ("I", "F"):
        return None
    stored = np.asarray(upright)
    formats = getattr(image, "tag_v2", {}).get(SAMPLE_FORMAT, (1,))
    if upright.mode == "I" and image.format == "TIFF" and tuple(formats)[:1] == (1,):
        stored = stored.view(np.uint32)  # Pillow holds unsigned numbers as signed ones
    return Deep(stored=stored, inverted=inverted)


def _to_rgb(image: Image.Image) -> tuple[Image.Image, bool]:
    """RGB, and whether parts of the picture were see-through."""
    if image.mode == "RGB" and not image.has_transparency_data:
        return (image.copy() if type(image) is not Image.Image else image), False
    if image.has_transparency_data or image.mode in ("La", "RGBa"):
        return on_white(image if image.mode == "RGBA" else image.convert("RGBA"))
    try:
        return image.convert("RGB"), False
    except ValueError as err:
        raise unreadable(
            f"uses a kind of colour that is not supported ({image.mode}): save it as JPEG or PNG",
            code="unsupported",
        ) from err


def _heif_opens() -> bool:
    """Make Pillow open HEIF files, once; False where pi_heif is not installed."""
    with _heif:
        if "opens" not in _heif_state:
            try:
                from pi_heif import register_heif_opener  # only for those who have such photos

                register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
                _heif_state["opens"] = True
            except Exception:  # not installed, or built for another machine
                _heif_state["opens"] = False
        return _heif_state["opens"]


def _no_heif() -> UnreadableImageError:
    return unreadable(
        "is a HEIC photo, and pi-heif, which reads them, is not installed here: install it, or "
        "save the photo as JPEG",
        code="unsupported",
    )
