"""Medical pictures (DICOM) to 8 bits, through pydicom; nothing of the header is kept with them.

- The numbers are what the file says they mean (modality table, or rescale slope and intercept).
- Where the file brings a table or a window for viewing, the first one gives 8 bits. Otherwise at
  most 8 stored bits of grey are spread over 0..255, and deeper grey follows the rule of its set.
- MONOCHROME1 is inverted; palettes and YBR become RGB; of deeper colour the upper 8 bits count.
- Each frame is a page. The patient's number is kept as a hash only, to hold together what belongs
  to one patient.

The header's size is checked before a pixel is decoded, and what RLE unpacks to is measured first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from PIL import Image

from tl_core.data.camera import camera_name
from tl_core.data.decoded import Decoded, Found, check_pages, check_size, damaged, room
from tl_core.data.quarantine import unreadable
from tl_core.data.reading import Deep, Reading
from tl_core.data.sniff import describe_start, is_dicom
from tl_core.errors import UnreadableImageError

__all__ = ["dicom_pages"]

DEFLATED = b"1.2.840.10008.1.2.1.99"  # the whole file packed: it may unpack to any size
CHUNK = 1 << 20
# What of the header is read: pixels and their meaning, the scanner, and whose they are.
_WANTED = [
    "SOPClassUID",
    "Modality",
    "Manufacturer",
    "ManufacturerModelName",
    "PatientID",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "PixelRepresentation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "ModalityLUTSequence",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "VOILUTSequence",
    "RedPaletteColorLookupTableDescriptor",
    "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableDescriptor",
    "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableData",
    "SegmentedRedPaletteColorLookupTableData",
    "SegmentedGreenPaletteColorLookupTableData",
    "SegmentedBluePaletteColorLookupTableData",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    image: Image.Image
    sample: np.ndarray | None = None
    unit: str = ""


def dicom_pages(stream: IO[bytes], *, max_pixels: int, reading: Reading | None) -> Iterator[Found]:
    """Every frame of a file; see ``tl_core.data.decode.pages``."""
    header = _header(stream)
    pixels, n_frames = _checked(header, max_pixels)
    for index in range(n_frames):
        found: Decoded | UnreadableImageError
        try:
            with room(pixels):
                found = _frame(stream, header, index, n_frames, reading)
        except UnreadableImageError as err:
            if n_frames == 1:
                raise
            found = err
        except MemoryError as err:
            raise unreadable("needs more memory than there is", code="too_large") from err
        except Exception as err:  # hostile bytes: which error pydicom ends in is not defined
            if n_frames == 1:
                raise damaged() from err
            found = damaged()
        yield index + 1, found


def _checked(header: Any, max_pixels: int) -> tuple[int, int]:
    """Pixels of a frame, and the number of frames.

    Raises:
        UnreadableImageError: Too large, too many, or packed in an unknown way.
    """
    try:
        width, height = int(header.get("Columns") or 0), int(header.get("Rows") or 0)
        n_frames = int(header.get("NumberOfFrames") or 1)
        check_size(width, height, max_pixels)
        if n_frames < 1:
            raise damaged()
        check_pages(n_frames, width * height * n_frames)
        _check_packing(header)
    except UnreadableImageError:
        raise
    except Exception as err:  # a header of hostile bytes is understood only when it is asked
        raise damaged() from err
    return width * height, n_frames


def _header(stream: IO[bytes]) -> Any:
    """What of the header is wanted, with a transfer syntax.

    Raises:
        UnreadableImageError: No header, or one without a picture.
    """
    start = stream.read(132)
    _refuse_deflated(stream)
    stream.seek(0)
    try:
        from pydicom import config, dcmread  # few sets need it
        from pydicom.uid import (
            ExplicitVRBigEndian,
            ExplicitVRLittleEndian,
            ImplicitVRLittleEndian,
        )

        config.settings.reading_validation_mode = config.IGNORE
        header = dcmread(stream, stop_before_pixels=True, force=True, specific_tags=_WANTED)
        has_picture = "Rows" in header and "Columns" in header and "BitsAllocated" in header
        if not header.file_meta.get("TransferSyntaxUID"):
            implicit, little = header.original_encoding
            explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
            header.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    except Exception as err:
        raise (damaged() if is_dicom(start) else describe_start(start)) from err
    if not has_picture:
        if not is_dicom(start):
            raise describe_start(start)
        raise unreadable(
            "is a DICOM file without a picture (a report, a plan or a list of files)",
            code="not_a_picture",
        )
    return header


def _refuse_deflated(stream: IO[bytes]) -> None:
    stream.seek(0)
    tail = b""
    while chunk := stream.read(CHUNK):
        if DEFLATED in tail + chunk:
            raise unreadable(
                "is DICOM packed as a whole (Deflated), which Thaw does not open: save it "
                "unpacked, or as PNG",
                code="unsupported",
            )
        tail = chunk[-len(DEFLATED) :]


def _check_packing(header: Any) -> None:
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import JPEGExtended12Bit

    syntax = header.file_meta.TransferSyntaxUID
    try:
        opens = get_decoder(syntax).is_available
        if syntax == JPEGExtended12Bit and int(header.get("BitsStored") or 8) > 8:
            opens = False  # Pillow, which decodes these, knows 8 bits only
    except Exception:  # a syntax nobody knows
        opens = False
    if not opens:
        raise unreadable(
            f"is DICOM packed in a way Thaw cannot open ({syntax.name}): save it unpacked, as "
            "JPEG 2000, or as PNG",
            code="unsupported",
        )


def _frame(
    stream: IO[bytes], header: Any, index: int, n_frames: int, reading: Reading | None
) -> Decoded:
    shown = _shown(header, _pixels(stream, header, index), index, reading)
    patient = str(header.get("PatientID") or "").strip()
    return Decoded(
        image=shown.image,
        width=shown.image.width,
        height=shown.image.height,
        format="DICOM",
        native=False,
        n_pages=n_frames,
        sample=shown.sample,
        unit=shown.unit,
        camera=camera_name(header.get("Manufacturer"), header.get("ManufacturerModelName")),
        patient=hashlib.sha256(patient.encode()).hexdigest()[:12] if patient else "",
    )


def _pixels(stream: IO[bytes], header: Any, index: int) -> np.ndarray:
    """What is stored of one frame: (H, W) or (H, W, 3), colours as RGB."""
    from pydicom import dcmread
    from pydicom.pixels.utils import pixel_array
    from pydicom.uid import RLELossless

    syntax = header.file_meta.TransferSyntaxUID
    if syntax == RLELossless:
        _check_rle(stream, header, index)
    stream.seek(0)
    source: Any = stream
    if not is_dicom(stream.read(132)):  # without its beginning: say how it is written
        stream.seek(0)
        source = dcmread(stream, force=True)
        source.file_meta.TransferSyntaxUID = syntax
    stream.seek(0)
    pixels = np.asarray(pixel_array(source, index=index))
    if pixels.shape[:2] != (int(header.Rows), int(header.Columns)):
        raise damaged()
    return pixels


def _check_rle(stream: IO[bytes], header: Any, index: int) -> None:
    """Refuse a frame that unpacks to more than its pixels; pydicom itself sets no limit."""
    from pydicom import dcmread
    from pydicom.encaps import get_frame

    stream.seek(0)
    dcmread(stream, stop_before_pixels=True, force=True, specific_tags=["Rows"])
    stream.seek(12, 1)  # tag, kind and length of the pixel element
    packed = get_frame(stream, index, number_of_frames=int(header.get("NumberOfFrames") or 1))
    most = 2 * int(header.Rows) * int(header.Columns)
    most *= int(header.get("SamplesPerPixel") or 1) * (int(header.BitsAllocated) // 8 or 1)
    place = total = 0
    while place < len(packed):
        count = packed[place]
        place += 2 if count > 128 else count + 2
        total += 257 - count if count > 128 else count + 1
        if total > most + 1024:  # also counts the header of 64 bytes, as if it were packed
            raise damaged()


def _shown(header: Any, pixels: np.ndarray, index: int, reading: Reading | None) -> _Shown:
    kind = str(header.get("PhotometricInterpretation") or "MONOCHROME2").strip()
    if kind == "PALETTE COLOR":
        from pydicom.pixels.processing import apply_color_lut

        pixels = apply_color_lut(pixels, header)
        return _Shown(image=_colour(pixels, 8 * pixels.dtype.itemsize))
    if pixels.ndim == 3:
        return _Shown(image=_colour(pixels, int(header.get("BitsStored") or 8)))
    deep = _numbers(header, pixels, index, inverted=kind == "MONOCHROME1")
    if (viewed := _viewed(header, deep, index)) is not None:
        return _Shown(image=viewed)
    bits = int(header.get("BitsStored") or 16)
    if pixels.dtype == np.uint8 and bits <= 8 and (deep.slope, deep.intercept) == (1.0, 0.0):
        return _Shown(image=deep.between(0.0, float(2**bits - 1)))
    return _Shown(image=deep.shown(reading), sample=deep.sample(), unit=deep.unit)


def _colour(pixels: np.ndarray, bits: int) -> Image.Image:
    if pixels.ndim != 3 or pixels.shape[2] not in (3, 4) or pixels.dtype.kind != "u":
        raise unreadable("holds pixels of a kind that is not supported", code="unsupported")
    if bits > 8:
        pixels = pixels >> (bits - 8)
    return Image.fromarray(np.ascontiguousarray(pixels[:, :, :3], dtype=np.uint8))


def _numbers(header: Any, pixels: np.ndarray, index: int, *, inverted: bool) -> Deep:
    """What is stored with its meaning."""
    missing = None
    if (padding := _number(header.get("PixelPaddingValue"))) is not None:
        limit = _number(header.get("PixelPaddingRangeLimit"))
        ends = (padding, padding if limit is None else limit)
        missing = (min(ends), max(ends))
    if header.get("ModalityLUTSequence"):
        from pydicom.pixels.processing import apply_modality_lut

        return Deep(stored=apply_modality_lut(pixels, header), inverted=inverted)
    about = _about(header, index, "PixelValueTransformationSequence")
    slope, intercept = _number(about.get("RescaleSlope")), _number(about.get("RescaleIntercept"))
    kind = str(about.get("RescaleType") or ("HU" if header.get("Modality") == "CT" else ""))
    return Deep(
        stored=pixels,
        slope=1.0 if slope is None else slope,
        intercept=intercept or 0.0,
        missing=missing,
        inverted=inverted,
        unit="HU" if kind == "HU" else "",
    )


def _viewed(header: Any, deep: Deep, index: int) -> Image.Image | None:
    """8 bits by the table or the window that the file brings; None when it brings none."""
    if header.get("VOILUTSequence"):
        from pydicom.pixels.processing import apply_voi

        numbers = np.nan_to_num(deep.numbers(deep.stored), nan=0.0)
        shown = apply_voi(np.rint(numbers).astype(np.int32), header)
        most = 2.0 ** int(header.VOILUTSequence[0].LUTDescriptor[2]) - 1
        return Deep(stored=shown, inverted=deep.inverted).between(0.0, most)
    about = _about(header, index, "FrameVOILUTSequence")
    center, width = _number(about.get("WindowCenter")), _number(about.get("WindowWidth"))
    if center is None or width is None or width <= 0:
        return None
    shape = str(about.get("VOILUTFunction") or "LINEAR").strip()
    if shape == "SIGMOID":  # PS3.3 C.11.2.1.3.1
        with np.errstate(all="ignore"):
            values = 1.0 / (1.0 + np.exp(-4.0 * (deep.numbers(deep.stored) - center) / width))
        return Deep(stored=values, inverted=deep.inverted).between(0.0, 1.0)
    if shape == "LINEAR_EXACT":  # PS3.3 C.11.2.1.3.2
        return deep.between(center - width / 2, center + width / 2)
    half = max(width - 1, 1e-6) / 2  # PS3.3 C.11.2.1.2
    return deep.between(center - 0.5 - half, center - 0.5 + half)


def _about(header: Any, index: int, group: str) -> Any:
    """Where a frame's own values are: the frame's group, the group all share, or the header."""
    for name, place in (
        ("PerFrameFunctionalGroupsSequence", index),
        ("SharedFunctionalGroupsSequence", 0),
    ):
        items = header.get(name) or []
        if place < len(items) and items[place].get(group):
            return items[place].get(group)[0]
    return header


def _number(value: Any) -> float | None:
    """The value, or the first of several; None when there is none."""
    if value is None or isinstance(value, str):
        return None
    if hasattr(value, "__len__"):
        return float(value[0]) if len(value) else None
    number = float(value)
    return number if np.isfinite(number) else None
