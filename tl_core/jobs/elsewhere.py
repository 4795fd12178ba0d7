"""A run once more from its bundle, on the same pictures brought again. Imports torch to train."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tl_core.config import DataConfig, RunSpec
from tl_core.data.intake import take_in
from tl_core.errors import DataError, JobError
from tl_core.jobs.library import ImageRow, Library
from tl_core.jobs.queue import Queue
from tl_core.jobs.schema import open_engine
from tl_core.jobs.submit import Snapshot, submit_training
from tl_core.jobs.work import carry_out
from tl_core.storage import Home, read_json

__all__ = ["repeat_elsewhere", "words"]


def repeat_elsewhere(
    pictures: Path,
    home_folder: Path,
    settings: Mapping[str, Any],
    known: Mapping[str, Any],
    scores: Mapping[str, Any],
) -> dict[str, Any]:
    """Train with a bundle's settings on the pictures it names by content.

    Args:
        pictures: Folder or archive; further pictures in it are left out.
        home_folder: Where the studio keeps what it makes.
        settings: ``RunSpec.to_dict()``, resolved.
        known: ``classes``, ``reading`` and ``pictures`` ([SHA-256, class, part]) of the bundle.
        scores: ``split``, ``pictures`` and ``right`` of then; {} when it was not evaluated.

    Returns:
        ``run_id``, ``pictures`` found, ``then`` and ``now`` (each split, pictures, right) and
        ``same`` (whether both are equal; None when there is nothing to compare).

    Raises:
        DataError: Pictures are missing; the message says how many, of which classes, and the
            digests of the first ones.
        JobError: The training failed.
    """
    home = Home(home_folder.expanduser().resolve())
    engine = open_engine(home)
    library = Library(engine)
    intake = take_in(pictures.expanduser().resolve(), home)
    project = library.create("Repeated")
    library.replace_images(project.id, intake, DataConfig())
    ids, records, _ = library.records(project.id)
    numbers: dict[str, int] = {}
    for number, record in zip(ids, records, strict=True):
        numbers.setdefault(record.digest, number)
    _refuse_missing(known, numbers)
    snapshot = Snapshot(
        classes=tuple(known["classes"]),
        images=tuple(
            ImageRow(id=numbers[digest], digest=digest, path="", label=label, split=split)
            for digest, label, split in known["pictures"]
        ),
        data_version=library.get(project.id).data_version,
        reading=dict(known["reading"]),
    )
    spec = RunSpec.from_dict(dict(settings))
    run_id = submit_training(home, engine, project.id, spec, pictures=snapshot)
    row = Queue(engine).claim("train", "repeat", run_id)
    ended = carry_out(home, engine, row) if row is not None else Queue(engine).get(run_id)
    if ended.state != "finished":
        why = (ended.error or {}).get("message") or f"The run is {ended.state}."
        raise JobError(f"The run could not be repeated: {why}")
    now = _scores(home, run_id, str(scores["split"])) if scores else None
    return {
        "run_id": run_id,
        "pictures": len(snapshot.images),
        "then": dict(scores) or None,
        "now": now,
        "same": None if now is None else now == dict(scores),
    }


def words(found: Mapping[str, Any]) -> str:
    """What a repetition found, in plain words."""
    head = f"All {found['pictures']:,} pictures were found. Trained again as {found['run_id']}."
    then, now = found["then"], found["now"]
    if now is None:
        return f"{head} There are no scores to compare."
    told = f"{head} Right then: {then['right']} of {then['pictures']}; now: {now['right']}."
    return f"{told} The same." if found["same"] else f"{told} Not the same number."


def _refuse_missing(known: Mapping[str, Any], numbers: Mapping[str, int]) -> None:
    gone = [(digest, label) for digest, label, _ in known["pictures"] if digest not in numbers]
    if not gone:
        return
    labels = sorted({label for _, label in gone})
    first = ", ".join(digest[:12] for digest, _ in gone[:5])
    raise DataError(
        f"{len(gone):,} of the {len(known['pictures']):,} pictures are missing, of: "
        f"{', '.join(labels)}. Their SHA-256 begin with: {first}"
        f"{' and so on' if len(gone) > 5 else ''}.",
        hint="Bring the same files: a picture saved anew has another content.",
    )


def _scores(home: Home, run_id: str, split: str) -> dict[str, Any] | None:
    path = home.run_dir(run_id) / f"report-{split}.json"
    if not path.is_file():
        return None
    report = read_json(path)
    right = report["accuracy"]["right"]
    return {"split": report["split"], "pictures": report["n"], "right": right}
