"""From the runs of a measurement to the numbers that are shown."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tl_core.intervals import wilson

__all__ = ["Measured", "Range", "interval", "median", "present", "range_of"]

Measured = Mapping[str, Sequence[Mapping[str, Any]]]  # label of a line -> its runs' results


class Range(NamedTuple):
    """Median, least and most of some runs, and how many they were."""

    median: float
    least: float
    most: float
    n: int


def range_of(values: Sequence[float]) -> Range:
    """At least one value."""
    return Range(statistics.median(values), min(values), max(values), len(values))


def present(measured: Measured, label: str) -> list[Mapping[str, Any]]:
    """The runs of a line that could be made; none when it was not measured."""
    return [one for one in measured.get(label, ()) if "missing" not in one]


def median(measured: Measured, label: str, key: str) -> float | None:
    """The median of one number over the runs of a line; None when no run has it."""
    values = [one[key] for one in present(measured, label) if one.get(key) is not None]
    return float(statistics.median(values)) if values else None


def interval(accuracy: float, n: int) -> tuple[float, float]:
    """95 % Wilson interval of an accuracy measured on ``n`` pictures."""
    return wilson(round(accuracy * n), n)
