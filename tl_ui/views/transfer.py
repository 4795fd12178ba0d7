"""Does transfer help? The control as a card: asked for, followed, gone on with, and told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from tl_core.session import Project, RunRow, Studio
from tl_core.worth.transfer import transfer_from_dict
from tl_ui import asking
from tl_ui.text import esc_md
from tl_ui.texts import transfer as text
from tl_ui.views.meaning import explained

__all__ = ["KIND", "card"]

KIND = "control"


def card(work: Studio, project: Project) -> None:
    """Where the control stands, and what it says."""
    row = next(iter(work.queue.rows(project_id=project.id, kind=KIND, limit=1)), None)
    st.subheader(text.TITLE, anchor="transfer")
    with st.container(border=True, key="transfer", gap="small"):
        if row is not None and row.result:
            _result(work, project, row.result)
        elif row is not None and row.active:
            st.markdown(text.INTRO)
            asking.follow(work, row.id)
        elif row is None:
            st.markdown(text.INTRO)
            _button(work, project, text.GO)
        else:
            _ended(work, project, row)


def _button(work: Studio, project: Project, label: str) -> None:
    st.caption(text.expected(work.control_seconds(project.id)))
    st.button(
        label,
        key="transfer.go",
        icon=":material/compare_arrows:",
        on_click=_start,
        args=(work, project.id),
    )


def _start(work: Studio, project_id: str) -> None:
    work.ask(KIND, project_id, model=work.draft(project_id).model.name)


def _ended(work: Studio, project: Project, row: RunRow) -> None:
    error = row.error or {}
    if row.state in ("cancelled", "interrupted") or error.get("code") == "cancelled":
        st.markdown(text.STOPPED)
        _button(work, project, text.GO_ON)
        return
    st.markdown(text.FAILED)
    if error:
        st.caption(esc_md(f"{error['message']} {error.get('hint', '')}".strip()))
    _button(work, project, text.AGAIN)


def _result(work: Studio, project: Project, result: Mapping[str, Any]) -> None:
    from tl_ui.worth_charts import transfer_figure

    found = transfer_from_dict(result["transfer"])
    first, *more = text.sentences(found)
    st.markdown(f"**{esc_md(first)}**")
    other = result["model"] != work.draft(project.id).model.name
    if other or result["data_version"] != project.data_version:
        st.info(text.STALE, icon=":material/update:")
        _button(work, project, text.AGAIN)
    st.plotly_chart(transfer_figure(found), key="transfer.bars", config={"displayModeBar": False})
    st.markdown("\n".join(f"- {esc_md(one)}" for one in more))
    st.caption(esc_md(text.how(result, found)))
    explained(text.meaning(found), key="transfer.meaning")
