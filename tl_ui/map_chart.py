"""The map of a run's pictures as a plotly figure to draw a line around points on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from tl_core.jobs.maps import Point
from tl_ui.compare_charts import COLORS, SYMBOLS
from tl_ui.texts import mending as text
from tl_ui.texts.data import PARTS

__all__ = ["chosen_of", "map_figure"]

HEIGHT = 520
MARGIN = {"l": 4, "r": 4, "t": 8, "b": 4}
SIZE = 8


def map_figure(
    points: Sequence[Point],
    *,
    colour: str,
    names: Mapping[str, str],
    answers: Mapping[str, str],
    wrong: Collection[str],
    dark: bool,
) -> Any:
    """A point for every picture, its id in ``customdata``.

    Args:
        points: Of the map.
        colour: "class" or "part".
        names: Picture id to file name.
        answers: Picture id to the class answered, of those that were asked.
        wrong: Ids of pictures answered wrongly; they have a ring.
        dark: Whether the ground is dark.
    """
    ring = "#ffffff" if dark else "#14262f"
    figure = go.Figure()
    for place, (group, title) in enumerate(_groups(points, colour)):
        mine = [one for one in points if (one.label if colour == "class" else one.split) == group]
        figure.add_trace(
            go.Scatter(  # drawn without WebGL, which many machines at work do not have
                x=[one.x for one in mine],
                y=[one.y for one in mine],
                customdata=[one.image for one in mine],
                text=[_words(one, names, answers) for one in mine],
                hovertemplate="%{text}<extra></extra>",
                name=escape(title),
                mode="markers",
                marker={
                    "color": COLORS[place % len(COLORS)],
                    "symbol": SYMBOLS[(place // len(COLORS)) % len(SYMBOLS)],
                    "size": [SIZE + 3 * (one.image in wrong) for one in mine],
                    "line": {
                        "color": ring,
                        "width": [2 * (one.image in wrong) for one in mine],
                    },
                    "opacity": 0.85,
                },
                selected={"marker": {"opacity": 1}},
                unselected={"marker": {"opacity": 0.25}},
            )
        )
    bare = {"visible": False, "showgrid": False, "zeroline": False}
    figure.update_layout(
        height=HEIGHT,
        margin=MARGIN,
        dragmode="lasso",
        hovermode="closest",
        legend={"orientation": "h", "y": -0.02, "yanchor": "top", "x": 0, "itemsizing": "constant"},
        xaxis=bare,
        yaxis={**bare, "scaleanchor": "x"},
        uirevision=colour,
    )
    return figure


def chosen_of(state: Any) -> list[str]:
    """Ids of the pictures in a selection of the figure, each once; believed only as ids."""
    found = (state or {}).get("selection", {}).get("points", [])
    ids = [one.get("customdata") for one in found if isinstance(one, Mapping)]
    flat = [one[0] if isinstance(one, list) and one else one for one in ids]
    return list(dict.fromkeys(str(one) for one in flat if isinstance(one, str | int)))


def _groups(points: Sequence[Point], colour: str) -> list[tuple[str, str]]:
    if colour == "class":
        return [(name, name) for name in sorted({one.label for one in points})]
    there = {one.split for one in points}
    return [(key, title) for key, title in PARTS.items() if key in there]


def _words(one: Point, names: Mapping[str, str], answers: Mapping[str, str]) -> str:
    lines = [f"<b>{escape(one.label)}</b>", escape(names.get(one.image, ""))]
    if answer := answers.get(one.image):
        lines.append(f"{text.ANSWERED.lower()} {escape(answer)}")
    return "<br>".join(line for line in lines if line)
