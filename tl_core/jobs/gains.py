"""What opening a block brought in the last comparison of layers, read from its kept result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tl_core.jobs.queue import RunRow

__all__ = ["COMPARISON", "Expected", "expected_gain"]

COMPARISON = "choose_layers"  # kind of task
SAME = {"exact-head": "head"}  # solved and trained heads are as good


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A gain in accuracy on held-out training pictures, with its 95 % interval."""

    value: float
    low: float
    high: float


def expected_gain(
    rows: Iterable[RunRow],
    *,
    before: str,
    after: str,
    data_version: int,
    model: str,
    run: str,
    spec: Mapping[str, Any],
) -> Expected | None:
    """By how much ``after`` is better than ``before``; None where no comparison can tell.

    Args:
        rows: Comparisons of the project, the newest first.
        before: A choice of layers.
        after: Another.
        data_version: Of the pictures now; comparisons of other pictures do not count.
        model: The network's name.
        run: Who asks. What was measured with its own settings comes first, what was measured with
            those of another run does not count.
        spec: Its settings; a comparison with other weights or pictures of another size or form does
            not count.
    """
    mine = [row for row in rows if row.spec.get("run", run) == run and _sees(row, spec)]
    for row in sorted(mine, key=lambda row: "run" not in row.spec):
        found = row.result
        if not found or found["data_version"] != data_version or found["model"] != model:
            continue
        if (gain := _gain(found, before, after)) is not None:
            return gain
    return None


def _sees(row: RunRow, spec: Mapping[str, Any]) -> bool:
    """Whether a comparison of drafted settings had the run's weights and looked as it does.

    A picture size left open is that of the choice of layers, so it is none that differs.
    """
    for path, value in row.spec.get("settings", {}).items():
        part, _, name = path.partition(".")
        if value is not None and spec.get(part, {}).get(name, value) != value:
            return False
    return True


def _gain(found: Mapping[str, Any], before: str, after: str) -> Expected | None:
    from tl_core.train.racing import Raced, difference  # heavy: not before it is needed

    raced = {
        SAME.get(one["layers"], one["layers"]): Raced(
            layers=one["layers"],
            right=tuple(one["right"]),
            judged=tuple(one["judged"]),
            seconds=one["seconds"],
            independent=one.get("independent", 1.0),
        )
        for one in found["raced"]
    }
    if before not in raced or after not in raced:
        return None
    told = difference(raced[after], raced[before], folds=int(found["folds"]))
    if told is None:
        return None
    gain = told[2]
    return Expected(value=gain.value, low=gain.low, high=gain.high)
