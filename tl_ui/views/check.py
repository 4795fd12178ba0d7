"""The data check on the Data page: a card that says where it stands, and the view of its result."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from tl_core.check.findings import finding_from_dict
from tl_core.session import Project, RunRow, Studio
from tl_ui import asking
from tl_ui.text import esc_md
from tl_ui.texts import about_check as about
from tl_ui.texts import check as text
from tl_ui.views import chooser
from tl_ui.views.found import found
from tl_ui.views.meaning import headed

__all__ = ["KIND", "card", "look"]

KIND = "check"
CARD, VIEW = "check.go", "check.go.view"  # the button is in both, so it has two keys


def card(work: Studio, project: Project) -> None:
    """Where the check of this project's pictures stands, in short."""
    row = _latest(work, project)
    with st.container(
        border=True, key="check", gap="small", height="stretch", vertical_alignment="distribute"
    ):
        said = st.container(gap="small")
        title = text.title(row.result if row else None)
        if row is not None and row.result:
            with said:
                headed(title, about.card(), key="check.meaning", level="caption")
        else:
            said.caption(title, help=text.HELP)
        if row is None:
            said.markdown(text.UNCHECKED)
            said.caption(text.HARMLESS)
            _ask(work, project, CARD, text.GO, kind="primary")
        elif row.active:
            said.markdown(f"{text.CHECKING} {text.WAITS}")
            asking.follow(work, row.id)
        elif row.result is None:
            with said:
                _failed(row)
            _ask(work, project, CARD, text.AGAIN)
        else:
            with said:
                stale = _summary(project, row)
            _ways_on(work, project, row, stale=stale)


def look(work: Studio, project: Project) -> None:
    """What the last check found, with its pictures; or that there is none."""
    row = _latest(work, project)
    if row is None:
        st.markdown(f"{text.UNMADE} {text.UNCHECKED}")
        _ask(work, project, VIEW, text.GO)
    elif row.active:
        st.markdown(text.AT_WORK)
    elif row.result is None:
        _failed(row)
        _ask(work, project, VIEW, text.AGAIN)
    else:
        found(work, project, row)


def _latest(work: Studio, project: Project) -> RunRow | None:
    return next(iter(work.queue.rows(project_id=project.id, kind=KIND, limit=1)), None)


def _summary(project: Project, row: RunRow) -> bool:
    """The result in a few lines; whether it is of other pictures than those here now."""
    assert row.result is not None
    findings = [finding_from_dict(one) for one in row.result["findings"]]
    st.markdown(f"**{text.counted(findings)}**")
    stale = bool(row.result["data_version"] != project.data_version)
    if stale:
        st.markdown(f":material/update: {text.STALE}")
    elif titles := text.titles(findings):
        st.markdown("  \n".join(titles))
    return stale


def _ways_on(work: Studio, project: Project, row: RunRow, *, stale: bool) -> None:
    assert row.result is not None
    findings = row.result["findings"]
    with st.container(horizontal=True, gap="small"):
        if findings:
            st.button(
                text.LOOK,
                key="check.look",
                icon=":material/search:",
                type="secondary" if stale else "primary",
                on_click=chooser.turn,
                args=("check",),
            )
        if stale or not findings:
            _ask(work, project, CARD, text.AGAIN)


def _failed(row: RunRow) -> None:
    st.markdown(text.FAILED)
    if row.error:
        st.caption(esc_md(f"{row.error['message']} {row.error.get('hint', '')}".strip()))


def _ask(
    work: Studio,
    project: Project,
    key: str,
    label: str,
    kind: Literal["primary", "secondary"] = "secondary",
) -> None:
    st.button(
        label,
        key=key,
        icon=":material/fact_check:",
        type=kind,
        on_click=_start,
        args=(work, project.id),
    )


def _start(work: Studio, project_id: str) -> None:
    work.ask(KIND, project_id)
