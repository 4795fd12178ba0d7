"""The two ways to begin on the Home page: the sample, and a new project."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import streamlit as st

from tl_core.session import Studio
from tl_ui import page, state
from tl_ui.errors import shown_kindly
from tl_ui.text import step_text
from tl_ui.texts import brought as bundle
from tl_ui.texts import home as text
from tl_ui.views import brought

__all__ = ["STRIP_STYLE", "start"]

TILES = Path(__file__).resolve().parents[2] / "assets" / "sample_tiles"
TILE_PX = 96
PER_CLASS = 40  # as SampleOptions has it; that module needs numpy, which the first page does not
STRIP_STYLE = """<style>
.thaw-strip{display:grid;grid-auto-flow:column;grid-auto-columns:1fr;gap:.35rem;margin:0}
.thaw-strip img{width:100%;height:auto;aspect-ratio:1;object-fit:cover;border-radius:.45rem;
display:block;
background:color-mix(in srgb,currentColor 8%,transparent)}
.thaw-strip figure{margin:0;min-width:0}
.thaw-strip figcaption{font-size:.8rem;text-align:center;margin-top:.15rem;overflow:hidden;
text-overflow:ellipsis}
</style>"""


def start(work: Studio, *, first: bool) -> None:
    """The two ways to begin, side by side.

    Args:
        work: The engine.
        first: Nothing is here yet, so beginning is what the page is for.
    """
    if not first:
        st.subheader(text.START_MORE, anchor=False)
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        _sample(work, first=first)
    with right.container(border=True, height="stretch"):
        _new(work)
    with st.expander(bundle.TITLE, icon=":material/input:"):
        brought.form(work)


def _sample(work: Studio, *, first: bool) -> None:
    st.markdown(f"#### {text.SAMPLE_TITLE}")
    st.markdown(text.SAMPLE_BODY)
    st.html(STRIP_STYLE + _sample_strip())
    clicked = st.button(
        text.SAMPLE_GO,
        type="primary" if first else "secondary",
        icon=":material/play_arrow:",
        key="home.sample",
        width="stretch",
    )
    with st.expander(text.SAMPLE_OPTIONS, icon=":material/tune:"):
        options = _sample_options()
    if clicked:
        project, _ = work.start_sample_project(**options)
        state.open_project(project.id)
        page.go(step_text("data"))


def _sample_options() -> dict[str, Any]:
    per_class = st.slider(
        text.SAMPLE_PER_CLASS,
        10,
        200,
        PER_CLASS,
        step=10,
        help=text.SAMPLE_PER_CLASS_HELP,
        key="home.per_class",
        persist_state="session",
    )
    st.caption(text.SAMPLE_FAULTS)
    shares = {}
    for name, label, why in (
        ("wrong_labels", text.SAMPLE_WRONG, text.SAMPLE_WRONG_HELP),
        ("near_duplicates", text.SAMPLE_COPIES, text.SAMPLE_COPIES_HELP),
    ):
        shares[name] = st.slider(
            label,
            0,
            40,
            0,
            step=5,
            format="%d %%",
            help=why,
            key=f"home.{name}",
            persist_state="session",
        )
    shortcut = st.toggle(
        text.SAMPLE_SHORTCUT,
        help=text.SAMPLE_SHORTCUT_HELP,
        key="home.shortcut",
        persist_state="session",
    )
    lighting = st.toggle(
        text.SAMPLE_LIGHT, help=text.SAMPLE_LIGHT_HELP, key="home.light", persist_state="session"
    )
    return {
        "per_class": per_class,
        "wrong_labels": shares["wrong_labels"] / 100,
        "near_duplicates": shares["near_duplicates"] / 100,
        "shortcut": shortcut,
        "second_lighting": lighting,
    }


@st.cache_data(show_spinner=False)
def _sample_strip() -> str:
    """One tile per class of the sample, as HTML."""
    cells = []
    for path in sorted(TILES.glob("*.webp")):
        body = b64encode(path.read_bytes()).decode("ascii")
        cells.append(
            f'<figure><img src="data:image/webp;base64,{body}" alt="" width="{TILE_PX}" '
            f'height="{TILE_PX}"><figcaption>{path.stem}</figcaption></figure>'
        )
    return f'<div class="thaw-strip">{"".join(cells)}</div>'


def _new(work: Studio) -> None:
    st.markdown(f"#### {text.NEW_TITLE}")
    st.markdown(text.NEW_BODY)
    st.caption(text.NEW_FORMATS)
    with st.form("home.new", border=False):
        name = st.text_input(
            text.NEW_LABEL, max_chars=80, placeholder=text.NEW_PLACEHOLDER, key="home.name"
        )
        clicked = st.form_submit_button(
            text.NEW_GO, icon=":material/add:", key="home.create", width="stretch"
        )
    if clicked:
        made = None
        with shown_kindly():
            made = work.create(name)
        if made is not None:
            state.open_project(made.id)
            page.go(step_text("data"))
