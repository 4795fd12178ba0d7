"""The confusion matrix whose cells open their pictures, by a click or by two lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from tl_core.evaluate.report import cell
from tl_core.session import ImageRow
from tl_ui import charts, gallery
from tl_ui.text import esc_md
from tl_ui.texts import evaluate as text

__all__ = ["figure", "matrix"]

CHART, TRUE, ANSWERED = "confusion.chart", "confusion.true", "confusion.answered"
SHOWN = 24  # pictures of one cell on the page


def matrix(report: Mapping[str, Any], pictures: Mapping[str, ImageRow]) -> None:
    """Draw the matrix and the pictures of the cell chosen."""
    st.subheader(text.CONFUSION, anchor=False, help=text.CONFUSION_HELP)
    _prime(report)
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.plotly_chart(
            figure(report),
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
        _pictures(report, pictures, true, answered)


def figure(report: Mapping[str, Any]) -> Any:
    """The matrix with a point in every cell: a heat map's own cells cannot be selected."""
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
        marker={"symbol": "square-open", "size": 26, "color": "#d9722e", "line": {"width": 3}},
        opacity=0,
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 0}},
        hovertemplate="true %{y}, answered %{x}: %{customdata[2]}<extra></extra>",
        showlegend=False,
    )
    drawn.update_layout(clickmode="event+select", dragmode=False, hovermode="closest")
    return drawn


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


def _pictures(
    report: Mapping[str, Any], pictures: Mapping[str, ImageRow], true: str, answered: str
) -> None:
    ids = cell(report, true, answered)
    if not ids:
        st.markdown(text.CELL_EMPTY)
        return
    st.markdown(text.cell_title(esc_md(true), esc_md(answered), len(ids)))
    sure = {one["image"]: text.sure(one["confidence"]) for one in report["mistakes"]}
    rows = [pictures[one] for one in ids if one in pictures][:SHOWN]
    gallery.grid(rows, {row.id: sure.get(str(row.id), row.path) for row in rows})
    if len(ids) > len(rows):
        st.caption(text.CELL_MORE.format(shown=len(rows), n=len(ids)))
