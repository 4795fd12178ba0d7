"""Runs together as plotly figures: who is better, how they learned, what they cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from tl_core.evaluate.paired import Gap
from tl_core.jobs.view import RunView
from tl_ui.charts import MARGIN
from tl_ui.texts import compare as text

__all__ = ["COLORS", "Cost", "cost_figure", "curves_figure", "gaps_figure"]

# of runs A to F; 3:1 or more on both backgrounds
COLORS = ("#1480b8", "#d9722e", "#5b8c5a", "#8f73c4", "#cf4f74", "#a87f00")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star")
QUIET = "rgba(128,140,150,0.75)"
LEGEND = {"orientation": "h", "y": 1.04, "yanchor": "bottom", "x": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A run in the chart of costs; ``place`` among the compared ones, None for the others."""

    mark: str
    name: str
    place: int | None
    value: float
    low: float
    high: float
    cost: float
    unbeaten: bool


def gaps_figure(rows: Sequence[tuple[int, str, Gap]], axis: str) -> Any:
    """How much more often each run is right than the reference, with intervals around 0.

    Args:
        rows: Place of the run among the compared ones, its mark, and its gap; the first on top.
        axis: Words of the difference.
    """
    figure = go.Figure()
    for place, mark, gap in rows:
        figure.add_scatter(
            x=[100 * gap.value],
            y=[mark],
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [100 * (gap.high - gap.value)],
                "arrayminus": [100 * (gap.value - gap.low)],
                "thickness": 2,
                "width": 6,
            },
            mode="markers",
            marker={"size": 12, "color": COLORS[place], "symbol": SYMBOLS[place]},
            hovertemplate="%{y}: %{x:+.1f} points<extra></extra>",
        )
    figure.add_vline(x=0, line={"width": 1.4, "color": "gray"})
    figure.update_layout(
        height=90 + 46 * len(rows),
        margin={**MARGIN, "t": 8},
        showlegend=False,
        xaxis={"title": axis, "zeroline": False},
        yaxis={"type": "category", "autorange": "reversed", "automargin": True},
    )
    return figure


def curves_figure(runs: Sequence[tuple[int, str, RunView]], field: str) -> Any:
    """A measure on validation pictures over the epochs, one colour and sign per run.

    A head that is solved has no epochs: it is a dotted line.

    Args:
        runs: Place, name, and history of each run.
        field: "val_loss" or "val_acc".
    """
    last = max((len(view.history) for _, _, view in runs if not view.is_probe), default=1)
    share = field == "val_acc"
    figure = go.Figure()
    for place, name, view in runs:
        values = [getattr(one, field) for one in view.history]
        epochs = [one.epoch for one in view.history]
        if view.is_probe and values:
            epochs, values = ([1, last], values[-1:] * 2) if last > 1 else ([1], values[-1:])
        figure.add_scatter(
            x=epochs,
            y=values,
            name=name,
            mode="lines+markers",
            line={"color": COLORS[place], "dash": "dot" if view.is_probe else "solid"},
            marker={"symbol": SYMBOLS[place], "size": 7},
            hovertemplate=f"{name}: %{{y:{'.1%' if share else '.3f'}}}<extra></extra>",
        )
    figure.update_layout(
        height=270,
        margin={**MARGIN, "t": 8},
        showlegend=False,
        xaxis={"title": text.EPOCH, "nticks": 8},
        yaxis={"tickformat": ".0%" if share else None, "nticks": 6},
    )
    return figure


def cost_figure(points: Sequence[Cost], axis: str, *, log: bool) -> Any:
    """Accuracy with intervals against a cost; the line joins the runs that nothing beats.

    Args:
        points: Every run.
        axis: Words of the cost.
        log: Whether the cost spans so much that its axis counts decades.
    """
    figure = go.Figure()
    best = sorted((one for one in points if one.unbeaten), key=lambda one: one.cost)
    figure.add_scatter(
        x=[one.cost for one in best],
        y=[one.value for one in best],
        mode="lines+markers",
        line={"color": QUIET, "dash": "dot", "width": 1.6},
        marker={"symbol": "circle-open", "size": 22, "color": QUIET, "line": {"width": 2}},
        name=text.UNBEATEN,
        hoverinfo="skip",
    )
    for one in sorted(points, key=lambda one: one.place is not None):
        chosen = one.place is not None
        color = COLORS[one.place] if one.place is not None else QUIET
        figure.add_scatter(
            x=[one.cost],
            y=[one.value],
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [one.high - one.value],
                "arrayminus": [one.value - one.low],
                "thickness": 1.4 if chosen else 0.8,
                "width": 4,
                "color": color,
            },
            mode="markers+text" if chosen else "markers",
            text=[f"\N{EN SPACE}\N{EN SPACE}{one.mark}"],  # clear of the ring
            textposition="middle right",
            marker={
                "size": 11 if chosen else 7,
                "color": color,
                "symbol": SYMBOLS[one.place] if one.place is not None else "circle",
            },
            hovertemplate=f"{one.name}: %{{y:.1%}}<extra></extra>",
            showlegend=False,
        )
    figure.update_layout(
        height=360,
        margin={**MARGIN, "t": 12},
        legend=LEGEND,
        xaxis={"title": axis, "type": "log" if log else "linear", "range": _range(points, log)},
        yaxis={"title": text.ACCURACY, "tickformat": ".0%", "nticks": 6},
    )
    return figure


def _range(points: Sequence[Cost], log: bool) -> list[float]:
    """From nothing, or a little less than the least, to where the letters have room."""
    least, most = min(one.cost for one in points), max(one.cost for one in points)
    if log:
        return [math.log10(least) - 0.1, math.log10(most) + 0.2]
    return [0.0, 1.15 * most if most > 0 else 1.0]
