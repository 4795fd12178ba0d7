"""Pictures that join a set later: one row of its history, in one transaction, old ones untouched.

They keep the numbers they get for good. Undoing the row leaves them out, redoing it brings them
back; nothing else of the set changes.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, insert, select, update

from tl_core.config import DataConfig
from tl_core.data.newcomers import parts_of_newcomers
from tl_core.data.placed import SPLITS
from tl_core.data.quarantine import Quarantined
from tl_core.data.records import ImageRecord, Intake
from tl_core.jobs.image_rows import batches, image_rows, record_of, refused_rows
from tl_core.jobs.rewriting import add_change
from tl_core.jobs.schema import images, projects, refused

__all__ = ["Added", "add_images"]

MOST_NOTES = 40  # kept of a set that grows for years
EXAMPLES = 3
# Sentences about one intake that say nothing true of the set it joins.
_PASSING = re.compile(
    r"All pictures are in one class|[\d,]+ (file was|files were) left out\.$"
    r"|.* system files? (was|were) ignored\.$"
)
_PARTS = re.compile(r".+ gives? (a|no) .*part|[\d,]+ class(es)? ha(s|ve) no \w+ pictures")


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What joined.

    ``known`` pictures were there already in the same class, ``left_out`` of them among those the
    user had left out; ``elsewhere`` names pictures that are there in another class as well.
    """

    pictures: int
    classes: int
    new_classes: tuple[str, ...]
    known: int
    left_out: int
    elsewhere: tuple[str, ...]


def add_images(connection: Connection, project_id: str, intake: Intake) -> Added:
    """Let the pictures of an intake join a set that is not empty.

    Args:
        connection: In a transaction.
        project_id: Whose set.
        intake: What was taken in.
    """
    mine = images.c.project_id == project_id
    # The row is written first: from here on nobody else changes this set.
    touched = update(projects).where(projects.c.id == project_id)
    connection.execute(touched.values(updated_at=time.time()))
    project = connection.execute(select(projects).where(projects.c.id == project_id)).one()
    rows = list(connection.execute(select(images).where(mine).order_by(images.c.image_id)))
    config = DataConfig(**project.data_config)
    new, summary = _newcomers(rows, intake.records)
    away = {at for at, row in enumerate(rows) if row.excluded}
    there, parts = [record_of(row) for row in rows], [row.split for row in rows]
    splits = parts_of_newcomers(there, parts, new, config, away=away)
    given_parts = _given_parts(project.given_splits, new)
    # Where the parts of the set are given, so are those of what joins. Where they are drawn,
    # drawing them anew must not find that a few are given.
    new = [
        replace(record, split=_given(split, given_parts))
        for record, split in zip(new, splits, strict=True)
    ]
    first = max((row.image_id for row in rows), default=0) + 1
    for some in batches(image_rows(project_id, new, splits, first=first)):
        connection.execute(insert(images), some)
    if new:
        numbers = range(first, first + len(new))
        add_change(
            connection,
            project_id,
            _title(summary, new),
            before={number: {"excluded": 1} for number in numbers},
            after={number: {"excluded": 0} for number in numbers},
            config_before=config,
            config_after=config,
        )
    _append_refused(connection, project_id, intake.quarantine)
    connection.execute(
        touched.values(
            notes=_notes(project.notes, intake, summary, named=bool(intake.given_splits)),
            given_splits=given_parts,
            reading={**intake.reading, **(project.reading or {})},
            data_version=projects.c.data_version + (1 if new else 0),
        )
    )
    return summary


def _newcomers(
    rows: Sequence[Any], records: Sequence[ImageRecord]
) -> tuple[list[ImageRecord], Added]:
    """The records that are not there yet, with paths that are free."""
    by_content: dict[str, dict[str, bool]] = defaultdict(dict)  # digest -> class -> left out
    for row in rows:
        by_content[row.digest][row.label] = bool(row.excluded)
    taken = {row.path for row in rows}
    tried: dict[str, int] = {}
    new: list[ImageRecord] = []
    known, left_out, elsewhere = 0, 0, []
    for record in records:
        classes = by_content.get(record.digest, {})
        if record.label in classes:
            known += 1
            left_out += classes[record.label]
            continue
        if any(not excluded for excluded in classes.values()):
            elsewhere.append(record.path)
        path = _free(record.path, taken, tried)
        taken.add(path)
        new.append(replace(record, path=path))
    before = {row.label for row in rows if not row.excluded}
    labels = {record.label for record in new}
    return new, Added(
        pictures=len(new),
        classes=len(labels),
        new_classes=tuple(sorted(labels - before)),
        known=known,
        left_out=left_out,
        elsewhere=tuple(elsewhere),
    )


def _free(path: str, taken: set[str], tried: dict[str, int]) -> str:
    """The path, or with the first number that makes it one of its own: "ants/1 (2).jpg"."""
    if path not in taken:
        return path
    stem, dot, ending = path.rpartition(".")
    if not dot or "/" in ending:
        stem, dot, ending = path, "", ""
    number = tried.get(path, 1)
    while True:
        number += 1
        name = f"{stem} ({number}){dot}{ending}"
        if name not in taken:
            tried[path] = number
            return name


def _given_parts(parts: Sequence[str], new: Sequence[ImageRecord]) -> list[str]:
    """The given parts of the whole set: a test part may come later to a set of given ones."""
    more = {"test"} & {record.split for record in new} if parts else set()
    return [part for part in SPLITS if part in parts or part in more]


def _given(split: str, parts: Sequence[str]) -> str | None:
    """The part a picture counts as given; where validation is drawn, it is drawn from training."""
    return (split if split in parts else "train") if parts else None


def _title(summary: Added, new: Sequence[ImageRecord]) -> str:
    pictures = "1 picture" if summary.pictures == 1 else f"{summary.pictures:,} pictures"
    where = f"to {new[0].label}" if summary.classes == 1 else f"to {summary.classes} classes"
    return f"{pictures} added {where}"


def _append_refused(connection: Connection, project_id: str, files: Sequence[Quarantined]) -> None:
    found = connection.execute(select(refused).where(refused.c.project_id == project_id))
    listed = {(row.file, row.code): row.position for row in found}
    first = max(listed.values(), default=-1) + 1
    fresh = [one for one in files if (one.file, one.code) not in listed]
    for some in batches(refused_rows(project_id, fresh, first=first)):
        connection.execute(insert(refused), some)


def _notes(old: Sequence[str], intake: Intake, summary: Added, *, named: bool) -> list[str]:
    """The sentences about the set, with what is new about the pictures that joined."""
    notes = [*old, *(note for note in intake.notes if not _PARTS.match(note))]
    notes = [note for note in notes if not _PASSING.match(note)]
    if named and summary.pictures:
        notes.append(
            "The parts named by what was added later were kept; dividing again draws them anew."
        )
    if summary.known:
        words = "picture was" if summary.known == 1 else "pictures were"
        more = ""
        if summary.left_out:
            more = f" {summary.left_out:,} of them you left out; they come back under Left out."
        notes.append(f"{summary.known:,} {words} here already and not added a second time.{more}")
    if summary.elsewhere:
        n = len(summary.elsewhere)
        words = "1 added picture is" if n == 1 else f"{n:,} added pictures are"
        more = f" and {n - EXAMPLES:,} more" if n > EXAMPLES else ""
        notes.append(
            f"{words} here in another class as well: "
            f"{', '.join(summary.elsewhere[:EXAMPLES])}{more}."
        )
    return list(dict.fromkeys(notes))[-MOST_NOTES:]
