"""How much of a score is luck: cross-validation of a run as a card, asked for with a button."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from tl_core.jobs.crossed import KIND, crossing_of, crossing_seconds
from tl_core.session import RunRow, Studio
from tl_core.worth.crossing import FOLDS, Crossing
from tl_ui import asking
from tl_ui.text import esc_md
from tl_ui.texts import crossing as text
from tl_ui.texts.numbers import interval
from tl_ui.views.meaning import explained

__all__ = ["card"]

FEW = 1000  # training and validation pictures up to which one split tells little
MORE = 4  # further divisions that narrow the interval
LOOKED_BACK = 50  # tasks among which that of the run is looked for


def card(work: Studio, run: RunRow) -> None:
    """Where the cross-validation of a run stands, and what it says."""
    row = _task(work, run)
    result = work.crossing(run.id)
    n = sum(one.split in ("train", "val") for one in work.snapshot(run.id).images)
    st.subheader(text.TITLE, anchor="luck")
    with st.container(border=True, key="crossing", gap="small"):
        if row is not None and row.active:
            st.markdown(text.INTRO)
            asking.follow(work, row.id)
        elif result is not None:
            _result(work, run, row, result)
        elif row is not None and row.state != "finished":
            _ended(run, work, row)
        elif n > FEW:
            st.markdown(text.many(n))
            with st.expander(text.OPEN):
                st.markdown(text.INTRO)
                _button(work, run, text.GO)
        else:
            st.markdown(text.INTRO)
            _button(work, run, text.GO)


def _task(work: Studio, run: RunRow) -> RunRow | None:
    rows = work.queue.rows(project_id=run.project_id, kind=KIND, limit=LOOKED_BACK)
    return next((one for one in rows if one.spec.get("run_id") == run.id), None)


def _button(work: Studio, run: RunRow, label: str, repeats: int = 1, done: int = 0) -> None:
    st.caption(text.expected(crossing_seconds(run, repeats=repeats - done)))
    st.button(
        label,
        key="crossing.go",
        icon=":material/casino:",
        on_click=_start,
        args=(work, run, repeats),
    )


def _start(work: Studio, run: RunRow, repeats: int) -> None:
    work.ask(KIND, run.project_id, run_id=run.id, folds=FOLDS, repeats=repeats)


def _ended(run: RunRow, work: Studio, row: RunRow) -> None:
    repeats = int(row.spec.get("repeats", 1))
    if _stopped(row):
        st.markdown(text.STOPPED)
        _button(work, run, text.GO_ON, repeats)
        return
    st.markdown(text.FAILED)
    if row.error:
        st.caption(esc_md(f"{row.error['message']} {row.error.get('hint', '')}".strip()))
    _button(work, run, text.AGAIN, repeats)


def _stopped(row: RunRow) -> bool:
    return row.state in ("cancelled", "interrupted") or (row.error or {}).get("code") == "cancelled"


def _result(work: Studio, run: RunRow, row: RunRow | None, result: Mapping[str, Any]) -> None:
    from tl_ui.crossing_chart import crossing_figure

    found = crossing_of(result)
    first, *more = text.sentences(found)
    st.markdown(f"**{esc_md(first)}**")
    st.plotly_chart(crossing_figure(found), key="crossing.parts", config={"displayModeBar": False})
    st.markdown("\n".join(f"- {esc_md(one)}" for one in more))
    st.caption(esc_md(text.how(result, found)))
    explained(text.meaning(found), key="crossing.meaning")
    _classes(found)
    if row is not None and row.state != "finished":
        _ended(run, work, row)
    elif found.repeats <= MORE:
        label = text.more(MORE)
        _button(work, run, label, repeats=found.repeats + MORE, done=found.repeats)


def _classes(found: Crossing) -> None:
    st.dataframe(
        {
            text.CLASS: [one.name for one in found.classes],
            text.COUNT: [one.pictures for one in found.classes],
            text.FOUND: [
                f"{100 * one.found.value:.0f} % ({interval([one.found.low, one.found.high])})"
                for one in found.classes
            ],
        },
        column_config={text.FOUND: st.column_config.TextColumn(help=text.FOUND_HELP)},
        hide_index=True,
        width="stretch",
        key="crossing.classes",
    )
    explained(text.meaning_classes(), key="crossing.meaning.classes", label=text.ABOUT_CLASSES)
