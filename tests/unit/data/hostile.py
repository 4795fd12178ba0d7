"""Builders of pictures and of archives that lie, climb out, explode or are cut off."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def picture(
    size: tuple[int, int] = (24, 16),
    kind: str = "JPEG",
    mode: str = "RGB",
    seed: int = 0,
    **options: Any,
) -> bytes:
    """A small random picture as a file; every seed gives other bytes."""
    rng = np.random.default_rng(seed)
    body = rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    sink = io.BytesIO()
    Image.fromarray(body).convert(mode).save(sink, kind, **options)
    return sink.getvalue()


def photo(size: tuple[int, int] = (640, 480), seed: int = 0) -> Image.Image:
    """A smooth picture with an edge, compressible like a photo."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 255, (9, 12, 3), dtype=np.uint8))
    image = small.resize(size, Image.Resampling.BICUBIC)
    image.paste((250, 20, 20), (size[0] // 3, size[1] // 4, size[0] // 2, size[1] // 2))
    return image


def jpeg(image: Image.Image, **options: Any) -> bytes:
    sink = io.BytesIO()
    image.save(sink, "JPEG", **{"quality": 90, **options})
    return sink.getvalue()


def two_classes(n: int = 3) -> dict[str, bytes]:
    """A plain set of n ants and n bees."""
    return {
        f"{label}/{number}.jpg": picture(seed=seed * 100 + number)
        for seed, label in enumerate(("ants", "bees"))
        for number in range(n)
    }


def zip_of(path: Path, members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, body in members.items():
            info = zipfile.ZipInfo(name)
            info.filename = name  # keeps backslashes and absolute names as they are
            info.compress_type = method
            archive.writestr(info, body)
    return path


def tar_of(path: Path, members: Mapping[str, bytes], mode: Any = "w") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return path


def folder_of(path: Path, members: Mapping[str, bytes]) -> Path:
    for name, body in members.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
    return path


def zip_with_link(path: Path, members: Mapping[str, bytes], link: str, to: str) -> Path:
    zip_of(path, members)
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo(link)
        info.create_system = 3
        info.external_attr = (0o120777) << 16
        archive.writestr(info, to)
    return path


def tar_with_links(path: Path, members: Mapping[str, bytes]) -> Path:
    """Also a symbolic link out, a hard link and a device."""
    tar_of(path, members)
    with tarfile.open(path, "a") as archive:
        for name, kind, to in (
            ("ants/symbolic.jpg", tarfile.SYMTYPE, "../../../etc/passwd"),
            ("ants/hard.jpg", tarfile.LNKTYPE, "/etc/passwd"),
            ("ants/device.jpg", tarfile.CHRTYPE, ""),
            ("ants/pipe.jpg", tarfile.FIFOTYPE, ""),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, to
            archive.addfile(info)
    return path


def zip_claiming(path: Path, name: str, body: bytes, claimed: int) -> Path:
    """A deflated member whose headers claim another unpacked size."""
    zip_of(path, {name: body})
    raw = bytearray(path.read_bytes())
    local, central = raw.index(b"PK\x03\x04"), raw.index(b"PK\x01\x02")
    struct.pack_into("<I", raw, local + 22, claimed)
    struct.pack_into("<I", raw, central + 24, claimed)
    path.write_bytes(raw)
    return path


def zip_packed_size_lie(path: Path, name: str, body: bytes, claimed: int) -> Path:
    """A member whose central directory claims far more packed bytes than there are.

    Padding after it makes the claim possible.
    """
    zip_of(path, {name: body, "padding.jpg": np.random.default_rng(0).bytes(claimed + 4096)})
    raw = bytearray(path.read_bytes())
    struct.pack_into("<I", raw, raw.index(b"PK\x01\x02") + 20, claimed)
    path.write_bytes(raw)
    return path


def zip_encrypted(path: Path, members: Mapping[str, bytes]) -> Path:
    """Flags say that every member is encrypted."""
    zip_of(path, members)
    raw = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = raw.find(magic)
        while at >= 0:
            raw[at + offset] |= 1
            at = raw.find(magic, at + 4)
    path.write_bytes(raw)
    return path


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0" * 64)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tar_long_header(path: Path, claimed: int) -> Path:
    """A tar whose first header announces an enormous extended header."""
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, claimed
    path.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(2 << 20)))
    return path
