"""The gate on the Train page: a run in stages asks whether to open the next block."""

from __future__ import annotations

import streamlit as st

from tl_core.events import GateOpened
from tl_core.jobs.gains import COMPARISON, expected_gain
from tl_core.session import RunRow, Studio
from tl_ui import asking, state
from tl_ui.errors import shown_kindly
from tl_ui.text import esc_md, step_text
from tl_ui.texts import gate as text
from tl_ui.views.meaning import explained

__all__ = ["question", "to_the_question"]

LOOKED_BACK = 20  # comparisons of layers among which one of these pictures is looked for


def question(work: Studio, row: RunRow, asked: GateOpened) -> None:
    """What is asked, what is known about it, and the two answers."""
    with st.container(border=True, key="gate", gap="small"):
        st.subheader(esc_md(text.question(asked)), anchor=False)
        st.markdown(esc_md(text.reached(asked)))
        _expected(work, row, asked)
        st.markdown(esc_md(text.cost(asked)))
        with st.container(horizontal=True, vertical_alignment="center"):
            _answer(work, row, asked, text.OPEN, opened=True)
            _answer(work, row, asked, text.KEEP, opened=False)
            explained(text.meaning(asked), key=f"gate.why.{asked.stage}")
        st.caption(text.WAITS)


def to_the_question(held_by: RunRow) -> None:
    """The way to a run that waits for an answer, from what waits behind it."""
    st.page_link(
        step_text("train").path,
        label=text.ANSWER,
        icon=":material/contact_support:",
        query_params={state.PROJECT: held_by.project_id, state.RUN: held_by.id},
    )


def _expected(work: Studio, row: RunRow, asked: GateOpened) -> None:
    project = work.library.get(row.project_id)
    model = row.spec["model"]["name"]
    rows = work.queue.rows(project_id=project.id, kind=COMPARISON, limit=LOOKED_BACK)
    gain = expected_gain(
        rows,
        before=asked.before,
        after=asked.layers,
        data_version=project.data_version,
        model=model,
        run=row.id,
        spec=row.spec,
    )
    if gain is not None:
        st.markdown(esc_md(text.expected(gain)))
        return
    if active := next((one for one in rows if one.active), None):
        share, words = asking.share_of(work, active)
        st.progress(share, text=words)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(text.UNMEASURED, width="content")
        st.button(
            text.MEASURE,
            key=f"gate.measure.{asked.stage}",
            icon=":material/compare_arrows:",
            on_click=_measure,
            args=(work, row, asked),
        )


def _measure(work: Studio, row: RunRow, asked: GateOpened) -> None:
    before = "exact-head" if asked.before == "head" else asked.before
    work.ask(
        COMPARISON,
        row.project_id,
        run=row.id,
        candidates=[before, asked.layers],
        exhaustive=True,
    )


def _answer(work: Studio, row: RunRow, asked: GateOpened, label: str, *, opened: bool) -> None:
    st.button(
        label,
        key=f"gate.{'open' if opened else 'keep'}.{row.id}.{asked.stage}",
        type="primary" if opened else "secondary",
        icon=":material/lock_open:" if opened else ":material/lock:",
        on_click=_answered,
        args=(work, row.id, asked.stage, opened),
    )


def _answered(work: Studio, run_id: str, stage: int, opened: bool) -> None:
    with shown_kindly():
        work.answer_gate(run_id, stage, opened=opened)
        st.toast(text.closed(opened))
