"""Answering many pictures at once, as a task. Imports torch.

The pictures are read like those of a set, hostile until decoded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine

from tl_core.data.intake import Intake
from tl_core.data.parallel import in_threads
from tl_core.data.reading import Reading
from tl_core.errors import ModelError, StorageError
from tl_core.evaluate.drift import Drift
from tl_core.evaluate.predict import probabilities, seen_pixels
from tl_core.explain.neighbours import features_of
from tl_core.export.brought import PROMISED
from tl_core.jobs.batches import TOP, Answered, Batch, keep_batch
from tl_core.jobs.bringing_bundles import answered_by_bundle, opened
from tl_core.jobs.confidence import likely_limit
from tl_core.jobs.embedding import normalised
from tl_core.jobs.familiar import Familiar
from tl_core.jobs.loading import Classifier, load_classifier
from tl_core.jobs.loose import read_loose, unusable
from tl_core.jobs.taking_in import source_of
from tl_core.jobs.work import Context
from tl_core.storage import Home

__all__ = ["PROMISED", "answered", "answered_source", "learn_familiar", "predict_many"]

AT_ONCE = 64  # pictures decoded and answered together


def predict_many(context: Context) -> dict[str, Any]:
    """Answer the pictures of an upload or a folder: ``run_id``, ``upload_id`` or ``folder``.

    Instead of the run ``bundle`` may be said: the one of the project.

    Raises:
        DataError: Nothing there, or nothing usable in it.
        RunStateError: The run has no classifier.
    """
    spec, home = context.row.spec, context.home
    source, uploaded = source_of(context)
    name = str(spec.get("name", "")) or source.name

    def told(stage: str) -> Callable[[int, int], None]:
        return context.progress(stage, "pictures")

    def read(reading: Mapping[str, Any], channels: int) -> Intake:
        intake = read_loose(
            home,
            source,
            reading=Reading.from_dict(reading),
            channels=channels,
            report=told("Reading the pictures"),
            cancelled=context.orders.cancelled,
        )
        if uploaded:
            source.unlink(missing_ok=True)
        return intake

    owner = context.row.project_id if spec.get("bundle") else str(spec["run_id"])
    if spec.get("bundle"):
        bundle, about = opened(home, owner)
        intake = read(about.reading, about.channels)
        batch = answered_by_bundle(home, bundle, about, intake, name, told)
    else:
        one = load_classifier(home, context.engine, owner)
        batch = _whole(home, one, read(one.snapshot.reading, one.card.channels), name, told)
    keep_batch(home, owner, context.row.id, batch)
    return {
        "pictures": len(batch.rows),
        "errors": sum(bool(row.error) for row in batch.rows),
        "none": sum(row.none for row in batch.rows),
        "unsure": sum(row.unsure for row in batch.rows),
    }


def learn_familiar(context: Context) -> dict[str, Any]:
    """Find out where a run says "none of these", as a task: ``run_id``."""
    run_id = str(context.row.spec["run_id"])
    one = load_classifier(context.home, context.engine, run_id)
    told = context.progress("Looking at the run's own pictures", "pictures")
    found = Familiar(context.home, one, told).refusal
    return {"run_id": run_id, "refuses": found is not None}


def answered_source(
    home: Home,
    engine: Engine,
    run_id: str,
    source: Path,
    told: Callable[[str], Callable[[int, int], None]],
) -> Batch:
    """Answer the pictures of a folder or an archive; those that cannot be used are rows too.

    Args:
        home: The home; the pictures are put into its store.
        engine: Of its store.
        run_id: A run with a result.
        source: A folder, a zip or a tar.
        told: Given a stage, what is told how many pictures are done, of how many.
    """
    one = load_classifier(home, engine, run_id)
    intake = read_loose(
        home,
        source,
        reading=Reading.from_dict(one.snapshot.reading),
        channels=one.card.channels,
        report=told("Reading the pictures"),
    )
    return _whole(home, one, intake, source.name, told)


def _whole(
    home: Home,
    one: Classifier,
    intake: Intake,
    name: str,
    told: Callable[[str], Callable[[int, int], None]],
) -> Batch:
    batch = answered(
        home,
        one,
        [(record.path, record.digest) for record in intake.records],
        name=name,
        report=told("Looking at the pictures"),
        learn=told("Looking at the run's own pictures"),
    )
    return replace(batch, rows=(*batch.rows, *unusable(intake)))


def answered(
    home: Home,
    one: Classifier,
    files: Sequence[tuple[str, str]],
    *,
    name: str,
    report: Callable[[int, int], None],
    learn: Callable[[int, int], None],
) -> Batch:
    """Answer stored pictures.

    Args:
        home: The home.
        one: The run's classifier.
        files: (name to show, digest) of each.
        name: Of the batch.
        report: Told how many were answered, of how many.
        learn: Told how many of the run's own pictures were looked at; the first time only.
    """
    try:
        known: Familiar | None = Familiar(home, one, learn)
    except (ModelError, StorageError):  # without its own pictures it can still answer
        known = None
    likely = likely_limit(home, one.row.id)
    rows: list[Answered] = []
    aways: list[Any] = []
    for some, shares, features in _looked_at(home, one, files, with_features=known is not None):
        away = known.away(features) if known is not None else np.zeros(len(some))
        aways.append(away)
        limit = known.refusal.limit if known is not None and known.refusal else np.inf
        for (file, digest), row, far in zip(some, shares, away > limit, strict=True):
            order = np.argsort(-row, kind="stable")
            rows.append(
                Answered(
                    file=file,
                    digest=digest,
                    top=tuple((one.classes[i], float(row[i])) for i in order[:TOP]),
                    likely=None
                    if likely is None
                    else tuple(one.classes[i] for i in order if row[i] >= likely),
                    none=bool(far),
                )
            )
        report(len(rows), len(files))
    drift: list[Drift] | None = None
    if known is not None and rows:
        answers = [row.top[0][0] for row in rows]
        drift = known.drift([row.digest for row in rows], np.concatenate(aways), answers)
    return Batch(
        name=name,
        at=time.time(),
        rows=tuple(rows),
        promised=0.0 if likely is None else PROMISED,
        refuses=known is not None and known.refusal is not None,
        drift=tuple(drift or ()),
        compared=drift is not None,
    )


def _looked_at(
    home: Home, one: Classifier, files: Sequence[tuple[str, str]], *, with_features: bool
) -> Iterator[tuple[Sequence[tuple[str, str]], Any, Any]]:
    """Some files after the other: them, (n, C) probabilities and (n, D) features."""
    size, resize = one.size_px, one.spec.train.resize
    reading = Reading.from_dict(one.snapshot.reading)

    def seen(file: tuple[str, str]) -> Any:
        return seen_pixels(home.local_blob(file[1]), size, resize, one.card.channels, reading)[0]

    for start in range(0, len(files), AT_ONCE):
        some = files[start : start + AT_ONCE]
        pixels = np.stack(list(in_threads(seen, some)))
        shares = probabilities(one.model, pixels, mean=one.card.mean, std=one.card.std)
        features = features_of(one.model, normalised(one, pixels)) if with_features else None
        yield some, shares, features
