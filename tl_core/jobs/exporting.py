"""Writing the bundle of a finished run. Imports torch."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from tl_core.data.reading import Reading
from tl_core.evaluate.predict import seen_pixels
from tl_core.export.brought import scores_body
from tl_core.export.bundle import write_bundle
from tl_core.export.extras import Extras, HeldOut
from tl_core.export.repeat import Repeated
from tl_core.jobs.confidence import likely_limit
from tl_core.jobs.library import ImageRow, Library
from tl_core.jobs.loading import Classifier, load_classifier
from tl_core.jobs.queue import Queue
from tl_core.storage import Home, read_json

__all__ = ["write_run_bundle"]

HELD_OUT = 48  # pictures the certificate runs through the exported file
CALIBRATE = 200  # pictures that the 8-bit network is made with, half of them to choose the way
BATCH = 16


def write_run_bundle(
    home: Home,
    engine: Engine,
    run_id: str,
    target: Path,
    *,
    extras: Extras | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Write a run's bundle as the folder ``target`` and a zip beside it.

    Returns:
        ``folder``, ``zip``, ``certificate`` (its content) and ``certificate_sentence``.

    Raises:
        RunStateError: The run has no classifier.
        ExportError: The files could not be written or answer differently from the app.
    """
    one, extras = load_classifier(home, engine, run_id), extras or Extras()
    judged = _report(home, run_id, "test") or _report(home, run_id, "val")
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
        report=judged,
        spec={"run_id": run_id, **one.spec.to_dict()},
        sample_images=[
            (row.path, home.local_blob(row.digest).read_bytes()) for row in _held_out(one)
        ],
        target=target,
        date=time.strftime("%Y-%m-%d", time.gmtime()),
        report_progress=report,
        data=_data(engine, one),
        extras=extras,
        held_out=_for_int8(home, one) if extras.int8 else None,
        repeated=_repeated(one),
        scores=None if judged is None else scores_body(judged, likely_limit(home, run_id)),
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


# -- for the model card, the 8-bit network and the repetition --------------------------------------


def _data(engine: Engine, one: Classifier) -> dict[str, Any]:
    """What the model card says of the pictures; nothing that names one of them."""
    counts: dict[str, Counter[str]] = {label: Counter() for label in one.classes}
    for row in one.snapshot.images:
        counts[row.label][row.split] += 1
    project = Library(engine).get(one.row.project_id)
    same = project.data_version == one.snapshot.data_version
    divided, findings = "", None
    if same:
        given = project.given_splits
        seed = project.data_config.get("seed", 0)
        drawn = f"by class with seed {seed}, what belongs together on one side"
        divided = f"Divided {drawn}."
        if given:
            divided = f"Given by the folders: {', '.join(given)}; anything else drawn {drawn}."
        findings = _findings(engine, one)
    origin = "drawn by Thaw itself (sample project)." if project.sample else ""
    return {"counts": counts, "divided": divided, "origin": origin, "findings": findings}


def _findings(engine: Engine, one: Classifier) -> list[tuple[str, int]] | None:
    """Kinds of findings and how many pictures each is about, of the last check of this set."""
    checks = Queue(engine).rows(project_id=one.row.project_id, kind="check", states=("finished",))
    for row in checks:
        body = row.result or {}
        if body.get("data_version") == one.snapshot.data_version:
            return [
                (str(found["kind"]), sum(len(group) for group in found.get("groups", ())))
                for found in body.get("findings", ())
            ]
    return None


def _for_int8(home: Home, one: Classifier) -> HeldOut:
    """Training pictures to make the 8-bit network with, and all held-out ones to judge it by."""
    rule = Reading.from_dict(one.snapshot.reading or None)
    how = (one.size_px, one.spec.train.resize, len(one.card.mean), rule)

    def pixels(rows: Sequence[ImageRow]) -> NDArray[np.uint8]:
        return np.stack([seen_pixels(home.local_blob(row.digest), *how)[0] for row in rows])

    split = "test" if one.snapshot.part("test") else "val"
    chosen = _to_make_it(one.snapshot.part("train"), one.snapshot.part("val"), judged=split)
    rows = one.snapshot.part(split)

    def batches() -> Iterator[NDArray[np.uint8]]:
        for start in range(0, len(rows), BATCH):
            yield pixels(rows[start : start + BATCH])

    return HeldOut(
        calibration=pixels(chosen),
        split=split,
        labels=np.asarray(one.snapshot.labels(rows), dtype=np.int64),
        pictures=tuple(row.digest for row in rows),
        batches=batches,
    )


def _to_make_it(
    train: Sequence[ImageRow], val: Sequence[ImageRow], *, judged: str
) -> list[ImageRow]:
    """Pictures for the ranges and pictures that choose the way, in turn.

    Those that choose are validation pictures where test pictures judge: a head agrees with itself
    more easily on what it was fitted to.
    """
    draw, half = random.Random(0), CALIBRATE // 2
    if judged == "test" and val:
        n = min(half, len(train), len(val))
        pairs = zip(draw.sample(list(train), n), draw.sample(list(val), n), strict=True)
        return [row for pair in pairs for row in pair]
    return draw.sample(list(train), min(CALIBRATE, len(train)))


def _repeated(one: Classifier) -> Repeated | None:
    """None where the settings alone do not say where the run began, or somebody was asked."""
    spec = one.spec
    if spec.model.weights == "file" or spec.goes_on or spec.freeze.stages == "ask":
        return None
    return Repeated(
        pictures=[(row.digest, row.label, row.split) for row in one.snapshot.images],
        classes=one.classes,
        reading=one.snapshot.reading,
    )
