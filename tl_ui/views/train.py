"""The parts of the Train page: which run it shows, and what will run."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from tl_core.config import PROBES, RunSpec
from tl_core.jobs.gates import waits_at
from tl_core.models.catalog import is_downloaded
from tl_core.models.facts import groups_for
from tl_core.models.plan import FreezePlan
from tl_core.session import Project, RunRow, Studio
from tl_ui import state
from tl_ui.errors import shown_kindly
from tl_ui.text import esc_md, step_text
from tl_ui.texts import about_train as about
from tl_ui.texts import rates as rate_text
from tl_ui.texts import train as text
from tl_ui.views import gate, rates, runs
from tl_ui.views.meaning import explained

__all__ = ["bare", "chosen", "ready"]


def chosen(work: Studio, project: Project) -> RunRow | None:
    """The run to show, None for a new one: the address, else what is at work, else the last one
    when the settings are still those it ran with.
    """
    rows = work.runs(project.id)
    wanted = state.run_id()
    row = next((one for one in rows if one.id == wanted), None)
    if row is None and wanted != runs.NEW and rows:
        row = next((one for one in rows if one.active), None)
        if row is None and _same_settings(work, project, rows[0]):
            row = rows[0]
    if rows:
        state.open_run(row.id if row else runs.NEW)
        runs.pick(rows, row.id if row else runs.NEW, new=True)
    return row


def _same_settings(work: Studio, project: Project, row: RunRow) -> bool:
    return bare(work.resolved_draft(project.id)) == bare(RunSpec.from_dict(row.spec))


def bare(spec: RunSpec) -> RunSpec:
    """The settings without where they came from, to be compared."""
    return replace(spec, parent="", note="", goes_on=False, verdict="", remedy="")


# -- before the start ------------------------------------------------------------------------------


def ready(work: Studio, project: Project) -> None:
    """What will run, and the button that starts it."""
    st.subheader(text.READY_TITLE, anchor=False)
    with shown_kindly():
        _summary(work, project)
    _busy(work)
    st.caption(text.STAYS)
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.button(
            text.START_PROBE if work.draft(project.id).freeze.layers in PROBES else text.START,
            type="primary",
            icon=":material/play_arrow:",
            key="start",
            on_click=_start,
            args=(work, project.id),
        )


def _busy(work: Studio) -> None:
    """What a new run would wait for."""
    rows = [row for row in work.active() if row.lane == "train"]
    asks = next((row for row in rows if waits_at(work.log, row)), None)
    if asks is not None:
        st.info(text.BUSY_ASKS, icon=":material/schedule:")
        gate.to_the_question(asks)
    elif rows:
        st.info(text.BUSY, icon=":material/schedule:")


def _start(work: Studio, project_id: str) -> None:
    with shown_kindly():
        state.open_run(work.start(project_id))


def _summary(work: Studio, project: Project) -> None:
    spec, card = work.resolved_draft(project.id), work.card(project.id)
    data, expected = work.data(project.id), work.estimate(project.id)
    size = spec.train.image_size or card.input_px
    probe = spec.freeze.layers in PROBES
    cells = [
        (
            "model",
            text.NETWORK,
            card.title,
            text.weights_words(
                card.embedded,
                card.embedded or is_downloaded(card.name),
                "random" if spec.freeze.layers == "scratch" else spec.model.weights,
                card.download_mb,
            ),
        ),
        ("layers", text.PROBE if probe else text.BLOCKS, *_blocks_words(work, project, spec)),
        ("data", text.PICTURES, text.pictures_value(data), text.pictures_words(data, size)),
        (
            "layers",
            text.SOLVING if probe else text.TRAINING,
            text.training_value(expected),
            text.SOLVING_WORDS if probe else text.training_words(expected, spec.train.lr or 0.0),
        ),
    ]
    with st.grid(4, min_column_width=165, border=True, key="summary") as grid:
        for step, label, value, words in cells:
            with grid.cell(), st.container(gap="xsmall"):
                st.caption(label)
                st.markdown(f"**{esc_md(value)}**")
                st.caption(esc_md(words))
                st.page_link(step_text(step).path, label=text.CHANGE, query_params=state.query())
    if spec.train.block_rates and (each := rates.listed(spec, card)):
        st.caption(esc_md(rate_text.blocks_line(each)))
    explained(about.plan(probe=probe), key="summary.meaning")


def _blocks_words(work: Studio, project: Project, spec: RunSpec) -> tuple[str, str]:
    layers = spec.freeze.layers
    if layers in PROBES:
        return text.PROBE_NAMES[layers], text.PROBE_WORDS[layers]
    groups = groups_for(work.card(project.id), project.n_classes)
    if not groups:
        return layers, ""
    plan = FreezePlan.from_layers(layers, len(groups))
    titles = [group.title for group, on in zip(groups, plan.trainable, strict=True) if on]
    total = sum(group.parameters for group in groups)
    return (
        text.blocks_words(titles, plan.scratch),
        text.learns_words(plan.trainable_parameters(groups), total),
    )
