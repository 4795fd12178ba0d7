"""Rows of numbers on disk, each under a key of its own: what every cache of Thaw lies in.

A store is a folder for one way of making rows (pixels at one size, features of one network). Rows
are added in segments (see ``tl_core.data.segments``). Which rows are asked for together does not
matter: runs, splits and folds share them, and only what is new is made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np

from tl_core.data.mapped import Pages
from tl_core.data.parallel import in_threads
from tl_core.data.segments import (
    USED,
    RowWriter,
    Segment,
    claimed,
    disk_told,
    listed_keys,
    new_path,
    publish,
    read_segment,
    remove,
    remove_array,
    sweep,
)
from tl_core.errors import StorageError

__all__ = ["RowStore", "Rows", "evict", "forget"]

Index = SupportsIndex | slice | Sequence[int] | np.ndarray[Any, Any]


class Rows:
    """Rows of a store in the order asked for, read only when indexed.

    Behaves like an array that can be indexed along its first axis only: an integer gives one row,
    a slice or an array (integers, or True and False) several. Rows that lie behind each other in
    one segment come as a view of the file for a slice; everything else is copied together.
    Tensors may be made of either; do not write to a view: nothing on disk changes, and of large
    segments what was written may be gone again.

    Args:
        segments: Arrays (n_i, *row) of equal row shape and type.
        which: The segment of each row, (N,).
        where: The row's place in its segment, (N,).
        row_shape: Of one row.
        dtype: Of the numbers.
        pages: Of the segments, when they are counted elsewhere too.
    """

    def __init__(
        self,
        segments: Sequence[np.ndarray],
        which: np.ndarray,
        where: np.ndarray,
        *,
        row_shape: tuple[int, ...],
        dtype: np.dtype[Any],
        pages: Pages | None = None,
    ) -> None:
        self._segments, self._which, self._where = tuple(segments), which, where
        self._pages = pages or Pages(self._segments)
        self.shape = (len(which), *row_shape)
        self.dtype = dtype

    @classmethod
    def of(cls, array: np.ndarray) -> Rows:
        """An array that is already in memory, (N, *row)."""
        n = len(array)
        which, where = np.zeros(n, np.int64), np.arange(n)
        return cls([array], which, where, row_shape=array.shape[1:], dtype=array.dtype)

    @property
    def ndim(self) -> int:
        """Number of axes, the one of the rows included."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes all rows would take in memory."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    def take(self, index: np.ndarray) -> Rows:
        """Some of the rows, in the order of ``index`` (integers); nothing is read yet."""
        which, where = self._which[index], self._where[index]
        return Rows(
            self._segments,
            which,
            where,
            row_shape=self.shape[1:],
            dtype=self.dtype,
            pages=self._pages,
        )

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"Rows(shape={self.shape}, dtype={self.dtype})"

    def __iter__(self) -> Iterator[np.ndarray]:
        for which, where in zip(self._which.tolist(), self._where.tolist(), strict=True):
            yield self._used(self._segments[which][where])

    def __getitem__(self, index: Index) -> np.ndarray:
        if isinstance(index, slice):
            return self._run(self._which[index], self._where[index])
        if isinstance(index, tuple):
            raise IndexError("Rows can be indexed along the first axis only.")
        if isinstance(index, list):
            index = np.asarray(index, dtype=None if index else np.int64)
        which, where = self._which[index], self._where[index]
        if which.ndim == 0:
            return self._used(self._segments[int(which)][int(where)])
        return self._gather(which, where)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        found = self[:]
        if copy is False and len(self) and not np.shares_memory(found[0], self[0]):
            raise ValueError("These rows lie apart: they cannot become one array without a copy.")
        return np.array(found, dtype=dtype) if copy else np.asarray(found, dtype=dtype)

    def _run(self, which: np.ndarray, where: np.ndarray) -> np.ndarray:
        n = len(which)
        if n and (which == which[0]).all() and (where == where[0] + np.arange(n)).all():
            return self._used(self._segments[int(which[0])][int(where[0]) : int(where[0]) + n])
        return self._gather(which, where)

    def _used(self, rows: np.ndarray) -> np.ndarray:
        self._pages.used(rows.nbytes)
        return rows

    def _gather(self, which: np.ndarray, where: np.ndarray) -> np.ndarray:
        used = np.unique(which)
        if len(used) == 1:
            return self._used(self._segments[int(used[0])][where])
        out = np.empty((*which.shape, *self.shape[1:]), dtype=self.dtype)
        for one in used.tolist():
            mine = which == one
            out[mine] = self._segments[one][where[mine]]
        return self._used(out)


class RowStore:
    """The rows of one way of making them.

    Args:
        folder: Of this store alone; created when the first rows are added.
        shape: Of one row.
        dtype: Of the numbers. Segments of another shape or type are not seen.
    """

    def __init__(self, folder: Path, *, shape: tuple[int, ...], dtype: Any) -> None:
        self.folder = folder
        self.shape = tuple(shape)
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self._segments: dict[str, Segment] = {}
        self._opened: dict[str, np.ndarray] = {}
        self._places: dict[str, tuple[str, int]] = {}  # key -> segment, row
        self._touch()

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    @property
    def bytes(self) -> int:
        """Bytes of all rows stored, as files."""
        self._look()
        return sum(one.n_bytes for one in self._segments.values())

    def missing(self, keys: Sequence[str]) -> list[str]:
        """The keys without a row, each once, in the order given."""
        self._look()
        return [key for key in dict.fromkeys(keys) if key not in self._places]

    def keys(self) -> set[str]:
        """All keys that have a row."""
        self._look()
        return set(self._places)

    def rows(self, keys: Sequence[str]) -> Rows:
        """The rows of these keys, in this order; the same key may come twice.

        Raises:
            StorageError: Some are not stored, or were removed this moment.
        """
        if absent := self.missing(keys):
            raise StorageError(
                f"{len(absent)} of {len(keys)} prepared rows are missing.",
                hint="Start again; they are made anew.",
            )
        self._touch()
        number: dict[str, int] = {}
        which, where = np.empty(len(keys), np.int64), np.empty(len(keys), np.int64)
        for i, key in enumerate(keys):
            name, row = self._places[key]
            which[i], where[i] = number.setdefault(name, len(number)), row
        segments = [self._open(name) for name in number]
        return Rows(segments, which, where, row_shape=self.shape, dtype=self.dtype)

    @contextmanager
    def adding(self, keys: Sequence[str]) -> Iterator[np.ndarray]:
        """Yield an array (len(keys), *shape) on disk to fill; stored when the block ends well.

        An error inside leaves nothing behind. For rows that are made together or in any order; see
        ``appending`` for those that come one by one.

        Raises:
            StorageError: The disk is too full.
            ValueError: A key comes twice.
        """
        if len(set(keys)) != len(keys):
            raise ValueError("a key comes twice")
        path = new_path(self.folder)
        self._touch()
        try:
            rows = claimed(path, (len(keys), *self.shape), self.dtype)
            yield rows
            with disk_told(path):
                rows.flush()
            publish(path, keys)
        except BaseException:
            remove_array(path)
            raise
        self._touch()

    @contextmanager
    def appending(self) -> Iterator[Callable[[str, np.ndarray], None]]:
        """Yield a function that takes a key and its row; all are stored when the block ends well.

        An error inside leaves nothing behind. Memory does not grow with the number of rows.

        Raises:
            StorageError: The disk is too full.
        """
        writer = self.writer()
        try:
            yield writer.add
        except BaseException:
            writer.abandon()
            raise
        writer.keep()
        self._touch()

    def fill(
        self,
        keys: Sequence[str],
        make: Callable[[str], np.ndarray],
        *,
        at_once: int,
        report: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        """Make rows in a few threads and store them, some at a time.

        Args:
            keys: Rows that are missing.
            make: Gives the row of a key.
            at_once: Rows stored together; what is stored outlives an interruption.
            report: Called with (rows made, rows to make) after each; what it raises ends the work.

        Raises:
            StorageError: The disk is too full.
        """
        done = 0
        with closing(in_threads(make, keys)) as rows:
            for start in range(0, len(keys), at_once):
                with self.appending() as add:
                    for key, row in zip(keys[start : start + at_once], rows, strict=False):
                        add(key, row)
                        done += 1
                        report(done, len(keys))

    def writer(self) -> RowWriter:
        """A new segment that its caller ends; ``appending`` is the usual way."""
        writer = RowWriter(self.folder, row_shape=self.shape, dtype=self.dtype)
        self._touch()
        return writer

    def _look(self) -> None:
        """Learn of segments that came or went since the last look, from any process."""
        found: dict[str, Segment] = {}
        for listed in sorted(self.folder.glob("*.json")):
            one = self._segments.get(listed.stem) or read_segment(
                listed, row_shape=self.shape, dtype=self.dtype
            )
            if one is not None and one.path.exists():
                found[listed.stem] = one
        if found.keys() == self._segments.keys():
            return
        self._segments, self._places = found, {}
        self._opened = {name: rows for name, rows in self._opened.items() if name in found}
        for name, one in found.items():
            for row, key in enumerate(one.keys):
                self._places.setdefault(key, (name, row))

    def _open(self, name: str) -> np.ndarray:
        if name not in self._opened:
            self._opened[name] = self._segments[name].open()
        return self._opened[name]

    def _touch(self) -> None:
        if self.folder.is_dir():
            with suppress(OSError):  # a read-only or full disk is no reason not to read
                (self.folder / USED).touch()


def evict(root: Path, *, limit_bytes: int, keep: Collection[Path] = ()) -> int:
    """Bring the stores below a folder under a budget, the least recently used going first.

    A store another process has open stays readable there (on Windows it stays as it is), and what
    is being added to it this moment is not touched.

    Args:
        root: Each direct subfolder is the folder of a ``RowStore``.
        limit_bytes: What all of them may take together.
        keep: Folders to leave alone, whatever they take.

    Returns:
        Bytes freed.
    """
    kept = {path.resolve() for path in keep}
    folders = [path for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
    total = sum(_size(path) for path in folders)
    freed = 0
    for folder in sorted(folders, key=_last_used):
        if total - freed <= limit_bytes:
            break
        if folder.resolve() in kept:
            continue
        freed += sum(remove(path.with_suffix(".npy")) for path in list(folder.glob("*.json")))
        sweep(folder)
        with suppress(OSError):  # not empty: somebody is adding to it
            if all(path.name == USED for path in folder.iterdir()):
                (folder / USED).unlink(missing_ok=True)
                folder.rmdir()
    return freed


def forget(root: Path, keys: Collection[str]) -> int:
    """Remove rows of these keys from all stores below a folder, for good.

    Segments go as a whole: other rows in them are missing afterwards and must be made anew.

    Args:
        root: Each direct subfolder is the folder of a ``RowStore``.
        keys: Of the rows to remove.

    Returns:
        Bytes freed.
    """
    gone = set(keys)
    held = [one for one in root.glob("*/*.json") if not gone.isdisjoint(listed_keys(one))]
    return sum(remove(path.with_suffix(".npy")) for path in held)


def _last_used(folder: Path) -> float:
    for path in (folder / USED, folder):
        with suppress(OSError):
            return path.stat().st_mtime
    return 0.0


def _size(folder: Path) -> int:
    total = 0
    for path in folder.iterdir():
        with suppress(OSError):
            total += path.stat().st_size
    return total
