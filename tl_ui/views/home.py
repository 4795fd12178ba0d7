"""The parts of the Home page: what Thaw is, the projects, the work going on, recent runs."""

from __future__ import annotations

import time
from collections.abc import Sequence

import streamlit as st

from tl_core.session import Project, RunRow, Studio
from tl_ui import asking, page, state
from tl_ui.errors import shown_kindly
from tl_ui.server.presence import routes_present
from tl_ui.text import esc_md, step_text
from tl_ui.texts import home as text
from tl_ui.texts import tasks
from tl_ui.texts.brought import card_line
from tl_ui.views import brought
from tl_ui.views.beginning import STRIP_STYLE

__all__ = ["at_work", "head", "projects", "recent_runs"]

STRIP = 5  # thumbnails on a project's card
WITH_STRIP = 12  # cards that show them
RUNS_SHOWN = 6
TICK_S = 1.0
PAGE_OF = {  # where a piece of work is looked at; the others on the Data page
    "train": "train",
    "advise": "model",
    "choose_layers": "layers",
    "compare_heads": "layers",
    "lr_find": "layers",
    "control": "evaluate",
    "learning_curve": "evaluate",
    "explain": "evaluate",
    "judge": "evaluate",
    "map": "evaluate",
    "familiar": "predict",
    "predict_many": "predict",
    "bring_bundle": "predict",
}


def head() -> None:
    """What Thaw is, in a line and a few sentences."""
    st.title(text.TITLE, anchor=False)
    st.markdown(text.LEAD)


# -- projects --------------------------------------------------------------------------------------


def projects(work: Studio, rows: Sequence[Project]) -> None:
    """A card per project, the one touched last first."""
    st.subheader(text.PROJECTS, anchor=False)
    latest: dict[str, RunRow] = {}
    for run in work.runs():
        latest.setdefault(run.project_id, run)
    with st.grid(min_column_width=300):
        for position, row in enumerate(rows):
            with st.container(border=True, height="stretch"):
                _card(work, row, latest.get(row.id), position)


def _card(work: Studio, row: Project, run: RunRow | None, position: int) -> None:
    badge = f" :blue-badge[{text.SAMPLE_BADGE}]" if row.sample else ""
    st.markdown(f"**{esc_md(row.name)}**{badge}")
    if position < WITH_STRIP and row.n_images and routes_present():
        st.html(STRIP_STYLE + _strip(work, row))
    st.caption(
        f"{text.size(row.n_images, row.n_classes)} · {text.ago(time.time() - row.updated_at)}"
    )
    bundle = work.brought(row.id)
    if run is None and bundle is not None:
        st.markdown(esc_md(card_line(bundle.classes)))
    else:
        _result(run)
    st.space("stretch")
    with st.container(horizontal=True):
        clicked = st.button(
            text.OPEN,
            type="primary" if position == 0 else "secondary",
            key=f"home.open.{row.id}",
        )
        chosen = st.menu_button(
            text.MENU, [text.RENAME, text.DELETE], key=f"home.more.{row.id}", type="tertiary"
        )
    if clicked:
        state.open_project(row.id)
        page.go(step_text(_where(work, row, run)))
    if chosen == text.RENAME:
        _rename(work, row)
    elif chosen == text.DELETE:
        _delete(work, row)


def _strip(work: Studio, row: Project) -> str:
    labels = [one.label for one in work.data(row.id).classes][:STRIP]
    each = -(-STRIP // max(1, len(labels)))
    found = [one for label in labels for one in work.images(row.id, label=label, limit=each)]
    cells = "".join(
        f'<img src="/thumb/{one.digest}/160.jpg" alt="" loading="lazy" width="160" height="160">'
        for one in found[:STRIP]
    )
    return f'<div class="thaw-strip">{cells}</div>'


def _result(run: RunRow | None) -> None:
    if run is None:
        st.markdown(text.NOT_TRAINED)
        return
    measured = text.measured(run.result)
    if measured is None:
        st.markdown(text.outcome(run.state))
        return
    where, value, likely = measured
    st.metric(where, value)
    st.caption(likely)


def _where(work: Studio, row: Project, run: RunRow | None) -> str:
    """The page that goes on with a project."""
    if not row.n_images and brought.there(work, row.id):
        return "predict"
    if not row.n_images or work.data(row.id).missing:
        return "data"
    if run is None:
        return "model"
    return "evaluate" if run.state == "finished" else "train"


@st.dialog(text.RENAME_TITLE)
def _rename(work: Studio, row: Project) -> None:
    with st.form("home.rename", border=False):
        name = st.text_input(text.RENAME_LABEL, row.name, max_chars=80)
        if not st.form_submit_button(text.RENAME_GO, type="primary"):
            return
    with shown_kindly():
        work.rename(row.id, name)
        st.rerun()


@st.dialog(text.DELETE_TITLE)
def _delete(work: Studio, row: Project) -> None:
    active = sum(one.project_id == row.id for one in work.active())
    st.markdown(f"**{esc_md(row.name)}**")
    st.markdown(text.deletion(row.n_images, len(work.runs(row.id)), active))
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(text.KEEP, key="home.keep"):
            st.rerun()
        if st.button(text.DELETE_GO, type="primary", key="home.delete"):
            work.delete(row.id)
            st.rerun()


# -- work and runs ---------------------------------------------------------------------------------


@st.fragment(run_every=TICK_S)
def at_work(work: Studio) -> None:
    """What is running or waiting, on any project; the page is drawn anew when something ends."""
    rows = sorted(work.active(), key=lambda row: (row.place or 0, row.created_at))
    seen = {row.id for row in rows}
    if state.memory("home.active", seen) - seen:
        state.remember("home.active", seen)
        st.rerun()
    state.remember("home.active", seen)
    if not rows:
        return
    st.subheader(text.WORKING, anchor=False)
    names = {one.id: one.name for one in work.projects()}
    for row in rows:
        _one_at_work(work, row, names.get(row.project_id, ""))


def _one_at_work(work: Studio, row: RunRow, project: str) -> None:
    what = row.name if row.kind == "train" else tasks.kind(row.kind)
    with st.container(border=True):
        words, button = st.columns([5, 1], vertical_alignment="center")
        with words:
            of = f" · {esc_md(project)}" if project else ""
            st.markdown(f"**{esc_md(what)}**{of}")
            if row.kind == "train" and row.state != "queued":
                view = state.follow_run(row.id)
                st.progress(view.share, text=text.training(view.share, row.state))
            else:
                share, how = asking.share_of(work, row)
                st.progress(share, text=how)
        target = PAGE_OF.get(row.kind, "data")
        if project and button.button(text.RUN_OPEN, key=f"home.work.{row.id}", width="stretch"):
            _look(row, target)


def recent_runs(work: Studio) -> None:
    """The latest training runs of all projects with what came out."""
    rows = [row for row in work.runs() if not row.active][:RUNS_SHOWN]
    if not rows:
        return
    st.subheader(text.RUNS, anchor=False)
    names = {one.id: one.name for one in work.projects()}
    with st.container(border=True):
        for row in rows:
            _one_run(row, names.get(row.project_id, ""))


def _one_run(row: RunRow, project: str) -> None:
    words, button = st.columns([6, 1], vertical_alignment="center")
    measured = text.measured(row.result)
    came = text.in_a_line(measured) if measured else text.outcome(row.state)
    when = text.ago(time.time() - (row.ended_at or row.created_at))
    words.markdown(f"**{esc_md(row.name)}** · {esc_md(project)}  \n{came} · {when}")
    if button.button(text.RUN_OPEN, key=f"home.run.{row.id}", width="stretch"):
        _look(row, "evaluate" if row.state == "finished" else "train")


def _look(row: RunRow, target: str) -> None:
    state.open_project(row.project_id)
    if row.kind == "train":
        state.open_run(row.id)
    page.go(step_text(target))
