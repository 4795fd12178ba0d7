"""What can be done with the selected pictures: a bar that stays in sight below them."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from tl_core.check.findings import Repair
from tl_core.session import Studio
from tl_ui import state
from tl_ui.errors import shown_kindly
from tl_ui.text import esc_md
from tl_ui.texts import curation as text
from tl_ui.views import told

__all__ = ["bar"]

STYLE = """<style>
[data-testid="stLayoutWrapper"]:has(>.st-key-selected){position:sticky;bottom:0;z-index:20}
.st-key-selected{padding:.6rem .1rem .7rem;border-top:1px solid light-dark(#cfdde5,#2a404c);
background:light-dark(#fbfdfe,#0d171d)}
@media (max-width:480px){
.st-key-selected{gap:.4rem}
.st-key-selected :is(button,p){font-size:.9rem}
.st-key-selected button{padding-inline:.6rem}
.st-key-selected button span:has(+span [data-testid="stMarkdownContainer"]){display:none}
}
</style>"""


def bar(work: Studio, project_id: str, *, excluded: bool) -> None:
    """How many pictures are selected, and what to do with them.

    Args:
        work: The engine.
        project_id: Whose pictures.
        excluded: Whether those left out are looked at, which have a selection of their own.
    """
    classes = work.gallery.marked_classes(project_id, excluded=excluded)
    if not classes:
        return
    st.html(STYLE)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="selected"):
        st.markdown(f"**{esc_md(text.selected(classes))}**", width="content")
        st.button(
            text.NONE,
            key="selected.none",
            type="tertiary",
            on_click=work.gallery.unmark_all,
            args=(project_id,),
            kwargs={"excluded": excluded},
        )
        if excluded:
            _restore(work, project_id)
        else:
            _move(work, project_id, classes)
            _leave(work, project_id, classes)
            if sum(classes.values()) > 1:
                _together(work, project_id)


def _move(work: Studio, project_id: str, classes: Mapping[str, int]) -> None:
    number = state.memory("selected.moves", 0)  # another key every time: the box is empty again
    with st.popover(text.MOVE, icon=":material/drive_file_move:", type="primary"):
        typed = st.selectbox(
            text.TARGET,
            [row.label for row in work.library.classes(project_id)],
            index=None,
            placeholder=text.TARGET_HINT,
            accept_new_options=True,
            key=f"selected.target.{number}",
        )
        clicked = st.button(text.move(sum(classes.values())), key="selected.move", type="primary")
        if not clicked:
            return
        if not typed:
            st.info(text.NO_TARGET)
            return
        with shown_kindly():
            target = work.curation.class_for(project_id, typed)
            if set(classes) == {target}:
                st.info(esc_md(text.already(target)))
                return
            numbers = work.gallery.marked(project_id)
            title = text.moved(classes, target)
            with told.consequences(work, project_id):
                work.curation.relabel(project_id, dict.fromkeys(numbers, target), title=title)
            state.remember("selected.moves", number + 1)
            told.say(title if target == typed else f"{title}. {text.means(typed, target)}")
            _done(work, project_id)


def _leave(work: Studio, project_id: str, classes: Mapping[str, int]) -> None:
    if st.button(text.LEAVE, key="selected.leave", icon=":material/block:"):
        with shown_kindly():
            title = text.left_out_of(classes)
            with told.consequences(work, project_id):
                work.curation.exclude(project_id, work.gallery.marked(project_id), title=title)
            told.say(title)
            _done(work, project_id)


def _together(work: Studio, project_id: str) -> None:
    if st.button(
        text.TOGETHER, key="selected.together", icon=":material/link:", help=text.TOGETHER_HELP
    ):
        with shown_kindly():
            numbers = work.gallery.marked(project_id)
            title = text.together(len(numbers))
            with told.consequences(work, project_id):
                repair = Repair(together=(tuple(numbers),))
                work.curation.repair(project_id, repair, title=title)
            parts = {row.split for row in work.library.some_images(project_id, numbers)}
            told.say(title if len(parts) == 1 else f"{title}. {text.APART}")
            _done(work, project_id)


def _restore(work: Studio, project_id: str) -> None:
    if st.button(text.RESTORE, key="selected.restore", icon=":material/undo:", type="primary"):
        with shown_kindly():
            numbers = work.gallery.marked(project_id, excluded=True)
            title = text.restored(len(numbers))
            work.curation.restore(project_id, numbers, title=title)
            told.say(title)
            _done(work, project_id)


def _done(work: Studio, project_id: str) -> None:
    """Let the selection go, and draw the whole page: its numbers are others now."""
    for excluded in (False, True):
        work.gallery.unmark_all(project_id, excluded=excluded)
    st.rerun()
