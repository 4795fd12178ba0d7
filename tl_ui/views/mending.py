"""After mending pictures: train again from here, and hold the new run against this one."""

from __future__ import annotations

import streamlit as st

from tl_core.evaluate import comparison_words as words
from tl_core.jobs.comparing import Choice
from tl_core.jobs.mending import Mended
from tl_core.session import RunRow, Studio
from tl_ui import page, state
from tl_ui.errors import show_error, shown_kindly
from tl_ui.text import esc_md, step_text
from tl_ui.texts import about_mending as about
from tl_ui.texts import mending as text
from tl_ui.views import runs
from tl_ui.views.meaning import headed

__all__ = ["card"]

TICK_S = 1.0


def card(work: Studio, run: RunRow) -> None:
    """Where mending stands: what changed, the new run, and whether it helped."""
    found = work.mended(run)
    headed(text.TRAIN, about.again(), key="mending.meaning")
    with st.container(border=True, key="mending", gap="small"):
        if found.after is not None and found.after.active:
            st.markdown(text.RUNNING)
            _follow(work, found.after.id)
            if st.button(text.WATCH, key="mending.watch"):
                runs.to_train(found.after.id)
            return
        if found.after is not None:
            _result(work, run, found, found.after)
            return
        if not found.since or found.since.replaced:
            st.markdown(text.BEGIN)
            return
        _begin(work, run, found)


def _begin(work: Studio, run: RunRow, found: Mended) -> None:
    st.markdown(esc_md(text.changed(found)))
    if found.judging:
        st.info(text.judging(found.judging), icon=":material/balance:")
    _go(work, run, found)


def _go(work: Studio, run: RunRow, found: Mended) -> None:
    st.button(
        text.GO,
        type="primary",
        icon=":material/model_training:",
        key="mending.go",
        on_click=_start,
        args=(work, run),
    )
    if found.solved:
        st.caption(text.SOLVED)
    else:
        st.caption(esc_md(text.from_start(found.obstacle)) if found.obstacle else text.GO_ON)


def _start(work: Studio, run: RunRow) -> None:
    with shown_kindly():
        work.start_mended(run)


@st.fragment(run_every=TICK_S)
def _follow(work: Studio, run_id: str) -> None:
    """How far the new run is; the page is drawn again when it is over."""
    view = state.follow_run(run_id)
    if view.over:
        st.rerun()
    st.progress(view.share)


def _result(work: Studio, run: RunRow, found: Mended, after: RunRow) -> None:
    if (after.result or {}).get("val_accuracy") is None:
        st.markdown(f"**{text.FAILED}**")
        if after.error:
            show_error(after.error)
        _go(work, run, found)
        return
    names = {run.id: text.OLD, after.id: text.NEW}
    (pair,) = work.comparing.compare([after.id, run.id], split="val", reference=run.id).pairs
    said = words.verdict(pair, names)
    st.markdown(f"**{esc_md(said[0].upper() + said[1:])}**")
    lines = [words.numbers(pair, names)] if pair.verdict != "too few" else []
    lines += [words.left_out(pair)]
    st.markdown(f"{text.ON_VALIDATION}  \n" + "  \n".join(esc_md(one) for one in lines if one))
    st.caption(esc_md(text.since_new(found)) if found.newer else text.SAME_SET)
    with st.container(horizontal=True):
        if st.button(text.OPEN, type="primary", key="mending.open"):
            state.open_run(after.id)
            st.rerun()
        if st.button(text.CLOSELY, key="mending.compare"):
            both = (run.id, after.id)
            work.comparing.choose(run.project_id, Choice(runs=both, reference=run.id))
            page.go(step_text("compare"))
