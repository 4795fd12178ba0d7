"""Answers for single pictures, from a run or from a bundle. Imports torch only for runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from tl_core.errors import DataError
from tl_core.export.load import Bundle
from tl_core.export.predict_template import find_pictures
from tl_core.storage import Home

if TYPE_CHECKING:
    from tl_core.jobs.loading import Classifier

__all__ = ["answer_row", "bundle_row", "predict_paths", "predict_with_run"]


def predict_paths(
    home: Home, engine: Engine, source: str, paths: Sequence[Path]
) -> list[dict[str, Any]]:
    """Classify files (and the pictures in folders) with a bundle's folder or zip, or a run's id.

    Returns:
        One row per picture: ``file``, ``top`` (label and probability, most probable first),
        ``error`` (a sentence, or None) and ``note`` (what was looked at of a file that holds more
        than one picture, else "").

    Raises:
        DataError: No picture at any of the paths.
    """
    bundle = Path(source).expanduser()
    if bundle.exists():
        answers = [bundle_row(one) for one in Bundle.open(bundle).predict(paths)]
    else:
        files = [(str(path), path) for path in find_pictures(paths)]
        answers = predict_with_run(home, engine, source, files)
    if not answers:
        raise DataError(
            f"There are no pictures in {', '.join(map(str, paths))}.",
            hint="Give picture files, or a folder that holds some.",
        )
    return answers


def predict_with_run(
    home: Home, engine: Engine, run_id: str, files: Sequence[tuple[str, Path]]
) -> list[dict[str, Any]]:
    """Classify files with a finished run; rows as ``predict_paths``."""
    from tl_core.data.reading import Reading
    from tl_core.evaluate.predict import predict_files
    from tl_core.jobs.loading import load_classifier

    one = load_classifier(home, engine, run_id)
    refused = _refused(home, one, files)
    answers = predict_files(
        one.model,
        files,
        size_px=one.size_px,
        resize=one.spec.train.resize,
        mean=one.card.mean,
        std=one.card.std,
        channels=one.card.channels,
        reading=Reading.from_dict(one.snapshot.reading),
    )
    rows = [answer_row(a.name, one.classes, a.probabilities, a.error, a.note) for a in answers]
    for row, none in zip(rows, refused, strict=False):  # nothing when it is not known
        row["none"] = none
    return rows


def _refused(home: Home, one: Classifier, files: Sequence[tuple[str, Path]]) -> list[bool]:
    """Whether each picture is of none of the classes; [] when the run has not learned that."""
    from tl_core.jobs.batches import kept_refusal

    limit = kept_refusal(home, one.row.id)
    if limit is None:
        return []
    from tl_core.data.reading import Reading
    from tl_core.errors import StorageError, UnreadableImageError
    from tl_core.evaluate.predict import seen_pixels
    from tl_core.explain.neighbours import features_of
    from tl_core.jobs.embedding import normalised
    from tl_core.jobs.familiar import Familiar

    try:
        known = Familiar(home, one)
    except StorageError:  # a picture of the run is gone
        return []
    reading, found = Reading.from_dict(one.snapshot.reading), []
    for _, path in files:
        try:
            resize, channels = one.spec.train.resize, one.card.channels
            pixels = seen_pixels(path, one.size_px, resize, channels, reading)[0]
        except UnreadableImageError:
            found.append(False)
            continue
        features = features_of(one.model, normalised(one, pixels[None]))
        found.append(bool(known.away(features)[0] > limit.limit))
    return found


def answer_row(
    name: str, classes: Sequence[str], probabilities: Any, error: str, note: str = ""
) -> dict[str, Any]:
    """One row of the answer: every class, most probable first."""
    if probabilities is None:
        return {"file": name, "top": [], "error": error, "note": note}
    ranked = sorted(zip(classes, probabilities.tolist(), strict=True), key=lambda pair: -pair[1])
    top = [[label, p] for label, p in ranked]
    return {"file": name, "top": top, "error": None, "note": note}


def bundle_row(answer: Mapping[str, Any]) -> dict[str, Any]:
    """One row of a bundle's answer, in the form of ``answer_row``."""
    ranked = sorted(answer["probabilities"].items(), key=lambda pair: -pair[1])
    return {
        "file": answer["file"],
        "top": [list(pair) for pair in ranked],
        "error": answer["error"] or None,
        "note": answer.get("note", ""),
    }
