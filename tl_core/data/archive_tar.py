"""A tar file, plain or compressed, as a container, with guards where ``tarfile`` trusts it.

The file is walked as a stream, once to list and once to read, and every byte that comes out of the
decompressor is counted, those of members nobody wants and of headers included.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Iterator, Set
from pathlib import Path
from typing import IO, cast

from tl_core.data.container import (
    CHUNK,
    Container,
    Entry,
    IntakeLimits,
    Meter,
    entry_of,
    once_each,
)
from tl_core.errors import UnreadableArchiveError, UnsafeArchiveError

__all__ = ["TarContainer", "starts_tar"]

HEADER_BYTES = 256 << 10  # of headers between two members; names and times need under 10 KB
XZ_MEMORY = 128 << 20  # bytes; what "xz -9" needs is 65 MB
_BROKEN = (
    tarfile.TarError,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    RecursionError,
    zlib.error,
    lzma.LZMAError,
)


def starts_tar(path: Path, kind: str) -> bool:
    """Whether the (decompressed) file starts like a tar.

    Args:
        path: The file.
        kind: "gzip", "bzip2", "xz" or "" for not compressed.
    """
    try:
        with path.open("rb") as stream:
            start = _decompressed(stream, kind).read(tarfile.BLOCKSIZE)
        tarfile.TarInfo.frombuf(start, tarfile.ENCODING, "surrogateescape")
    except EOFError:
        return True  # cut off in its first block: reading it will say so
    except _BROKEN:
        return False
    return True


class TarContainer(Container):
    """Ordinary files of a tar.

    Args:
        path: The file.
        kind: As for ``starts_tar``.
        limits: Checked while listing and while reading.

    Raises:
        UnreadableArchiveError: Broken or incomplete.
        UnsafeArchiveError: A limit is exceeded.
    """

    def __init__(self, path: Path, kind: str, limits: IntakeLimits) -> None:
        self._path, self._kind, self._limits = path, kind, limits
        self.entries = once_each(_entry(key, info) for key, (info, _) in enumerate(self._walk()))

    def read(self, wanted: Set[int]) -> Iterator[tuple[Entry, Iterator[bytes]]]:
        """See ``Container.read``."""
        for entry, (info, stream) in zip(self.entries, self._walk(), strict=False):
            if entry.key in wanted and not entry.reason:
                yield entry, _chunks(entry, info, stream)

    def close(self) -> None:
        """Nothing is held open between walks."""

    def _walk(self) -> Iterator[tuple[tarfile.TarInfo, _Counted]]:
        """All members but folders; what is left of one's data is skipped before the next."""
        meter = Meter(self._limits)
        n_members = 0
        try:
            with self._path.open("rb") as raw:
                for info, stream in _members(_Counted(raw, self._kind, meter)):
                    n_members += 1
                    meter.check_entries(n_members)
                    if not info.isdir():
                        yield info, stream
        except _BROKEN as err:
            raise _broken() from err


class _Counted:
    """The decompressed bytes as a forward-only file, counted."""

    def __init__(self, raw: IO[bytes], kind: str, meter: Meter) -> None:
        self._raw, self._kind = raw, kind
        self._stream = _decompressed(raw, kind)
        self.meter = meter
        self.last = b""  # what the last read gave
        self._header_left = HEADER_BYTES

    def begin_header(self) -> None:
        """From here to ``end_header`` a read is one of tarfile's own, and is held short."""
        self._header_left = HEADER_BYTES

    def end_header(self) -> None:
        self._header_left = -1

    def read(self, n_bytes: int) -> bytes:
        if self._header_left >= 0:
            if n_bytes > self._header_left:
                raise UnsafeArchiveError(
                    f"The tar file has a header of more than {HEADER_BYTES >> 10} KB, as no "
                    "ordinary one does.",
                    hint="Unpack it yourself and bring the folder.",
                )
            self._header_left -= n_bytes
        self.last = body = self._stream.read(n_bytes)
        self.meter.add(len(body))
        if self._kind:
            self.meter.check_ratio("The archive", self.meter.total, self._raw.tell())
        return body

    def tell(self) -> int:
        return self.meter.total


class _XzReader:
    """Decompress xz within a memory limit, which ``lzma.LZMAFile`` does not offer."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._decoder = lzma.LZMADecompressor(memlimit=XZ_MEMORY)

    def read(self, n_bytes: int) -> bytes:
        parts, wanted = [], n_bytes
        while wanted > 0 and not self._decoder.eof:
            packed = self._raw.read(1 << 16) if self._decoder.needs_input else b""
            if self._decoder.needs_input and not packed:
                raise EOFError("the compressed file ends too early")
            part = self._decoder.decompress(packed, max_length=wanted)
            wanted -= len(part)
            parts.append(part)
        return b"".join(parts)


def _decompressed(raw: IO[bytes], kind: str) -> IO[bytes]:
    if kind == "gzip":
        return cast(IO[bytes], gzip.GzipFile(fileobj=raw, mode="rb"))
    if kind == "bzip2":
        return cast(IO[bytes], bz2.BZ2File(raw, "rb"))
    if kind == "xz":
        return cast(IO[bytes], _XzReader(raw))
    return raw


def _members(stream: _Counted) -> Iterator[tuple[tarfile.TarInfo, _Counted]]:
    stream.begin_header()
    tar = tarfile.TarFile(fileobj=cast(IO[bytes], stream))
    info = tar.next()
    while info is not None:
        stream.end_header()
        if info.size < 0 or tar.offset < stream.tell():
            raise tarfile.ReadError("negative size")
        yield info, stream
        _skip(stream, tar.offset - stream.tell())
        stream.begin_header()
        try:
            # TarFile.next would take a broken header in the middle for the end of the file
            info = tarfile.TarInfo.fromtarfile(tar)
        except tarfile.HeaderError:
            if stream.last.strip(b"\x00"):
                raise
            return  # a block of zeros, or nothing at all, ends the archive


def _skip(stream: _Counted, n_bytes: int) -> None:
    while n_bytes > 0:
        body = stream.read(min(CHUNK, n_bytes))
        if not body:
            raise tarfile.ReadError("unexpected end of data")
        n_bytes -= len(body)


def _chunks(entry: Entry, info: tarfile.TarInfo, stream: _Counted) -> Iterator[bytes]:
    left = info.size
    stream.meter.check_file(entry.name, left)
    while left > 0:
        try:
            chunk = stream.read(min(CHUNK, left))
        except _BROKEN as err:
            raise _broken() from err
        if not chunk:
            raise _broken()
        left -= len(chunk)
        yield chunk


def _entry(key: int, info: tarfile.TarInfo) -> Entry:
    reason = ""
    if info.issym() or info.islnk():
        reason = "is a link; links are not followed"
    elif not info.isreg() or info.issparse():
        reason = "is not an ordinary file"
    return entry_of(
        info.name, size=info.size, key=key, reason=reason, code="link" if reason else ""
    )


def _broken() -> UnreadableArchiveError:
    return UnreadableArchiveError(
        "The tar file is broken or incomplete.",
        hint="Download or pack it again; the end of the file is probably missing.",
    )
