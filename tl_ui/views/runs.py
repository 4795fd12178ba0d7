"""Which run a page is about: from the address, from what is at work, or chosen in a list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from tl_core.errors import RunNotFoundError
from tl_core.session import RunRow, Studio
from tl_ui import page, state
from tl_ui.text import esc_md, step_text
from tl_ui.texts import runs as text

__all__ = ["NEW", "adopt", "judged", "known", "needs", "pick", "to_train", "zone"]

NEW = "new"  # in place of a run's id: the settings as they are now


def adopt(work: Studio) -> None:
    """Open the project that the run in the address belongs to. Call it before the page's head."""
    row = known(work, state.run_id())
    if row is None:
        return
    opened = state.project()
    if (opened is None or opened.id != row.project_id) and work.project(row.project_id) is not None:
        state.open_project(row.project_id)
        state.open_run(row.id)


def needs(work: Studio) -> tuple[str, ...]:
    """What the open project must have for a page about runs: pictures, unless there are runs.

    A run keeps its own list of pictures, so its result can be seen after the set has changed.
    """
    opened = state.project()
    return () if opened is not None and work.runs(opened.id) else ("data",)


def known(work: Studio, run_id: str) -> RunRow | None:
    """A training run by its id; None for anything else."""
    if not run_id or run_id == NEW:
        return None
    try:
        row = work.run(run_id)
    except RunNotFoundError:
        return None
    return row if row.kind == "train" else None


def pick(rows: Sequence[RunRow], chosen: str, *, new: bool = False) -> None:
    """A list of runs to choose from; the choice goes into the address. Draws nothing for one run.

    Args:
        rows: The runs, newest first.
        chosen: The one shown, or ``NEW``.
        new: Whether a new run is among the choices.
    """
    options = [NEW] * new + [row.id for row in rows]
    if len(options) < 2:
        return
    here = zone()
    names = text.distinct({row.id: text.line(row, here) for row in rows})
    st.session_state["run.pick"] = chosen if chosen in options else options[0]
    st.selectbox(
        text.PICK,
        options,
        format_func=lambda one: names.get(one, text.NEW),
        help=text.PICK_HELP,
        key="run.pick",
        on_change=_take,
    )


def _take() -> None:
    state.open_run(str(st.session_state.get("run.pick") or ""))


def zone() -> ZoneInfo | None:
    """The time zone of the browser; None when it is not known."""
    try:
        return ZoneInfo(st.context.timezone) if st.context.timezone else None
    except (ZoneInfoNotFoundError, ValueError):
        return None


def judged(
    work: Studio, project_id: str, *, usable: Callable[[RunRow], bool] | None = None
) -> RunRow:
    """The finished run a page is about, with a list to choose another; without one it stops.

    Args:
        work: The engine.
        project_id: Whose runs.
        usable: Which of the finished ones may be chosen; all when not given.
    """
    rows = [row for row in work.runs(project_id) if row.state == "finished"]
    rows = [row for row in rows if usable is None or usable(row)]
    if not rows:
        train = step_text("train")
        with st.container(border=True):
            st.markdown(f"**{text.NO_RUN}** {text.NO_RUN_HINT}")
            st.page_link(train.path, label=train.do, icon=train.icon, query_params=state.query())
        st.stop()
    wanted = state.run_id()
    row = next((one for one in rows if one.id == wanted), rows[0])
    if row.id != wanted:
        state.open_run(row.id)
    pick(rows, row.id)
    if len(rows) == 1:
        st.markdown(f"**{esc_md(text.line(row, zone()))}**")
    return row


def to_train(run_id: str) -> None:
    """Show a run on the Train page."""
    state.open_run(run_id)
    page.go(step_text("train"))
