"""What every picture was answered, kept with a run; and what came of the remedy it was started for.

No torch here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save

from tl_core.config import RunSpec
from tl_core.diagnose.following import Answer, compared, followed_up, not_comparable
from tl_core.evaluate.answers import Answers
from tl_core.events import FindingRaised, RunFinished
from tl_core.jobs.continuing import Origin
from tl_core.jobs.library import ImageRow
from tl_core.storage import Home, atomic_path, read_json, write_json

__all__ = ["all_answers", "answers_of", "follow_up", "keep_answers"]

SCHEMA = 1
LEAST = 1e-7  # a probability of the true class counts as no smaller
PROBABILITIES = ".safetensors"
DIGITS = 6  # of a loss, in nats


def keep_answers(
    home: Home,
    run_id: str,
    split: str,
    rows: Sequence[ImageRow],
    classes: Sequence[str],
    probabilities: np.ndarray,
    *,
    units: np.ndarray | None = None,
) -> None:
    """Write down what the finished network says of every picture of a part.

    Leaves ``answers-val.json`` or ``answers-test.json``: aligned lists of ``pictures`` (content
    digests), ``images`` (ids), ``labels``, ``answers`` (class names) and ``losses`` in nats, and
    the names of the ``classes``; and beside it, under the same name, a safetensors file with all
    ``probabilities`` (float32).

    Args:
        home: The home.
        run_id: Whose network.
        split: "val" or "test".
        rows: The pictures.
        classes: Names in the order of the outputs.
        probabilities: float (len(rows), len(classes)), rows summing to 1.
        units: int (len(rows),), what belongs together, when it is known.
    """
    number = {name: position for position, name in enumerate(classes)}
    true = np.array([number[row.label] for row in rows])
    given = np.clip(probabilities[np.arange(len(rows)), true], LEAST, 1.0)
    body = {
        "schema": SCHEMA,
        "classes": list(classes),
        "pictures": [row.digest for row in rows],
        "images": [str(row.id) for row in rows],
        "units": None if units is None else units.tolist(),
        "labels": [row.label for row in rows],
        "answers": [classes[answer] for answer in probabilities.argmax(axis=1)],
        "losses": [round(float(loss), DIGITS) for loss in -np.log(given)],
    }
    path = _path(home, run_id, split)
    with atomic_path(path.with_suffix(PROBABILITIES)) as part:
        part.write_bytes(save({"probabilities": probabilities.astype(np.float32)}))
    write_json(path, body)


def all_answers(home: Home, run_id: str, split: str) -> Answers | None:
    """What ``keep_answers`` wrote; None when it is not there or of an earlier version."""
    path = _path(home, run_id, split)
    numbers = path.with_suffix(PROBABILITIES)
    if not (path.is_file() and numbers.is_file()):
        return None
    body: dict[str, list[Any]] = read_json(path)
    number = {name: position for position, name in enumerate(body["classes"])}
    probabilities = load_file(numbers)["probabilities"].astype(np.float64)
    return Answers(
        images=tuple(body["images"]),
        pictures=tuple(body["pictures"]),
        labels=np.array([number[one] for one in body["labels"]], dtype=np.int64),
        probabilities=probabilities / probabilities.sum(axis=1, keepdims=True),
        classes=tuple(body["classes"]),
        units=np.array(body["units"], dtype=np.int64) if body.get("units") else None,
    )


def answers_of(home: Home, run_id: str, split: str) -> dict[str, Answer]:
    """What a run's network said, by picture and label; empty when it was not kept.

    A picture whose label was changed between two runs is another question.
    """
    path = _path(home, run_id, split)
    if not path.is_file():
        return {}
    body: dict[str, list[Any]] = read_json(path)
    rows = zip(body["pictures"], body["labels"], body["answers"], body["losses"], strict=True)
    return {
        f"{digest} {label}": Answer(loss=float(loss), right=answer == label)
        for digest, label, answer, loss in rows
    }


def follow_up(
    home: Home, run_id: str, spec: RunSpec, origin: Origin, finished: RunFinished
) -> FindingRaised | None:
    """What came of the remedy a run was started for; None when it was started for none.

    Both networks are those of their best epochs, judged in full precision on the same pictures.
    """
    if not (spec.parent and spec.remedy):
        return None
    before, after = answers_of(home, spec.parent, "val"), answers_of(home, run_id, "val")
    effect = compared(before, after)
    if effect is None:
        why = (
            "The earlier run has not kept what it answered, so there is nothing to compare with."
            if not before
            else "Too few validation pictures are the same in both runs to compare them."
        )
        return not_comparable(remedy=spec.remedy, why=why, epoch=finished.epochs)
    began = (
        f"This run went on from epoch {origin.epoch} of the earlier one."
        if origin.weights
        else "This run started anew."
    )
    return followed_up(effect, remedy=spec.remedy, began=began, epoch=finished.epochs)


def _path(home: Home, run_id: str, split: str) -> Path:
    return home.run_dir(run_id) / f"answers-{split}.json"
