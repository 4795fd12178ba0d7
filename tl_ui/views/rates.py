"""Learning rates on the Layers page: one found on the user's pictures, and that of each block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from tl_core.config import PARTS, PROBES, RunSpec, block_parts, changed
from tl_core.errors import TLError
from tl_core.jobs.rate_question import ask_rate, known_rate, rate_question
from tl_core.models.facts import GroupFacts, ModelCard
from tl_core.models.plan import FreezePlan
from tl_core.session import RunRow
from tl_core.train.blockrates import rates_of
from tl_ui import asking
from tl_ui.rate_chart import rate_figure
from tl_ui.text import esc_md
from tl_ui.texts import rates as text
from tl_ui.views.drafted import Draft
from tl_ui.views.meaning import explained

__all__ = ["ask", "blocks", "found", "listed"]

STEPS = 300  # of a test, three runs of a hundred; for the expected time alone


def ask(draft: Draft) -> None:
    """The button beside the learning rate; nothing once the answer is there or on its way."""
    if _row(draft) is not None:
        return
    st.button(
        text.FIND,
        key=f"{draft.project_id}.find_rate",
        icon=":material/query_stats:",
        on_click=_start,
        args=(draft,),
    )
    st.caption(text.expected(_seconds(draft)))


def found(draft: Draft) -> None:
    """How far the test is, or its curve with the suggestion."""
    row = _row(draft)
    if row is None:
        return
    with st.container(border=True, key="rate_found", gap="small"):
        st.markdown(f"**{text.TITLE}**")
        if row.active:
            asking.follow(draft.work, row.id)
        elif row.result:
            _shown(draft, row.result)
        else:
            _failed(draft, row)


def _shown(draft: Draft, result: Mapping[str, Any]) -> None:
    usual, value = float(draft.usual("train.lr")), result["found"]["rate"]
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.markdown(text.suggestion(result["found"], usual))
    if value is not None:
        used = draft.now("train.lr") == value
        right.button(
            text.IN_USE if used else text.use(value),
            key=f"{draft.project_id}.use_rate",
            icon=":material/check:" if used else None,
            disabled=used,
            width="stretch",
            on_click=draft.save,
            args=({"train.lr": value},),
        )
    st.plotly_chart(
        rate_figure(result, usual),
        key=f"{draft.project_id}.rate_curve",
        config={"displayModeBar": False},
    )
    st.caption(text.how(result))
    explained(text.meaning(result), key=f"{draft.project_id}.rate_meaning")


def _failed(draft: Draft, row: RunRow) -> None:
    cancelled = row.state == "cancelled" or (row.error or {}).get("code") == "cancelled"
    st.markdown(text.CANCELLED if cancelled else text.FAILED)
    if not cancelled and row.error:
        st.caption(esc_md(f"{row.error['message']} {row.error.get('hint', '')}".strip()))
    st.button(text.AGAIN, key=f"{draft.project_id}.find_rate_again", on_click=_start, args=(draft,))


def _wanted(draft: Draft) -> dict[str, Any]:
    project = draft.work.library.get(draft.project_id)
    return rate_question(draft.resolved, project.data_version)


def _row(draft: Draft) -> RunRow | None:
    return known_rate(draft.work.queue, draft.project_id, _wanted(draft))


def _start(draft: Draft) -> None:
    ask_rate(draft.work.queue, draft.project_id, _wanted(draft))


def _seconds(draft: Draft) -> float | None:
    """About how long the test takes, where a picture's cost is known."""
    expected = draft.work.estimate(draft.project_id)
    if expected.suffix_ms is None:
        return None
    batch = min(draft.now("train.batch_size") or 1, draft.data.n_train)
    prefix = 2 * draft.data.n_train * (expected.prefix_ms or 0.0)
    return (prefix + STEPS * batch * expected.suffix_ms) / 1000 + 2.0


# -- the rate of each block ------------------------------------------------------------------------


def blocks(draft: Draft, groups: Sequence[GroupFacts], plan: FreezePlan) -> None:
    """The rate of every open block, each to be changed; nothing where there is only one rate."""
    if not draft.pretrained_learn:
        return
    now = rates_of(draft.resolved.train, plan)
    by_hand = block_parts(draft.spec.train.block_rates)
    opened = [place for place, rate in enumerate(now[:-1]) if rate]
    with st.expander(text.BLOCKS):
        st.caption(text.BLOCKS_HINT)
        st.markdown(text.head_words(now[-1], len(groups) - 1 - len(opened)))
        with st.grid(3, min_column_width=240, gap="medium") as grid:
            for place in opened:
                with grid.cell():
                    _part(draft, groups[place].title, place, now, place in by_hand)
        if any(place in by_hand for place in opened):
            st.button(
                text.ALL_BY_RULE,
                key=f"{draft.project_id}.block_rates.usual",
                type="tertiary",
                icon=":material/undo:",
                on_click=draft.save,
                args=({"train.block_rates": ""},),
            )
        explained(text.BLOCKS_MEANING, key=f"{draft.project_id}.block_rates.meaning")


def listed(spec: RunSpec, card: ModelCard) -> list[str]:
    """Every open pretrained block of a run with its rate; [] where there is only one rate.

    Args:
        spec: Its settings, the learning rate decided.
        card: Its network; without described blocks nothing is listed.
    """
    layers = spec.freeze.layers
    if layers in PROBES or layers == "scratch" or not card.groups:
        return []
    try:
        plan = FreezePlan.from_layers(layers, len(card.groups))
    except TLError:  # the blocks are those of another network
        return []
    by_hand = block_parts(spec.train.block_rates)
    now = rates_of(spec.train, plan)
    return [
        text.block_line(card.groups[place].title, value, place in by_hand)
        for place, value in enumerate(now[:-1])
        if value
    ]


def _part(draft: Draft, title: str, place: int, now: Sequence[float], by_hand: bool) -> None:
    key = f"{draft.project_id}.block_rate.{place}"
    part = min(max(now[place] / now[-1], PARTS[0]), PARTS[1])
    st.session_state[key] = part
    st.number_input(
        text.part_label(title),
        min_value=PARTS[0],
        max_value=PARTS[1],
        step=max(PARTS[0], float(f"{part / 5:.0e}")),
        format="%.4f",
        key=key,
        on_change=_take_part,
        args=(draft, key, place),
    )
    st.caption(text.part_words(now[place], by_hand))


def _take_part(draft: Draft, key: str, place: int) -> None:
    """Keep a block's part; the rule's own part is no choice of the user's."""
    value = st.session_state.get(key)
    if value is None:
        return
    parts = block_parts(draft.spec.train.block_rates)
    parts[place] = float(f"{value:.4g}")
    rule = changed(draft.resolved, {"train.block_rates": ""})
    plan = FreezePlan.from_layers(draft.spec.freeze.layers, len(draft.card.groups))
    usual = rates_of(rule.train, plan)
    if abs(parts[place] * usual[-1] - usual[place]) < 1e-3 * usual[place]:
        del parts[place]
    words = ",".join(f"{at}:{part:g}" for at, part in sorted(parts.items()))
    draft.save({"train.block_rates": words})
