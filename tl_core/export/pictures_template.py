"""From a file to the network's input: a part of the script that a bundle brings along.

``tl_core.export.bundle`` puts it into ``predict.py`` in place of the import there, so it must work
without Thaw. It shares no code with the app's own reading (``tl_core.data.decode``); the
certificate compares the two.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image

FORMATS = ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF"]  # JPEG includes stereo photos
MAX_PIXELS = 100_000_000
LARGE_PIXELS = 25_000_000  # above, a picture is reduced by a whole number first
ORIENTATION = 0x0112  # EXIF tag
HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UnusableError(Exception):
    """A file, or this folder, cannot be used; the text says why."""


# -- from a file to pixels -------------------------------------------------------------------------


class Grey:
    """Grey of more than 8 bits: (H, W) as stored, and what turns it into numbers."""

    def __init__(
        self,
        stored: np.ndarray[Any, Any],
        slope: float = 1.0,
        intercept: float = 0.0,
        inverted: bool = False,
        missing: tuple[float, float] | None = None,
    ) -> None:
        values = stored.astype(np.float64) * slope + intercept
        if missing is not None:
            values[(stored >= missing[0]) & (stored <= missing[1])] = np.nan
        self.values, self.inverted = values, inverted
        self.full = (0.0, 65535.0) if stored.dtype.kind == "u" and stored.itemsize == 2 else None

    def by(self, rule: dict[str, Any] | None, full: bool = True) -> Image.Image:
        """8 bits by the rule of the training pictures, or by the kind of the picture alone."""
        if rule:
            return self.between(float(rule["low"]), float(rule["high"]))
        if self.full and full:
            return self.between(*self.full)
        counts = self.values[np.isfinite(self.values)]
        return self.between(float(counts.min()), float(counts.max()))

    def between(self, low: float, high: float) -> Image.Image:
        """8 bits, ``low`` black and ``high`` white; what is no number is black."""
        counts = np.isfinite(self.values)
        span = high - low
        scaled = (self.values - low) / span * 255.0 if span > 0 else np.zeros_like(self.values)
        grey = np.rint(np.where(counts, scaled, 0.0)).clip(0, 255)
        grey = np.where(counts, 255.0 - grey if self.inverted else grey, 0.0)
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")


def opened(
    source: Path | IO[bytes], max_side_px: int, rule: dict[str, Any] | None = None
) -> tuple[Image.Image, str]:
    """Decode a picture to upright 8-bit RGB, with a note on what of the file it is.

    A JPEG much larger than ``max_side_px`` is read at a half, quarter or eighth of its size.
    ``rule`` says what grey of more than 8 bits becomes.

    Raises:
        UnusableError: Not a picture, too large, damaged, or a package to read it is missing.
    """
    try:
        context = source.open("rb") if isinstance(source, Path) else contextlib.nullcontext(source)
    except OSError as err:
        raise UnusableError("is not a picture that can be read") from err
    try:
        with context as stream, warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            start = stream.read(512)
            stream.seek(0)
            if start[128:132] == b"DICM" or _headless_dicom(start):
                image, note = _dicom(stream, rule)
            else:
                image, note = _plain(stream, start, max_side_px, rule)
    except UnusableError:
        raise
    except Exception as err:
        raise UnusableError("is damaged or of a kind that is not supported") from err
    factor = min(image.size) // max_side_px
    if image.width * image.height > LARGE_PIXELS and factor > 1:
        image = image.reduce(factor)
    return image, note


def _plain(
    stream: IO[bytes], start: bytes, max_side_px: int, rule: dict[str, Any] | None
) -> tuple[Image.Image, str]:
    heif = start[4:8] == b"ftyp" and start[8:12] in HEIF
    if heif and "HEIF" not in FORMATS:
        with contextlib.suppress(ImportError):
            import pi_heif

            pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
            FORMATS.append("HEIF")
    try:
        image = Image.open(stream, formats=FORMATS)
    except Exception as err:
        if heif and "HEIF" not in FORMATS:
            raise UnusableError("is a HEIC photo: run  pip install pi-heif  to read it") from err
        if start[:4] not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            raise UnusableError("is not a picture that can be read") from err
        return _strange_tiff(stream, rule), ""
    _check_size(image.width, image.height)
    tags = dict(getattr(image, "tag_v2", {}))
    planes = tags.get(284) == 2 and tags.get(259, 1) == 1 and max(tags.get(258, (1,))) > 8
    if planes or (tags.get(262) in (0, 1) and tags.get(277, 1) > 2):
        note = _note(image)  # Pillow would show noise, or only the first channel
        return _strange_tiff(stream, rule), note
    if image.format in ("JPEG", "MPO"):
        image.draft(None, (max_side_px, max_side_px))
    image.load()
    turned = image if image.format in ("TIFF", "HEIF") else _upright(image)  # turned while loading
    inverted = tags.get(262) == 0  # TIFF: white is zero
    if turned.mode.startswith("I;16"):
        rgb = Grey(np.asarray(turned), inverted=inverted).by(rule)
    elif turned.mode in ("I", "F"):
        stored = np.asarray(turned)
        if turned.mode == "I" and image.format == "TIFF" and tags.get(339, (1,))[0] == 1:
            stored = stored.view(np.uint32)
        rgb = Grey(stored, inverted=inverted).by(rule)
    else:
        rgb = _to_rgb(turned)
    return rgb, _note(image)


def _note(image: Image.Image) -> str:
    if image.format in ("JPEG", "MPO", "HEIF") or not getattr(image, "is_animated", False):
        return ""
    if image.format != "TIFF":
        return "the first frame of an animation"
    for frame in range(1, 2000):
        with contextlib.suppress(SyntaxError):  # a page of a kind Pillow does not know
            try:
                image.seek(frame)
            except EOFError:
                return ""
        if not int(getattr(image, "tag_v2", {}).get(254, 0)) & 5:  # no smaller copy, no mask
            break
    return "the first of several pages"


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise UnusableError("is too large")


def _upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(ORIENTATION)
    except Exception:
        return image
    turn = TURNS.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.has_transparency_data or image.mode in ("La", "RGBa"):
        layer = image.convert("RGBA")
        white = Image.new("RGB", layer.size, (255, 255, 255))
        white.paste(layer, mask=layer.getchannel("A"))
        return white
    return image.convert("RGB")


def _colour(pixels: np.ndarray[Any, Any], bits: int) -> Image.Image:
    upper = pixels >> (bits - 8) if bits > 8 else pixels
    return Image.fromarray(np.ascontiguousarray(upper, dtype=np.uint8))


def _strange_tiff(stream: IO[bytes], rule: dict[str, Any] | None) -> Image.Image:
    """The first page of a TIFF file of 64-bit numbers or separate planes."""
    try:
        import tifffile
    except ImportError as err:
        raise UnusableError("is unusual TIFF: run  pip install tifffile  to read it") from err
    stream.seek(0)
    with tifffile.TiffFile(stream) as file:
        page: Any = file.pages[0]
        _check_size(page.imagewidth, page.imagelength)
        channels = page.samplesperpixel
        parts = channels == 3 and page.photometric in (0, 1)  # no colours by name, shown as such
        if channels not in (1, 3, 4) or (channels > 1 and page.photometric != 2 and not parts):
            raise UnusableError(f"has {channels} channels; grey and colour can be read")
        pixels = np.asarray(page.asarray(maxworkers=1))
        if channels > 1 and page.planarconfig == 2:
            pixels = np.moveaxis(pixels, 0, -1)
        pixels = _turned(pixels, page.tags.get(274))
    if parts:
        return Image.merge("RGB", _by_channel(pixels, rule))
    if channels == 1:
        if pixels.dtype.kind == "b":
            pixels = pixels.astype(np.uint8) * 255
        grey = Grey(pixels, inverted=int(page.photometric) == 0)
        return grey.between(0.0, 255.0) if pixels.dtype == np.uint8 else grey.by(rule)
    if pixels.dtype.kind != "u" or pixels.itemsize > 2:
        raise UnusableError("holds colours of more than 16 bits")
    if channels == 4 and tuple(page.extrasamples)[:1] in ((1,), (2,)):
        return _to_rgb(_colour(pixels, 8 * pixels.itemsize))
    return _colour(pixels[:, :, :3], 8 * pixels.itemsize)


def _turned(pixels: np.ndarray[Any, Any], tag: Any) -> np.ndarray[Any, Any]:
    orientation = int(tag.value) if tag is not None else 1
    pixels = pixels.swapaxes(0, 1) if orientation >= 5 else pixels
    pixels = pixels[::-1] if orientation in (3, 4, 7, 8) else pixels
    return pixels[:, ::-1] if orientation in (2, 3, 6, 7) else pixels


def _planes(
    source: Path | IO[bytes], channels: int, rule: dict[str, Any] | None
) -> list[Image.Image]:
    """The channels of a TIFF file that are no colours, each as 8-bit grey by its own rule."""
    try:
        import tifffile

        with tifffile.TiffFile(source) as file:
            page: Any = file.pages[0]
            _check_size(page.imagewidth, page.imagelength)
            if page.samplesperpixel != channels:
                raise UnusableError(f"has {page.samplesperpixel} channels instead of {channels}")
            pixels = np.asarray(page.asarray(maxworkers=1))
            if page.planarconfig == 2:
                pixels = np.moveaxis(pixels, 0, -1)
            return _by_channel(_turned(pixels, page.tags.get(274)), rule)
    except ImportError as err:
        raise UnusableError("needs tifffile: run  pip install tifffile  to read it") from err
    except UnusableError:
        raise
    except Exception as err:
        raise UnusableError("is damaged or of a kind that is not supported") from err


def _by_channel(pixels: np.ndarray[Any, Any], rule: dict[str, Any] | None) -> list[Image.Image]:
    """Each channel as 8-bit grey, by its own ends in the rule."""
    n, rule = pixels.shape[-1], rule or {}
    own = next((ends for ends in rule.get("planes", ()) if len(ends) == n), None)
    if own is None and rule.get("high", 0) > rule.get("low", 0):
        own = [(rule["low"], rule["high"])] * n
    own = [(0.0, 255.0)] * n if pixels.dtype == np.uint8 else own
    parts = [Grey(np.ascontiguousarray(pixels[..., i])) for i in range(n)]
    shown = (one.between(*own[i]) if own else one.by(None) for i, one in enumerate(parts))
    return [one.convert("L") for one in shown]


# -- medical pictures ------------------------------------------------------------------------------


def _headless_dicom(start: bytes) -> bool:
    """Whether a file may be DICOM without its first 132 bytes."""
    if start[:2] not in (b"\x02\0", b"\x08\0", b"\0\x08") or len(start) < 8:
        return False
    length = int.from_bytes(start[4:8], "little")
    kinds = (b"UL", b"OB", b"UI", b"CS", b"DA", b"TM", b"SH", b"LO")
    return start[4:6] in kinds or (start[3] == 0 and length <= 64 and length % 2 == 0)


def _dicom(stream: IO[bytes], rule: dict[str, Any] | None) -> tuple[Image.Image, str]:
    """The first frame by its own window, else by the rule of the training pictures."""
    try:
        import pydicom
        from pydicom.pixels import processing
        from pydicom.pixels.utils import pixel_array
    except ImportError as err:
        raise UnusableError("is a DICOM file: run  pip install pydicom  to read it") from err
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    file: Any = pydicom.dcmread(stream, force=True)
    if "Rows" not in file:
        raise UnusableError("is a DICOM file without a picture")
    _check_size(int(file.Rows), int(file.Columns))
    if not file.file_meta.get("TransferSyntaxUID"):
        implicit, little = file.original_encoding
        explicit = pydicom.uid.ExplicitVRLittleEndian if little else pydicom.uid.ExplicitVRBigEndian
        file.file_meta.TransferSyntaxUID = (
            pydicom.uid.ImplicitVRLittleEndian if implicit else explicit
        )
    pixels = np.asarray(pixel_array(file, index=0))
    kind = str(file.get("PhotometricInterpretation") or "MONOCHROME2").strip()
    if kind == "PALETTE COLOR":
        pixels = processing.apply_color_lut(pixels, file)
        image = _colour(pixels[:, :, :3], 8 * pixels.itemsize)
    elif pixels.ndim == 3:
        image = _colour(pixels[:, :, :3], int(file.get("BitsStored") or 8))
    else:
        image = _dicom_grey(file, processing, pixels, rule, inverted=kind == "MONOCHROME1")
    several = int(file.get("NumberOfFrames") or 1) > 1
    return image, "the first of several pages" if several else ""


def _dicom_grey(
    file: Any,
    processing: Any,
    pixels: np.ndarray[Any, Any],
    rule: dict[str, Any] | None,
    inverted: bool,
) -> Image.Image:
    bits = int(file.get("BitsStored") or 16)
    if file.get("ModalityLUTSequence"):
        grey, plain = Grey(processing.apply_modality_lut(pixels, file), inverted=inverted), True
    else:
        about = _of_frame(file, "PixelValueTransformationSequence")
        slope, intercept = _number(about, "RescaleSlope"), _number(about, "RescaleIntercept")
        padding, limit = _number(file, "PixelPaddingValue"), _number(file, "PixelPaddingRangeLimit")
        ends = None if padding is None else (padding, padding if limit is None else limit)
        missing = None if ends is None else (min(ends), max(ends))
        slope, intercept = 1.0 if slope is None else slope, intercept or 0.0
        grey, plain = (
            Grey(pixels, slope, intercept, inverted, missing),
            (slope, intercept) == (1, 0),
        )
    if file.get("VOILUTSequence"):
        table = processing.apply_voi(np.rint(np.nan_to_num(grey.values)).astype(np.int32), file)
        most = 2.0 ** int(file.VOILUTSequence[0].LUTDescriptor[2]) - 1
        return Grey(table, inverted=inverted).between(0.0, most)
    about = _of_frame(file, "FrameVOILUTSequence")
    center, width = _number(about, "WindowCenter"), _number(about, "WindowWidth")
    if center is not None and width is not None and width > 0:
        shape = str(about.get("VOILUTFunction") or "LINEAR").strip()
        if shape == "SIGMOID":
            values = 1.0 / (1.0 + np.exp(-4.0 * (grey.values - center) / width))
            return Grey(values, inverted=inverted).between(0.0, 1.0)
        if shape == "LINEAR_EXACT":
            return grey.between(center - width / 2, center + width / 2)
        half = max(width - 1, 1e-6) / 2
        return grey.between(center - 0.5 - half, center - 0.5 + half)
    if pixels.dtype == np.uint8 and bits <= 8 and plain:
        return grey.between(0.0, float(2**bits - 1))
    return grey.by(rule, full=False)


def _of_frame(file: Any, group: str) -> Any:
    for name in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        items = file.get(name) or []
        if len(items) and items[0].get(group):
            return items[0].get(group)[0]
    return file


def _number(file: Any, name: str) -> float | None:
    value = file.get(name)
    if value is None or isinstance(value, str):
        return None
    if hasattr(value, "__len__"):
        return float(value[0]) if len(value) else None
    return float(value) if np.isfinite(float(value)) else None


# -- from a picture to the network's input ---------------------------------------------------------


def fit_square(
    image: Image.Image, size_px: int, resize: str, pad_color: Sequence[int]
) -> Image.Image:
    """Fit an RGB or grey picture into a square: "pad", "squash" or "crop" (the middle)."""
    width, height = image.size
    bicubic = Image.Resampling.BICUBIC
    if resize == "squash":
        return image.resize((size_px, size_px), bicubic, reducing_gap=2.0)
    if resize == "crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        box = (left, top, left + side, top + side)
        return image.resize((size_px, size_px), bicubic, box=box, reducing_gap=2.0)
    scale = size_px / max(width, height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    color: Any = (pad_color[0], pad_color[1], pad_color[2])
    if image.mode == "L":
        color = round(sum(pad_color) / 3)
    square = Image.new(image.mode, (size_px, size_px), color)
    small = image.resize(inner, bicubic, reducing_gap=2.0)
    square.paste(small, ((size_px - inner[0]) // 2, (size_px - inner[1]) // 2))
    return square


def to_pixels(source: Path | IO[bytes], preprocessing: dict[str, Any]) -> np.ndarray[Any, Any]:
    """A picture as the network sees it: uint8, (C, S, S), 0..255. Raises UnusableError."""
    return pixels_and_note(source, preprocessing)[0]


def pixels_and_note(
    source: Path | IO[bytes], preprocessing: dict[str, Any]
) -> tuple[np.ndarray[Any, Any], str]:
    """As ``to_pixels``, with the note of ``opened``."""
    size_px, channels = int(preprocessing["size_px"]), int(preprocessing.get("channels", 3))
    rule, fit = preprocessing.get("reading"), (preprocessing["resize"], preprocessing["pad_color"])
    if channels not in (1, 3):
        planes = _planes(source, channels, rule)
        return np.stack([np.asarray(fit_square(one, size_px, *fit)) for one in planes]), ""
    image, note = opened(source, 2 * size_px, rule)
    square = fit_square(image if channels == 3 else image.convert("L"), size_px, *fit)
    pixels = np.asarray(square).reshape(size_px, size_px, channels)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)), note
