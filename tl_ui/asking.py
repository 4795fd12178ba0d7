"""Short work asked for by a page: one task per purpose, followed until it is over.

A purpose is called a slot ("data.import"). The task last started in a slot is remembered for the
session; after a refresh an active task of the same kind is found again in the store, so nothing
depends on the memory of a browser tab.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

import streamlit as st

from tl_core.errors import RunNotFoundError, RunStateError
from tl_core.session import RunRow, Studio
from tl_ui import state
from tl_ui.text import esc_md
from tl_ui.texts import gate
from tl_ui.texts import tasks as text

__all__ = ["follow", "forget", "made_for", "remember", "share_of", "started"]

TICK_S = 0.5
LOOKED_BACK = 50  # tasks of a kind among which the one that was made for something is looked for


def remember(slot: str, task_id: str) -> None:
    """Keep the task as the slot's; the one before is forgotten."""
    state.remember(f"task.{slot}", task_id)


def forget(slot: str) -> None:
    """Let go of the slot's task; it is not stopped."""
    state.remember(f"task.{slot}", None)


def started(
    work: Studio,
    slot: str,
    *,
    kinds: tuple[str, ...],
    project_id: str = "",
    payload: Mapping[str, Any] | None = None,
) -> RunRow | None:
    """The slot's task, in any state; else an active one found in the store.

    Args:
        work: The engine.
        slot: The purpose.
        kinds: Kinds of work that may fill the slot.
        project_id: Whose work; "" for work that belongs to no project.
        payload: What the task's spec must say, when several could be active at once.

    Returns:
        The task; None when there is none.
    """
    task_id = state.memory(f"task.{slot}", None)
    if task_id is not None:
        try:
            row = work.task(task_id)
        except RunNotFoundError:
            forget(slot)
        else:
            if row.project_id == project_id and _says(row, payload):
                return row
    for row in work.active():
        if row.kind in kinds and row.project_id == project_id and _says(row, payload):
            remember(slot, row.id)
            return row
    return None


def made_for(
    work: Studio, kind: str, project_id: str, wanted: Mapping[str, Any], *, stops: Collection[str]
) -> RunRow | None:
    """The newest task of a kind with exactly this spec, in any state.

    Args:
        work: The engine.
        kind: Of task.
        project_id: Whose.
        wanted: The spec.
        stops: States in which a task with another spec is stopped: nobody wants it any more.
    """
    rows = work.queue.rows(project_id=project_id, kind=kind, limit=LOOKED_BACK)
    for row in rows:
        if row.state in stops and row.spec != wanted:
            with suppress(RunStateError, RunNotFoundError):  # it has begun or ended this moment
                work.stop(row.id)
    return next((row for row in rows if row.spec == wanted), None)


def _says(row: RunRow, payload: Mapping[str, Any] | None) -> bool:
    return all(row.spec.get(key) == value for key, value in (payload or {}).items())


@st.fragment(run_every=TICK_S)
def follow(work: Studio, task_id: str, *, can_cancel: bool = True) -> None:
    """Draw how far an active task is, twice a second; reruns the page once when it is over.

    Draw it only while the task is active.
    """
    try:
        row = work.task(task_id)
    except RunNotFoundError:
        st.rerun()
    if not row.active:
        st.rerun()
    share, words = share_of(work, row)
    if not can_cancel:
        st.progress(share, text=words)
        return
    with st.container(horizontal=True, wrap=False, vertical_alignment="center"):
        st.progress(share, text=words)
        st.button(
            text.CANCEL,
            key=f"cancel.{task_id}",
            disabled=row.state == "stopping",
            on_click=_stop,
            args=(work, task_id),
        )


def share_of(work: Studio, row: RunRow) -> tuple[float, str]:
    """How much of an active task is done (0 to 1), and the same in words."""
    if row.state == "queued":
        held_by = work.held_by(row)
        return 0.0, gate.held(esc_md(held_by.name)) if held_by else text.waiting(row.place)
    if row.state == "stopping":
        return 1.0, text.CANCELLING
    progress = work.task_progress(row.id)
    if progress is None:
        return 0.0, f"{text.kind(row.kind)}…"
    stage, done, total = progress
    words = text.how_far(stage, done, total, megabytes=row.kind == "download")
    return (min(1.0, done / total) if total > 0 else 0.0), words


def _stop(work: Studio, task_id: str) -> None:
    try:
        work.stop(task_id)
    except (RunStateError, RunNotFoundError):
        return  # it ended a moment earlier; the next tick shows how
