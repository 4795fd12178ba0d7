"""What is kept of a run's cross-validation, and how long one takes. No torch, no numpy.

It lies in the run's folder and goes with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tl_core.config import PROBES
from tl_core.jobs.queue import RunRow
from tl_core.storage import Home, read_json
from tl_core.worth.crossing import FOLDS, Crossing, crossing_from_dict

__all__ = ["KIND", "MOST_FOLDS", "MOST_REPEATS", "crossing_of", "crossing_seconds", "kept", "parts"]

KIND = "cross_validate"
MOST_FOLDS, MOST_REPEATS = 20, 20
START_S = 8.0  # of the process, the network and its kept features
OF_A_PROBE = 0.25  # of a solved run's time that a fold takes: its features are there already
OF_A_RUN = 0.9  # of a trained run's time: fewer pictures, no reports


def kept(home: Home, run_id: str) -> dict[str, Any] | None:
    """The result: ``crossing``, ``title``, ``seconds`` and ``at`` (Unix seconds); or None."""
    path = _folder(home, run_id) / "crossing.json"
    if not path.is_file():
        return None
    body: dict[str, Any] = read_json(path)
    return body


def crossing_of(result: Mapping[str, Any]) -> Crossing:
    """What was found, of a kept result."""
    return crossing_from_dict(result["crossing"])


def parts(home: Home, run_id: str) -> Path:
    """Where the folds that are done are kept, so that stopped work is gone on with."""
    return _folder(home, run_id) / "crossing-folds.json"


def crossing_seconds(row: RunRow, *, folds: int = FOLDS, repeats: int = 1) -> float | None:
    """About how long cross-validating a finished run takes at most; None when it is not known."""
    if row.started_at is None or row.ended_at is None:
        return None
    took = max(1.0, row.ended_at - row.started_at)
    solved = row.spec.get("freeze", {}).get("layers") in PROBES
    return START_S + folds * repeats * took * (OF_A_PROBE if solved else OF_A_RUN)


def _folder(home: Home, run_id: str) -> Path:
    return home.root / "runs" / run_id  # not made when it is gone
