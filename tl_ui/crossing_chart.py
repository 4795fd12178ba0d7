"""The folds of a cross-validation as a plotly figure; nothing here draws."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from tl_core.worth.crossing import Crossing
from tl_ui.charts import MARGIN, PALETTE
from tl_ui.texts import crossing as text

__all__ = ["crossing_figure"]

QUIET = "gray"


def crossing_figure(found: Crossing) -> Any:
    """What each part says, all together with their interval, and the run's own part."""
    share, hover = found.accuracy, "%{x:.1%}<extra>%{y}</extra>"
    figure = go.Figure()
    figure.add_scatter(
        x=[found.one],
        y=[text.ONE],
        mode="markers",
        marker={"size": 11, "symbol": "diamond", "color": QUIET},
        hovertemplate=hover,
    )
    figure.add_scatter(
        x=list(found.values),
        y=[text.FOLD] * len(found.values),
        mode="markers",
        marker={"size": 10, "symbol": "circle-open", "color": PALETTE[0], "line": {"width": 2}},
        hovertemplate=hover,
    )
    figure.add_scatter(
        x=[share.value],
        y=[text.ALL],
        mode="markers",
        marker={"size": 12, "color": PALETTE[0]},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [share.high - share.value],
            "arrayminus": [share.value - share.low],
            "thickness": 2,
            "width": 6,
        },
        hovertemplate=hover,
    )
    lowest = min(share.low, found.one, *found.values)
    highest = max(share.high, found.one, *found.values)
    figure.update_layout(
        height=190,
        margin={**MARGIN, "t": 8, "r": 28},
        showlegend=False,
        xaxis={
            "range": [max(0.0, lowest - 0.05), min(1.02, highest + 0.05)],
            "tickformat": ".0%",
            "nticks": 6,
            "title": text.RIGHT,
        },
        yaxis={"type": "category", "automargin": True},
    )
    return figure
