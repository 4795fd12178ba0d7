"""The Data page once there are pictures: counts, two cards in short, and one of five views."""

from __future__ import annotations

import streamlit as st

from tl_core.session import DataView, Project, Studio
from tl_ui.text import esc_md
from tl_ui.texts import about_data as about
from tl_ui.texts import curation
from tl_ui.texts import data as text
from tl_ui.views import baseline, check, chooser, classes, left, parts, pictures, split
from tl_ui.views.meaning import explained

__all__ = ["cards", "closer", "overview"]

CARD_PX = 320  # least width of a card; narrower ones go below each other


def overview(work: Studio, project: Project, view: DataView) -> None:
    """The set in numbers, and what there is to know about it."""
    with st.container(gap="xxsmall"):
        with st.grid(6, min_column_width=95, key="data.numbers"):
            for label, number in (
                (text.N_PICTURES, view.n_images),
                (text.N_CLASSES, len(view.classes)),
                (text.PARTS["train"], view.n_train),
                (text.PARTS["val"], view.n_val),
                (text.PARTS["test"], view.n_test),
                (text.N_LEFT, view.n_quarantine + view.n_left_out),
            ):
                st.metric(label, f"{number:,}")
        explained(about.numbers(view), key="data.numbers.meaning")
    if warning := view.missing or curation.gaps(view.classes, view.given_splits):
        st.warning(esc_md(warning), icon=":material/warning:")
    if not work.curation.history(project.id):
        _taken_in(view)
        return
    with st.expander(text.TAKEN_IN):  # who has begun to change the set has read it
        _taken_in(view)


def cards(work: Studio, project: Project, view: DataView) -> None:
    """The instant baseline and the data check, side by side where there is room."""
    if view.missing:
        check.card(work, project)
        return
    with st.grid(2, min_column_width=CARD_PX):
        baseline.card(work, project, height="stretch")
        check.card(work, project)


def closer(work: Studio, project: Project, view: DataView, *, busy: bool) -> None:
    """One of five closer looks; ``busy`` says that pictures are coming in."""
    chosen = chooser.show(work, project)
    if chosen == "check":
        if busy:
            st.markdown(text.BUSY)
        else:
            check.look(work, project)
    elif chosen == "pictures":
        pictures.browse(work, project.id)
    elif chosen == "split":
        split.split(work, project, view)
    elif chosen == "left":
        left.left_out(work, project, view)
    else:
        _classes(view)
        classes.change(work, project, view)


def _taken_in(view: DataView) -> None:
    if view.notes:
        st.markdown("\n".join(f"- {esc_md(note)}" for note in view.notes))
    st.caption(text.ONE_LABEL)


def _classes(view: DataView) -> None:
    from tl_ui.charts import class_balance

    # the table on the right: its toolbar would cover the choice above it on the left
    left_side, right = st.columns(2, gap="medium")
    rows = view.classes
    with right:
        counts = [{"train": row.train, "val": row.val, "test": row.test} for row in rows]
        parts.table([row.label for row in rows], counts, key="data.table")
    largest = sorted(rows, key=lambda row: -row.total)[: text.BALANCE_MOST]
    with left_side:
        st.plotly_chart(
            class_balance(largest), key="data.balance", config={"displayModeBar": False}
        )
        if len(largest) < len(rows):
            st.caption(text.shortened(len(rows)))
        st.caption(esc_md(text.balance(rows)))
        explained(about.classes(view), key="data.classes.meaning")
