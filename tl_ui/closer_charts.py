"""Pictures of what a closer look shows: curves of one class, reliability. Nothing here draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from tl_core.evaluate.confidence import Step
from tl_core.evaluate.thresholds import Counted, Curves
from tl_ui.charts import MARGIN, PALETTE
from tl_ui.texts import closer as text

__all__ = ["curve", "reliability"]

AXIS = {"range": [-0.02, 1.02], "tickformat": ".0%", "constrain": "domain"}


def curve(found: Curves, now: Counted, *, roc: bool) -> Any:
    """The ROC or the precision-recall curve with the line chosen as a point."""
    x, y = (found.alarms, found.found) if roc else (found.found, found.precision)
    figure = go.Figure()
    if roc:
        figure.add_scatter(
            x=[0, 1], y=[0, 1], mode="lines", hoverinfo="skip",
            line={"color": "gray", "dash": "dot", "width": 1.2},
        )  # fmt: skip
    else:
        share = found.n_class / (found.n_class + found.n_others)
        figure.add_hline(y=share, line={"color": "gray", "dash": "dot", "width": 1.2})
    first, second = (text.ALARMS, text.FOUND) if roc else (text.FOUND, text.PRECISION)
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": PALETTE[0], "width": 2.4, "shape": "hv" if roc else "linear"},
        hovertemplate=f"{first} %{{x:.1%}}, {second.lower()} %{{y:.1%}}<extra></extra>",
    )
    hit = now.found.value if now.found else 0.0
    alarm = now.false_alarms.value if now.false_alarms else 0.0
    precision = now.precision.value if now.precision else 1.0
    figure.add_scatter(
        x=[alarm if roc else hit],
        y=[hit if roc else precision],
        mode="markers",
        marker={"size": 14, "color": PALETTE[1], "line": {"width": 2, "color": "white"}},
        hovertemplate=f"{text.LINE}<extra></extra>",
    )
    figure.update_layout(
        height=340,
        margin=MARGIN,
        showlegend=False,
        xaxis={**AXIS, "title": first},
        yaxis={**AXIS, "title": second},
    )
    return figure


def reliability(steps: Sequence[Step]) -> Any:
    """Share right over confidence, with intervals and the line of a confidence that is right."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", hoverinfo="skip",
        line={"color": "gray", "dash": "dot", "width": 1.2},
    )  # fmt: skip
    figure.add_scatter(
        x=[one.confidence for one in steps],
        y=[one.right for one in steps],
        customdata=[[one.n, one.low, one.high] for one in steps],
        error_y={
            "type": "data",
            "array": [one.high - one.right for one in steps],
            "arrayminus": [one.right - one.low for one in steps],
            "thickness": 1.4,
            "width": 4,
        },
        mode="markers",
        marker={"size": 9, "color": PALETTE[0]},
        hovertemplate="%{customdata[0]} pictures: %{x:.0%} sure, %{y:.0%} right "
        "(%{customdata[1]:.0%} to %{customdata[2]:.0%})<extra></extra>",
    )
    figure.update_layout(
        height=340,
        margin=MARGIN,
        showlegend=False,
        xaxis={**AXIS, "title": text.CLAIMED},
        yaxis={**AXIS, "title": text.RIGHT},
    )
    return figure
