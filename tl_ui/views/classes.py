"""Changes to whole classes: another name, several made one, left out."""

from __future__ import annotations

import streamlit as st

from tl_core.data.naming import class_name
from tl_core.session import ClassRow, DataView, Project, Studio
from tl_ui.errors import shown_kindly
from tl_ui.text import esc_md
from tl_ui.texts import curation as text
from tl_ui.views import told

__all__ = ["change"]


def change(work: Studio, project: Project, view: DataView) -> None:
    """Rename, merge or leave out classes."""
    with st.container(border=True, key="classes"):
        st.subheader(text.CHANGE, anchor=False)
        chosen = st.segmented_control(
            text.CHANGE,
            list(text.CHANGES),
            default="rename",
            required=True,
            format_func=lambda one: text.CHANGES[one],
            label_visibility="collapsed",
            key="classes.change",
            persist_state="session",
        )
        if chosen == "merge":
            _merge(work, project, view)
        elif chosen == "leave":
            _leave(work, project, view)
        else:
            _rename(work, project, view)
        st.caption(text.CHANGE_NOTE)


def _rename(work: Studio, project: Project, view: DataView) -> None:
    left, right = st.columns(2)
    with left:
        row = _one(project, view, "rename")
    typed = right.text_input(
        text.NEW_NAME, max_chars=80, key=f"classes.name.{project.data_version}.{row.label}"
    )
    if not typed:
        if st.button(text.RENAME, key="classes.rename"):
            st.info(text.NO_NAME)
        return
    with shown_kindly():
        name = class_name(typed)
        target = work.curation.class_for(project.id, name, instead_of=row.label)
        other = next((one for one in view.classes if one.label == target), None)
        if other is None or other.label == row.label:
            if st.button(text.RENAME, key="classes.rename", type="primary"):
                _carry_out(work, project, [row.label], target, text.renamed(row.label, target))
            return
        words = text.would_merge(row.label, row.total, target, other.total)
        st.warning(esc_md(words), icon=":material/merge:")
        # a key of its own: who clicked "Rename" before this was said has not agreed to it
        if st.button(
            esc_md(text.merge_into(row.label, target)), key="classes.join", type="primary"
        ):
            title = text.merged([row.label], target)
            _carry_out(work, project, [row.label], target, title)


def _merge(work: Studio, project: Project, view: DataView) -> None:
    labels = [row.label for row in view.classes]
    left, right = st.columns(2)
    chosen = left.multiselect(
        text.MERGED,
        labels,
        placeholder=text.MERGED_HINT,
        key=f"classes.merged.{project.data_version}",
    )
    typed = right.selectbox(
        text.INTO,
        chosen,
        index=None,
        placeholder=text.TARGET_HINT,
        accept_new_options=True,
        key=f"classes.into.{project.data_version}",
    )
    ready = len(chosen) > 1 and bool(typed)
    clicked = st.button(
        text.merge(len(chosen)), key="classes.merge", type="primary", disabled=not ready
    )
    if clicked and typed:
        with shown_kindly():
            target = work.curation.class_for(project.id, typed)
            _carry_out(work, project, chosen, target, text.merged(chosen, target))


def _carry_out(work: Studio, project: Project, classes: list[str], target: str, title: str) -> None:
    with told.consequences(work, project.id):
        work.curation.rename(project.id, classes, target, title=title)
    told.say(title)
    st.rerun()


def _leave(work: Studio, project: Project, view: DataView) -> None:
    row = _one(project, view, "leave")
    label = text.leave_class(row.label, row.total)
    if st.button(esc_md(label), key="classes.leave", icon=":material/block:"):
        with shown_kindly():
            title = text.class_left_out(row.label, row.total)
            work.curation.exclude_class(project.id, row.label, title=title)
            told.say(title)
            st.rerun()


def _one(project: Project, view: DataView, purpose: str) -> ClassRow:
    rows = {row.label: row for row in view.classes}
    key = f"classes.{purpose}.class.{project.id}"
    if st.session_state.get(key) not in rows:
        st.session_state[key] = view.classes[0].label
    chosen = st.selectbox(text.CLASS, list(rows), key=key)
    return rows.get(chosen or "", view.classes[0])
