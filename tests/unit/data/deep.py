"""Builders of files that hold more than a plain picture: DICOM, and TIFF of every kind."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tifffile
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
    generate_uid,
)


def ramp(low: float, high: float, shape: tuple[int, int] = (24, 32), dtype: Any = np.uint16) -> Any:
    """Values rising evenly from low to high."""
    return np.linspace(low, high, shape[0] * shape[1]).reshape(shape).astype(dtype)


def tiff(pixels: np.ndarray, **options: Any) -> bytes:
    sink = io.BytesIO()
    tifffile.imwrite(sink, pixels, **{"metadata": None, **options})
    return sink.getvalue()


def tiff_of(pages: list[tuple[np.ndarray, dict[str, Any]]], **options: Any) -> bytes:
    """Pages with their own options."""
    sink = io.BytesIO()
    with tifffile.TiffWriter(sink, **options) as writer:
        for pixels, own in pages:
            writer.write(pixels, **{"metadata": None, **own})
    return sink.getvalue()


def pages_of(n: int, kind: str = "L", seed: int = 0) -> bytes:
    rng = np.random.default_rng(seed)
    shape = (20, 24) if kind == "L" else (20, 24, 3)
    frames = [Image.fromarray(rng.integers(0, 255, shape, dtype=np.uint8)) for _ in range(n)]
    sink = io.BytesIO()
    frames[0].save(sink, "TIFF", save_all=True, append_images=frames[1:])
    return sink.getvalue()


def dicom(pixels: np.ndarray, *, preamble: bool = True, syntax: Any = None, **values: Any) -> bytes:
    """A file of (H, W), (H, W, 3) or (N, H, W) pixels; ``values`` are header elements by name."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["thaw"])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
    data.SOPClassUID, data.Modality = CTImageStorage, values.pop("Modality", "OT")
    data.PatientName, data.PatientID = "Doe^Jane", values.pop("PatientID", "4711")
    colour = pixels.ndim == 3 and pixels.shape[2] == 3
    frames = pixels[None] if pixels.ndim == 2 or colour else pixels
    data.Rows, data.Columns = frames.shape[1:3]
    if len(frames) > 1:
        data.NumberOfFrames = len(frames)
    bits = 8 * pixels.dtype.itemsize
    data.SamplesPerPixel = 3 if colour else 1
    if colour:
        data.PlanarConfiguration = 0
    data.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = bits
    data.HighBit = bits - 1
    data.PixelRepresentation = int(pixels.dtype.kind == "i")
    data.PixelData = frames.tobytes()
    for name, value in values.items():
        setattr(data, name, value)
    if "PixelData" in values:  # packed already
        meta.TransferSyntaxUID = syntax
        data["PixelData"].VR = "OB"
        data["PixelData"].is_undefined_length = True
    elif syntax == RLELossless:
        data.compress(RLELossless)
    elif syntax == JPEG2000Lossless:
        bodies = []
        for frame in frames:
            sink = io.BytesIO()
            Image.fromarray(frame).save(sink, "JPEG2000", no_jp2=True)
            bodies.append(sink.getvalue())
        data.PixelData = encapsulate(bodies)
        data["PixelData"].VR = "OB"
        meta.TransferSyntaxUID = syntax
    elif syntax is not None:
        meta.TransferSyntaxUID = syntax
    sink = io.BytesIO()
    data.save_as(sink, enforce_file_format=True)
    body = sink.getvalue()
    if preamble:
        return body
    return body[body.index(b"\x08\x00\x16\x00", 132) :]


def damaged(
    bodies: Iterable[bytes], rng: np.random.Generator, *, least: float = 0.2
) -> Iterator[io.BytesIO]:
    """Each file 40 times, cut off behind ``least`` of it at the earliest, some bytes changed."""
    for body in bodies:
        for _ in range(40):
            broken = bytearray(body[: int(len(body) * rng.uniform(least, 1))])
            for place in rng.integers(0, len(broken), rng.integers(1, 9)):
                broken[place] = rng.integers(0, 256)
            yield io.BytesIO(bytes(broken))
