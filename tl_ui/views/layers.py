"""The parts of the Layers page: the network as blocks, what the choice costs, and the way on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

import streamlit as st

from tl_core.config import parse_layers
from tl_core.errors import TLError
from tl_core.models.facts import GroupFacts, groups_for
from tl_core.models.plan import FreezePlan
from tl_ui import asking, page, state
from tl_ui.components.network import network_blocks
from tl_ui.errors import show_error
from tl_ui.text import esc_md, step_text
from tl_ui.texts import about_layers as about
from tl_ui.texts import gate
from tl_ui.texts import layers as text
from tl_ui.views import drafted
from tl_ui.views.drafted import Draft
from tl_ui.views.figures import Figure, figures
from tl_ui.views.meaning import headed
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
    headed(text.BLOCKS_TITLE, about.blocks(), key="blocks.meaning")
    plan = _plan(draft, len(groups))
    _presets(draft, plan)
    probe = draft.spec.freeze.layers if draft.is_probe else ""
    st.caption(_hint(plan, probe))
    chosen = network_blocks(
        groups,
        plan.trainable,
        free=not plan.scratch and not probe,
        scratch=plan.scratch,
        probe=probe,
        key=f"blocks.{draft.project_id}.{draft.card.name}",
    )
    if chosen is not None:
        flags = tuple(index in chosen for index in range(len(groups)))
        draft.save({"freeze.layers": FreezePlan(flags).to_layers()})
        st.rerun()
    return plan


def _hint(plan: FreezePlan, probe: str) -> str:
    if probe:
        return text.BLOCKS_HINT_PROBE[probe]
    return text.BLOCKS_HINT_SCRATCH if plan.scratch else text.BLOCKS_HINT


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
    preset = draft.spec.freeze.layers if draft.is_probe else preset_of(plan.to_layers())
    trained = {
        key: name
        for key, name in text.PRESETS.items()
        if (key != "several" or body > 2) and (key != "custom" or preset == "custom")
    }
    with st.container(horizontal=True, gap="small"):
        _group(draft, "probe", text.SOLVED, text.SOLVED_HELP, text.PROBES, preset)
        _group(draft, "preset", text.TRAINED, text.TRAINED_HELP, trained, preset)
    if preset == "several":
        _how_many(draft, body, plan)
    st.markdown(text.PRESET_SENTENCES[preset])
    if preset in ("last", "several", "all") and draft.pretrained_learn:
        drafted.choice(draft, "freeze.stages", gate.STAGES, gate.STAGE_NAMES, help=gate.STAGES_HELP)


def _group(
    draft: Draft, name: str, label: str, about: str, names: Mapping[str, str], preset: str
) -> None:
    """One of the two groups of presets; in the other one nothing is chosen."""
    key = f"{draft.project_id}.{name}"
    st.session_state[key] = preset if preset in names else None
    st.segmented_control(
        label,
        list(names),
        format_func=lambda one: names[one],
        help=about,
        key=key,
        width="content",
        on_change=_take_preset,
        args=(draft, key),
    )


def _take_preset(draft: Draft, key: str) -> None:
    layers = {"last": "last:1", "several": "last:2", "first": "first:1"}
    chosen = st.session_state.get(key)  # None: the chosen one was clicked, and stays chosen
    if chosen not in (None, "custom"):
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
    probe = draft.is_probe
    trainable = 0 if probe else plan.trainable_parameters(groups)
    parameters = sum(group.parameters for group in groups)
    measuring = expected.prefix_ms is None and _measure(draft)
    train = draft.resolved.train
    batch, size = train.batch_size or 0, train.image_size or 0
    n_train = draft.data.n_train
    pace = text.solved_words(n_train) if probe else text.time_words(expected, n_train)
    figures(
        (
            Figure(
                text.LEARNS,
                text.learns_value(trainable, parameters),
                text.PROBE_LEARNS if probe else text.learns_words(trainable, parameters),
            ),
            Figure(
                text.TIME,
                text.time_value(expected),
                _pace(pace, measuring=measuring, known=expected.seconds is not None),
            ),
            Figure(
                text.MEMORY,
                text.memory_value(expected.memory_mb),
                text.memory_words(batch, size, probe=probe),
            ),
        ),
        about.costs(probe=probe),
        key="costs",
    )
    kept = train.cache and draft.keeps_a_prefix
    if not probe and (words := text.engine_words(expected, kept=kept)):
        st.caption(words)


def _pace(words: str, *, measuring: bool, known: bool) -> str:
    if not measuring:
        return words
    return text.MEASURING_BETTER if known else text.MEASURING


def _measure(draft: Draft) -> bool:
    """Have a picture's cost measured for this network and choice; whether that is going on."""
    slot, wanted, work = "layers.measure", _cost_of(draft), draft.work
    row = asking.started(work, slot, kinds=("measure",), payload={"wanted": wanted})
    if row is None:
        for other in work.active():
            if other.kind == "measure" and other.state == "queued":
                work.stop(other.id)  # nobody waits for that choice any more
        task_id = work.ask(
            "measure",
            spec=draft.resolved.to_dict(),
            n_classes=max(2, len(draft.data.classes)),
            wanted=wanted,
        )
        asking.remember(slot, task_id)
        row = work.task(task_id)
    if not row.active:
        return False
    until_over(work, row.id)
    return True


def _cost_of(draft: Draft) -> str:
    """What a picture's cost depends on, as one string."""
    spec = draft.resolved
    train = spec.train
    return f"{spec.model.name} {spec.freeze.layers} {train.image_size} {train.batch_size}"


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
