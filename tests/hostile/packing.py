"""Zip files written byte by byte, so that every field can lie; tars whose headers do."""

from __future__ import annotations

import io
import struct
import tarfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = ["Lie", "Member", "tar_bytes", "zip_bytes"]

UTF8 = 0x800
STORED, DEFLATED = 0, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Lie:
    """What a member's headers say instead of the truth; None = the truth.

    ``central`` counts for the central directory only; sizes and checksum also stand in the local
    header unless that is so.
    """

    size: int | None = None
    packed: int | None = None
    crc: int | None = None
    offset: int | None = None
    method: int | None = None
    local_name: bytes | None = None
    extra: bytes = b""
    central: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of a zip; ``mode`` are the Unix file type and rights, 0 = none given."""

    name: bytes
    body: bytes = b""
    flags: int = 0
    method: int = STORED
    mode: int = 0
    lie: Lie = Lie()


def of_text(name: str, body: bytes) -> Member:
    """A member whose name is told as UTF-8, broken halves of characters included."""
    return Member(name=name.encode("utf-8", "surrogatepass"), body=body, flags=UTF8)


def zip_bytes(
    members: Iterable[Member],
    *,
    n_entries: int | None = None,
    before: bytes = b"",
    comment: bytes = b"",
) -> bytes:
    """A zip; ``n_entries`` is what its end record claims, ``before`` stands in front of it all."""
    out, central = io.BytesIO(), io.BytesIO()
    out.write(before)
    count = 0
    for member in members:
        lie, at = member.lie, out.tell()
        packed = _deflated(member.body) if member.method == DEFLATED else member.body
        method = member.method if lie.method is None else lie.method
        true = (zlib.crc32(member.body), len(packed), len(member.body))
        told = tuple(
            real if lied is None else lied
            for real, lied in zip(true, (lie.crc, lie.packed, lie.size), strict=True)
        )
        name = member.name if lie.local_name is None else lie.local_name
        local = (20, member.flags, method, 0, 33, *(true if lie.central else told))
        out.write(struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", *local, len(name), 0) + name + packed)
        system = 3 << 8 if member.mode else 0
        head = (
            system | 20,
            20,
            member.flags,
            method,
            0,
            33,
            *told,
            len(member.name),
            len(lie.extra),
        )
        where = at if lie.offset is None else lie.offset
        central.write(struct.pack("<4sHHHHHHIIIHH", b"PK\x01\x02", *head))
        central.write(struct.pack("<HHHII", 0, 0, 0, member.mode << 16, where))
        central.write(member.name + lie.extra)
        count += 1
    start, directory = out.tell(), central.getvalue()
    out.write(directory)
    told_count = min(0xFFFF, count if n_entries is None else n_entries)
    if count > 0xFFFF and n_entries is None:  # zip64
        end = struct.pack("<HHIIQQQQ", 45, 45, 0, 0, count, count, len(directory), start)
        at = out.tell()
        out.write(b"PK\x06\x06" + struct.pack("<Q", len(end)) + end)
        out.write(b"PK\x06\x07" + struct.pack("<IQI", 0, at, 1))
    counts = (told_count, told_count, len(directory), start, len(comment))
    out.write(b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, *counts) + comment)
    return out.getvalue()


@lru_cache(maxsize=8)  # bombs come by the hundred, all of the same zeros
def _deflated(body: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(body) + packer.flush()


def tar_bytes(
    members: Sequence[tuple[str, bytes] | tarfile.TarInfo], *, form: int = tarfile.PAX_FORMAT
) -> bytes:
    """A plain tar of (name, content) pairs and of entries without content."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=form) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            archive.addfile(info, io.BytesIO(member[1]))
    return sink.getvalue()


def special(name: str, kind: bytes, to: str = "", **fields: Any) -> tarfile.TarInfo:
    """A link, a device or a pipe."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def raw_tar(
    name: str,
    kind: bytes,
    body: bytes,
    *,
    claimed: int | None = None,
    pax: Mapping[str, str] | None = None,
) -> bytes:
    """One header of any type with its content, then what ``pax`` says of the next one."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(body) if claimed is None else claimed
    out = info.tobuf(tarfile.GNU_FORMAT) + body + bytes(-len(body) % 512)
    if pax:
        text = b"".join(_record(key, value) for key, value in pax.items())
        out = raw_tar("pax", tarfile.XHDTYPE, text) + out
    return out


def _record(key: str, value: str) -> bytes:
    rest = f" {key}={value}\n".encode("utf-8", "surrogateescape")
    length = len(rest) + len(str(len(rest)))
    length = len(rest) + len(str(length))
    return str(length).encode() + rest


def write(path: Path, body: bytes) -> Path:
    """Write a file and return its path."""
    path.write_bytes(body)
    return path
