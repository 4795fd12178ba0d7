"""Background work that brings pictures into a project. Free of torch."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tl_core.config import DataConfig, TrainConfig
from tl_core.data.decode import decode
from tl_core.data.intake import Intake, take_in
from tl_core.data.reading import Reading
from tl_core.data.sample import SampleOptions, write_sample
from tl_core.errors import DataError
from tl_core.jobs.library import Project
from tl_core.jobs.work import Context
from tl_core.models.catalog import DEFAULT_MODEL, card
from tl_core.storage import write_json

__all__ = ["make_sample", "source_of", "take_in_pictures"]

LOOKED_AT = 50  # stored pictures, for what an older Thaw has left


def take_in_pictures(context: Context) -> dict[str, Any]:
    """Read a folder, an archive, a table or an upload into the project's set.

    The spec names one source: ``folder`` or ``archive`` (a path) or ``upload_id``; ``mode`` is
    "replace" (the usual one: the old set stays until the new one is complete) or "add", and
    ``label`` a class into which all of the pictures go.

    Raises:
        DataError: Nothing there, or nothing usable in it.
    """
    source, uploaded = source_of(context)
    summary = _keep(context, _read(context, source))
    if uploaded:
        source.unlink(missing_ok=True)
    return summary


def source_of(context: Context) -> tuple[Path, bool]:
    """Where the pictures are that a task was given, and whether they were uploaded.

    Raises:
        DataError: Nothing there.
    """
    spec = context.row.spec
    if upload_id := str(spec.get("upload_id", "")):
        return _uploaded(context, upload_id), True
    source = Path(str(spec.get("folder") or spec.get("archive") or "")).expanduser()
    if not source.is_absolute() or not source.exists():
        raise DataError(
            f"There is nothing at {source}.",
            hint="Give the full path of a folder, zip or table on the machine Thaw runs on.",
        )
    return source, False


def make_sample(context: Context) -> dict[str, Any]:
    """Generate the surface-inspection tiles and take them in.

    What was planted is written to ``samples/<project>.json``, outside the set.
    """
    options = SampleOptions(**context.row.spec.get("options", {}))
    with tempfile.TemporaryDirectory(dir=context.home.folder("tmp")) as folder:
        target = Path(folder) / "tiles"
        context.progress("Drawing the sample pictures")(0, 0)
        truth = write_sample(target, options)
        summary = _keep(context, _read(context, target))
    write_json(context.home.folder("samples") / f"{context.row.project_id}.json", truth.to_dict())
    return summary


def _uploaded(context: Context, upload_id: str) -> Path:
    # The id was made by our own upload route; run_dir's check of names applies to it as well.
    found = sorted(context.home.folder("uploads").glob(f"{upload_id}.*"))
    ready = [path for path in found if path.suffix not in (".part", ".json")]
    if not upload_id.isalnum() or not ready:
        raise DataError(
            "The uploaded file is not here.", hint="Upload it again; nothing else was lost."
        )
    return ready[0]


def _read(context: Context, source: Path) -> Intake:
    project = context.library.get(context.row.project_id)
    joins = _joins(context)
    return take_in(
        source,
        context.home,
        working=(card(DEFAULT_MODEL).input_px, TrainConfig().resize),
        reading=Reading.from_dict(project.reading) if joins else None,
        joins=project.channels if joins else None,
        label=str(context.row.spec.get("label", "")),
        report=context.progress("Reading the pictures"),
        cancelled=context.orders.cancelled,
    )


def _joins(context: Context) -> bool:
    """Whether the pictures join a set that is there, pictures left out by the user included."""
    project_id = context.row.project_id
    there = context.library.digests(project_id)
    return context.row.spec.get("mode") == "add" and bool(there)


def _check_rule(context: Context, project: Project, intake: Intake) -> None:
    """Refuse deep pictures where an older Thaw has stored such as they came, by another rule."""
    if "low" not in intake.reading or "low" in project.reading:
        return
    _, records, _ = context.library.records(project.id)
    for record in [one for one in records if one.format in ("PNG", "TIFF")][:LOOKED_AT]:
        with context.home.open_blob(record.digest) as stream:
            deep = decode(stream).sample is not None
        if deep:
            raise DataError(
                "This set has pictures of more than 8 bits that were read by an older rule.",
                hint="Bring the whole set again, so that one rule reads all of it.",
            )


def _keep(context: Context, intake: Intake) -> dict[str, Any]:
    project = context.library.get(context.row.project_id)
    if _joins(context):
        _check_rule(context, project, intake)
        added = context.library.add_images(project.id, intake)
        return {
            "added": added.pictures,
            "known": added.known,
            "pictures": context.library.count(project.id),
            "quarantined": len(intake.quarantine),
        }
    context.library.replace_images(project.id, intake, DataConfig(**project.data_config))
    return {"pictures": len(intake.records), "quarantined": len(intake.quarantine)}
