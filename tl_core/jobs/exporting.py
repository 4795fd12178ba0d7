"""Writing the bundle of a finished run. Imports torch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from tl_core.export.bundle import write_bundle
from tl_core.jobs.library import ImageRow
from tl_core.jobs.loading import Classifier, load_classifier
from tl_core.storage import Home, read_json

__all__ = ["write_run_bundle"]

HELD_OUT = 48  # pictures the certificate runs through the exported file


def write_run_bundle(
    home: Home,
    engine: Engine,
    run_id: str,
    target: Path,
    *,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Write a run's bundle as the folder ``target`` and a zip beside it.

    Returns:
        ``folder``, ``zip``, ``certificate`` (its content) and ``certificate_sentence``.

    Raises:
        RunStateError: The run has no classifier.
        ExportError: The files could not be written or answer differently from the app.
    """
    one = load_classifier(home, engine, run_id)
    reports = {split: _report(home, run_id, split) for split in ("test", "val")}
    folder = write_bundle(
        one.model,
        classes=one.classes,
        card_facts=_facts(one),
        preprocessing={
            "size_px": one.size_px,
            "resize": one.spec.train.resize,
            "mean": list(one.card.mean),
            "std": list(one.card.std),
            "reading": one.snapshot.reading,
        },
        report=reports["test"] or reports["val"],
        spec={"run_id": run_id, **one.spec.to_dict()},
        sample_images=[
            (row.path, home.local_blob(row.digest).read_bytes()) for row in _held_out(one)
        ],
        target=target,
        date=time.strftime("%Y-%m-%d", time.gmtime()),
        report_progress=report,
    )
    certificate = read_json(folder / "certificate.json")
    return {
        "run_id": run_id,
        "folder": str(folder),
        "zip": str(folder.with_name(f"{folder.name}.zip")),
        "certificate": certificate,
        "certificate_sentence": certificate["sentence"],
    }


def _facts(one: Classifier) -> dict[str, Any]:
    facts = asdict(one.card)
    facts.pop("groups")
    return facts


def _report(home: Home, run_id: str, split: str) -> dict[str, Any] | None:
    path = home.run_dir(run_id) / f"report-{split}.json"
    body: dict[str, Any] | None = read_json(path) if path.is_file() else None
    return body


def _held_out(one: Classifier) -> Sequence[ImageRow]:
    """Pictures that were not trained on, test before validation, the classes taken in turn."""
    chosen: list[ImageRow] = []
    for split in ("test", "val"):
        by_class = [
            [row for row in one.snapshot.part(split) if row.label == label] for label in one.classes
        ]
        longest = max((len(rows) for rows in by_class), default=0)
        chosen += [rows[i] for i in range(longest) for rows in by_class if i < len(rows)]
    return chosen[:HELD_OUT]
