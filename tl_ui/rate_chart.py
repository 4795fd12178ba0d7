"""The curve of a range test as a plotly figure. Nothing here draws."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from tl_ui.charts import MARGIN, PALETTE
from tl_ui.texts import rates as text

__all__ = ["rate_figure"]

SYMBOLS = {"valley": "square", "steep": "triangle-up", "minimum": "diamond", "slide": "circle"}
ROOM = 0.35  # of the fall, above the start: where it diverges is cut off
LEAST_ROOM = 0.02  # nats


def rate_figure(result: Mapping[str, Any], usual: float) -> Any:
    """Loss over rising rates, with the four rules, the suggestion and the automatic rate.

    Args:
        result: Of the range test.
        usual: The rate that Thaw takes by itself.
    """
    found, losses = result["found"], result["losses"]
    rates = result["rates"][: len(losses)]
    smooth = found["smooth"]
    figure = go.Figure()
    figure.add_scatter(
        x=rates, y=losses, name=text.MEASURED, mode="markers",
        marker={"size": 5, "color": PALETTE[0], "opacity": 0.7},
        hovertemplate="%{x:.2g}: %{y:.3f}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=rates[: len(smooth)], y=smooth, name=text.AVERAGED, mode="lines",
        line={"color": PALETTE[0], "width": 2.4},
        hovertemplate="%{x:.2g}: %{y:.3f}<extra></extra>",
    )  # fmt: skip
    for name, value in found["rules"].items():
        agrees = name in found["agreed"]
        figure.add_scatter(
            x=[value], y=[_at(rates, smooth, value)], mode="markers",
            name=text.rule(name, value),
            marker={
                "size": 12,
                "symbol": SYMBOLS[name] + ("" if agrees else "-open"),
                "color": PALETTE[1],
                "line": {"width": 2 if not agrees else 0, "color": PALETTE[1]},
            },
            hovertemplate=text.rule(name, value) + "<extra></extra>",
        )  # fmt: skip
    low, high = _range(smooth, losses, found["start"])
    value = found["rate"]
    left = value is not None and usual < value  # the words of the smaller rate stand to its left
    _mark(figure, usual, text.DEFAULT, "dot", "gray", bottom=True, left=left)
    if value is not None:
        _mark(figure, value, text.SUGGESTED, "solid", PALETTE[1], bottom=False, left=not left)
    figure.update_layout(
        height=360,
        margin={**MARGIN, "t": 8},
        legend={"orientation": "h", "y": -0.36, "yanchor": "top", "x": 0},
        xaxis={"type": "log", "title": text.AXIS_RATE, "exponentformat": "power", "dtick": 1},
        yaxis={"title": text.AXIS_LOSS, "range": [low, high], "nticks": 6},
    )
    return figure


def _mark(
    figure: Any, value: float, name: str, dash: str, color: str, *, bottom: bool, left: bool
) -> None:
    figure.add_vline(x=value, line={"dash": dash, "width": 1.6, "color": color})
    figure.add_annotation(
        x=math.log10(value),  # annotations count decades
        y=0.02 if bottom else 0.98,
        yref="y domain",
        yanchor="bottom" if bottom else "top",
        xanchor="right" if left else "left",
        text=f" {name} ",
        showarrow=False,
    )


def _at(rates: list[float], smooth: list[float], value: float) -> float:
    nearest = min(range(len(smooth)), key=lambda i: abs(math.log(rates[i] / value)))
    return float(smooth[nearest])


def _range(smooth: list[float], losses: list[float], start: float) -> tuple[float, float]:
    """From the lowest point to a little above the start: beyond, it only diverges."""
    low = min([*smooth, *losses, start])
    room = max((start - low) * ROOM, LEAST_ROOM)
    return low - room / 2, start + room
