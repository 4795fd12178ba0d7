"""The confusion matrix whose cells choose their pictures, by a click or by two lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from tl_core.evaluate.report import cell
from tl_ui import charts
from tl_ui.text import esc_md
from tl_ui.texts import about_evaluate as about
from tl_ui.texts import evaluate as text
from tl_ui.views.meaning import headed

__all__ = ["figure", "matrix"]

CHART, TRUE, ANSWERED = "confusion.chart", "confusion.true", "confusion.answered"
FULL = 0.9  # share of a row from which a cell is too dark for dark text
LIGHT_TEXT, DARK_TEXT = "#ffffff", "#14262f"


def matrix(report: Mapping[str, Any]) -> list[str]:
    """Draw the matrix; ids of the pictures of the cell chosen, most confident first."""
    headed(text.CONFUSION, about.confusion(), key="confusion.meaning")
    _prime(report)
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.plotly_chart(
            figure(report, dark=st.context.theme.type == "dark"),
            key=CHART,
            on_select=_take,
            selection_mode="points",
            config={"displayModeBar": False, "scrollZoom": False},
            alt=text.confusion_words(report),
        )
        st.caption(esc_md(text.confusion_words(report)))
    with right:
        st.caption(text.CONFUSION_HINT)
        names = report["classes"]
        true = st.selectbox(text.TRUE, names, key=TRUE)
        answered = st.selectbox(text.ANSWERED, names, key=ANSWERED)
        ids = cell(report, true, answered)
        st.markdown(
            text.cell_title(esc_md(true), esc_md(answered), len(ids)) if ids else text.CELL_EMPTY
        )
    return ids


def figure(report: Mapping[str, Any], *, dark: bool = False) -> Any:
    """The matrix with a point in every cell: a heat map's own cells cannot be selected.

    The counts are drawn here too, in a colour to be read on the cell and on the page behind it.
    """
    names, counts = report["classes"], report["confusion"]
    drawn = charts.confusion(names, counts)
    cells = [
        (names[j], names[i], counts[i][j]) for i in range(len(names)) for j in range(len(names))
    ]
    drawn.add_scatter(
        x=[answered for answered, _, _ in cells],
        y=[true for _, true, _ in cells],
        customdata=[[true, answered, n] for answered, true, n in cells],
        mode="markers",
        marker={
            "symbol": "square-open",
            "size": 28,
            "color": "#d9722e",
            "line": {"width": 3},
            "opacity": 0,
        },
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 0}},
        hovertemplate="true %{y}, answered %{x}: %{customdata[2]}<extra></extra>",
        showlegend=False,
    )
    drawn.update_layout(
        clickmode="event+select",
        dragmode=False,
        hovermode="closest",
        xaxis={"range": [-0.5, len(names) - 0.5], "showgrid": False},
        yaxis={"range": [len(names) - 0.5, -0.5], "autorange": False, "showgrid": False},
        annotations=[
            _count(*one, of=max(1, sum(counts[names.index(one[1])])), dark=dark)
            for one in cells
            if one[2]
        ],
    )
    drawn.data[0].texttemplate = ""
    return drawn


def _count(answered: str, true: str, n: int, *, of: int, dark: bool) -> dict[str, Any]:
    """The number in a cell."""
    light_text = dark or n / of >= FULL
    return {
        "x": answered,
        "y": true,
        "text": str(n),
        "showarrow": False,
        "font": {"color": LIGHT_TEXT if light_text else DARK_TEXT, "size": 14},
    }


def _prime(report: Mapping[str, Any]) -> None:
    """Begin with the most frequent mistake; forget classes this run does not have."""
    names, counts = report["classes"], report["confusion"]
    known = st.session_state.get(TRUE) in names and st.session_state.get(ANSWERED) in names
    if known:
        return
    n = len(names)
    wrong = [(counts[i][j], -i, -j) for i in range(n) for j in range(n) if i != j]
    count, i, j = max(wrong) if wrong else (0, 0, 0)
    st.session_state[TRUE] = names[-i]
    st.session_state[ANSWERED] = names[-j] if count else names[-i]


def _take() -> None:
    """A cell was clicked."""
    selection = st.session_state.get(CHART, {}).get("selection", {})
    for point in selection.get("points", []):
        found = point.get("customdata")
        if isinstance(found, list) and len(found) == 3:
            st.session_state[TRUE], st.session_state[ANSWERED] = str(found[0]), str(found[1])
