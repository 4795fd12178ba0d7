"""Would more pictures help? Asked for with a button, kept per version of the pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from tl_core.session import Project, RunRow, Studio
from tl_core.worth.growth import Growth, growth_from_dict
from tl_ui import asking, state
from tl_ui.text import esc_md, step_text
from tl_ui.texts import growth as text
from tl_ui.views.meaning import explained

__all__ = ["KIND", "card", "link"]

KIND = "learning_curve"


def card(work: Studio, project: Project) -> None:
    """Where the measurement stands, and what it says."""
    row = next(iter(work.queue.rows(project_id=project.id, kind=KIND, limit=1)), None)
    st.subheader(text.TITLE, anchor="more-pictures")
    with st.container(border=True, key="growth", gap="small"):
        if row is None:
            st.markdown(text.INTRO)
            _button(work, project, text.GO)
        elif row.active:
            st.markdown(text.INTRO)
            asking.follow(work, row.id)
        elif row.result:
            _result(work, project, row, row.result)
        elif row.state in ("cancelled", "interrupted") or _stopped(row):
            st.markdown(text.STOPPED)
            _button(work, project, text.AGAIN)
        else:
            st.markdown(text.FAILED)
            if row.error:
                told = f"{row.error['message']} {row.error.get('hint', '')}".strip()
                st.caption(esc_md(told))
            _button(work, project, text.AGAIN)


def _stopped(row: RunRow) -> bool:
    return (row.error or {}).get("code") == "cancelled"


def link(work: Studio, project: Project) -> None:
    """The way to the card from a page where the question comes up; needs a finished run."""
    if work.progress_of(project.id)["evaluate"]:
        st.page_link(
            step_text("evaluate").path,
            label=text.LINK,
            icon=":material/trending_up:",
            query_params=state.query(),
        )


def _button(work: Studio, project: Project, label: str) -> None:
    st.button(
        label,
        key="growth.go",
        icon=":material/trending_up:",
        on_click=_start,
        args=(work, project.id),
    )


def _start(work: Studio, project_id: str) -> None:
    work.ask(KIND, project_id, model=work.draft(project_id).model.name)


def _result(work: Studio, project: Project, row: RunRow, result: Mapping[str, Any]) -> None:
    found = growth_from_dict(result["growth"])
    first, *more = text.sentences(found)
    st.markdown(f"**{esc_md(first)}**")
    for one in more:
        st.markdown(esc_md(one))
    other = result["model"] != work.draft(project.id).model.name
    if other or result["data_version"] != project.data_version:
        st.info(text.STALE, icon=":material/update:")
        _button(work, project, text.AGAIN)
    if found.overall.points:
        from tl_ui.worth_charts import growth_figure

        st.plotly_chart(
            growth_figure(found.overall), key="growth.curve", config={"displayModeBar": False}
        )
    st.caption(esc_md(text.how(result, found)))
    explained(text.meaning(found), key="growth.meaning")
    _classes(found)


def _classes(found: Growth) -> None:
    st.dataframe(
        {
            text.CLASS: [one.name for one in found.classes],
            text.COUNT: [one.pictures for one in found.classes],
            text.FOUND: [text.share(one, "now") for one in found.classes],
            text.THEN: [text.share(one, "twice") for one in found.classes],
        },
        column_config={
            text.FOUND: st.column_config.TextColumn(help=text.FOUND_HELP),
            text.THEN: st.column_config.TextColumn(help=text.THEN_HELP),
        },
        hide_index=True,
        width="stretch",
        key="growth.classes",
    )
    explained(text.meaning_classes(), key="growth.meaning.classes", label=text.ABOUT_CLASSES)
