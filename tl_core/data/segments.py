"""One segment of a row store: an array on disk and, written last, the list of its keys.

An array without a whole list is not there, so a crash, a full disk or a second process at work can
leave nothing that is half-read. Segments never change once written.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tl_core.errors import StorageError
from tl_core.storage import disk_error, read_json, write_json

__all__ = [
    "USED",
    "RowWriter",
    "Segment",
    "claimed",
    "disk_told",
    "listed_keys",
    "new_path",
    "publish",
    "read_segment",
    "remove",
    "remove_array",
    "sweep",
]

USED = "used"  # a file beside the segments; its time says when they were last asked for
SMALL_BYTES = 1 << 20  # such segments are read, not mapped: a map each would use up open files
STALE_S = 24 * 3600  # seconds; an array this old without a list was left by a crash


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A whole segment. ``offset`` is where the numbers begin in the file of ``n_bytes`` bytes."""

    path: Path
    keys: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    n_bytes: int
    offset: int

    def open(self) -> np.ndarray:
        """The rows, (n, *row): small segments in memory, others mapped.

        Raises:
            StorageError: It was removed this moment.
        """
        try:
            if self.n_bytes <= SMALL_BYTES:
                raw = np.fromfile(self.path, dtype=self.dtype, offset=self.offset)
                return raw.reshape(self.shape)
            # Copy-on-write: tensors made of it need a writable array, and the file stays as it is.
            mapped = np.memmap(
                self.path, dtype=self.dtype, mode="c", offset=self.offset, shape=self.shape
            )
            return mapped.view(np.ndarray)
        except (OSError, ValueError) as err:
            raise StorageError(
                f"Prepared rows ({self.path.name}) cannot be read.",
                hint="Start again; they are made anew.",
            ) from err


def read_segment(
    listed: Path, *, row_shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Segment | None:
    """The segment of a list, or None when list or array are not whole or of another kind."""
    path = listed.with_suffix(".npy")
    try:
        n_bytes = path.stat().st_size
        with path.open("rb") as stream:
            if np.lib.format.read_magic(stream) != (1, 0):
                return None
            header = np.lib.format.read_array_header_1_0(stream)
            offset = stream.tell()
    except (OSError, ValueError):
        return None
    keys = listed_keys(listed)
    shape = (len(keys), *row_shape)
    if not keys or header != (shape, False, dtype):
        return None
    if n_bytes != offset + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize:
        return None
    return Segment(path=path, keys=keys, shape=shape, dtype=dtype, n_bytes=n_bytes, offset=offset)


def listed_keys(listed: Path) -> tuple[str, ...]:
    """The keys in the list of a segment; none when it is not whole."""
    try:
        return tuple(map(str, read_json(listed)["keys"]))
    except (OSError, ValueError, KeyError, TypeError):
        return ()


class RowWriter:
    """A segment that grows row by row, straight to its file.

    End it with ``keep`` or ``abandon``; after an error in ``add`` only ``abandon`` is left.

    Args:
        folder: Of the store.
        row_shape: Of one row.
        dtype: Of the numbers.

    Raises:
        StorageError: The folder cannot be written to.
    """

    def __init__(self, folder: Path, *, row_shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._path, self._row_shape, self._dtype = new_path(folder), row_shape, dtype
        self._keys: dict[str, None] = {}
        with disk_told(self._path):
            self._stream = self._path.open("wb")
            self._head()

    def _head(self) -> None:
        """Write the header; numpy leaves room in it for the number of rows to grow."""
        self._stream.seek(0)
        np.lib.format.write_array_header_1_0(
            self._stream,
            {
                "descr": np.lib.format.dtype_to_descr(self._dtype),
                "fortran_order": False,
                "shape": (len(self._keys), *self._row_shape),
            },
        )

    def add(self, key: str, row: np.ndarray) -> None:
        """Write one row; a key that came before is left as it was.

        Raises:
            StorageError: The disk is too full.
            ValueError: A row of another shape or type.
        """
        if row.shape != self._row_shape or row.dtype != self._dtype:
            raise ValueError(f"a row of {row.shape} {row.dtype} does not belong here")
        if key in self._keys:
            return
        with disk_told(self._path):
            self._stream.write(np.ascontiguousarray(row).data)
        self._keys[key] = None

    def keep(self) -> None:
        """Make the rows visible.

        Raises:
            StorageError: The disk is too full; nothing is left of them.
        """
        try:
            with disk_told(self._path):
                self._head()
                self._stream.close()
            publish(self._path, list(self._keys))
        except BaseException:
            self.abandon()
            raise

    def abandon(self) -> None:
        """Leave nothing behind."""
        with suppress(OSError):  # what was still to be written to a full disk
            self._stream.close()
        remove_array(self._path)


def new_path(folder: Path) -> Path:
    """Where to write a new array. The name sorts by age and is nobody else's.

    So it needs no temporary name: it is not read before its list is there, and Windows could not
    rename what is still mapped.
    """
    with disk_told(folder):
        folder.mkdir(parents=True, exist_ok=True)
    sweep(folder)
    return folder / f"{time.time_ns():016x}-{secrets.token_hex(4)}.npy"


def publish(path: Path, keys: Sequence[str]) -> None:
    """Make a finished array visible by writing its list; without rows it is removed."""
    if keys:
        write_json(path.with_suffix(".json"), {"keys": list(keys)})
    else:
        remove_array(path)


def remove(path: Path) -> int:
    """Remove an array and its list; the bytes freed, 0 when it is held open (Windows)."""
    try:
        n_bytes = path.stat().st_size if path.exists() else 0
        path.unlink(missing_ok=True)
    except OSError:
        return 0
    remove_array(path.with_suffix(".json"))
    return n_bytes


def remove_array(path: Path) -> None:
    """Remove what nobody has seen yet."""
    with suppress(OSError):  # still mapped on Windows: swept later
        path.unlink(missing_ok=True)


def sweep(folder: Path, *, older_than_s: float = STALE_S) -> None:
    """Remove what a crash left in the middle of writing, untouched for so many seconds."""
    for path in folder.iterdir():
        with suppress(OSError):
            if path.name == USED or path.suffix == ".json" or path.with_suffix(".json").exists():
                continue
            if time.time() - path.stat().st_mtime > older_than_s:
                path.unlink(missing_ok=True)


def claimed(
    path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> np.memmap[Any, np.dtype[Any]]:
    """A new array on disk to fill, its space taken now.

    A full disk that is met only while writing to a map would kill the process.
    """
    with disk_told(path):
        rows = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape, version=(1, 0))
        if hasattr(os, "posix_fallocate"):
            with path.open("rb+") as stream:
                os.posix_fallocate(stream.fileno(), 0, path.stat().st_size)
    return rows


@contextmanager
def disk_told(path: Path) -> Iterator[None]:
    """Turn the system's errors into one for the user, a full disk above all."""
    try:
        yield
    except OSError as err:
        raise disk_error(path, err) from err
