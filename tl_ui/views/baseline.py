"""The instant baseline as a card: started by itself, kept per picture set and network."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, Literal

import streamlit as st

from tl_core.models.catalog import is_downloaded
from tl_core.session import Project, RunRow, Studio
from tl_ui import asking
from tl_ui.text import esc_md
from tl_ui.texts import about_data as about
from tl_ui.texts import baseline as text
from tl_ui.views.bar import BAR_STYLE, accuracy_bar
from tl_ui.views.meaning import headed

__all__ = ["KIND", "card"]

KIND = "baseline"
STYLE = """<style>
.thaw-base{display:flex;flex-wrap:wrap;align-items:center;gap:.2rem 1.2rem;margin:0}
.thaw-base strong{font-size:2.3rem;line-height:1.15;font-weight:700;letter-spacing:-.02em}
.thaw-base span{line-height:1.4}
.thaw-means{margin:0;font-size:.9rem;line-height:1.5;text-wrap:pretty}
</style>"""


def card(
    work: Studio, project: Project, *, height: Literal["content", "stretch"] = "content"
) -> None:
    """How far the chosen network gets on these pictures without training.

    Made in the background when it is not known for these pictures and this network. Draw it only
    when the set can be trained on. ``height`` "stretch" makes it as high as a card beside it.
    """
    model = work.draft(project.id).model
    wanted = {"model": model.name, "data_version": project.data_version}
    row = _known(work, project, wanted)
    with st.container(border=True, key="baseline", gap="small", height=height):
        if row is not None and row.result and model.weights == "pretrained":
            headed(text.TITLE, about.baseline(row.result), key="baseline.meaning", level="caption")
        else:
            st.caption(text.TITLE, help=text.HELP)
        if model.weights != "pretrained":
            st.markdown(text.NOT_OWN)
            return
        if row is None and not is_downloaded(model.name):
            st.markdown(text.NOT_HERE)
            return
        if row is None:
            row = _start(work, project, wanted)
        if row.active:
            st.markdown(f"{text.MAKING}. {text.WAITS}")
            asking.follow(work, row.id, can_cancel=False)
        elif row.result:
            _found(row.result)
        else:
            _failed(work, project, wanted, row)


def _known(work: Studio, project: Project, wanted: Mapping[str, Any]) -> RunRow | None:
    """The newest baseline of these pictures with this network, in any state.

    One that still waits and was for other pictures or another network is taken off the queue.
    """
    return asking.made_for(work, KIND, project.id, wanted, stops=("queued",))


def _start(work: Studio, project: Project, wanted: Mapping[str, Any]) -> RunRow:
    return work.task(work.ask(KIND, project.id, **wanted))


def _found(found: Mapping[str, Any]) -> None:
    bar = accuracy_bar(
        found["accuracy"], found["ci"], found["majority"], name=text.LARGEST, words=text.bar(found)
    )
    st.html(
        f'{STYLE}{BAR_STYLE}<p class="thaw-base"><strong>{escape(text.score(found))}</strong>'
        f"<span>{escape(text.right(found))}<br>{escape(text.likely(found))}</span></p>{bar}"
        f'<p class="thaw-means">{escape(text.meaning(found))}</p>'
    )


def _failed(work: Studio, project: Project, wanted: Mapping[str, Any], row: RunRow) -> None:
    cancelled = row.state == "cancelled" or (row.error or {}).get("code") == "cancelled"
    st.markdown(text.CANCELLED if cancelled else text.FAILED)
    if not cancelled and row.error:
        st.caption(esc_md(f"{row.error['message']} {row.error.get('hint', '')}".strip()))
    st.button(
        text.ASK if cancelled else text.AGAIN,
        key="baseline.again",
        on_click=_again,
        args=(work, project, wanted),
    )


def _again(work: Studio, project: Project, wanted: Mapping[str, Any]) -> None:
    _start(work, project, wanted)
