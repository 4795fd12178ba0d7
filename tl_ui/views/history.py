"""The history of a set: undone, made again, gone back to; and what runs have to do with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from tl_core.jobs.curation import Change
from tl_core.session import Project, RunRow, Studio
from tl_ui.errors import shown_kindly
from tl_ui.text import esc_md
from tl_ui.texts import curation as text
from tl_ui.views import runs, told

__all__ = ["bar", "since"]


def bar(work: Studio, project: Project) -> None:
    """Undo, redo, and the list of changes; nothing before the first change."""
    history = work.curation.history(project.id)
    if not history:
        return
    done = [one for one in history if not one.undone]
    undone = [one for one in history if one.undone]
    with st.container(horizontal=True, gap="small", width="content"):
        st.button(
            text.UNDO,
            key="history.undo",
            icon=":material/undo:",
            help=esc_md(done[0].title) if done else None,
            disabled=not done,
            on_click=_step,
            args=(work, project.id, True),
        )
        if undone:
            st.button(
                text.REDO,
                key="history.redo",
                icon=":material/redo:",
                help=esc_md(undone[-1].title),
                on_click=_step,
                args=(work, project.id, False),
            )
        with st.popover(text.HISTORY, icon=":material/history:"):
            _list(work, project, history)


def since(work: Studio, run: RunRow) -> None:
    """One sentence when the set is not any more what the run was trained on."""
    found = work.versions.since(run.id, run.project_id)
    if found is not None and (words := text.since(found)):
        st.caption(words)


def _list(work: Studio, project: Project, history: Sequence[Change]) -> None:
    here = next((one.number for one in history if not one.undone), 0)
    used = work.versions.used(project.id)
    names = _names(work, project)
    zone = runs.zone()
    for one in history[: text.SHOWN]:
        mark = text.GONE if one.undone else text.NOW if one.number == here else ""
        about = text.about_change(one.at, zone, one.pictures)
        _state(
            work, project, one.number, here, one.title, about, mark, _used(used, names, one.number)
        )
    if len(history) > text.SHOWN:
        st.caption(text.earlier(len(history) - text.SHOWN))
    mark = text.NOW if here == 0 else ""
    _state(work, project, 0, here, text.BROUGHT, "", mark, _used(used, names, 0))
    _elsewhere(work, project, [one for one in used.get(-1, []) if one in names], names)


def _state(
    work: Studio,
    project: Project,
    number: int,
    here: int,
    title: str,
    about: str,
    mark: str,
    used: str,
) -> None:
    row = _row()
    left = row.container(gap=None)
    head = f"**{esc_md(title)}**" if number == here else esc_md(title)
    left.markdown(f"{head} :gray-badge[{mark}]" if mark else head)
    below = " · ".join(part for part in (about, used) if part)
    if below:
        left.caption(esc_md(below))
    if number != here:
        row.button(
            f":blue[{text.BACK if number < here else text.FORTH}]",
            key=f"history.to.{number}",
            type="tertiary",
            on_click=_go_to,
            args=(work, project.id, number),
        )


def _row() -> DeltaGenerator:
    """What is said on the left, a button of its own width on the right, also on a phone."""
    return st.container(horizontal=True, wrap=False, vertical_alignment="center", gap="small")


def _elsewhere(
    work: Studio, project: Project, found: Sequence[str], names: Mapping[str, str]
) -> None:
    if not found:
        return
    st.caption(text.ELSEWHERE)
    for run_id in found[: text.ELSEWHERE_SHOWN]:
        row = _row()
        row.markdown(esc_md(names[run_id]))
        row.button(
            f":blue[{text.AGAIN}]",
            key=f"history.as.{run_id}",
            type="tertiary",
            on_click=_as_run,
            args=(work, project.id, run_id, names[run_id]),
        )


def _names(work: Studio, project: Project) -> dict[str, str]:
    zone = runs.zone()
    rows = work.runs(project.id)
    return {row.id: f"{row.name}, {text.when(row.created_at, zone)}" for row in rows}


def _used(used: Mapping[int, Sequence[str]], names: Mapping[str, str], number: int) -> str:
    found = [names[run_id] for run_id in used.get(number, ()) if run_id in names]
    return text.used(found) if found else ""


def _step(work: Studio, project_id: str, back: bool) -> None:
    curation = work.curation
    title = curation.undo(project_id) if back else curation.redo(project_id)
    if title:
        told.say(text.undone(title) if back else text.redone(title), ":material/undo:")


def _go_to(work: Studio, project_id: str, number: int) -> None:
    steps = work.curation.go_to(project_id, number)
    told.say(text.stepped(steps), ":material/history:")


def _as_run(work: Studio, project_id: str, run_id: str, name: str) -> None:
    with shown_kindly():
        pictures = work.snapshot(run_id).images
        title = text.as_run(name)
        work.curation.as_it_was(project_id, pictures, title=title)
        told.say(title, ":material/history:")
