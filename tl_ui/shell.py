"""What is around every page: the mark, the open project, and a heartbeat of the work going on."""

from __future__ import annotations

import time

import streamlit as st

from tl_core.session import RunRow
from tl_ui import state, text
from tl_ui.text import esc_md
from tl_ui.texts import gate, tasks, train
from tl_ui.views import meaning

__all__ = ["frame"]

SHOWN = 4  # pieces of work named in the sidebar
BORN = time.time()  # of this server process
# The primary colour carries white text on buttons; as text itself it is too dark on a dark ground.
# Both colours are sent, as is a logo for both grounds: the system may change its theme at any time,
# and the page is not drawn anew for it. Buttons of number boxes fade into a colour they
# inherit, and some stop on the way in Chromium: they do not fade here.
STYLE = """<style>
button[data-selected='true'] p, [data-testid='stSliderThumbValue'] {
color: light-dark(#08608c, #7cc4ea); }
[data-testid='stNumberInputContainer'] button { transition: none; }
</style>"""


def frame() -> None:
    """Draw the mark and the sidebar; once per run of the script, before the page."""
    st.logo(text.LOGO, icon_image=text.MARK, size="large")
    st.html(STYLE + meaning.STYLE)
    with st.sidebar:
        opened = state.project()
        if opened is not None:
            _small(text.PROJECT)
            st.markdown(f"**{esc_md(opened.name)}**")
        _heartbeat()


@st.fragment(run_every="5s", key="thaw_heartbeat")
def _heartbeat() -> None:
    work = state.studio()
    if state.memory("server", BORN) != BORN:  # the session outlived a restart of the server
        state.remember("server", BORN)
        st.toast(text.SERVER_BACK, icon=":material/restart_alt:")
    rows = [row for row in work.active() if row.lane != "quick"]  # those are over in a moment
    if not rows:
        _small(text.NOTHING_RUNS)
    for row in rows[:SHOWN]:
        _one(row)
    if len(rows) > SHOWN:
        _small(f"and {text.plural(len(rows) - SHOWN, 'more task')} waiting")


def _one(row: RunRow) -> None:
    name = esc_md(row.name if row.kind == "train" else tasks.kind(row.kind))
    if row.place is not None:
        held_by = state.studio().held_by(row)
        where = gate.WAITS_BEHIND if held_by else f"number {row.place} in the queue"
        _small(f":material/schedule: {name}: {where}")
        return
    _small(f":material/progress_activity: {name}: {text.STATES[row.state]}")
    if row.kind == "train":
        view = state.follow_run(row.id)
        waits = view.gate is not None
        st.progress(view.share, text=gate.WAITS_FOR_YOU if waits else train.left(view))
        return
    known = state.studio().task_progress(row.id)
    if known and known[2]:
        st.progress(min(1.0, known[1] / known[2]), text=f"{known[1]:,} of {known[2]:,}")


def _small(words: str) -> None:
    """Small text at full contrast; a caption is too pale on the sidebar's ground."""
    st.markdown(f":small[{words}]")
