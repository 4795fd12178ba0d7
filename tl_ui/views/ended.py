"""A run that is over: how it ended, what it reached, and what can be done now."""

from __future__ import annotations

import streamlit as st

from tl_core.config import RunSpec
from tl_core.jobs.view import RunView
from tl_core.session import RunRow, Studio
from tl_ui import live, page, state
from tl_ui.errors import show_error, shown_kindly
from tl_ui.text import esc_md, step_text
from tl_ui.texts import train as text
from tl_ui.views import findings, history
from tl_ui.views.running import computed, headline
from tl_ui.views.train import bare

__all__ = ["over"]


def over(work: Studio, row: RunRow) -> None:
    """How the run ended, what it reached, and what can be done now."""
    view = state.follow_run(row.id)
    match row.state:
        case "finished":
            _finished(view)
        case "interrupted":
            st.warning(text.interrupted(view), icon=":material/power_off:")
            if row.error:
                st.caption(esc_md(row.error.get("message", "")))
        case "failed":
            show_error(row.error or {})
            st.caption(text.failed_where(view))
        case _:
            words = text.STOPPED_EARLY if row.started_at else text.CANCELLED
            st.info(words, icon=":material/event_busy:")
    history.since(work, row)
    if row.state == "finished" or view.history:
        headline(view)
        live.curves(view)
        computed(view)
    findings.draw(work, view, row)
    _details(work, row)
    _ways_on(work, view, row)


def _finished(view: RunView) -> None:
    if view.finished is not None:
        planned = view.started.epochs if view.started else view.finished.epochs
        words = text.solved(view) if view.is_probe else text.ended(view.finished, planned)
        st.success(words, icon=":material/check_circle:")


def _details(work: Studio, row: RunRow) -> None:
    with st.expander(text.SETTINGS):
        findings.settings_table(work, row.spec)
        with st.popover(text.DELETE, icon=":material/delete:"):
            st.markdown(text.DELETE_SURE)
            st.button(text.DELETE_YES, key="delete", on_click=_delete, args=(work, row.id))


def _delete(work: Studio, run_id: str) -> None:
    with shown_kindly():
        work.remove(run_id)
        state.open_run("")


def _ways_on(work: Studio, view: RunView, row: RunRow) -> None:
    st.space("small")
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(
            text.CHANGE_FIRST if row.state == "failed" else text.AGAIN,
            icon=":material/tune:",
            key="again",
        ):
            _other_settings(work, row)
        if row.state == "finished":
            if st.button(
                text.JUDGE,
                type="secondary" if findings.urgent(view, row) else "primary",
                icon=":material/arrow_forward:",
                icon_position="right",
                key="next_evaluate",
            ):
                page.go(step_text("evaluate"))
        elif row.state == "interrupted":
            st.button(
                text.RESUME,
                type="primary",
                icon=":material/play_arrow:",
                help=text.RESUME_HELP,
                key="resume",
                on_click=_resume,
                args=(work, row.id),
            )
        else:
            st.button(
                text.START_AGAIN,
                type="primary",
                icon=":material/replay:",
                key="start_again",
                on_click=_start_again,
                args=(work, row.id),
            )


def _resume(work: Studio, run_id: str) -> None:
    with shown_kindly():
        work.resume(run_id)


def _start_again(work: Studio, run_id: str) -> None:
    with shown_kindly():
        state.open_run(work.start_changed(run_id, {}))


def _other_settings(work: Studio, row: RunRow) -> None:
    """On to the Layers page with this run's settings, automatic ones kept automatic if they are."""
    spec = RunSpec.from_dict(row.spec)
    if bare(work.resolved_draft(row.project_id)) != bare(spec):
        work.save_draft(row.project_id, bare(spec))
    page.go(step_text("layers"))
