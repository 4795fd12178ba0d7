"""What is not in the set: pictures the user left out, and files that could not be used."""

from __future__ import annotations

import streamlit as st

from tl_core.plain_table import as_csv
from tl_core.session import DataView, Project, Studio
from tl_ui.text import esc_md
from tl_ui.texts import curation as text
from tl_ui.views import pictures

__all__ = ["left_out"]

SENTENCES_MOST = 30  # left-out files told in sentences; more go into a table


def left_out(work: Studio, project: Project, view: DataView) -> None:
    """Both, each with the way on."""
    if view.n_left_out:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(text.left_out_by_you(view.n_left_out), width="content")
            st.button(
                text.LOOK,
                key="left.look",
                icon=":material/photo_library:",
                on_click=pictures.turn_to,
                args=(project.id, "left"),
            )
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
    st.download_button(
        text.CSV,
        as_csv([text.FILE, text.REASON], [(row.file, row.reason) for row in rows]),
        file_name=text.CSV_NAME,
        mime="text/csv",
        icon=":material/download:",
        key="data.csv",
    )
