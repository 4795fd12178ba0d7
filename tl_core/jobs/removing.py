"""What goes when nobody needs it: contents, what was computed of them, leavings of crashes.

A content (a picture, a photo that was asked about, a weights file) is in use as long as a set or
its history, the list of pictures of a run, a task or a draft names it. Everything else may go.
While pictures are being taken in, theirs are in no set yet, so nothing unknown goes then.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from tl_core.errors import RunNotFoundError
from tl_core.jobs import brought
from tl_core.jobs.batches import batch_digests, remove_batch
from tl_core.jobs.library import Library
from tl_core.jobs.queue import ACTIVE, Queue
from tl_core.jobs.schema import changes, images, projects, scrub
from tl_core.jobs.submit import read_snapshot
from tl_core.storage import Home, read_json, write_json

__all__ = [
    "forget_batch",
    "forget_project",
    "forget_run",
    "forget_since",
    "in_use",
    "remove_unused",
    "sweep",
]

STALE_S = 24 * 3600.0  # what nobody has touched for so long was left by a crash
CALM_S = 60.0  # a scratch folder that is at work gets a new file far more often
CACHES = ("pixels", "features", "looks")
INTAKES = ("import", "sample", "predict_many", "bring_bundle")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def in_use(home: Home, engine: Engine, project_id: str | None = None) -> set[str]:
    """Every content that a project, or (None) anything at all refers to."""
    found = _named_in_sets(engine, project_id)
    for row in Queue(engine).rows(project_id=project_id, limit=None):
        found |= set(_digests_in(row.spec))
        if row.kind == "train":
            found |= _pictures_of(home, row.id)
    return found | _of_bundles(home, project_id)


def remove_unused(home: Home, engine: Engine, digests: Collection[str]) -> None:
    """Remove those of some contents that nobody refers to, and all that was computed of them.

    Nothing goes while pictures are being taken in.
    """
    if not digests or _taking_in(engine):
        return
    unused = set(digests) - in_use(home, engine)
    for digest in unused:
        home.drop_blob(digest)
    if unused:
        from tl_core.data.rows import forget  # numpy: not before it is needed

        for cache in CACHES:
            forget(home.folder("cache", cache), unused)


def forget_run(home: Home, engine: Engine, run_id: str) -> None:
    """Remove a run, its files, and pictures that only it still had.

    Raises:
        RunStateError: It is still at work.
    """
    digests = _pictures_of(home, run_id)
    Queue(engine).remove(run_id)
    _remove_folders(home, run_id)
    remove_unused(home, engine, digests)


def forget_batch(home: Home, engine: Engine, run_id: str, task_id: str) -> None:
    """Remove the answers to many pictures, and those pictures where nothing else names them."""
    remove_unused(home, engine, remove_batch(home, run_id, task_id))


def forget_project(home: Home, engine: Engine, project_id: str) -> None:
    """Remove every byte of a project that nobody else refers to; fine when it is not there.

    That is more than it still names: also the pictures of sets it had before, of an intake that was
    cut off, and photos nobody asked about in the end, which are all those stored since it began.
    """
    library, queue = Library(engine), Queue(engine)
    began = next((one.created_at for one in library.projects() if one.id == project_id), None)
    digests = in_use(home, engine, project_id)
    rows = queue.rows(project_id=project_id, limit=None)
    library.delete(project_id)
    for row in rows:
        _remove_folders(home, row.id)
        if upload := str(row.spec.get("upload_id", "")):
            _remove_upload(home, upload)
    brought.remove(home, project_id)
    (home.folder("samples") / f"{project_id}.json").unlink(missing_ok=True)
    _forget_source(home, project_id)
    remove_unused(home, engine, digests)
    if began is not None:
        forget_since(home, engine, began)
    scrub(engine)


def forget_since(home: Home, engine: Engine, began: float) -> None:
    """Remove contents stored since a time (Unix seconds) that nobody refers to, and leavings.

    Nothing goes while pictures are being taken in, by the command line included, whose work is on
    no list and known by its scratch folder; what stays then goes with the next ``sweep``.
    """
    if _taking_in(engine):
        return
    intake = home.folder("cache", "intake")
    _sweep_scratch(intake, CALM_S)
    if any(intake.iterdir()):
        return
    remove_unused(home, engine, home.blobs(since=began))
    if not Queue(engine).rows(states=tuple(ACTIVE), limit=1):
        _sweep_rows(home, CALM_S)


def sweep(home: Home, engine: Engine) -> None:
    """Remove what killed processes have left: scratch files, and contents that are in no set.

    For the beginning of a long-lived process. Nothing younger than a day goes.
    """
    for folder in (home.folder("cache", "intake"), home.folder("tmp")):
        _sweep_scratch(folder, STALE_S)
    _sweep_rows(home, STALE_S)
    remove_unused(home, engine, home.blobs(until=time.time() - STALE_S))


# -- who names what --------------------------------------------------------------------------------


def _named_in_sets(engine: Engine, project_id: str | None) -> set[str]:
    """Contents of pictures, and those named in the history of the sets and in drafts."""
    queries = [
        (select(images.c.digest).distinct(), images.c.project_id),
        (select(changes.c.before, changes.c.after), changes.c.project_id),
        (select(projects.c.draft), projects.c.id),
    ]
    found: set[str] = set()
    with engine.connect() as connection:
        for query, owner in queries:
            mine = query if project_id is None else query.where(owner == project_id)
            for row in connection.execute(mine):
                found |= set(_digests_in(list(row)))
    return found


def _pictures_of(home: Home, run_id: str) -> set[str]:
    if not (home.root / "runs" / run_id).is_dir():
        return set()
    found = batch_digests(home, run_id)
    with suppress(RunNotFoundError):
        found |= {one.digest for one in read_snapshot(home, run_id).images}
    return found


def _of_bundles(home: Home, project_id: str | None) -> set[str]:
    """Weights of the bundles that were brought, and pictures in the answers they gave."""
    found: set[str] = set()
    for owner in brought.projects(home) if project_id is None else (project_id,):
        about = brought.kept(home, owner)
        if about is not None:
            found |= batch_digests(home, owner) | ({about.weights} if about.weights else set())
    return found


def _digests_in(value: Any) -> Iterator[str]:
    """Contents named anywhere in plain values."""
    if isinstance(value, str):
        if _DIGEST.fullmatch(value):
            yield value
    elif isinstance(value, (dict, list, tuple)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _digests_in(one)


def _taking_in(engine: Engine) -> bool:
    return any(row.kind in INTAKES for row in Queue(engine).rows(states=tuple(ACTIVE), limit=None))


# -- files -----------------------------------------------------------------------------------------


def _remove_folders(home: Home, run_id: str) -> None:
    for folder in ("runs", "tasks"):
        shutil.rmtree(home.root / folder / run_id, ignore_errors=True)


def _remove_upload(home: Home, upload_id: str) -> None:
    for path in home.folder("uploads").iterdir():
        if path.name.startswith(f"{upload_id}."):
            path.unlink(missing_ok=True)


def _forget_source(home: Home, project_id: str) -> None:
    """Take the project out of the command line's list of what it was trained from."""
    book = home.root / "sources.json"
    sources = read_json(book) if book.is_file() else {}
    if sources.pop(project_id, None) is not None:
        write_json(book, sources)


def _sweep_scratch(folder: Path, older_than_s: float) -> None:
    limit = time.time() - older_than_s
    for path in folder.iterdir():
        with suppress(OSError):
            if path.stat().st_mtime < limit:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _sweep_rows(home: Home, older_than_s: float) -> None:
    from tl_core.data.segments import sweep as sweep_segments

    for cache in CACHES:
        for folder in home.folder("cache", cache).iterdir():
            if folder.is_dir():
                sweep_segments(folder, older_than_s=older_than_s)
