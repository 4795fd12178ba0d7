"""Bringing pictures: uploads, a folder of this machine, the sample; progress and errors."""

from __future__ import annotations

import time
from collections.abc import Sequence
from html import escape

import streamlit as st

from tl_core.data.table_file import TABLE_ENDINGS
from tl_core.data.table_names import PICTURE_ENDINGS
from tl_core.session import Project, RunRow, Studio
from tl_ui import asking, state
from tl_ui.components.uploader import uploader
from tl_ui.errors import show_error, shown_kindly
from tl_ui.forms import small_upload
from tl_ui.server.presence import routes_present
from tl_ui.text import esc_md
from tl_ui.texts import data as text

__all__ = ["bring", "in_progress", "intake", "last_error", "more"]

SLOT = "data.import"
KINDS = ("import", "sample")
SHOWN_ERROR_S = 900.0  # how long a failed intake is mentioned beside pictures that are fine
PICTURE_TYPES = sorted(PICTURE_ENDINGS)
_TREE_STYLE = """<style>
.thaw-tree{display:grid;gap:.55rem;font-size:.95rem}
.thaw-tree div{display:flex;align-items:center;gap:.5rem}
.thaw-tree .in{margin-left:1.5rem}
.thaw-tree i{width:1.15rem;height:.85rem;border-radius:.15rem .3rem .2rem .2rem;flex:none;
background:#1480b8;display:inline-block;position:relative}
.thaw-tree i::before{content:"";position:absolute;left:0;top:-.18rem;width:.5rem;height:.3rem;
background:#1480b8;border-radius:.15rem}
.thaw-tree b{min-width:4.2rem;font-weight:600}
.thaw-tree s{width:1.5rem;height:1.5rem;border-radius:.25rem;flex:none;
background:linear-gradient(160deg,#9cc9df 55%,#7fae84 55%)}
.thaw-tree .in:nth-child(3) s{background:linear-gradient(200deg,#f0c58d 50%,#7fae84 50%)}
.thaw-tree .in:nth-child(4) s{background:linear-gradient(180deg,#c9bfe4 60%,#7fae84 60%)}
</style>"""


def intake(work: Studio, project: Project) -> RunRow | None:
    """The intake at work for this project; one that has just ended is announced and let go."""
    row = asking.started(work, SLOT, kinds=KINDS, project_id=project.id)
    if row is None or row.active:
        return row
    asking.forget(SLOT)
    if row.state == "finished" and row.result:
        st.toast(text.arrived(row.result), icon=":material/check:")
    return None


def in_progress(work: Studio, row: RunRow, *, has_pictures: bool) -> None:
    """How far the intake is, with a way to cancel it."""
    with st.container(border=True):
        st.markdown(f"#### {text.DRAWING if row.kind == 'sample' else text.READING}")
        asking.follow(work, row.id)
        st.caption(f"{text.KEPT} {text.LEAVE}" if has_pictures else text.LEAVE)


def last_error(work: Studio, project: Project) -> None:
    """Why the latest intake came to nothing, until it is dismissed or another one begins."""
    rows = [
        row
        for row in work.queue.rows(project_id=project.id, lane="side", limit=20)
        if row.kind in KINDS
    ]
    row = rows[0] if rows else None
    if row is None or row.error is None or state.memory("data.dismissed", "") == row.id:
        return
    if project.n_images and time.time() - (row.ended_at or row.created_at) > SHOWN_ERROR_S:
        return
    if row.error["code"] == "cancelled":
        st.info(esc_md(row.error["message"]), icon=":material/cancel:")
    else:
        show_error(row.error)
    if project.n_images and st.button(text.DISMISS, key="data.dismiss", type="tertiary"):
        state.remember("data.dismissed", row.id)
        st.rerun()


def bring(work: Studio, project: Project) -> None:
    """The empty state: the uploader beside a drawing of what is expected."""
    st.subheader(text.EMPTY, anchor=False)
    st.markdown(text.EMPTY_BODY)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _sources(work, project)
    with right.container(border=True):
        st.markdown(f"**{text.EXPECTED}**")
        st.html(_TREE_STYLE + _tree())
        st.caption(text.EXPECTED_NOTE)
    if st.button(text.SAMPLE_GO, key="data.sample", type="tertiary", icon=":material/grid_view:"):
        _begin(work.make_sample(project.id))


def more(work: Studio, project: Project) -> None:
    """The same sources, folded away, once there are pictures: to add to them or replace them."""
    with st.expander(text.MORE, icon=":material/add_photo_alternate:"):
        mode = st.segmented_control(
            text.MODE,
            list(text.MODES),
            default="add",
            required=True,
            format_func=lambda one: text.MODES[one],
            label_visibility="collapsed",
            key="data.mode",
            persist_state="session",
        )
        mode = mode or "add"
        st.caption(text.MODE_NOTES[mode])
        classes = [row.label for row in work.data(project.id).classes]
        _sources(work, project, mode=mode, classes=classes if mode == "add" else ())


def _sources(
    work: Studio, project: Project, *, mode: str = "replace", classes: Sequence[str] = ()
) -> None:
    if routes_present():
        slot = f"data.{project.id}"
        done = uploader(key="data.uploader", slot=slot, mode=mode, classes=classes)
        if done is not None:
            _begin(work.take_in(project.id, upload_id=done.upload_id, mode=done.mode))
    else:
        _small(work, project, mode=mode, classes=classes)
    with st.form("data.disk", border=False):
        place, button = st.columns([4, 1], vertical_alignment="bottom")
        folder = place.text_input(
            text.ON_DISK,
            placeholder=text.ON_DISK_HINT,
            key="data.folder",
        )
        with button:
            clicked = st.form_submit_button(text.ON_DISK_GO, key="data.read", width="stretch")
    if clicked:
        with shown_kindly():
            _begin(work.take_in(project.id, folder=folder, mode=mode))


def _small(work: Studio, project: Project, *, mode: str, classes: Sequence[str]) -> None:
    """Streamlit's own uploaders; what they hold is let go by changing their keys."""
    number = state.memory("data.upload", 0)
    files = small_upload(text.SMALL_ZIP, key=f"data.zip.{number}")
    folder = st.file_uploader(
        text.SMALL_FOLDER,
        type=[*PICTURE_TYPES, *TABLE_ENDINGS],
        accept_multiple_files="directory",
        key=f"data.directory.{number}",
    )
    files = files or [(one.name, one.getvalue()) for one in folder]
    st.caption(text.SMALL_NOTE)
    label = ""
    if mode == "add" and not files:
        label, files = _into_class(classes, number)
    if files:
        state.remember("data.upload", number + 1)
        with shown_kindly():
            _begin(work.take_in(project.id, files=files, mode=mode, label=label))


def _into_class(classes: Sequence[str], number: int) -> tuple[str, list[tuple[str, bytes]]]:
    """Single pictures for one class, there already or new."""
    label = st.selectbox(
        text.INTO,
        list(classes),
        index=None,
        placeholder=text.INTO_HINT,
        accept_new_options=True,
        key=f"data.into.{number}",
    )
    if not label:
        return "", []
    given = st.file_uploader(
        text.into(label),
        type=PICTURE_TYPES,
        accept_multiple_files=True,
        key=f"data.singles.{number}",
    )
    return label, [(one.name, one.getvalue()) for one in given]


def _begin(task_id: str) -> None:
    asking.remember(SLOT, task_id)
    st.rerun()


def _tree() -> str:
    rows = "".join(
        f'<div class="in"><i></i><b>{escape(name)}</b>{"<s></s>" * n}</div>'
        for name, n in text.EXPECTED_ROWS
    )
    return (
        f'<div class="thaw-tree" role="img" aria-label="{escape(text.EXPECTED_ALT)}">'
        f"<div><i></i><b>{escape(text.EXPECTED_ROOT)}</b></div>{rows}</div>"
    )
