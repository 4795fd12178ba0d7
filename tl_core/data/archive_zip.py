"""A zip file as a container, with guards where the standard library trusts the file."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence, Set
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
HEADER_MAGIC, ENTRY_MAGIC = b"PK\x03\x04", b"PK\x01\x02"
ENTRY_HEAD = 46  # bytes of an entry before its name
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
            self._file.listed(self._zip.infolist())
            self._infos = [info for info in self._zip.infolist() if not _is_folder(info)]
            Meter(limits).check_entries(len(self._infos))
            _refuse_locked(self._infos)
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
                    # many small members, or many that share one place in the file
                    meter.check_ratio("The zip file", meter.total, self._file.size)
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
    however many a hostile file has. One name that is not in the encoding it claims would end it, so
    the claim is taken off: in the directory, and in the member's own header, which must agree.
    """

    def __init__(self, path: Path, limits: IntakeLimits) -> None:
        self._stream = path.open("rb")
        self.size = path.stat().st_size
        self._meter = Meter(limits)
        self.n_read = 0
        self._listing = True
        self._mended: set[int] = set()  # numbers of the entries, then places of their headers

    def read(self, n_bytes: int = -1) -> bytes:
        at = self._stream.tell()
        rest = self.size - at
        n_bytes = rest if n_bytes < 0 else min(n_bytes, rest)
        if n_bytes > self._meter.limits.entries * ENTRY_BYTES + PLAIN_READ + CHUNK:
            self._meter.check_entries(n_bytes // ENTRY_BYTES)
        body = self._stream.read(max(0, n_bytes))
        if len(body) > PLAIN_READ and body.startswith(ENTRY_MAGIC):
            self._meter.check_entries(body.count(ENTRY_MAGIC))
        if self._listing and body.startswith(ENTRY_MAGIC):
            body, self._mended = _mended(body)
        elif at in self._mended and len(body) > 8 and body.startswith(HEADER_MAGIC):
            header = bytearray(body)
            header[7] &= ~(UTF8 >> 8) & 0xFF
            body = bytes(header)
        self.n_read += len(body)
        return body

    def listed(self, infos: Sequence[zipfile.ZipInfo]) -> None:
        """Told once the central directory has been read."""
        self._listing = False
        self._mended = {infos[number].header_offset for number in self._mended}

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._stream.close()


def _mended(directory: bytes) -> tuple[bytes, set[int]]:
    """A central directory whose names are all what they claim; also the entries changed for it."""
    out, changed, number, at = bytearray(directory), set(), 0, 0
    while directory.startswith(ENTRY_MAGIC, at) and at + ENTRY_HEAD <= len(directory):
        (flags,) = struct.unpack_from("<H", directory, at + 8)
        n_name, n_extra, n_comment = struct.unpack_from("<HHH", directory, at + 28)
        end = at + ENTRY_HEAD + n_name
        if flags & UTF8 and not _is_utf8(directory[at + ENTRY_HEAD : end]):
            struct.pack_into("<H", out, at + 8, flags & ~UTF8)
            changed.add(number)
        number, at = number + 1, end + n_extra + n_comment
    return (bytes(out), changed) if changed else (directory, changed)


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _is_folder(info: zipfile.ZipInfo) -> bool:
    """Whether an entry is a folder; one with content is a file, whatever its name ends in."""
    return info.orig_filename.endswith(("/", "\\")) and info.file_size == 0


def _refuse_locked(infos: Sequence[zipfile.ZipInfo]) -> None:
    """Raise when every file is protected; single ones are set aside."""
    if infos and all(info.flag_bits & ENCRYPTED for info in infos):
        raise UnreadableArchiveError(
            "The zip file is protected with a password.",
            hint="Unpack it yourself and bring the folder, or pack it again without a password.",
        )


def _entry(key: int, info: zipfile.ZipInfo) -> Entry:
    reason, code = "", ""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if info.flag_bits & ENCRYPTED:
        reason, code = "is protected with a password", "unsupported"
    elif kind not in (0, stat.S_IFREG):
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
