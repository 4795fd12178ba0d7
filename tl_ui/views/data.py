"""The Data page once there are pictures: counts, pictures, the split, what was left out."""

from __future__ import annotations

import streamlit as st

from tl_core.session import DataView, Project, Studio
from tl_ui.text import esc_md
from tl_ui.texts import curation
from tl_ui.texts import data as text
from tl_ui.views import classes, history, left, pictures, split

__all__ = ["closer", "overview"]


def overview(view: DataView) -> None:
    """The set in numbers, and what there is to know about it."""
    with st.grid(6, min_column_width=95):
        for label, number in (
            (text.N_PICTURES, view.n_images),
            (text.N_CLASSES, len(view.classes)),
            (text.PARTS["train"], view.n_train),
            (text.PARTS["val"], view.n_val),
            (text.PARTS["test"], view.n_test),
        ):
            st.metric(label, f"{number:,}")
        st.metric(
            text.N_LEFT,
            f"{view.n_quarantine + view.n_left_out:,}",
            help=curation.left_out_help(view.n_quarantine, view.n_left_out),
        )
    if warning := view.missing or curation.gaps(view.classes, view.given_splits):
        st.warning(esc_md(warning), icon=":material/warning:")
    if view.notes:
        st.markdown("\n".join(f"- {esc_md(note)}" for note in view.notes))
    st.caption(text.ONE_LABEL)


def closer(work: Studio, project: Project, view: DataView) -> None:
    """One of four closer looks."""
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        chosen = st.segmented_control(
            text.VIEW,
            list(text.VIEWS),
            default="classes",
            required=True,
            format_func=lambda one: text.VIEWS[one],
            label_visibility="collapsed",
            width="content",
            key=pictures.CHOOSER,
            persist_state="session",
        )
        history.bar(work, project)
    if chosen == "pictures":
        pictures.browse(work, project.id)
    elif chosen == "split":
        split.split(work, project, view)
    elif chosen == "left":
        left.left_out(work, project, view)
    else:
        _classes(view)
        classes.change(work, project, view)


def _classes(view: DataView) -> None:
    from tl_ui.charts import class_balance

    # the table on the right: its toolbar would cover the choice above it on the left
    chart, table = st.columns(2, gap="medium")
    rows = view.classes
    table.dataframe(
        {
            text.CLASS: [row.label for row in rows],
            text.TOTAL: [row.total for row in rows],
            text.PARTS["train"]: [row.train for row in rows],
            text.PARTS["val"]: [row.val for row in rows],
            text.PARTS["test"]: [row.test for row in rows],
        },
        hide_index=True,
        key="data.table",
    )
    largest = sorted(rows, key=lambda row: -row.total)[: text.BALANCE_MOST]
    with chart:
        st.plotly_chart(
            class_balance(largest), key="data.balance", config={"displayModeBar": False}
        )
        if len(largest) < len(rows):
            st.caption(text.shortened(len(rows)))
        st.caption(esc_md(text.balance(rows)))
