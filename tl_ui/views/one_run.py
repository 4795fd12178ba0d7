"""What can be done with one run: name it, run it again, go on from its settings, judge it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from tl_core.config import RunSpec
from tl_core.jobs.comparing import RunFacts
from tl_core.jobs.naming import NAME_MOST, NOTE_MOST, TAGS_MOST
from tl_core.session import Project, Studio
from tl_ui import page, state
from tl_ui.errors import shown_kindly
from tl_ui.text import esc_md, step_text
from tl_ui.texts import compare as text
from tl_ui.views import runs, told
from tl_ui.views.compare import Chosen
from tl_ui.views.train import bare

__all__ = ["actions"]


def actions(work: Studio, project: Project, found: Sequence[RunFacts], picked: Chosen) -> None:
    """A run chosen among all, and what can be done with it."""
    st.subheader(text.ONE, anchor=False, help=text.ONE_HELP)
    rows = {one.id: one for one in found}
    first = picked.rows[-1].id if picked.rows else found[0].id
    with st.container(border=True):
        run_id = st.selectbox(
            text.ONE,
            list(rows),
            index=list(rows).index(first),
            format_func=lambda one: f"{picked.mark(one)} {picked.names[one]}".strip(),
            label_visibility="collapsed",
            key=f"compare.one.{project.id}",
        )
        one = rows[run_id]
        with st.container(horizontal=True):
            with st.popover(text.DESCRIBE, icon=":material/edit:"):
                _describe(work, one, found)
            with st.popover(text.AGAIN, icon=":material/replay:"):
                _again(work, one)
            if st.button(
                text.BRANCH, icon=":material/tune:", help=text.BRANCH_HELP, key="compare.branch"
            ):
                _branch(work, one)
            if st.button(text.JUDGE, icon=":material/fact_check:", key="compare.judge"):
                state.open_run(one.id)
                page.go(step_text("evaluate"))


def _describe(work: Studio, one: RunFacts, found: Sequence[RunFacts]) -> None:
    known = sorted({tag for other in found for tag in other.row.tags})
    with st.form(f"compare.describe.{one.id}", border=False):
        name = st.text_input(text.NEW_NAME, one.row.name, max_chars=NAME_MOST)
        tags = st.multiselect(
            text.NEW_TAGS,
            known,
            default=list(one.row.tags),
            accept_new_options=True,
            max_selections=TAGS_MOST,
            help=text.NEW_TAGS_HELP,
        )
        note = st.text_area(text.NEW_NOTE, one.row.note, max_chars=NOTE_MOST)
        kept = st.form_submit_button(text.KEEP, type="primary")
    if kept:
        with shown_kindly():
            work.comparing.describe(one.id, name=name, tags=tags, note=note)
            told.say(text.KEPT)
            st.rerun()


def _again(work: Studio, one: RunFacts) -> None:
    about = work.comparing.repeatable(one.row)
    for sentence in text.again(about):
        st.markdown(esc_md(sentence))
    changed = about.since is None or bool(about.since)
    with st.container(horizontal=True):
        if about.since is not None and st.button(
            text.AS_THEN if changed else text.START, type="primary", key=f"again.then.{one.id}"
        ):
            _start(work, one.id, as_then=True)
        if changed and st.button(text.AS_NOW_GO, key=f"again.now.{one.id}"):
            _start(work, one.id, as_then=False)


def _start(work: Studio, run_id: str, *, as_then: bool) -> None:
    new = ""
    with shown_kindly():
        new = work.comparing.repeat(run_id, as_then=as_then)
    if new:
        runs.to_train(new)


def _branch(work: Studio, one: RunFacts) -> None:
    """On to the Layers page with this run's settings."""
    work.save_draft(one.row.project_id, bare(RunSpec.from_dict(one.row.spec)))
    page.go(step_text("layers"))
