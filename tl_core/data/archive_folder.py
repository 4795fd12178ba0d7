"""A folder on this machine's disk as a container. Links are not followed out of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Set
from itertools import islice
from pathlib import Path

from tl_core.data.container import (
    CHUNK,
    Container,
    Entry,
    IntakeLimits,
    Meter,
    entry_of,
    once_each,
)
from tl_core.data.layout import is_junk
from tl_core.data.quarantine import unreadable

__all__ = ["FolderContainer"]


class FolderContainer(Container):
    """All files below a folder, hidden ones left out, sorted within each folder.

    Args:
        root: An existing folder.
        limits: Files beyond ``file_bytes`` are set aside here instead of ending the intake:
            nothing has to be unpacked to know their size.
    """

    def __init__(self, root: Path, limits: IntakeLimits) -> None:
        self._root = root.resolve()
        self._limits = limits
        self._paths: list[Path] = []
        self.entries = once_each(self._list())

    def _list(self) -> Iterator[Entry]:
        meter = Meter(self._limits)
        folders, seen = [self._root], {self._root}
        while folders:
            try:
                with os.scandir(folders.pop()) as found:
                    some = islice(found, self._limits.entries + 1)
                    inside = sorted(some, key=lambda one: one.name)
            except OSError as err:
                yield self._entry(
                    Path(str(err.filename)), 0, f"could not be opened ({err.strerror})"
                )
                continue
            meter.check_entries(len(inside))
            for one in inside:
                path = Path(one.path)
                if is_junk(one.name):
                    continue
                if one.is_dir(follow_symlinks=False):
                    real = _real(path)  # a Windows junction is a folder that lies elsewhere
                    if real and real.is_relative_to(self._root) and real not in seen:
                        seen.add(real)
                        folders.append(path)
                        continue
                meter.check_entries(len(self._paths) + 1)
                yield self._file(one, path)

    def _file(self, one: os.DirEntry[str], path: Path) -> Entry:
        try:
            return self._told(one, path)
        except OSError as err:  # gone this moment, or nobody may look at it
            return self._entry(path, 0, f"could not be opened ({err.strerror or err})", "damaged")

    def _told(self, one: os.DirEntry[str], path: Path) -> Entry:
        if one.is_symlink() or one.is_dir(follow_symlinks=False):
            real = _real(path)
            if real is None or not real.is_relative_to(self._root) or not real.is_file():
                return self._entry(path, 0, "is a link to another place; links are not followed")
            path_size = real.stat().st_size
        elif not one.is_file(follow_symlinks=False):
            return self._entry(path, 0, "is not an ordinary file")
        else:
            path_size = one.stat(follow_symlinks=False).st_size
        if path_size > self._limits.file_bytes:
            reason = f"is larger than {self._limits.file_bytes / (1 << 20):g} MB"
            return self._entry(path, path_size, reason, "too_large")
        return self._entry(path, path_size)

    def _entry(self, path: Path, size: int, reason: str = "", code: str = "link") -> Entry:
        self._paths.append(path)
        return entry_of(
            path.relative_to(self._root).as_posix(),
            size=size,
            key=len(self._paths) - 1,
            reason=reason,
            code=code if reason else "",
        )

    def read(self, wanted: Set[int]) -> Iterator[tuple[Entry, Iterator[bytes]]]:
        """See ``Container.read``."""
        meter = Meter(self._limits)
        for entry in self.entries:
            if entry.key in wanted and not entry.reason:
                yield entry, self._chunks(entry, meter)

    def _chunks(self, entry: Entry, meter: Meter) -> Iterator[bytes]:
        done = 0
        try:
            with self._paths[entry.key].open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    done += len(chunk)
                    meter.add(len(chunk))
                    meter.check_file(entry.name, done)
                    yield chunk
        except OSError as err:
            raise unreadable(f"could not be read ({err.strerror or err})", code="damaged") from err

    def close(self) -> None:
        """Nothing is held open."""


def _real(path: Path) -> Path | None:
    """Where a link or a junction leads; None when it leads in a circle, or its path is too long."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # the latter for circles, up to Python 3.12
        return None
