"""The Data page once there are pictures: counts, pictures, the split, what was left out."""

from __future__ import annotations

import streamlit as st

from tl_core.config import DataConfig, limits_of
from tl_core.session import DataView, Project, Studio
from tl_ui.errors import shown_kindly
from tl_ui.text import esc_md
from tl_ui.texts import curation
from tl_ui.texts import data as text
from tl_ui.views import classes, history, left, pictures

__all__ = ["closer", "overview"]

CHOOSER = "data.view"


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
            key=CHOOSER,
            persist_state="session",
        )
        history.bar(work, project)
    if chosen == "pictures":
        pictures.browse(work, project.id)
    elif chosen == "split":
        _split(work, project, view)
    elif chosen == "left":
        left.left_out(work, project, view, chooser=CHOOSER)
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


def _split(work: Studio, project: Project, view: DataView) -> None:
    with st.grid(3, min_column_width=220):
        for part, number in (("train", view.n_train), ("val", view.n_val), ("test", view.n_test)):
            with st.container(border=True, height="stretch"):
                st.metric(text.PARTS[part], f"{number:,}")
                st.caption(text.PART_ROLES[part])
    words = text.given(view.given_splits)
    st.markdown(f"{words or text.HOW} {text.certainty(view.n_test)}")
    fixed = "train" in view.given_splits and "val" in view.given_splits
    if not fixed:
        _divide(work, project, view, test_given="test" in view.given_splits)


def _divide(work: Studio, project: Project, view: DataView, *, test_given: bool) -> None:
    now = view.config
    with st.form("data.divide"):
        columns = st.columns([2, 2, 1], gap="medium", vertical_alignment="top")
        shares = {}
        for name, label, why, column in (
            ("val_fraction", text.VAL_SHARE, text.VAL_HELP, columns[0]),
            ("test_fraction", text.TEST_SHARE, text.TEST_HELP, columns[1]),
        ):
            limits = limits_of(DataConfig, name)
            shares[name] = column.slider(
                label,
                round(limits["low"] * 100),
                round(limits["high"] * 100),
                round(getattr(now, name) * 100),
                step=5,
                format="%d %%",
                help=why,
                disabled=test_given and name == "test_fraction",
                key=f"data.{name}.{project.id}",
            )
        seed = columns[2].number_input(
            text.SEED, 0, 2**31 - 1, now.seed, help=text.SEED_HELP, key=f"data.seed.{project.id}"
        )
        clicked = st.form_submit_button(text.DIVIDE, key="data.go", icon=":material/shuffle:")
    if clicked:
        with shown_kindly():
            config = DataConfig(
                **{name: value / 100 for name, value in shares.items()}, seed=int(seed)
            )
            work.resplit(project.id, config)
            st.toast(text.DIVIDED, icon=":material/shuffle:")
            st.rerun()
