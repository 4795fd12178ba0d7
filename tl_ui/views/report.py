"""The report for colleagues on the Export page: with or without pictures, written, fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from tl_core.jobs.reported import KIND, report_file
from tl_core.session import RunRow, Studio
from tl_ui import asking
from tl_ui.errors import show_error
from tl_ui.server.presence import routes_present
from tl_ui.texts import report as text

__all__ = ["section"]

LINE_OF, MISS = "closer.label", "closer.miss"  # the line for one class, drawn on Evaluate


def section(work: Studio, run: RunRow) -> None:
    """What the report is, the switch for pictures, and the file once it is written."""
    st.subheader(text.TITLE, anchor="report")
    with st.container(border=True, key="report", gap="small"):
        st.markdown(text.INTRO)
        pictures = st.toggle(
            text.PICTURES,
            value=True,
            key="report.pictures",
            help=text.PICTURES_HELP,
            persist_state="session",
        )
        _made(work, run, pictures=pictures)
        st.caption(text.COMMAND_HINT)
        st.code(text.command(run.id, pictures=pictures), language=None, wrap_lines=True)


def _made(work: Studio, run: RunRow, *, pictures: bool) -> None:
    slot = f"report.{run.id}.{pictures}"
    row = asking.started(
        work,
        slot,
        kinds=(KIND,),
        project_id=run.project_id,
        payload={"run_id": run.id, "pictures": pictures},
    )
    if row is not None and row.active:
        asking.follow(work, row.id)
        return
    if row is not None and row.state == "failed":
        st.markdown(f"**{text.FAILED}**")
        show_error(row.error or {})
    path = report_file(work.home, run.id, pictures=pictures)
    there = path.is_file()
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.button(
            text.AGAIN if there else text.MAKE,
            icon=":material/refresh:" if there else ":material/description:",
            key="report.go",
            on_click=_ask,
            args=(work, run, slot, pictures),
        )
        if there:
            _download(run.id, path)


def _ask(work: Studio, run: RunRow, slot: str, pictures: bool) -> None:
    payload: dict[str, Any] = {"run_id": run.id, "pictures": pictures}
    label = st.session_state.get(LINE_OF)
    if label in work.snapshot(run.id).classes:
        payload |= {"label": label, "miss": float(st.session_state.get(MISS, 1.0))}
    asking.remember(slot, work.ask(KIND, run.project_id, **payload))


def _download(run_id: str, path: Path) -> None:
    label, icon = text.download(path.stat().st_size / 1e6), ":material/download:"
    if routes_present():
        st.link_button(label, f"/api/export/{run_id}/{path.name}", icon=icon)
        return
    st.download_button(
        label,
        data=path.read_bytes,
        file_name=path.name,
        mime="text/html",
        icon=icon,
        on_click="ignore",
        key="report.download",
    )
