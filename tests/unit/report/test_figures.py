"""Figures stay within their frame, whatever the numbers are."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tl_core.report.figures import (
    curve_panel,
    dots,
    interval_bar,
    reliability_panel,
    strength_panel,
)

SHARES = st.floats(0, 1)
LOSSES = st.floats(0, 1e6, allow_nan=False)


def inside(panel: dict[str, Any], x: float, y: float) -> bool:
    return bool(
        panel["left"] - 0.1 <= x <= panel["right"] + 0.1
        and panel["top"] - 0.1 <= y <= panel["bottom"] + 0.1
    )


@given(st.lists(LOSSES, min_size=1, max_size=30), st.booleans())
def test_curves(values: list[float], last: bool) -> None:
    several = {"training": values, "validation": [*values[:-1], math.nan if last else values[-1]]}
    panel = curve_panel(several, best=1, share=False)
    for line in panel["lines"]:
        for point in line["points"].split():
            x, y = map(float, point.split(","))
            assert inside(panel, x, y)
    assert len(panel["y_ticks"]) <= 6 and len(panel["x_ticks"]) <= 8


@given(st.lists(st.tuples(st.floats(1e-8, 10), LOSSES), min_size=1, max_size=12))
def test_strengths(tried: list[tuple[float, float]]) -> None:
    panel = strength_panel(tried)
    assert sum(one["best"] for one in panel["points"]) == 1
    assert all(inside(panel, one["x"], one["y"]) for one in panel["points"])


@given(st.lists(st.tuples(SHARES, SHARES), min_size=1, max_size=10))
def test_reliability(pairs: list[tuple[float, float]]) -> None:
    panel = reliability_panel([(sure, right, right / 2, 1.0) for sure, right in pairs])
    for one in panel["points"]:
        assert inside(panel, one["x"], one["y"]) and one["high"] <= one["y"] <= one["low"]


@given(st.lists(SHARES, min_size=1, max_size=20), SHARES)
def test_parts(values: list[float], one: float) -> None:
    found = dots(values, (values[0], min(values), max(values)), one)
    for at in (*found["values"], found["one"], found["low"], found["high"]):
        assert found["begin"] - 0.1 <= at <= found["end"] + 0.1


def test_the_bar_is_a_ruler() -> None:
    bar = interval_bar(0.5, 0.0, 1.0, line=0.25)
    assert bar["low"] == bar["begin"] and bar["high"] == bar["end"]
    assert bar["value"] == pytest.approx((bar["begin"] + bar["end"]) / 2)
