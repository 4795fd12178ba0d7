"""DICOM and HEIF files: sound ones to damage, and others that promise more than there is."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np

from tests.unit.data import hostile

__all__ = ["avif", "dicom", "vast_scans"]

EXPLICIT, DEFLATED, JPEG_2000, RLE = (
    f"1.2.840.10008.1.2.{end}" for end in ("1", "1.99", "4.90", "5")
)
LONG = {b"OB", b"OW", b"SQ", b"UN", b"UT"}
SIDE = 60_000
BOMB_BLOCKS = 60  # of 16 MB


def dicom(seed: int = 0) -> bytes:
    """A grey picture of 52 x 40 pixels with 12 bits, as a scanner writes it."""
    pixels = np.random.default_rng(seed).integers(0, 4096, (40, 52), np.uint16)
    return _file(EXPLICIT, _header(40, 52) + _element(0x7FE0, 0x10, b"OW", pixels.tobytes()))


def avif(seed: int = 0) -> bytes:
    """A small AVIF photo."""
    sink = io.BytesIO()
    hostile.photo((52, 40), seed=seed).save(sink, "AVIF")
    return sink.getvalue()


def vast_scans() -> Iterator[tuple[str, bytes]]:
    """Sizes, frames and packed data out of all proportion."""
    few = _element(0x7FE0, 0x10, b"OW", bytes(64))
    yield "vast.dcm", _file(EXPLICIT, _header(SIDE, SIDE) + few)
    yield "no-size.dcm", _file(EXPLICIT, _header(0, 0) + few)
    yield "frames.dcm", _file(EXPLICIT, _header(40, 52, frames=b"2147483647") + few)
    yield "samples.dcm", _file(EXPLICIT, _header(40, 52, samples=60_000) + few)
    yield "bits.dcm", _file(EXPLICIT, _header(40, 52, bits=1_000) + few)
    yield "no-pixels.dcm", _file(EXPLICIT, _header(40, 52))
    yield (
        "long.dcm",
        _file(
            EXPLICIT,
            _header(40, 52)
            + struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, 0xFFFFFFF0)
            + bytes(64),
        ),
    )
    yield (
        "endless.dcm",
        _file(
            EXPLICIT,
            _header(40, 52)
            + struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OB", 0, 0xFFFFFFFF)
            + bytes(64),
        ),
    )
    nested = struct.pack("<HH2sHI", 8, 0x1140, b"SQ", 0, 0xFFFFFFFF)
    nested += struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    yield "nested.dcm", _file(EXPLICIT, nested * 3000)
    for name, syntax in (("jpeg-2000", JPEG_2000), ("rle", RLE), ("unknown", "1.2.3.4")):
        yield (
            f"{name}.dcm",
            _file(syntax, _header(40, 52) + _element(0x7FE0, 0x10, b"OB", bytes(64))),
        )
    yield "bomb.dcm", _file(DEFLATED, _packed_zeros(_header(40, 52)))
    for name, brand in (("avif", b"avif"), ("heic", b"heic")):
        body = avif().replace(b"ftypavif", b"ftyp" + brand)
        at = body.index(b"ispe")
        yield f"vast.{name}", body[: at + 8] + struct.pack(">II", SIDE, SIDE) + body[at + 16 :]
        yield f"small.{name}", body[: at + 8] + struct.pack(">II", 1, 1) + body[at + 16 :]
        yield f"no-box-end.{name}", b"\x00\x00\x00\x00" + body[4:]


def _element(group: int, number: int, kind: bytes, value: bytes) -> bytes:
    value += b" " * (len(value) % 2)
    if kind in LONG:
        return struct.pack("<HH2sHI", group, number, kind, 0, len(value)) + value
    return struct.pack("<HH2sH", group, number, kind, len(value)) + value


def _number(group: int, number: int, value: int) -> bytes:
    return _element(group, number, b"US", struct.pack("<H", value))


def _header(
    rows: int, columns: int, *, frames: bytes = b"1", samples: int = 1, bits: int = 16
) -> bytes:
    parts = [
        _element(0x08, 0x16, b"UI", b"1.2.840.10008.5.1.4.1.1.7\x00"),
        _element(0x08, 0x60, b"CS", b"OT"),
        _element(0x10, 0x10, b"PN", b"Nobody"),
        _number(0x28, 0x02, samples),
        _element(0x28, 0x04, b"CS", b"MONOCHROME2 "),
        _element(0x28, 0x08, b"IS", frames),
        _number(0x28, 0x10, rows),
        _number(0x28, 0x11, columns),
        _number(0x28, 0x100, bits),
        _number(0x28, 0x101, min(bits, 12)),
        _number(0x28, 0x102, 11),
        _number(0x28, 0x103, 0),
    ]
    return b"".join(parts)


def _file(syntax: str, body: bytes) -> bytes:
    named = syntax.encode() + b"\x00" * (len(syntax) % 2)
    meta = _element(0x02, 0x02, b"UI", b"1.2.840.10008.5.1.4.1.1.7\x00")
    meta += _element(0x02, 0x03, b"UI", b"1.2.3\x00") + _element(0x02, 0x10, b"UI", named)
    return (
        bytes(128)
        + b"DICM"
        + _element(0x02, 0x00, b"UL", struct.pack("<I", len(meta)))
        + meta
        + body
    )


def _packed_zeros(header: bytes) -> bytes:
    """Raw deflate of a header and a gigabyte of pixels, made without unpacking it here."""
    n_zeros = BOMB_BLOCKS << 24
    start = header + struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, n_zeros)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(1 << 24)) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + block * BOMB_BLOCKS + packer.flush(zlib.Z_FINISH)
