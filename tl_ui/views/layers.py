"""The parts of the Layers page: the network as blocks, what the choice costs, and the way on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import streamlit as st

from tl_core.config import parse_layers
from tl_core.errors import TLError
from tl_core.models.facts import GroupFacts, groups_for
from tl_core.models.plan import FreezePlan
from tl_core.session import Studio
from tl_ui import asking, page, state
from tl_ui.components.network import network_blocks
from tl_ui.errors import show_error
from tl_ui.text import esc_md, step_text
from tl_ui.texts import layers as text
from tl_ui.views.drafted import Draft
from tl_ui.views.figures import Figure, figures
from tl_ui.views.waiting import until_over

__all__ = ["NEW_RUN", "blocks", "costs", "described", "go_on", "preset_of"]

NEW_RUN = "new"  # in place of a run's id: the settings as drafted


def described(draft: Draft) -> tuple[GroupFacts, ...]:
    """The network's blocks; the page waits here while an unknown network is looked into."""
    groups = groups_for(draft.card, max(2, len(draft.data.classes)))
    if not groups:
        _look_into(draft)
    return groups


def _look_into(draft: Draft) -> NoReturn:
    slot, name = "layers.describe", draft.card.name
    row = asking.started(draft.work, slot, kinds=("describe",), payload={"model": name})
    if row is not None and row.state in ("failed", "cancelled"):
        st.markdown(text.DESCRIBE_FAILED)
        show_error(row.error or {})
        st.button(text.PREVIEW_AGAIN, key="describe_again", on_click=asking.forget, args=(slot,))
        st.stop()
    if row is None or row.state == "finished":
        asking.remember(slot, draft.work.ask("describe", model=name))
        row = asking.started(draft.work, slot, kinds=("describe",))
    st.markdown(f"{text.DESCRIBING}: {esc_md(draft.card.title)}")
    if row is not None:
        asking.follow(draft.work, row.id, can_cancel=False)
    st.stop()


# -- the network -----------------------------------------------------------------------------------


def blocks(draft: Draft, groups: Sequence[GroupFacts]) -> FreezePlan:
    """The choice of blocks by preset or by clicking; returns the plan as it stands."""
    st.subheader(text.BLOCKS_TITLE, anchor=False, help=text.BLOCKS_HELP)
    plan = _plan(draft, len(groups))
    _presets(draft, plan)
    hint = text.BLOCKS_HINT_SCRATCH if plan.scratch else text.BLOCKS_HINT
    st.caption(hint)
    chosen = network_blocks(
        groups,
        plan.trainable,
        free=not plan.scratch,
        scratch=plan.scratch,
        key=f"blocks.{draft.project_id}.{draft.card.name}",
    )
    if chosen is not None:
        flags = tuple(index in chosen for index in range(len(groups)))
        draft.save({"freeze.layers": FreezePlan(flags).to_layers()})
        st.rerun()
    return plan


def _plan(draft: Draft, n_groups: int) -> FreezePlan:
    try:
        return FreezePlan.from_layers(draft.spec.freeze.layers, n_groups)
    except TLError:  # chosen for another network
        st.toast(text.FELL_BACK, icon=":material/layers:")
        draft.save({"freeze.layers": "head"})
        st.rerun()


def preset_of(layers: str) -> str:
    """The preset that a layer choice belongs to."""
    kind, numbers = parse_layers(layers)
    if kind == "last":
        return "last" if numbers[0] == 1 else "several"
    if kind == "first":
        return "first" if numbers[0] == 1 else "custom"
    return kind


def _presets(draft: Draft, plan: FreezePlan) -> None:
    body = len(plan.trainable) - 1
    preset = preset_of(plan.to_layers())
    names = {
        key: name
        for key, name in text.PRESETS.items()
        if (key != "several" or body > 2) and (key != "custom" or preset == "custom")
    }
    key = f"{draft.project_id}.preset"
    st.session_state[key] = preset
    st.segmented_control(
        text.PRESET,
        list(names),
        required=True,
        format_func=lambda one: names[one],
        key=key,
        label_visibility="collapsed",
        on_change=_take_preset,
        args=(draft, key),
    )
    if preset == "several":
        _how_many(draft, body, plan)
    st.markdown(text.PRESET_SENTENCES[preset])


def _take_preset(draft: Draft, key: str) -> None:
    layers = {"last": "last:1", "several": "last:2", "first": "first:1"}
    chosen = str(st.session_state.get(key) or "head")
    if chosen != "custom":
        draft.save({"freeze.layers": layers.get(chosen, chosen)})


def _how_many(draft: Draft, body: int, plan: FreezePlan) -> None:
    key = f"{draft.project_id}.several"
    st.session_state[key] = sum(plan.trainable) - 1
    st.segmented_control(
        text.HOW_MANY,
        list(range(2, body)),
        required=True,
        key=key,
        on_change=_take_how_many,
        args=(draft, key),
    )


def _take_how_many(draft: Draft, key: str) -> None:
    draft.save({"freeze.layers": f"last:{st.session_state[key]}"})


# -- what it costs ---------------------------------------------------------------------------------


def costs(draft: Draft, groups: Sequence[GroupFacts], plan: FreezePlan) -> None:
    """How much learns, how long it takes, how much memory it needs."""
    expected = draft.work.estimate(draft.project_id)
    trainable = plan.trainable_parameters(groups)
    parameters = sum(group.parameters for group in groups)
    measuring = expected.seconds is None and _measure(draft.work)
    train = draft.resolved.train
    epochs, batch, size = train.epochs or 0, train.batch_size or 0, train.image_size or 0
    figures(
        (
            Figure(
                text.LEARNS,
                text.learns_value(trainable, parameters),
                text.learns_words(trainable, parameters),
                text.LEARNS_HELP,
            ),
            Figure(
                text.TIME,
                text.time_value(expected.seconds),
                text.MEASURING if measuring else text.time_words(epochs, draft.data.n_train),
                text.TIME_HELP,
            ),
            Figure(
                text.MEMORY,
                text.memory_value(expected.memory_mb),
                text.memory_words(batch, size),
                text.MEMORY_HELP,
            ),
        ),
        key="costs",
    )


def _measure(work: Studio) -> bool:
    """Have the machine measured, once; whether that is going on."""
    slot = "layers.measure"
    row = asking.started(work, slot, kinds=("measure",))
    if row is None:
        asking.remember(slot, work.ask("measure"))
        row = asking.started(work, slot, kinds=("measure",))
    if row is None or not row.active:
        return False
    until_over(work, row.id)
    return True


# -- the way on ------------------------------------------------------------------------------------


def go_on() -> None:
    """The way on, to a new run with these settings."""
    st.space("small")
    with st.container(horizontal=True, horizontal_alignment="right"):
        clicked = st.button(
            text.NEXT,
            icon=":material/arrow_forward:",
            icon_position="right",
            type="primary",
            key="next_train",
        )
    if clicked:
        state.open_run(NEW_RUN)
        page.go(step_text("train"))
