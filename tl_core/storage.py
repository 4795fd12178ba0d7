"""Where everything lies under ``THAW_HOME``, and how files get there without being half-written.

Pictures and other contents are addressed by their SHA-256 and kept in a blob store that fsspec
reaches (a local folder by default, ``THAW_BLOBS`` may name any fsspec address). What is rebuilt at
will (thumbnails, working copies) or belongs to one run lies in plain local folders.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import fsspec

from tl_core.errors import StorageError

__all__ = [
    "Home",
    "atomic_path",
    "disk_error",
    "file_digest",
    "read_json",
    "renamed",
    "write_json",
]

CHUNK = 1 << 20  # bytes read at a time when hashing or copying
_ID = re.compile(r"[\w-]+")  # no dot and no slash: an id never leaves its folder


class Home:
    """The folders of one Thaw installation.

    Args:
        root: The folder; default ``$THAW_HOME`` or ``~/.thaw``. Created when missing.
        blobs: fsspec address of the contents; default ``$THAW_BLOBS`` or a folder in the root.
    """

    def __init__(self, root: Path | str | None = None, *, blobs: str | None = None) -> None:
        given = root or os.environ.get("THAW_HOME") or Path.home() / ".thaw"
        self.root = Path(given).expanduser().resolve()
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            raise StorageError(
                f"The folder {self.root} cannot be created.",
                hint="Set THAW_HOME to a folder you may write to.",
            ) from err
        address = blobs or os.environ.get("THAW_BLOBS") or str(self.root / "blobs")
        self._fs, self._blob_root = fsspec.core.url_to_fs(address)

    # -- folders -------------------------------------------------------------------------------

    def folder(self, *parts: str) -> Path:
        """A folder below the root, created when missing."""
        path = self.root.joinpath(*parts)
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def database(self) -> Path:
        """The SQLite file used unless THAW_DATABASE_URL names another database."""
        return self.root / "thaw.db"

    def run_dir(self, run_id: str) -> Path:
        """Checkpoint, weights, reports and logs of one run."""
        return self.folder("runs", _safe(run_id))

    def bundle_dir(self, project_id: str) -> Path:
        """The bundle that a project was brought; it need not be there yet."""
        return self.root / "bundles" / _safe(project_id)

    def thumb(self, digest: str, size_px: int) -> Path:
        """Path of a JPEG thumbnail; neither it nor its folder need be there yet."""
        digest = _safe(digest)
        return self.root / "thumbs" / digest[:2] / f"{digest}-{int(size_px)}.jpg"

    def free_bytes(self) -> int:
        """Free disk space where the root lies."""
        return shutil.disk_usage(self.root).free

    # -- blobs ---------------------------------------------------------------------------------

    def _blob(self, digest: str) -> str:
        digest = _safe(digest)
        return f"{self._blob_root}/{digest[:2]}/{digest}"

    def has_blob(self, digest: str) -> bool:
        """Whether the content of this digest is stored."""
        return bool(self._fs.exists(self._blob(digest)))

    def put_blob(self, path: Path, *, digest: str | None = None, move: bool = False) -> str:
        """Store a file's content and return its SHA-256 (hex). Storing twice costs nothing.

        Args:
            path: The file.
            digest: Its SHA-256 where the caller has computed it from this very content.
            move: The file is not needed any more: it is gone afterwards, and not copied where it
                can be renamed.
        """
        digest = digest or file_digest(path)
        target = self._blob(digest)
        if move and self._renamed(path, target):
            return digest
        if not self.has_blob(digest):
            self._fs.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
            part = f"{target}.{secrets.token_hex(4)}.part"
            with path.open("rb") as source, self._fs.open(part, "wb") as sink:
                shutil.copyfileobj(source, sink, CHUNK)
            self._fs.mv(part, target)
        if move:
            path.unlink(missing_ok=True)
        return digest

    def _renamed(self, path: Path, target: str) -> bool:
        """Whether a file could become a blob by a new name alone, the same content or not."""
        return "file" in _protocols(self._fs) and renamed(path, Path(target))

    def drop_blob(self, digest: str) -> None:
        """Remove a content and what was derived from it; fine when it is not there."""
        if self.has_blob(digest):
            self._fs.rm(self._blob(digest))
        (self.root / "cache" / "blobs" / _safe(digest)).unlink(missing_ok=True)
        for thumb in (self.root / "thumbs" / digest[:2]).glob(f"{digest}-*"):
            thumb.unlink(missing_ok=True)

    def blobs(self, *, since: float = 0.0, until: float = float("inf")) -> set[str]:
        """The digests of all contents stored between two times (Unix seconds)."""
        found = (
            self._fs.find(self._blob_root, detail=True) if self._fs.exists(self._blob_root) else {}
        )
        return {
            name
            for path, facts in found.items()
            if _ID.fullmatch(name := str(path).rsplit("/", 1)[-1])
            and since <= self._stored_at(path, facts) <= until
        }

    def _stored_at(self, path: str, facts: Mapping[str, Any]) -> float:
        told = facts.get("mtime")
        return (
            float(told) if isinstance(told, (int, float)) else self._fs.modified(path).timestamp()
        )

    def open_blob(self, digest: str) -> IO[bytes]:
        """Open a blob for reading.

        Raises:
            StorageError: It is not there.
        """
        try:
            stream: IO[bytes] = self._fs.open(self._blob(digest), "rb")
        except FileNotFoundError as err:
            raise StorageError(
                f"A stored file ({digest[:12]}) is missing.",
                hint="Bring the pictures again on the Data page.",
            ) from err
        return stream

    def local_blob(self, digest: str) -> Path:
        """A path on this machine that holds a blob's content; copied here first when it is remote.

        Raises:
            StorageError: It is not there.
        """
        if "file" in _protocols(self._fs):
            path = Path(self._blob(digest))
            if not path.is_file():
                self.open_blob(digest).close()  # raises the right error
            return path
        copy = self.folder("cache", "blobs") / _safe(digest)
        if not copy.is_file():
            with (
                self.open_blob(digest) as source,
                atomic_path(copy) as part,
                part.open("wb") as sink,
            ):
                shutil.copyfileobj(source, sink, CHUNK)
        return copy

    def blob_size(self, digest: str) -> int:
        """Bytes of a stored blob."""
        return int(self._fs.size(self._blob(digest)))


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``target``; renamed onto it on success, removed on error."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    os.close(handle)
    part = Path(name)
    part.chmod(0o644)  # mkstemp's 0600 would keep colleagues from reading what is shared
    try:
        yield part
        part.replace(target)
    except OSError as err:
        part.unlink(missing_ok=True)
        raise disk_error(target, err) from err
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def renamed(path: Path, target: Path) -> bool:
    """Give a file another name, in place of what has it; False where it lies on another disk.

    The folder is made when it is missing. It is tried first and asked afterwards: for hundreds of
    small files the questions take longer than the answer.
    """
    try:
        try:
            path.replace(target)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
    except OSError:
        return False
    return True


def disk_error(target: Path, cause: Exception) -> StorageError:
    """What to say when a file could not be written."""
    told = cause.strerror if isinstance(cause, OSError) and cause.strerror else cause
    return StorageError(
        f"{target.name} could not be written ({told}).",
        hint="Check the free space on the disk and try again.",
    )


def write_json(target: Path, body: Any) -> None:
    """Write JSON so that a reader sees the old or the new text, never half of it."""
    with atomic_path(target) as part:
        part.write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file written by ``write_json``."""
    return json.loads(path.read_text(encoding="utf-8"))


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _protocols(fs: Any) -> tuple[str, ...]:
    protocol = fs.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


def _safe(name: str) -> str:
    if not _ID.fullmatch(name):
        raise StorageError(f"{name!r} is not a valid id.")
    return name
