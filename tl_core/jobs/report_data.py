"""What a report tells of a run's pictures: counts, division, check, changes, examples. No torch."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL import Image
from sqlalchemy import Engine

from tl_core.check.findings import TITLES
from tl_core.config import DataConfig
from tl_core.data.divided import divided
from tl_core.data.quarantine import CODES
from tl_core.data.records import ImageRecord
from tl_core.data.thumbs import ensure_thumb
from tl_core.errors import TLError
from tl_core.jobs.curation import Curation
from tl_core.jobs.library import ImageRow, Library, Project
from tl_core.jobs.queue import Queue, RunRow
from tl_core.jobs.submit import Snapshot
from tl_core.jobs.versions import Since, Versions
from tl_core.report.words import plural
from tl_core.storage import Home

__all__ = ["data_facts", "embedded", "embedded_file"]

SPLITS = ("train", "val", "test")
EXAMPLES = 36  # pictures in all, as equally many of each class as fit
OF_CLASS = 4  # at most
FILES = 5  # names of files left out that are told of each reason
CHANGES = 12  # told of the history
SMALL_PX, LARGE_PX = 160, 320  # of thumbnails
QUALITY = 82


def data_facts(
    home: Home,
    engine: Engine,
    row: RunRow,
    snapshot: Snapshot,
    *,
    pictures: bool,
) -> dict[str, Any]:
    """Everything about the pictures of a run.

    Args:
        home: The home.
        engine: Of its store.
        row: The run.
        snapshot: Its pictures.
        pictures: Whether pictures, file names and what else could name one may be told.
    """
    library = Library(engine)
    project = library.get(row.project_id)
    since = Versions(home, engine).since(row.id, row.project_id)
    return {
        "classes": _classes(home, snapshot, pictures=pictures),
        "total": _counts(snapshot.images),
        "how": _how(library, project, snapshot, since),
        "left_out": _left_out(library, project, pictures=pictures),
        "by_user": library.count(project.id, excluded=True),
        "check": _check(engine, project, snapshot, pictures=pictures),
        "changes": _changes(engine, row, pictures=pictures),
        "since": _since_words(since),
    }


def embedded(home: Home, digest: str, size_px: int) -> str:
    """A stored picture as a small JPEG in a data address, without anything that a camera noted.

    "" where it is not there any more.
    """
    with suppress(TLError, OSError):
        return _address(ensure_thumb(home, digest, size_px).read_bytes())
    return ""


def embedded_file(path: Path, size_px: int) -> str:
    """A picture that Thaw drew, the same way; "" where it is not there."""
    try:
        with Image.open(path) as image:
            small = image.convert("RGB")
            small.thumbnail((size_px, size_px))
            sink = io.BytesIO()
            small.save(sink, "JPEG", quality=QUALITY)
    except OSError:
        return ""
    return _address(sink.getvalue())


def _address(body: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(body).decode()}"


def _counts(rows: Sequence[ImageRow]) -> dict[str, int]:
    counts = Counter(one.split for one in rows)
    return {**{split: counts[split] for split in SPLITS}, "all": len(rows)}


def _classes(home: Home, snapshot: Snapshot, *, pictures: bool) -> list[dict[str, Any]]:
    each = max(1, min(OF_CLASS, EXAMPLES // max(1, len(snapshot.classes))))
    found = []
    for number, label in enumerate(snapshot.classes):
        rows = [one for one in snapshot.images if one.label == label]
        shown = [one for one in rows if one.split == "train"]
        step = max(1, len(shown) // each)
        some = shown[::step][:each] if pictures and number < EXAMPLES else []
        addresses = [embedded(home, one.digest, SMALL_PX) for one in some]
        found.append(
            {"label": label, **_counts(rows), "pictures": [one for one in addresses if one]}
        )
    return found


def _how(library: Library, project: Project, snapshot: Snapshot, since: Since | None) -> list[str]:
    config = DataConfig(**project.data_config)
    ids, records, _ = library.records(project.id)
    known = {(at, one.digest): one for at, one in zip(ids, records, strict=True)}
    pairs = [(known.get((one.id, one.digest)), one.split) for one in snapshot.images]
    there = [(record, split) for record, split in pairs if record is not None]
    said = []
    if project.given_splits:
        said.append("The folders themselves said which pictures belong to which part.")
    elif since is not None and not since.parted:
        said.append(
            "The parts were drawn by chance, class by class: "
            f"{100 * config.val_fraction:.0f} % for validation and "
            f"{100 * config.test_fraction:.0f} % for the test (seed {config.seed})."
        )
    said += _groups([record for record, _ in there], [split for _, split in there], config)
    if len(there) < len(pairs):
        said.append(
            f"{plural(len(pairs) - len(there), 'picture')} of the run are not in the set any more; "
            "what they belonged to is not known."
        )
    return said


def _groups(records: Sequence[ImageRecord], splits: Sequence[str], config: DataConfig) -> list[str]:
    if not records:
        return []
    found = divided(records, splits, bursts=config.bursts)
    if not found.groups:
        return ["No two pictures are known to belong together."]
    why = ", ".join(f"{n:,} by {kind}" for kind, n in sorted(found.why.items()))
    told = (
        f"{plural(found.in_groups, 'picture')} belong to {plural(found.groups, 'group')} ({why}). "
    )
    if found.torn:
        return [
            f"{told}{plural(found.torn, 'group')} of them "
            f"{'lies' if found.torn == 1 else 'lie'} in more than one part, which flatters."
        ]
    return [f"{told}Each was kept in one part, so that nothing is judged by its own copy."]


def _left_out(library: Library, project: Project, *, pictures: bool) -> list[dict[str, Any]]:
    by_code: dict[str, list[Any]] = {}
    for one in library.quarantine(project.id):
        by_code.setdefault(one.code, []).append(one)
    found = []
    for code, several in sorted(by_code.items(), key=lambda one: -len(one[1])):
        names = [f"{one.file} {one.reason}" for one in several[:FILES]] if pictures else []
        found.append(
            {
                "title": CODES.get(code, "Could not be used"),
                "count": len(several),
                "files": names,
                "more": len(several) - len(names) if names else 0,
            }
        )
    return found


def _check(
    engine: Engine, project: Project, snapshot: Snapshot, *, pictures: bool
) -> dict[str, Any] | None:
    """The newest check; None where the pictures were never checked."""
    rows = Queue(engine).rows(project_id=project.id, kind="check", states=("finished",), limit=1)
    if not rows or not rows[0].result:
        return None
    result: Mapping[str, Any] = rows[0].result
    findings = [
        {
            "title": TITLES.get(one["kind"], one["kind"]),
            "severity": one["severity"],
            # sentences may name files, cameras and groups
            "sentence": one["sentence"] if pictures else "",
            "advice": one.get("advice", "") if pictures else "",
        }
        for one in result["findings"]
    ]
    return {
        "findings": findings,
        "pictures": result["pictures"],
        "other": result["data_version"] != snapshot.data_version,
    }


def _changes(engine: Engine, row: RunRow, *, pictures: bool) -> dict[str, Any]:
    """What was done to the set before the run."""
    history = Curation(engine).history(row.project_id)
    done = [one for one in history if not one.undone and one.at <= row.created_at]
    return {
        "count": len(done),
        "titles": [one.title for one in reversed(done)][-CHANGES:] if pictures else [],
    }


def _since_words(since: Since | None) -> str:
    """How the set differs from what the run learned from; "" when it does not."""
    if since is None or not since:
        return ""
    if since.replaced:
        return "The project has other pictures now; the numbers here are of those of the run."
    told = [
        words
        for n, words in (
            (since.moved, f"{plural(since.moved, 'picture')} got another class"),
            (since.left_out, f"{since.left_out:,} were left out"),
            (since.added, f"{since.added:,} were added"),
            (since.parted, f"{since.parted:,} went to another part"),
        )
        if n
    ]
    return f"Since the run the set has changed: {', '.join(told)}. The numbers here are of the run."
