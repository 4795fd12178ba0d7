"""A zip file as a container, with guards where the standard library trusts the file."""

from __future__ import annotations

import stat
import struct
import zipfile
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
from tl_core.data.quarantine import unreadable
from tl_core.errors import UnreadableArchiveError

__all__ = ["ZipContainer"]

METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_OTHER_METHODS = {9: "deflate64", 12: "bzip2", 14: "LZMA", 93: "zstd", 99: "AES"}
ENTRY_BYTES = 1024  # of the central directory per allowed entry; names are about 100
STEP = 1 << 16  # bytes; as many packed ones may be read ahead, which blurs the ratio
ENTRY_MAGIC = b"PK\x01\x02"
PLAIN_READ = 1 << 17  # bytes; longer reads can only be the central directory
ENCRYPTED, UTF8 = 0x1, 0x800  # flag bits


class ZipContainer(Container):
    """Stored and deflated members of a zip file.

    Args:
        path: The file.
        limits: Checked while listing (entries) and while reading (the rest).

    Raises:
        UnreadableArchiveError: Broken, or protected with a password.
        UnsafeArchiveError: Too many entries.
    """

    def __init__(self, path: Path, limits: IntakeLimits) -> None:
        self._limits = limits
        self._file = _GuardedFile(path, limits)
        try:
            self._zip = zipfile.ZipFile(cast(IO[bytes], self._file))
            self._infos = [info for info in self._zip.infolist() if not info.is_dir()]
            Meter(limits).check_entries(len(self._infos))
            self.entries = once_each(_entry(key, info) for key, info in enumerate(self._infos))
        except (zipfile.BadZipFile, struct.error, ValueError, OSError, NotImplementedError) as err:
            self._file.close()
            raise UnreadableArchiveError(
                "The zip file is broken or incomplete.",
                hint="Download or pack it again; the end of the file is probably missing.",
            ) from err
        except BaseException:
            self._file.close()
            raise

    def read(self, wanted: Set[int]) -> Iterator[tuple[Entry, Iterator[bytes]]]:
        """See ``Container.read``."""
        meter = Meter(self._limits)
        for entry in self.entries:
            if entry.key in wanted and not entry.reason:
                yield entry, self._chunks(entry, meter)

    def _chunks(self, entry: Entry, meter: Meter) -> Iterator[bytes]:
        done, before = 0, self._file.n_read
        try:
            with self._zip.open(self._infos[entry.key]) as stream:
                while chunk := stream.read(STEP):
                    done += len(chunk)
                    meter.add(len(chunk))
                    meter.check_file(entry.name, done)
                    meter.check_ratio(entry.name, done, self._file.n_read - before)
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, struct.error) as err:
            raise unreadable("is damaged inside the archive", code="damaged") from err
        except (RuntimeError, NotImplementedError, ValueError) as err:
            raise unreadable("is packed in a way that cannot be opened", code="damaged") from err

    def close(self) -> None:
        """Close the file."""
        self._zip.close()
        self._file.close()


class _GuardedFile:
    """The file below ``zipfile``: counts what is read, and looks at the central directory first.

    The library reads the whole central directory at once and makes an object of each entry,
    however many a hostile file has.
    """

    def __init__(self, path: Path, limits: IntakeLimits) -> None:
        self._stream = path.open("rb")
        self._size = path.stat().st_size
        self._meter = Meter(limits)
        self.n_read = 0

    def read(self, n_bytes: int = -1) -> bytes:
        rest = self._size - self._stream.tell()
        n_bytes = rest if n_bytes < 0 else min(n_bytes, rest)
        if n_bytes > self._meter.limits.entries * ENTRY_BYTES + PLAIN_READ + CHUNK:
            self._meter.check_entries(n_bytes // ENTRY_BYTES)
        body = self._stream.read(max(0, n_bytes))
        if len(body) > PLAIN_READ and body.startswith(ENTRY_MAGIC):
            self._meter.check_entries(body.count(ENTRY_MAGIC))
        self.n_read += len(body)
        return body

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._stream.close()


def _entry(key: int, info: zipfile.ZipInfo) -> Entry:
    if info.flag_bits & ENCRYPTED:
        raise UnreadableArchiveError(
            "The zip file is protected with a password.",
            hint="Unpack it yourself and bring the folder, or pack it again without a password.",
        )
    reason, code = "", ""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        reason, code = "is a link or a special file; these are not followed", "link"
    elif info.compress_type not in METHODS:
        name = _OTHER_METHODS.get(info.compress_type, f"method {info.compress_type}")
        reason = f"is packed in an unusual way ({name}): pack it again as an ordinary zip"
        code = "unsupported"
    # orig_filename still has what the library cuts off at a NUL character
    return entry_of(_name(info), size=info.file_size, key=key, reason=reason, code=code)


def _name(info: zipfile.ZipInfo) -> str:
    """The name; many programs store UTF-8 without saying so, and read as code page 437."""
    if info.flag_bits & UTF8:
        return info.orig_filename
    try:
        return info.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.orig_filename
