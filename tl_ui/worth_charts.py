"""The learning curve and the control as plotly figures; nothing here draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from tl_core.worth.growth import Curve, Point
from tl_core.worth.transfer import Transfer
from tl_ui.charts import MARGIN, PALETTE
from tl_ui.texts import growth as text
from tl_ui.texts import transfer

__all__ = ["growth_figure", "transfer_figure"]

BAND = "rgba(20,128,184,0.18)"
QUIET_BAR = "rgba(128,140,150,0.4)"
TICKS = (0.125, 0.25, 0.5, 1, 2, 4)  # of the pictures there are
QUIET = {"dash": "dot", "width": 1.2, "color": "gray"}


def growth_figure(curve: Curve) -> Any:
    """Shares that are right against pictures to learn from: measured, fitted, and looked ahead.

    Without an outlook only what was measured is drawn.
    """
    figure = go.Figure()
    if curve.known:
        _outlook(figure, curve)
    points = curve.points
    figure.add_scatter(
        x=[one.pictures for one in points],
        y=[one.value for one in points],
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [one.high - one.value for one in points],
            "arrayminus": [one.value - one.low for one in points],
            "thickness": 1.4,
            "width": 4,
        },
        mode="markers",
        marker={"size": 8, "color": PALETTE[0]},
        name=text.MEASURED,
        hovertemplate=text.HOVER,
    )
    ticks = [curve.pictures * one for one in TICKS if curve.known or one <= 1]
    figure.update_layout(
        height=340,
        margin=MARGIN,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        xaxis={
            "type": "log",
            "title": text.PICTURES,
            "tickvals": ticks,
            "ticktext": [f"{one:,.0f}" for one in ticks],
        },
        yaxis={"title": text.RIGHT, "tickformat": ".0%", "nticks": 7},
    )
    return figure


def _outlook(figure: Any, curve: Curve) -> None:
    line = curve.line
    figure.add_scatter(
        x=[one.pictures for one in (*line, *reversed(line))],
        y=[one.high for one in line] + [one.low for one in reversed(line)],
        fill="toself",
        fillcolor=BAND,
        line={"width": 0},
        name=text.BAND,
        hoverinfo="skip",
    )
    beyond = [one for one in line if one.pictures >= curve.pictures]
    for part, name, dash in (
        ([one for one in line if one.pictures <= curve.pictures] + beyond[:1], text.FITTED, None),
        (beyond, text.AHEAD, "dash"),
    ):
        _line(figure, part, name, dash)
    for times, name in ((1, text.NOW), (2, text.TWICE)):
        figure.add_vline(x=times * curve.pictures, line=QUIET)
        figure.add_annotation(
            x=math.log10(times * curve.pictures),  # annotations count decades
            y=0.02,
            yref="y domain",
            xanchor="left",
            yanchor="bottom",
            text=f" {name}",
            showarrow=False,
        )


def _line(figure: Any, points: Sequence[Point], name: str, dash: str | None) -> None:
    figure.add_scatter(
        x=[one.pictures for one in points],
        y=[one.value for one in points],
        mode="lines",
        line={"color": PALETTE[0], "width": 2.2, "dash": dash},
        name=name,
        hovertemplate=text.HOVER,
    )


def transfer_figure(found: Transfer) -> Any:
    """Bars with intervals: the pretrained network first, then what it is held against."""
    arms = [found.arm(name) for name in reversed(transfer.SHOWN)]
    figure = go.Figure(
        go.Bar(
            orientation="h",
            y=[transfer.NAMES[one.name] for one in arms],
            x=[one.accuracy.value for one in arms],
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [one.accuracy.high - one.accuracy.value for one in arms],
                "arrayminus": [one.accuracy.value - one.accuracy.low for one in arms],
                "thickness": 1.6,
                "width": 5,
                "color": "gray",
            },
            marker_color=[PALETTE[0] if one.name == "pretrained" else QUIET_BAR for one in arms],
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    )
    figure.update_layout(
        height=70 + 46 * len(arms),
        margin={**MARGIN, "t": 8, "r": 28},
        bargap=0.45,
        xaxis={"range": [0, 1], "tickformat": ".0%", "title": transfer.RIGHT},
        yaxis={"type": "category", "automargin": True},
    )
    return figure
