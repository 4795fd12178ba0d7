"""Where the lines and points of the report's figures lie; the template draws them as SVG.

Plain numbers only, so that nothing of a user's can get into the markup from here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["curve_panel", "dots", "interval_bar", "reliability_panel", "strength_panel"]

WIDTH, HEIGHT = 360.0, 210.0  # of a panel, in units of its view box
LEFT, RIGHT, TOP, BOTTOM = 44.0, 20.0, 10.0, 34.0  # room for its ticks
BAR_WIDTH, BAR_SIDE = 640.0, 24.0
STEPS = (1, 2, 2.5, 5, 10)  # of ticks, times a power of ten


def interval_bar(value: float, low: float, high: float, *, line: float) -> dict[str, float]:
    """A share between 0 and 1 with its interval, and a line to beat, along a bar."""

    def at(share: float) -> float:
        return round(BAR_SIDE + share * (BAR_WIDTH - 2 * BAR_SIDE), 1)

    return {
        "width": BAR_WIDTH,
        "begin": at(0.0),
        "end": at(1.0),
        "value": at(value),
        "low": at(low),
        "high": at(high),
        "line": at(line),
    }


def curve_panel(
    series: Mapping[str, Sequence[float]], *, best: int | None, share: bool
) -> dict[str, Any]:
    """Values of every epoch as lines.

    Args:
        series: Name to one value per epoch.
        best: The epoch that is marked, 1-based.
        share: Whether the values are shares, told in percent.
    """
    n = max(len(one) for one in series.values())
    values = [one for several in series.values() for one in several if math.isfinite(one)]
    panel = _panel((1.0, float(max(2, n))), _room(values, share=share), share=share)
    panel["x_ticks"] = [
        {"at": panel["x"](one), "label": f"{one:g}"} for one in _ticks(1, max(2, n), 6, whole=True)
    ]
    lines = []
    for name, several in series.items():
        points = [
            f"{panel['x'](epoch)},{panel['y'](one)}"
            for epoch, one in enumerate(several, 1)
            if math.isfinite(one)
        ]
        lines.append({"name": name, "points": " ".join(points), "single": len(points) == 1})
    panel["lines"] = lines
    panel["best"] = panel["x"](best) if best and n > 1 else None
    return _plain(panel)


def strength_panel(tried: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Held-out losses of the strengths that were tried, as points; the lowest is marked."""
    logs = [math.log10(strength) for strength, _ in tried]
    ends = (math.floor(min(logs)), math.ceil(max(logs)))
    panel = _panel(
        (float(ends[0]), float(max(ends[1], ends[0] + 1))), _room([loss for _, loss in tried])
    )
    panel["x_ticks"] = [
        {"at": panel["x"](one), "label": f"{10.0**one:g}"}
        for one in range(ends[0], max(ends[1], ends[0] + 1) + 1)
    ]
    best = min(range(len(tried)), key=lambda at: tried[at][1])
    panel["points"] = [
        {"x": panel["x"](log), "y": panel["y"](loss), "best": at == best}
        for at, (log, (_, loss)) in enumerate(zip(logs, tried, strict=True))
    ]
    return _plain(panel)


def reliability_panel(steps: Sequence[tuple[float, float, float, float]]) -> dict[str, Any]:
    """Confidence beside how often it was right: (confidence, right, low, high), shares."""
    least = min(min(one[0], one[2]) for one in steps)
    low = max(0.0, math.floor(least * 5) / 5)
    panel = _panel((low, 1.0), (low, 1.0), share=True)
    panel["x_ticks"] = [
        {"at": panel["x"](one), "label": f"{100 * one:.0f} %"} for one in _ticks(low, 1.0, 5)
    ]
    panel["points"] = [
        {
            "x": panel["x"](sure),
            "y": panel["y"](right),
            "low": panel["y"](below),
            "high": panel["y"](above),
        }
        for sure, right, below, above in steps
    ]
    panel["diagonal"] = [panel["x"](low), panel["y"](low), panel["x"](1.0), panel["y"](1.0)]
    return _plain(panel)


def dots(values: Sequence[float], share: tuple[float, float, float], one: float) -> dict[str, Any]:
    """What each part said, all together with their interval, and one part by itself.

    Args:
        values: Shares of the parts.
        share: Value, low and high of all together.
        one: The share of the one part.
    """
    everything = [*values, *share, one]
    low = max(0.0, math.floor((min(everything) - 0.02) * 20) / 20)
    high = min(1.0, math.ceil((max(everything) + 0.02) * 20) / 20)

    def at(value: float) -> float:
        return round(150 + (value - low) / max(1e-9, high - low) * (BAR_WIDTH - 174), 1)

    return {
        "width": BAR_WIDTH,
        "begin": at(low),
        "end": at(high),
        "ticks": [
            {"at": at(tick), "label": f"{100 * tick:.0f} %"} for tick in _ticks(low, high, 6)
        ],
        "values": [at(value) for value in values],
        "value": at(share[0]),
        "low": at(share[1]),
        "high": at(share[2]),
        "one": at(one),
    }


def _panel(
    across: tuple[float, float], up: tuple[float, float], *, share: bool = False
) -> dict[str, Any]:
    def x(value: float) -> float:
        part = (value - across[0]) / (across[1] - across[0])
        return round(LEFT + part * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        part = (value - up[0]) / (up[1] - up[0])
        return round(HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM), 1)

    ticks = _ticks(*up, 5)
    return {
        "x": x,
        "y": y,
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": WIDTH - RIGHT,
        "top": TOP,
        "bottom": HEIGHT - BOTTOM,
        "y_ticks": [
            {"at": y(one), "label": f"{100 * one:.0f} %" if share else f"{one:g}"} for one in ticks
        ],
    }


def _plain(panel: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in panel.items() if not callable(one)}


def _room(values: Sequence[float], *, share: bool = False) -> tuple[float, float]:
    """From where to where an axis goes."""
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    pad = max(0.05 * (high - low), 0.02 if share else 0.01)
    low, high = max(0.0, low - pad), high + pad
    return (low, min(1.0, high)) if share else (low, high)


def _ticks(low: float, high: float, most: int, *, whole: bool = False) -> list[float]:
    """Round numbers within an axis, at most so many."""
    span = max(1e-9, high - low)
    rough = span / max(1, most - 1)
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * one for one in STEPS if size * one >= rough * 0.999)
    if whole:
        step = max(1.0, math.ceil(step))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    found = [round(step * one, 10) for one in range(first, last + 1)]
    return [1.0, *found] if whole and found and found[0] != 1.0 else found
