"""Uploads that survive a lost connection: chunks appended to a file, the offset told on request.

An upload is ``uploads/<id>.part`` with ``<id>.json`` beside it while it grows and
``uploads/<id>.upload`` once complete. The size of the part file *is* the offset, so nothing can
disagree after a crash. This module knows files only; ``routes`` speaks HTTP.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tl_core.errors import StorageError, TLError
from tl_core.storage import Home, read_json, write_json

__all__ = ["CHUNK_BYTES", "OffsetMismatchError", "UploadError", "UploadState", "Uploads"]

CHUNK_BYTES = 8 * 2**20  # what the browser sends at a time
MAX_CHUNK_BYTES = 2 * CHUNK_BYTES  # what the server accepts at a time
LIMIT_BYTES = 20 * 2**30  # one upload
KEEP_FREE_BYTES = 2**30
KEEP_FREE_SHARE = 0.05  # of the disk; the smaller of the two is kept free
STALE_S = 7 * 24 * 3600.0
KINDS = ("zip", "folder", "class")
_ID = re.compile(r"[0-9a-f]{16,64}")


class UploadError(TLError):
    """The upload cannot go on. ``status`` is the HTTP status that says so."""

    code = "upload"

    def __init__(self, message: str, *, hint: str = "", status: int = 400) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class OffsetMismatchError(UploadError):
    """The chunk does not start where the file ends; ``offset`` is where it does."""

    def __init__(self, offset: int) -> None:
        super().__init__("The upload continues at another place.", status=409)
        self.offset = offset


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadState:
    """How far an upload is. ``total`` is 0 when nothing has been declared yet."""

    offset: int
    total: int

    @property
    def complete(self) -> bool:
        """All declared bytes are there."""
        return 0 < self.total == self.offset


class Uploads:
    """The uploads of one home.

    Args:
        home: Where they lie.
        limit_bytes: Largest upload taken.
        free_and_total: Free and total bytes of the disk; replaced in tests.
    """

    def __init__(
        self,
        home: Home,
        *,
        limit_bytes: int = LIMIT_BYTES,
        free_and_total: Callable[[], tuple[int, int]] | None = None,
    ) -> None:
        self._home = home
        self._limit = limit_bytes
        self._disk = free_and_total or (lambda: _disk_of(home))

    def state(self, upload_id: str) -> UploadState:
        """Offset and declared size; zeros for an upload that has not begun."""
        done, part, note = self._paths(upload_id)
        if done.is_file():
            size = done.stat().st_size
            return UploadState(offset=size, total=size)
        if not (part.is_file() and note.is_file()):
            return UploadState(offset=0, total=0)
        return UploadState(offset=part.stat().st_size, total=int(read_json(note)["total"]))

    def begin_chunk(self, upload_id: str, *, offset: int, total: int, name: str, kind: str) -> Path:
        """Check that a chunk may be appended at ``offset`` and return the file to append to.

        Raises:
            OffsetMismatchError: The file ends elsewhere.
            UploadError: A limit is broken, or the declaration changed.
        """
        done, part, note = self._paths(upload_id)
        if kind not in KINDS:
            raise UploadError(f"{kind!r} is not a kind of upload.")
        if not 0 < total <= self._limit:
            raise UploadError(
                f"{_gigabytes(total)} is more than one upload may be ({_gigabytes(self._limit)}).",
                hint="Put the folder on this machine's disk and give its path instead.",
                status=413,
            )
        now = self.state(upload_id)
        if done.is_file() or now.offset != offset:
            raise OffsetMismatchError(now.offset)
        if now.total and now.total != total:
            raise UploadError("The size of the upload changed on the way.", hint="Start it again.")
        self._check_disk(total - offset)
        if not part.is_file() or not note.is_file():
            body = {"name": name[:255], "kind": kind, "total": total, "begun_at": time.time()}
            write_json(note, body)
            part.touch()
        return part

    def end_chunk(self, upload_id: str) -> UploadState:
        """Make the upload available when its last byte has come; return how far it is."""
        done, part, _ = self._paths(upload_id)
        now = self.state(upload_id)
        if now.complete and part.is_file():
            part.replace(done)
        return now

    def forget(self, upload_id: str) -> None:
        """Remove an upload, finished or not."""
        for path in self._paths(upload_id):
            path.unlink(missing_ok=True)

    def clear_stale(self, *, now: float | None = None) -> int:
        """Remove what nobody has touched for seven days; return how many files went."""
        limit = (time.time() if now is None else now) - STALE_S
        stale = [
            path for path in self._home.folder("uploads").iterdir() if path.stat().st_mtime < limit
        ]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)

    def _paths(self, upload_id: str) -> tuple[Path, Path, Path]:
        if not _ID.fullmatch(upload_id):
            raise UploadError("This is not the id of an upload.")
        folder = self._home.folder("uploads")
        done, part, note = (folder / f"{upload_id}{end}" for end in (".upload", ".part", ".json"))
        return done, part, note

    def _check_disk(self, coming: int) -> None:
        try:
            free, total = self._disk()
        except OSError as err:
            raise StorageError("The disk cannot be read.", hint="Check THAW_HOME.") from err
        if free - coming < min(KEEP_FREE_BYTES, int(total * KEEP_FREE_SHARE)):
            raise UploadError(
                f"Too little space: {_gigabytes(coming)} to come, {_gigabytes(free)} free.",
                hint="Make room on the disk, or point THAW_HOME to a larger one; "
                "the upload goes on where it stopped.",
                status=507,
            )


def _disk_of(home: Home) -> tuple[int, int]:
    usage = shutil.disk_usage(home.root)
    return usage.free, usage.total


def _gigabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e8 else f"{n_bytes / 1e6:.1f} MB"
