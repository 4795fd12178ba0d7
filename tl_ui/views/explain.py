"""Why the network answered so: the heat map with its check, near pictures, what blocks see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from PIL import Image

from tl_core.data.thumbs import ensure_thumb
from tl_core.errors import TLError
from tl_core.explain.drawing import laid_over
from tl_core.session import ImageRow, RunRow, Studio
from tl_ui import asking, state
from tl_ui.errors import show_error
from tl_ui.text import esc_md
from tl_ui.texts import about_explain as about
from tl_ui.texts import explain as text
from tl_ui.views.meaning import explained, headed

__all__ = ["offer", "section"]

OFFERED = 6  # pictures: one row
SQUARES = """<style>
:is(.st-key-explain-choice, .st-key-explain-near) img { aspect-ratio: 1; object-fit: cover; }
</style>"""
USUAL = 60  # per cent of the heat map's colour


def section(work: Studio, run: RunRow, rows: Sequence[ImageRow]) -> None:
    """The section of the Evaluate page: one of some pictures is chosen and explained.

    Args:
        work: The engine.
        run: Whose answers.
        rows: Pictures of the run; the first ones are offered.
    """
    headed(text.TITLE, about.reasons(), key="explain.meaning")
    rows = rows[:OFFERED]
    if not rows:
        st.caption(text.NOTHING)
        return
    st.caption(text.HINT)
    _choice(work, run, rows)
    chosen = state.memory(f"explain.{run.id}", None)
    if chosen in [row.digest for row in rows]:
        _panel(work, run, str(chosen))


def offer(work: Studio, run: RunRow, digest: str) -> None:
    """A button below an answer, and behind it the explanation."""
    key = f"explain.{run.id}.{digest}"
    if state.memory(key, None):
        _panel(work, run, digest)
        explained(about.reasons(), key=f"{key}.meaning")
    else:
        st.button(
            text.WHY,
            icon=":material/troubleshoot:",
            key=f"{key}.ask",
            on_click=state.remember,
            args=(key, True),
        )


def _choice(work: Studio, run: RunRow, rows: Sequence[ImageRow]) -> None:
    st.html(SQUARES)
    with st.container(key="explain-choice"), st.grid(min_column_width=110):
        for row in rows:
            with st.container(gap="xsmall"):
                try:
                    st.image(
                        str(ensure_thumb(work.home, row.digest, 160)), alt=row.path, width="stretch"
                    )
                except TLError:
                    continue
                st.button(
                    text.WHY,
                    key=f"explain.choose.{row.id}",
                    on_click=state.remember,
                    args=(f"explain.{run.id}", row.digest),
                    width="stretch",
                )


def _panel(work: Studio, run: RunRow, digest: str) -> None:
    """The explanation of one picture, asked for when it is not there."""
    method = st.segmented_control(
        text.METHOD,
        list(text.METHODS),
        default="gradcam",
        required=True,
        format_func=lambda one: text.METHODS[one],
        key=f"explain.method.{digest}",
    )
    wanted = {"run_id": run.id, "digest": digest, "method": method}
    row = asking.made_for(work, "explain", run.project_id, wanted, stops=())
    if row is None or row.state in ("stopped", "interrupted"):
        row = work.task(work.ask("explain", run.project_id, **wanted))
    if row.active:
        asking.follow(work, row.id)
        return
    body = row.result or {}
    there = all(Path(body.get(name, "")).is_file() for name in ("photo", "heat"))
    if row.error or not there:
        if row.error:
            show_error(row.error)
        st.button(
            text.AGAIN,
            key=f"explain.again.{digest}",
            on_click=_again,
            args=(work, run.project_id, wanted),
        )
        return
    with st.container(border=True, key="explain-panel", gap="small"):
        _map(body, digest)
        _near(work, body["neighbours"])
        _blocks(body["blocks"])


def _again(work: Studio, project_id: str, wanted: Mapping[str, Any]) -> None:
    work.ask("explain", project_id, **wanted)


def _map(body: Mapping[str, Any], digest: str) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        drawn = st.empty()
    with right:
        opacity = st.slider(text.OPACITY, 0, 100, USUAL, format="%d %%", key=f"explain.o.{digest}")
        st.markdown(esc_md(text.EMPTY if body["empty"] else text.map_of(body["target"])))
        said = esc_md(text.checked(body["sanity"]))
        if body["sanity"]["trusted"]:
            st.markdown(said)
        else:
            st.warning(said)
        if body["gap"] is not None:
            st.caption(text.gap(body["gap"]))
    over = laid_over(Image.open(body["photo"]), Image.open(body["heat"]), opacity / 100)
    drawn.image(over, width="stretch", alt=text.alt(str(body["target"])))


def _near(work: Studio, near: Mapping[str, Any]) -> None:
    st.markdown(f"**{text.NEAR}**")
    if near["none_near"]:
        st.warning(text.NONE_NEAR)
    with st.container(key="explain-near"), st.grid(min_column_width=110):
        for one in near["rows"]:
            with st.container(gap="xsmall"):
                try:
                    thumb = str(ensure_thumb(work.home, one["digest"], 160))
                except TLError:
                    continue
                st.image(thumb, alt=str(one["path"]), width="stretch")
                st.caption(esc_md(text.near(one["label"], one["distance"])))


def _blocks(blocks: Sequence[Mapping[str, Any]]) -> None:
    st.markdown(f"**{text.BLOCKS}**")
    st.caption(text.BLOCKS_HINT)
    with st.grid(min_column_width=110):
        for one in blocks:
            with st.container(gap="xsmall"):
                if Path(one["file"]).is_file():
                    st.image(one["file"], alt=f"{one['title']}: {one['knows']}", width="stretch")
                    st.caption(esc_md(f"{one['title']}: {one['knows']}"))
