"""A closer look on the Evaluate page: all scores, one class with costs, kinds, confidence."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import streamlit as st

from tl_core.errors import TLError
from tl_core.evaluate.answers import Answers
from tl_core.evaluate.confidence import (
    FEWEST,
    believed,
    fitted_temperature,
    judged_sets,
    reliability,
)
from tl_core.evaluate.thresholds import Counted, Curves, as_answered, cheapest, counted, curves
from tl_core.session import ImageRow, RunRow, Studio
from tl_ui import asking, closer_charts, gallery, state
from tl_ui.errors import show_error
from tl_ui.text import esc_md
from tl_ui.texts import about_closer as about
from tl_ui.texts import closer as text
from tl_ui.texts.numbers import percent
from tl_ui.views.figures import Figure, figures
from tl_ui.views.meaning import headed

__all__ = ["look"]

SHOWN = 12  # pictures of a kind
MISS, BY_HAND, ERROR = "closer.miss", "closer.by_hand", "closer.error"
PLOT = {"displayModeBar": False, "scrollZoom": False}


def look(
    work: Studio, run: RunRow, report: Mapping[str, Any], pictures: Mapping[str, ImageRow]
) -> None:
    """The section with its views; the one chosen stays chosen."""
    st.subheader(text.TITLE, anchor="look-closer")
    answers = work.answers(run.id, report["split"])
    if "scores" not in report or answers is None:
        _judge_anew(work, run)
        return
    view = st.segmented_control(
        text.VIEW,
        list(text.VIEWS),
        default="scores",
        required=True,
        format_func=lambda one: text.VIEWS[one],
        key="closer.view",
        persist_state="session",
        label_visibility="collapsed",
    )
    with st.container(border=True, key="closer", gap="small"):
        if view == "scores":
            _scores(report)
        elif view == "class":
            _one_class(answers, work.answers(run.id, "val"), report["split"])
        elif view == "kinds":
            _kinds(report, pictures)
        else:
            _confidence(work, run, report, answers)
            _sets(answers, work.answers(run.id, "val"), report["split"])


def _judge_anew(work: Studio, run: RunRow) -> None:
    """What a run of an earlier version has not kept can be had after the fact."""
    wanted = {"run_id": run.id}
    row = asking.made_for(work, "judge", run.project_id, wanted, stops=())
    if row is not None and row.active:
        asking.follow(work, row.id)
        return
    st.markdown(text.OLD)
    if row is not None and row.error:
        show_error(row.error)
    if st.button(text.JUDGE, icon=":material/fact_check:", key="closer.judge"):
        work.ask("judge", run.project_id, **wanted)
        st.rerun()


def _scores(report: Mapping[str, Any]) -> None:
    headed(text.VIEWS["scores"], about.scores(report), key="closer.scores.meaning", level="bold")
    rows = text.score_rows(report)
    table = {key: [row[key] for row in rows] for key in text.COLUMNS}
    config = {key: st.column_config.Column(label) for key, label in text.COLUMNS.items()}
    st.dataframe(table, column_config=config, hide_index=True, width="stretch", key="all-scores")
    if words := text.grouped(report):
        st.caption(words)


# -- one class -------------------------------------------------------------------------------------


def _stamp(answers: Answers) -> str:
    """Changes with the answers: when they are corrected or judged anew."""
    body = sha256(answers.probabilities.tobytes())
    body.update(answers.labels.tobytes())
    return body.hexdigest()


@st.cache_data(show_spinner=False, max_entries=64)
def _curves(stamp: str, position: int, *, _answers: Answers) -> Curves:
    """The 500 redraws of the area's interval, not at every move of a slider."""
    return curves(_answers, position, _answers.units)


def _one_class(answers: Answers, val: Answers | None, split: str) -> None:
    headed(text.CLASS, about.one_class(), key="closer.class.meaning", level="bold")
    names = list(answers.classes)
    left, right = st.columns(2, gap="medium")
    label = left.selectbox(
        text.CLASS, names, key="closer.label", persist_state="session", label_visibility="collapsed"
    )
    miss = right.number_input(
        text.MISS,
        min_value=0.01,
        max_value=1000.0,
        value=1.0,
        step=1.0,
        format="%g",
        help=text.MISS_HELP,
        key=MISS,
        persist_state="session",
    )
    position = names.index(label)
    try:
        found = _curves(_stamp(answers), position, _answers=answers)
    except ValueError:
        st.info(text.NO_CURVE)
        return
    chosen_on = val if val is not None and split == "test" else answers
    best = cheapest(chosen_on, position, miss=miss, alarm=1.0)
    by_hand = st.toggle(text.OWN, key=BY_HAND, persist_state="session")
    if by_hand:
        best = st.slider(
            text.LINE, 0.0, 1.0, min(1.0, round(best, 2)), 0.01,
            key=f"closer.line.{position}",
        )  # fmt: skip
    now = counted(answers, position, best, miss=miss)
    st.markdown(esc_md(text.line_words(now, label, by_hand=by_hand)))
    _line_figures(now, as_answered(answers, position, miss=miss), miss)
    kind = st.segmented_control(
        text.CURVE,
        [text.ROC, text.PR],
        default=text.ROC,
        required=True,
        key="closer.curve",
        persist_state="session",
        label_visibility="collapsed",
    )
    st.plotly_chart(
        closer_charts.curve(found, now, roc=kind == text.ROC),
        key="closer.curve.chart",
        config=PLOT,
        alt=text.curve_words(found, label),
    )
    st.caption(esc_md(text.curve_words(found, label)))
    if chosen_on is answers:
        st.caption(text.SAME_PART)


def _line_figures(now: Counted, plain: Counted, miss: float) -> None:
    n_class, n_others, taken = now.hits + now.missed, now.alarms + now.passed, now.hits + now.alarms
    figures(
        [
            Figure(text.FOUND, text.share(now.found), text.likely(now.found, now.hits, n_class)),
            Figure(
                text.ALARMS,
                text.share(now.false_alarms),
                text.likely(now.false_alarms, now.alarms, n_others),
            ),
            Figure(
                text.PRECISION,
                text.share(now.precision),
                text.likely(now.precision, now.hits, taken),
            ),
            Figure(text.COST, text.number(now.cost), text.cost_words(now, plain, miss)),
        ],
        None,
        key="closer.line.figures",
        least_px=150,
    )


# -- kinds -----------------------------------------------------------------------------------------


def _kinds(report: Mapping[str, Any], pictures: Mapping[str, ImageRow]) -> None:
    headed(text.VIEWS["kinds"], about.kinds(), key="closer.kinds.meaning", level="bold")
    slices = report["slices"]
    if not slices:
        st.caption(text.NO_KINDS)
        return
    st.markdown(esc_md(text.kinds_sentence(slices)))
    rows = text.kind_rows(slices)
    table = {key: [row[key] for row in rows] for key in text.KINDS_COLUMNS}
    config: dict[str, Any] = {
        key: st.column_config.Column(label) for key, label in text.KINDS_COLUMNS.items()
    }
    config["share"] = st.column_config.ProgressColumn(
        text.KINDS_COLUMNS["share"], format="%d %%", min_value=0, max_value=100
    )
    st.dataframe(table, column_config=config, hide_index=True, width="stretch", key="kinds")
    at = st.selectbox(
        text.OPEN_KIND,
        range(len(slices)),
        format_func=lambda one: text.kind_name(slices[one]),
        key="closer.kind",
    )
    shown = [pictures[one] for one in slices[at]["images"] if one in pictures][:SHOWN]
    wrong = {one["image"]: one for one in report["mistakes"]}
    gallery.grid(
        shown,
        {row.id: text.kind_caption(wrong.get(str(row.id)), row.label) for row in shown},
    )


# -- confidence ------------------------------------------------------------------------------------


def _confidence(work: Studio, run: RunRow, report: Mapping[str, Any], answers: Answers) -> None:
    headed(text.RELIABILITY, about.reliability(), key="closer.reliability.meaning", level="bold")
    chart, words = st.columns([3, 2], gap="medium")
    with chart:
        st.plotly_chart(
            closer_charts.reliability(reliability(answers)),
            key="closer.reliability.chart",
            config=PLOT,
            alt=text.calibration_words(report),
        )
    with words:
        st.markdown(text.calibration_words(report))
        if error := state.memory(ERROR, None):
            show_error(error)
        now = work.temperature(run.id)
        if now != 1.0:
            st.markdown(text.CORRECTED.format(t=now))
            st.button(
                text.AS_TRAINED,
                icon=":material/undo:",
                key="closer.as_trained",
                on_click=work.confidence_as_trained,
                args=(run.id,),
            )
            return
        val = work.answers(run.id, "val")
        wanted = fitted_temperature(val) if val is not None else None
        if wanted is None:
            st.caption(text.FEW_TO_CORRECT.format(n=FEWEST))
            return
        if report["split"] == "test":
            st.caption(text.believed_words(believed(answers, wanted)))
        st.button(
            text.CORRECT,
            icon=":material/tune:",
            key="closer.correct",
            on_click=_correct,
            args=(work, run.id),
        )


def _correct(work: Studio, run_id: str) -> None:
    state.remember(ERROR, None)
    try:
        work.correct_confidence(run_id)
    except TLError as err:
        state.remember(ERROR, err.to_dict())


def _sets(answers: Answers, val: Answers | None, split: str) -> None:
    headed(text.SETS, about.sets(), key="closer.sets.meaning", level="bold")
    promised = st.segmented_control(
        text.PROMISE,
        list(text.PROMISES),
        default=0.9,
        required=True,
        format_func=percent,
        key="closer.promise",
        persist_state="session",
    )
    fitted_on = val if val is not None else answers
    found = judged_sets(fitted_on, answers, promised)
    if found is None:
        st.caption(text.NO_SETS.format(n=text.least_for(promised)))
        return
    st.markdown(text.sets_words(found, same_part=split == "val"))
    sizes = ", ".join(f"{text.size_words(size)}: {n}" for size, n in enumerate(found.sizes) if n)
    st.caption(sizes)
