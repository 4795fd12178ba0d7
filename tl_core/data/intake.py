"""Take pictures in: from a zip, tar or folder to checked, content-addressed records.

Every file is hostile until decoded. Members are streamed one at a time to a scratch file whose
name is Thaw's own, decoded completely (so that damage is noticed now, not in the middle of a
training), and stored by content: plain pictures as they came; what has more than 8 bits, several
pages or a medical header as 8-bit PNG made by stated rules (``tl_core.data.passes``). What cannot
be used is listed with a reason.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from tl_core.config import RGB
from tl_core.data.archive import open_container
from tl_core.data.container import Container, Entry, IntakeLimits
from tl_core.data.kinds import of_one_kind
from tl_core.data.layout import SPLITS, Layout, Placed, read_layout
from tl_core.data.notes import intake_notes, nothing_usable
from tl_core.data.passes import Fact, Passes, page_name
from tl_core.data.pixels import WorkingCopies
from tl_core.data.quarantine import Quarantined
from tl_core.data.reading import Reading
from tl_core.data.reading_notes import placeholder_patient, reading_notes
from tl_core.data.records import ImageRecord, Intake
from tl_core.data.table_entries import named_table, tables_in
from tl_core.data.table_file import is_table
from tl_core.data.tabled import Table
from tl_core.errors import StorageError
from tl_core.storage import Home

__all__ = ["ImageRecord", "Intake", "IntakeLimits", "Quarantined", "take_in"]

SPARE_BYTES = 256 << 20  # left free on the disk whatever happens


def take_in(
    source: Path,
    home: Home,
    *,
    limits: IntakeLimits | None = None,
    working: tuple[int, str] | None = None,
    reading: Reading | None = None,
    joins: int | None = None,
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
        reading: The rule for grey of more than 8 bits, of the set that the pictures are added to;
            None = one is made from these pictures where they need it.
        joins: Channels of the set that the pictures are added to, whose kind they must be of; None
            = they are a set of their own.
        table: A table of labels whose rows are the set; None = tables among the files are used
            when they are about these pictures.
        label: The class of every picture; "" = as folders and tables say.
        report: Called with (files done, all) after each file.
        cancelled: Asked before each file is read, and again before it is rendered.

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
            passes = Passes(
                container,
                home,
                Path(scratch),
                limits=limits,
                quarantine=quarantine,
                cancelled=cancelled,
                copies=copies,
                reading=reading,
            )
            facts, channels = of_one_kind(passes.read(wanted, report), quarantine, kind=joins)
    told = reading_notes(
        facts,
        {placed.path: placed.label for placed in layout.pictures},
        passes.reading,
        outside=passes.outside if reading is not None else None,
        joins=joins is not None,
    )
    records = _records(layout, facts, joins=joins is not None)
    if not records:
        raise nothing_usable(source.name, len(container.entries), quarantine)
    return Intake(
        records=records,
        quarantine=tuple(sorted(quarantine, key=lambda one: (one.file, one.code))),
        given_splits=tuple(part for part in SPLITS if any(r.split == part for r in records)),
        notes=(*intake_notes(records, quarantine, layout), *told),
        reading=_reading(passes.reading, channels, facts, given=reading is not None),
    )


def _reading(
    rule: Reading | None, channels: int, facts: Sequence[Fact], *, given: bool
) -> dict[str, Any]:
    """What later pictures are read by; nothing of those that were set aside for their kind."""
    if rule is not None and not given and not any(fact.deep for fact in facts):
        rule = None
    kept = rule.of(channels).to_dict() if rule else {}
    return kept if channels == RGB else {**kept, "channels": channels}


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


def _records(layout: Layout, facts: Sequence[Fact], *, joins: bool) -> tuple[ImageRecord, ...]:
    """One record per picture, by path; pages are named after their file."""
    by_entry: defaultdict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        by_entry[fact.entry].append(fact)
    placed = {one.path: one for one in layout.pictures}
    groups = _groups(facts, joins=joins)
    taken = set(placed)
    records = [
        _record(placed[entry], fact, taken, groups)
        for entry, its_facts in sorted(by_entry.items())
        for fact in its_facts
    ]
    return tuple(sorted(records, key=lambda one: one.path))


def _record(placed: Placed, fact: Fact, taken: set[str], groups: set[str]) -> ImageRecord:
    path = placed.path
    if fact.n_pages > 1:
        path = page_name(placed.path, fact.page)
        while path in taken:  # somebody has named a file like a page
            path += "*"
        taken.add(path)
    return ImageRecord(
        path=path,
        label=placed.label,
        split=placed.split,
        digest=fact.digest,
        width=fact.width,
        height=fact.height,
        bytes=fact.bytes,
        format=fact.format,
        group=placed.group or (fact.group if fact.group in groups else fact.file_group),
        taken=fact.taken,
        camera=fact.camera,
    )


def _groups(facts: Sequence[Fact], *, joins: bool) -> set[str]:
    """The groups that are kept: all but a patient whose number all files with a number bear.

    What joins a set may well be of one patient.
    """
    found = {fact.group for fact in facts}
    return found if joins else found - {placeholder_patient(facts)}
