"""Take pictures in: from a zip, tar or folder to checked, content-addressed records.

Every file is hostile until decoded. Members are streamed one at a time to a scratch file whose
name is Thaw's own, decoded completely (so that damage is noticed now, not in the middle of a
training), and their original bytes stored by content. What cannot be used is listed with a reason.
Only a few pictures are held at any time, however many come.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tl_core.data.archive import open_container
from tl_core.data.container import Container, Entry, IntakeLimits
from tl_core.data.decode import decode
from tl_core.data.layout import SPLITS, Layout, read_layout
from tl_core.data.notes import intake_notes, nothing_usable
from tl_core.data.parallel import in_threads
from tl_core.data.pixels import WorkingCopies
from tl_core.data.quarantine import Quarantined, reason_of
from tl_core.data.records import ImageRecord, Intake
from tl_core.data.table_entries import named_table, tables_in
from tl_core.data.table_file import is_table
from tl_core.data.tabled import Table
from tl_core.data.thumbs import THUMB_SIZES, keep_thumb, thumb_bytes
from tl_core.errors import CancelledError, StorageError, UnreadableImageError
from tl_core.storage import Home

__all__ = ["ImageRecord", "Intake", "IntakeLimits", "Quarantined", "take_in"]

THUMB_PX = THUMB_SIZES[0]  # made now, while the picture is decoded; the larger one on demand
SPARE_BYTES = 256 << 20  # left free on the disk whatever happens


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spooled:
    entry: Entry
    scratch: Path
    digest: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Good:
    width: int
    height: int
    format: str
    thumb: bytes
    copy: np.ndarray | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    spooled: _Spooled
    outcome: _Good | UnreadableImageError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    digest: str
    width: int
    height: int
    bytes: int
    format: str


def take_in(
    source: Path,
    home: Home,
    *,
    limits: IntakeLimits | None = None,
    working: tuple[int, str] | None = None,
    table: Path | None = None,
    label: str = "",
    report: Callable[[int, int], None] = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Intake:
    """Read every picture of a zip, tar or folder into the store.

    Args:
        source: A zip or tar file, or a folder; with a folder per class, see
            ``tl_core.data.layout``. Or a table of labels: its files are seen from its own folder.
        home: Where the pictures and their thumbnails go.
        limits: Other than the default ``IntakeLimits``.
        working: Size in pixels and resize mode of the working copies to make at once, so that
            training need not decode again (``tl_core.data.pixels``); None = none.
        table: A table of labels whose rows are the set; None = tables among the files are used
            when they are about these pictures.
        label: The class of every picture; "" = as folders and tables say.
        report: Called with (files done, all) after each file.
        cancelled: Asked before each file.

    Raises:
        EmptyDatasetError: Not one usable picture.
        UnreadableArchiveError: The container is broken, protected or of another kind.
        UnsafeArchiveError: A limit is exceeded.
        UnreadableTableError: ``table`` cannot be read, or names no picture that is there.
        StorageError: The disk is too full.
        CancelledError: ``cancelled`` said so; only contents that nothing refers to remain.
    """
    limits = limits or IntakeLimits()
    if table is None and is_table(source.name) and source.is_file():
        source, table = source.parent, source
    with open_container(source, limits) as container:
        refused = [entry.quarantined() for entry in container.entries if entry.reason]
        readable = {entry.name: entry for entry in container.entries if not entry.reason}
        layout = read_layout(
            list(readable),
            tables=() if label else _tables(container, readable.values(), source, table),
            alone=table is not None and not label,
            label=label,
        )
        quarantine = refused + list(layout.quarantine)
        wanted = {readable[one.path].key for one in layout.pictures}
        _check_space(home, sum(readable[one.path].size for one in layout.pictures), limits)
        with (
            tempfile.TemporaryDirectory(dir=home.folder("cache", "intake")) as scratch,
            _copies(home, working, len(wanted)) as copies,
        ):
            reader = _Reader(container, home, Path(scratch), limits, quarantine, cancelled, copies)
            facts = reader.read(wanted, report)
    records = _records(layout, facts)
    if not records:
        raise nothing_usable(source.name, len(container.entries), quarantine)
    return Intake(
        records=records,
        quarantine=tuple(sorted(quarantine, key=lambda one: (one.file, one.code))),
        given_splits=tuple(part for part in SPLITS if any(r.split == part for r in records)),
        notes=intake_notes(records, quarantine, layout),
    )


class _Reader:
    """Streams the wanted members through a few decoding threads into the store."""

    def __init__(
        self,
        container: Container,
        home: Home,
        scratch: Path,
        limits: IntakeLimits,
        quarantine: list[Quarantined],
        cancelled: Callable[[], bool],
        copies: WorkingCopies | None,
    ) -> None:
        self._container, self._home, self._scratch = container, home, scratch
        self._limits, self._quarantine, self._cancelled = limits, quarantine, cancelled
        self._copies = copies
        self._n_refused = 0

    def read(self, wanted: Set[int], report: Callable[[int, int], None]) -> dict[str, _Facts]:
        """What was learnt of each good picture, by path; the others go to the quarantine."""
        facts: dict[str, _Facts] = {}
        for checked in in_threads(self._check, self._spooled(wanted)):
            spooled, outcome = checked.spooled, checked.outcome
            if isinstance(outcome, UnreadableImageError):
                self._refuse(spooled.entry, outcome)
                spooled.scratch.unlink()
            else:
                facts[spooled.entry.name] = self._keep(spooled, outcome)
            report(len(facts) + self._n_refused, len(wanted))
        report(len(wanted), len(wanted))
        return facts

    def _spooled(self, wanted: Set[int]) -> Iterator[_Spooled]:
        for number, (entry, chunks) in enumerate(self._container.read(wanted)):
            if self._cancelled():
                raise CancelledError(
                    "Taking in the pictures was cancelled.", hint="Nothing was changed."
                )
            path = self._scratch / str(number)
            sha, n_bytes = hashlib.sha256(), 0
            try:
                with _full_disk_told(), path.open("wb") as sink:
                    for chunk in chunks:
                        sha.update(chunk)
                        sink.write(chunk)
                        n_bytes += len(chunk)
            except UnreadableImageError as err:
                self._refuse(entry, err)
                path.unlink()
                continue
            yield _Spooled(entry=entry, scratch=path, digest=sha.hexdigest(), bytes=n_bytes)

    def _check(self, spooled: _Spooled) -> _Checked:
        """In a thread: decode the whole picture, make its thumbnail and its working copy."""
        try:
            return _Checked(spooled=spooled, outcome=self._decoded(spooled))
        except UnreadableImageError as err:
            return _Checked(spooled=spooled, outcome=err)

    def _decoded(self, spooled: _Spooled) -> _Good:
        side_px, pixels = (
            self._copies.max_side_px if self._copies else THUMB_PX,
            self._limits.pixels,
        )
        found = decode(spooled.scratch, max_side_px=side_px, max_pixels=pixels)
        copy = self._copies.make(spooled.digest, found.image) if self._copies else None
        if side_px < THUMB_PX:  # small working copies: a thumbnail would look coarse
            found = decode(spooled.scratch, max_side_px=THUMB_PX, max_pixels=pixels)
        return _Good(
            width=found.width,
            height=found.height,
            format=found.format,
            thumb=thumb_bytes(found.image, THUMB_PX),
            copy=copy,
        )

    def _keep(self, spooled: _Spooled, good: _Good) -> _Facts:
        with _full_disk_told():
            self._home.put_blob(spooled.scratch, digest=spooled.digest, move=True)
            keep_thumb(self._home, spooled.digest, THUMB_PX, good.thumb, scratch=self._scratch)
        if self._copies and good.copy is not None:
            self._copies.add(spooled.digest, good.copy)
        return _Facts(
            digest=spooled.digest,
            width=good.width,
            height=good.height,
            bytes=spooled.bytes,
            format=good.format,
        )

    def _refuse(self, entry: Entry, err: UnreadableImageError) -> None:
        self._n_refused += 1
        self._quarantine.append(Quarantined(file=entry.name, reason=reason_of(err), code=err.code))


@contextmanager
def _full_disk_told() -> Iterator[None]:
    try:
        yield
    except OSError as err:
        raise StorageError(
            f"A picture could not be stored ({err.strerror or err}).",
            hint="Check the free space on the disk and try again.",
        ) from err


def _copies(
    home: Home, working: tuple[int, str] | None, n_pictures: int
) -> AbstractContextManager[WorkingCopies | None]:
    if working is None:
        return nullcontext()
    size_px, resize = working
    return WorkingCopies(home, size_px=size_px, resize=resize, n_pictures=n_pictures)


def _tables(
    container: Container, entries: Iterable[Entry], source: Path, named: Path | None
) -> list[Table]:
    return tables_in(container, entries) if named is None else named_table(named, source)


def _check_space(home: Home, need: int, limits: IntakeLimits) -> None:
    need, free = min(need, limits.total_bytes), home.free_bytes()
    if need + SPARE_BYTES > free:
        raise StorageError(
            f"The pictures need {need / 1e9:.1f} GB of disk, "
            f"{max(0, free - SPARE_BYTES) / 1e9:.1f} GB are free.",
            hint="Free some space, or bring fewer pictures.",
        )


def _records(layout: Layout, facts: dict[str, _Facts]) -> tuple[ImageRecord, ...]:
    return tuple(
        ImageRecord(
            path=placed.path,
            label=placed.label,
            split=placed.split,
            digest=fact.digest,
            width=fact.width,
            height=fact.height,
            bytes=fact.bytes,
            format=fact.format,
            group=placed.group,
        )
        for placed in sorted(layout.pictures, key=lambda one: one.path)
        if (fact := facts.get(placed.path)) is not None
    )
