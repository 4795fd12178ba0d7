"""The Data page once there are pictures: counts, pictures, the split, what was left out."""

from __future__ import annotations

import csv
import io
import math

import streamlit as st

from tl_core.session import DataView, Project, Studio
from tl_ui import gallery
from tl_ui.text import esc_md
from tl_ui.texts import data as text
from tl_ui.views import check, split

__all__ = ["closer", "overview"]

SENTENCES_MOST = 30  # left-out files told in sentences; more go into a table


def overview(view: DataView) -> None:
    """The set in numbers, and what there is to know about it."""
    with st.grid(6, min_column_width=95):
        for label, number in (
            (text.N_PICTURES, view.n_images),
            (text.N_CLASSES, len(view.classes)),
            (text.PARTS["train"], view.n_train),
            (text.PARTS["val"], view.n_val),
            (text.PARTS["test"], view.n_test),
            (text.N_LEFT, view.n_quarantine),
        ):
            st.metric(label, f"{number:,}")
    if view.missing:
        st.warning(esc_md(view.missing), icon=":material/warning:")
    if view.notes:
        st.markdown("\n".join(f"- {esc_md(note)}" for note in view.notes))
    st.caption(text.ONE_LABEL)


def closer(work: Studio, project: Project, view: DataView) -> None:
    """One of four closer looks."""
    chosen = st.segmented_control(
        text.VIEW,
        list(text.VIEWS),
        default="classes",
        required=True,
        format_func=lambda one: text.VIEWS[one],
        label_visibility="collapsed",
        key="data.view",
        persist_state="session",
    )
    if chosen == "pictures":
        _pictures(work, project, view)
    elif chosen == "split":
        split.split(work, project, view)
    elif chosen == "left":
        _left(work, project)
    else:
        _classes(view)


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


def _pictures(work: Studio, project: Project, view: DataView) -> None:
    version = f"{project.id}.{project.data_version}"
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    labels = [row.label for row in view.classes]
    label = left.selectbox(
        text.CLASS,
        [None, *labels],
        format_func=lambda one: text.ALL_CLASSES if one is None else one,
        key=f"data.class.{version}",
    )
    split = right.segmented_control(
        text.PART,
        ["all", *text.PARTS],
        default="all",
        required=True,
        format_func=lambda one: text.PARTS.get(one, text.ALL_PARTS),
        key=f"data.part.{version}",
    )
    part = None if split in (None, "all") else split
    total = work.count(project.id, label, part)
    if not total:
        st.info(text.NOTHING_SHOWN)
        return
    pages = math.ceil(total / gallery.PER_PAGE)
    key = f"data.page.{version}.{label}.{part}"
    number = int(st.session_state.get(key, 1)) if pages > 1 else 1
    first = (min(number, pages) - 1) * gallery.PER_PAGE
    rows = work.images(project.id, label=label, split=part, offset=first, limit=gallery.PER_PAGE)
    st.caption(text.shown(first + 1, first + len(rows), total))
    gallery.grid(rows, {row.id: f"{row.label} · {text.PARTS[row.split].lower()}" for row in rows})
    if pages > 1:
        with st.container(horizontal_alignment="center"):
            st.pagination(pages, key=key)


def _left(work: Studio, project: Project) -> None:
    check.left_out_by_you(work, project)
    rows = work.quarantine(project.id)
    if not rows:
        st.markdown(text.NOTHING_LEFT)
        return
    st.markdown(text.left_out(len(rows)))
    if len(rows) <= SENTENCES_MOST:
        st.markdown("\n".join(f"- **{esc_md(row.file)}** {esc_md(row.reason)}." for row in rows))
    else:
        st.dataframe(
            {text.FILE: [row.file for row in rows], text.REASON: [row.reason for row in rows]},
            hide_index=True,
            key="data.left",
        )
    sink = io.StringIO()
    table = csv.writer(sink)
    table.writerow([text.FILE, text.REASON])
    table.writerows([_plain_cell(row.file), _plain_cell(row.reason)] for row in rows)
    st.download_button(
        text.CSV,
        sink.getvalue().encode("utf-8-sig"),  # the mark makes spreadsheets read it as UTF-8
        file_name=text.CSV_NAME,
        mime="text/csv",
        icon=":material/download:",
        key="data.csv",
    )


def _plain_cell(value: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@") else value
