"""Numbers that judge a classifier on few pictures: intervals, calibration and a paired test.

Works on plain numpy arrays and knows neither pictures nor torch. What a number means in words is
said in ``tl_core.evaluate.report``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tl_core.intervals import mcnemar

__all__ = ["calibration", "confidence_histogram", "mcnemar"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ECE_BINS = 15  # equal widths, as in the published tables
NULL_DRAWS = 500  # simulations of a perfectly calibrated model; 95th percentile good to about 0.003
NULL_SEED = 20_240  # fixed: the same predictions give the same report


def calibration(confidence: Floats, right: NDArray[np.bool_]) -> dict[str, Any]:
    """Expected calibration error beside what a perfectly calibrated model would show by chance.

    With few pictures the error is never zero, so it says something only above ``null_p95``.

    Args:
        confidence: (N,) probability of the given answer, 0..1.
        right: (N,) whether that answer was right.

    Returns:
        ``ece``, ``null_mean``, ``null_p95`` (fractions), ``alarm`` (ece above null_p95),
        ``mean_confidence`` and ``accuracy``.

    Source:
        Guo et al. 2017, arXiv:1706.04599 (the error); the null is simulated here, seeded.
    """
    edges = np.linspace(0.0, 1.0, ECE_BINS + 1)
    where = np.clip(np.digitize(confidence, edges[1:-1], right=True), 0, ECE_BINS - 1)
    ece = _ece(where, confidence, right.astype(np.float64)[None, :])[0]
    draws = np.random.default_rng(NULL_SEED).random((NULL_DRAWS, len(confidence)))
    null = _ece(where, confidence, (draws < confidence[None, :]).astype(np.float64))
    p95 = float(np.quantile(null, 0.95))
    return {
        "ece": float(ece),
        "null_mean": float(null.mean()),
        "null_p95": p95,
        "alarm": bool(ece > p95),
        "mean_confidence": float(confidence.mean()),
        "accuracy": float(right.mean()),
    }


def _ece(where: NDArray[np.intp], confidence: Floats, outcomes: Floats) -> Floats:
    """Calibration error of each row of ``outcomes`` (D, N), bins given by ``where`` (N,)."""
    total = np.zeros(len(outcomes))
    for index in np.unique(where):
        inside = where == index
        gap = outcomes[:, inside].mean(axis=1) - confidence[inside].mean()
        total += np.abs(gap) * inside.mean()
    return total


def confidence_histogram(
    confidence: Floats, right: NDArray[np.bool_], bins: int = 20
) -> dict[str, list[float] | list[int]]:
    """Counts of right and wrong answers over the confidence, ``bins`` equal widths from 0 to 1."""
    edges = np.linspace(0.0, 1.0, bins + 1)
    return {
        "edges": [round(float(edge), 6) for edge in edges],
        "right": np.histogram(confidence[right], edges)[0].tolist(),
        "wrong": np.histogram(confidence[~right], edges)[0].tolist(),
    }
