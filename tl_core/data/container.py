"""What a zip, a tar and a folder have in common: entries, limits, and bytes that are counted.

A container is listed once (``entries``) and then read once (``read``), in its own order, as
chunks of bytes. Nothing is extracted here: whoever reads decides where bytes go, and member names
are never used as paths.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from tl_core.data.names import clean_name
from tl_core.data.quarantine import Quarantined
from tl_core.errors import UnsafeArchiveError

__all__ = ["CHUNK", "Container", "Entry", "IntakeLimits", "Meter", "entry_of", "once_each"]

CHUNK = 1 << 20  # bytes handed on at a time
RATIO_FROM = 1 << 20  # bytes; smaller members may be packed as tightly as they like


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeLimits:
    """How much is taken in at most. Going over ends the intake; bytes are counted, not believed.

    ``ratio`` is unpacked to packed size; photographs do not pack, so theirs is about 1.
    """

    entries: int = 200_000
    total_bytes: int = 20 << 30
    file_bytes: int = 500 << 20
    ratio: float = 200.0
    pixels: int = 100_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file in a container.

    ``name`` is clean and relative (see ``tl_core.data.names``); ``size`` what the container says,
    in bytes; ``key`` the container's own way to find it. With a ``reason`` it cannot be read.
    """

    name: str
    size: int
    key: int
    reason: str = ""
    code: str = ""

    def quarantined(self) -> Quarantined:
        """The quarantine list's row, for an entry with a reason."""
        return Quarantined(file=self.name, reason=self.reason, code=self.code)


class Container(ABC):
    """Use as a context manager; ``read`` at most once at a time."""

    entries: tuple[Entry, ...]

    @abstractmethod
    def read(self, wanted: Set[int]) -> Iterator[tuple[Entry, Iterator[bytes]]]:
        """Yield the wanted entries (by ``key``) with their content, in the container's order.

        The chunks of an entry must be taken before the next entry is asked for.

        Raises:
            UnsafeArchiveError: A limit is exceeded.
            UnreadableArchiveError: The rest cannot be read.
            UnreadableImageError: From the chunks: this one entry is damaged; go on with the next.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Meter:
    """Counts the bytes that come out of a container and stops it at the limits."""

    def __init__(self, limits: IntakeLimits) -> None:
        self.limits = limits
        self.total = 0

    def add(self, n_bytes: int) -> None:
        """Count bytes of any kind.

        Raises:
            UnsafeArchiveError: More than ``total_bytes`` in all.
        """
        self.total += n_bytes
        if self.total > self.limits.total_bytes:
            raise UnsafeArchiveError(
                f"There are more than {_size(self.limits.total_bytes)} in it.",
                hint="Bring fewer or smaller pictures.",
            )

    def check_file(self, name: str, n_bytes: int) -> None:
        """Refuse a single file of more than ``file_bytes``.

        Raises:
            UnsafeArchiveError: It is larger.
        """
        if n_bytes > self.limits.file_bytes:
            raise UnsafeArchiveError(
                f"{name} is larger than {_size(self.limits.file_bytes)}.",
                hint="Leave it out and bring the pictures again.",
            )

    def check_ratio(self, name: str, n_bytes: int, packed: int) -> None:
        """Refuse what unpacks to far more than pictures can.

        Raises:
            UnsafeArchiveError: ``n_bytes`` came out of so few packed bytes.
        """
        if n_bytes > RATIO_FROM and n_bytes > self.limits.ratio * max(1, packed):
            raise UnsafeArchiveError(
                f"{name} unpacks to more than {self.limits.ratio:g} times its packed size, as "
                "files made to fill up a disk do.",
                hint="If you know the pictures to be harmless, unpack them and bring the folder.",
            )

    def check_entries(self, n_entries: int) -> None:
        """Refuse too many entries.

        Raises:
            UnsafeArchiveError: More than ``entries``.
        """
        if n_entries > self.limits.entries:
            raise UnsafeArchiveError(
                f"There are more than {self.limits.entries:,} files in it.",
                hint="Bring fewer pictures, or leave out the files that are no pictures.",
            )


def entry_of(raw_name: str, *, size: int, key: int, reason: str = "", code: str = "") -> Entry:
    """An entry from the name the container gives; unsafe names bring their own reason."""
    name, unsafe = clean_name(raw_name)
    if unsafe:
        reason, code = unsafe, "unsafe_name"
    return Entry(name=name, size=size, key=key, reason=reason, code=code)


def once_each(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Keep the first readable entry of each name; later ones get a reason."""
    seen: set[str] = set()
    out = []
    for entry in entries:
        if not entry.reason and entry.name in seen:
            reason = "comes a second time under the same name; the first one is used"
            entry = replace(entry, reason=reason, code="duplicate_name")
        elif not entry.reason:
            seen.add(entry.name)
        out.append(entry)
    return tuple(out)


def _size(n_bytes: int) -> str:
    for unit, factor in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if n_bytes >= factor:
            return f"{n_bytes / factor:g} {unit}"
    return f"{n_bytes} bytes"
