"""Taking in a classifier that somebody exported, and asking it. Imports torch to try its weights.

A bundle becomes a project's: it answers pictures at once, as it was certified, and its weights are
what a training in this project begins with.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tl_core.config import ModelConfig, RunSpec
from tl_core.data.intake import Intake
from tl_core.data.reading import Reading
from tl_core.errors import DataError, ExportError, TLError
from tl_core.export.bring import WEIGHTS, bring
from tl_core.export.brought import PROMISED, Brought
from tl_core.export.load import Bundle
from tl_core.jobs import brought
from tl_core.jobs.batches import TOP, Answered, Batch
from tl_core.jobs.loose import read_loose, unusable
from tl_core.jobs.predicting import bundle_row
from tl_core.jobs.taking_in import source_of
from tl_core.jobs.work import Context
from tl_core.models.build import build
from tl_core.models.catalog import card
from tl_core.storage import Home

__all__ = [
    "answered_by_bundle",
    "answered_source",
    "bring_bundle",
    "opened",
    "predict_with_bundle",
    "weights_of",
]

STEPS = 2


def bring_bundle(context: Context) -> dict[str, Any]:
    """Check a bundle and make it the project's, as a task: ``upload_id`` or ``folder``, ``name``.

    Its weights become what the project's next training begins with, unless something was chosen
    there before.

    Raises:
        DataError: There is nothing at the path.
        ExportError: It is no bundle that can be used.
    """
    home, project_id = context.home, context.row.project_id
    report = context.progress("Checking the classifier", "steps")
    try:
        source, uploaded = source_of(context)
    except DataError as err:
        hint = "Give the full path of a bundle's zip or folder on the machine Thaw runs on."
        raise DataError(err.message, hint=hint) from err
    try:
        with tempfile.TemporaryDirectory(dir=home.folder("tmp")) as scratch:
            folder = Path(scratch) / "bundle"
            folder.mkdir()
            report(0, STEPS)
            name = Path(str(context.row.spec.get("name", ""))).stem
            found = bring(source, folder, name=name)
            report(1, STEPS)
            found = _with_weights(home, folder, found)
            brought.keep(home, project_id, folder, found)
    finally:
        if uploaded:
            source.unlink(missing_ok=True)
    _begin_with(context, found)
    report(STEPS, STEPS)
    return {"name": found.name, "classes": len(found.classes), "weights": bool(found.weights)}


def _with_weights(home: Home, folder: Path, found: Brought) -> Brought:
    """The same, with its weights in the store when the network they belong to takes them."""
    path = folder / WEIGHTS
    if not path.is_file():
        return replace(found, obstacle="It brings no weights to go on from.")
    try:
        card(found.model)
        build(found.model, n_classes=2, weights="file", weights_path=path)
    except TLError as err:
        return replace(found, obstacle=f"Its weights cannot be used here: {err.message}")
    return replace(found, weights=home.put_blob(path, move=True))


def _begin_with(context: Context, found: Brought) -> None:
    library = context.library
    project = library.get(context.row.project_id)
    untouched = RunSpec.from_dict(project.draft) == RunSpec()
    if not found.weights or not untouched:
        return
    model = ModelConfig(name=found.model, weights="file", weights_file=found.weights)
    library.update(project.id, draft=RunSpec(model=model).to_dict())


def weights_of(path: Path, home: Home) -> tuple[str, str]:
    """Network and digest of the stored weights of a bundle's folder or zip, for a training.

    Raises:
        ExportError: It is no bundle that can be used, or its weights cannot be.
    """
    with tempfile.TemporaryDirectory(dir=home.folder("tmp")) as scratch:
        folder = Path(scratch)
        found = _with_weights(home, folder, bring(path, folder))
    if not found.weights:
        raise ExportError(
            f"A training cannot begin from {path.name}. {found.obstacle}",
            hint="Name a bundle that holds model.safetensors and spec.json.",
        )
    return found.model, found.weights


# -- asking it -------------------------------------------------------------------------------------


def opened(home: Home, project_id: str) -> tuple[Bundle, Brought]:
    """A project's bundle, ready to answer.

    Raises:
        ExportError: There is none.
    """
    found = brought.kept(home, project_id)
    if found is None:
        raise ExportError(
            "The classifier that was brought is not here any more.", hint="Bring its bundle again."
        )
    return Bundle.open(home.bundle_dir(project_id)), found


def predict_with_bundle(
    home: Home, project_id: str, files: Sequence[tuple[str, Path]]
) -> list[dict[str, Any]]:
    """Classify files with a project's bundle; rows as ``tl_core.jobs.predicting`` has them."""
    bundle, _ = opened(home, project_id)
    answers = bundle.predict([path for _, path in files])
    return [
        {**bundle_row(answer), "file": name}
        for (name, _), answer in zip(files, answers, strict=True)
    ]


def answered_by_bundle(
    home: Home,
    bundle: Bundle,
    about: Brought,
    intake: Intake,
    name: str,
    told: Callable[[str], Callable[[int, int], None]],
) -> Batch:
    """Answer pictures with a bundle.

    Args:
        home: Their store.
        bundle: What answers.
        about: What it says of itself.
        intake: Of ``read_loose``.
        name: Of the batch.
        told: Given a stage, what is told how many pictures are done, of how many.
    """
    rows = tuple(_rows(home, bundle, intake, about.likely, told("Looking at the pictures")))
    return Batch(
        name=name,
        at=time.time(),
        rows=rows,
        promised=0.0 if about.likely is None else PROMISED,
        refuses=False,
        drift=(),
        compared=False,
    )


def answered_source(
    home: Home, path: Path, source: Path, told: Callable[[str], Callable[[int, int], None]]
) -> Batch:
    """Check a bundle's folder or zip, and answer a folder or an archive with it.

    Raises:
        ExportError: It is no bundle that can be used.
    """
    with tempfile.TemporaryDirectory(dir=home.folder("tmp")) as scratch:
        folder = Path(scratch)
        about = bring(path, folder)
        intake = read_loose(
            home,
            source,
            reading=Reading.from_dict(about.reading),
            channels=about.channels,
            report=told("Reading the pictures"),
        )
        return answered_by_bundle(home, Bundle.open(folder), about, intake, source.name, told)


def _rows(
    home: Home,
    bundle: Bundle,
    intake: Intake,
    likely: float | None,
    report: Callable[[int, int], None],
) -> Iterator[Answered]:
    records = intake.records
    answers = bundle.predict(home.local_blob(record.digest) for record in records)
    for at, (record, answer) in enumerate(zip(records, answers, strict=True), start=1):
        row = bundle_row(answer)
        yield Answered(
            file=record.path,
            digest=record.digest,
            top=tuple((str(label), float(share)) for label, share in row["top"][:TOP]),
            likely=None
            if likely is None
            else tuple(str(label) for label, share in row["top"] if share >= likely),
            error=row["error"] or "",
        )
        report(at, len(records))
    yield from unusable(intake)
