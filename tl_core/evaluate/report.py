"""The judgement of a classifier on one split, as one JSON-ready dictionary.

The worker builds it once; the pages read it with ``cell`` and ``sentences``. Needs numpy only, no
torch; the tests compare its numbers with scikit-learn's.

Shape of a report (fractions 0..1, intervals 95 %, classes by name, pictures by their id)::

    schema, split, n, classes
    accuracy            value, right, ci
    majority            class (most frequent in training), right, value, p_value (paired, exact)
    balanced_accuracy   value, ci          log_loss   nats per picture
    top3                value, right, ci   null up to 3 classes
    per_class[]         class, support, predicted, right, recall, recall_ci, precision,
                        precision_ci, f1; null where there is nothing to divide by
    confusion           counts, row = true class, column = answer
    cells               "row,column" -> picture ids, most confident first; empty cells are absent
    mistakes[]          image, true, predicted, confidence, true_probability; most confident first
    confidence          edges, right, wrong
    calibration         ece, null_mean, null_p95, alarm, mean_confidence, accuracy
    scores              name -> value, ci; see ``tl_core.evaluate.scores``
    groups              how many the pictures form, each standing alone counting as one
    slices[]            see ``tl_core.evaluate.slices.Slice``
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tl_core.errors import EvaluateError, NoTestImagesError
from tl_core.evaluate.answers import Answers, Floats, Ints
from tl_core.evaluate.metrics import (
    calibration,
    confidence_histogram,
    mcnemar,
)
from tl_core.evaluate.scores import (
    drawn_weights,
    effective_pictures,
    scores,
    share_of_groups,
)
from tl_core.evaluate.slices import slices
from tl_core.evaluate.words import sentences

__all__ = ["SPLIT_WORDS", "build_report", "cell", "retold", "sentences"]

SCHEMA = 2  # 1 had no scores, groups and slices
SPLIT_WORDS = {"test": "test", "val": "validation", "train": "training"}


def build_report(
    labels: NDArray[Any],
    probabilities: NDArray[Any],
    *,
    classes: Sequence[str],
    image_ids: Sequence[str],
    split: str,
    train_counts: Mapping[str, int],
    units: Ints | None = None,
    kinds: Mapping[str, NDArray[np.str_]] | None = None,
) -> dict[str, Any]:
    """Judge predictions on one split.

    Args:
        labels: (N,) true class positions, 0..C-1.
        probabilities: (N, C) finite, not negative; each row is scaled to sum to 1.
        classes: C names in the order of the network's outputs.
        image_ids: N ids that the pages can open again, aligned with ``labels``.
        split: "test", "val" or "train"; only the words depend on it.
        train_counts: Class name to number of training pictures, for the majority line.
        units: (N,) pictures of the same number belong together and count as one witness; without
            it each stands alone.
        kinds: Property to the kind of each picture, (N,), for the slices.

    Returns:
        The dictionary drawn in this module's docstring.

    Raises:
        NoTestImagesError: N is 0.
        EvaluateError: A probability is not a finite number.
        ValueError: Shapes or labels do not fit each other.
    """
    y, p = _checked(labels, probabilities, classes, image_ids, split)
    whole = Answers(
        images=tuple(image_ids),
        pictures=(),
        labels=y,
        probabilities=p,
        classes=tuple(classes),
        units=units,
    )
    confusion, per_class = _per_class(y, whole.given, classes, units)
    sure = _confident(whole)
    found = sure["scores"]
    return {
        "schema": SCHEMA,
        "split": split,
        "n": len(y),
        "classes": list(classes),
        "accuracy": {**found["accuracy"], "right": int(whole.right.sum())},
        "majority": _majority(y, whole.right, classes, train_counts),
        "balanced_accuracy": found["balanced_accuracy"],
        "top3": _with_count(found["top3"], len(y)) if "top3" in found else None,
        "per_class": per_class,
        "confusion": confusion,
        "groups": len(y) if units is None else len(np.unique(units)),
        "slices": _slices(whole, kinds or {}, units),
        **sure,
    }


def retold(report: Mapping[str, Any], answers: Answers) -> dict[str, Any]:
    """A report after its confidence was changed: the same answers, other probabilities.

    Args:
        report: As built.
        answers: Of the same pictures in the same order.
    """
    return {**report, **_confident(answers)}


def _confident(answers: Answers) -> dict[str, Any]:
    """Everything in a report that depends on how sure the answers are."""
    p, given, right, confidence = (
        answers.probabilities,
        answers.given,
        answers.right,
        answers.confidence,
    )
    order = np.argsort(-confidence, kind="stable")
    return {
        "log_loss": _log_loss(answers.labels, p),
        "cells": _cells(answers.labels, given, order, answers.images),
        "mistakes": [
            {
                "image": answers.images[i],
                "true": answers.classes[answers.labels[i]],
                "predicted": answers.classes[given[i]],
                "confidence": float(confidence[i]),
                "true_probability": float(p[i, answers.labels[i]]),
            }
            for i in order
            if not right[i]
        ],
        "confidence": confidence_histogram(confidence, right),
        "calibration": calibration(confidence, right),
        "scores": {
            name: {"value": one.value, "ci": [one.low, one.high]}
            for name, one in scores(answers, answers.units).items()
        },
    }


def _slices(
    whole: Answers, kinds: Mapping[str, NDArray[np.str_]], units: Ints | None
) -> list[dict[str, Any]]:
    worth = None if units is None else effective_pictures(whole.right, whole.labels, units)
    return [asdict(one) for one in slices(whole, kinds, worth)]


def _checked(
    labels: NDArray[Any],
    probabilities: NDArray[Any],
    classes: Sequence[str],
    image_ids: Sequence[str],
    split: str,
) -> tuple[Ints, Floats]:
    y = np.asarray(labels, dtype=np.int64)
    p = np.asarray(probabilities, dtype=np.float64)
    if len(y) == 0:
        raise NoTestImagesError(
            f"There are no {SPLIT_WORDS.get(split, split)} pictures to judge by.",
            hint="Give the split a share of the pictures on the Data page.",
        )
    if p.shape != (len(y), len(classes)) or len(image_ids) != len(y):
        raise ValueError(f"{p.shape} probabilities for {len(y)} labels, {len(classes)} classes")
    if y.min() < 0 or y.max() >= len(classes):
        raise ValueError(f"labels {y.min()}..{y.max()} outside 0..{len(classes) - 1}")
    if not np.isfinite(p).all() or (p < 0).any() or (p.sum(axis=1) <= 0).any():
        raise EvaluateError(
            "The network's answers are not numbers.",
            hint="The training diverged: start it again with a lower learning rate.",
        )
    return y, p / p.sum(axis=1, keepdims=True)


def _with_count(share: Mapping[str, Any], n: int) -> dict[str, Any]:
    return {**share, "right": round(share["value"] * n)}


def _majority(
    y: Ints, right: NDArray[np.bool_], classes: Sequence[str], train_counts: Mapping[str, int]
) -> dict[str, Any]:
    """Always answering the most frequent training class, compared with the network picture by
    picture; between equally frequent classes the first in class order.
    """
    counts = [train_counts.get(name, 0) for name in classes]
    position = counts.index(max(counts))
    base = y == position
    only_network, only_base = int((right & ~base).sum()), int((base & ~right).sum())
    return {
        "class": classes[position],
        "right": int(base.sum()),
        "value": float(base.mean()),
        "p_value": mcnemar(only_network, only_base),
    }


def _log_loss(y: Ints, p: Floats) -> float:
    """Mean of -log(probability of the true class); a 0 counts as the smallest step above it."""
    given = np.clip(p[np.arange(len(y)), y], np.finfo(np.float64).eps, 1.0)
    return float(-np.log(given).mean())


def _per_class(
    y: Ints, answer: Ints, classes: Sequence[str], units: Ints | None
) -> tuple[list[list[int]], list[dict[str, Any]]]:
    n_classes = len(classes)
    units = np.arange(len(y)) if units is None else units
    alone = len(np.unique(units)) == len(y)  # then nothing has to be drawn
    drawn = np.ones((1, len(y))) if alone else drawn_weights(y, units)

    def likely(of: NDArray[np.bool_]) -> list[float] | None:
        if not of.any():
            return None
        found = share_of_groups((y == answer)[of], units[of], drawn[:, of])
        return [found.low, found.high]

    flat = np.bincount(y * n_classes + answer, minlength=n_classes**2)
    matrix: list[list[int]] = flat.reshape(n_classes, n_classes).tolist()
    rows = []
    for i, name in enumerate(classes):
        right, support = matrix[i][i], sum(matrix[i])
        predicted = sum(row[i] for row in matrix)
        rows.append(
            {
                "class": name,
                "support": support,
                "predicted": predicted,
                "right": right,
                "recall": right / support if support else None,
                "recall_ci": likely(y == i),
                "precision": right / predicted if predicted else None,
                "precision_ci": likely(answer == i),
                "f1": 2 * right / (support + predicted) if support + predicted else None,
            }
        )
    return matrix, rows


def _cells(
    y: Ints, answer: Ints, order: NDArray[np.intp], image_ids: Sequence[str]
) -> dict[str, list[str]]:
    cells: dict[str, list[str]] = {}
    for i in order:
        cells.setdefault(f"{y[i]},{answer[i]}", []).append(image_ids[i])
    return cells


def cell(report: Mapping[str, Any], true: str, predicted: str) -> list[str]:
    """Ids of the pictures of class ``true`` that were answered ``predicted``, most confident first.

    Raises:
        ValueError: One of the names is not a class of the report.
    """
    classes = report["classes"]
    found: list[str] = report["cells"].get(f"{classes.index(true)},{classes.index(predicted)}", [])
    return found
