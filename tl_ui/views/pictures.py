"""The pictures of a set: looked through page by page, filtered, selected, and changed.

A fragment: a click on a picture draws this part of the page only.
"""

from __future__ import annotations

import math

import streamlit as st

from tl_core.jobs.gallery import ORDERS, Look, Picture
from tl_core.session import ImageRow, Studio
from tl_ui import gallery
from tl_ui.components.picker import Changes, picker
from tl_ui.server.presence import routes_present
from tl_ui.texts import curation as text
from tl_ui.texts.data import PARTS
from tl_ui.views import chooser, selection

__all__ = ["browse", "facts_of", "turn_to"]

PER_PAGE = 120  # pictures on a page of the component; the plain grid shows gallery.PER_PAGE


@st.fragment
def browse(work: Studio, project_id: str) -> None:
    """Filters, a page of pictures, and what can be done with those selected."""
    look = _look(work, project_id)
    total = work.gallery.count(project_id, look)
    if total:
        _page(work, project_id, look, total)
    else:
        nothing = text.NOTHING_LEFT_OUT if look.excluded else text.NOTHING_SHOWN
        st.info(text.NOTHING_SELECTED if look.marked else nothing)
    selection.bar(work, project_id, excluded=look.excluded)


def turn_to(project_id: str, show: str) -> None:
    """Have the page show the pictures when it is drawn next: "set", "selected" or "left"."""
    chooser.turn("pictures")
    st.session_state[f"pictures.show.{project_id}"] = show


# -- which pictures --------------------------------------------------------------------------------


def _look(work: Studio, project_id: str) -> Look:
    """The filters, as they are set."""
    with st.container(horizontal=True, gap="small"):
        show = st.segmented_control(
            text.SHOW,
            list(text.SHOWS),
            default="set",
            required=True,
            format_func=lambda one: text.SHOWS[one],
            key=f"pictures.show.{project_id}",
            persist_state="session",
        )
        split = st.segmented_control(
            text.PART,
            ["all", *PARTS],
            default="all",
            required=True,
            format_func=lambda one: PARTS.get(one, text.ALL_PARTS),
            key=f"pictures.part.{project_id}",
            persist_state="session",
        )
    left, middle, right = st.columns(3)
    with left:
        label = _class(work, project_id, excluded=show == "left")
    wanted = middle.text_input(
        text.SEARCH,
        placeholder=text.SEARCH_HINT,
        max_chars=200,
        key=f"pictures.text.{project_id}",
        persist_state="session",
    )
    with right:
        order = _order(work, project_id)
    return Look(
        label=label,
        split=None if split in (None, "all") else split,
        text=wanted or "",
        marked=show == "selected",
        excluded=show == "left",
        order=order,
    )


def _class(work: Studio, project_id: str, *, excluded: bool) -> str | None:
    if excluded:
        labels = work.gallery.labels_left_out(project_id)
    else:
        labels = [row.label for row in work.library.classes(project_id)]
    key = f"pictures.class.{project_id}"
    if st.session_state.get(key, "") not in ["", *labels]:  # renamed, merged or left out
        st.session_state[key] = ""
    chosen = st.selectbox(
        text.CLASS,
        ["", *labels],
        format_func=lambda one: one or text.ALL_CLASSES,
        key=key,
        persist_state="session",
    )
    return chosen or None


def _order(work: Studio, project_id: str) -> str:
    known = work.gallery.has_times(project_id)
    chosen = st.selectbox(
        text.ORDER,
        [one for one in ORDERS if known or one != "time"],
        format_func=lambda one: text.ORDERS[one],
        key=f"pictures.order.{project_id}",
        persist_state="session",
    )
    return chosen or ORDERS[0]


# -- the page of pictures --------------------------------------------------------------------------


def _page(work: Studio, project_id: str, look: Look, total: int) -> None:
    per_page = PER_PAGE if routes_present() else gallery.PER_PAGE
    pages = math.ceil(total / per_page)
    key = f"pictures.page.{project_id}.{look}"
    number = int(st.session_state.get(key) or 1)
    if number > pages:  # the last page is gone
        st.session_state[key] = number = pages
    first = (number - 1) * per_page
    rows = work.gallery.page(project_id, look, offset=first, limit=per_page)
    _head(work, project_id, look, text.shown(first + 1, first + len(rows), total), total)
    if routes_present():
        _picker(work, project_id, look, rows)
    else:
        st.caption(text.PLAIN)
        captions = {one.id: f"{one.label} · {PARTS[one.split].lower()}" for one in rows}
        gallery.grid([_plain(one) for one in rows], captions)
    if pages > 1:
        st.pagination(pages, width="stretch", key=key)


def _head(work: Studio, project_id: str, look: Look, words: str, total: int) -> None:
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.caption(words, width="content")
        if not look.marked:
            st.button(
                text.select_all(total),
                key="pictures.all",
                icon=":material/select_all:",
                type="tertiary",
                on_click=work.gallery.mark_all,
                args=(project_id, look),
            )


def _picker(work: Studio, project_id: str, look: Look, rows: list[Picture]) -> None:
    def changed(found: Changes) -> None:
        work.gallery.mark(project_id, found.on)
        work.gallery.unmark(project_id, found.off)

    selected = sum(work.gallery.marked_classes(project_id, excluded=look.excluded).values())
    picker(
        rows,
        {one.id: facts_of(one) for one in rows},
        PARTS,
        text.PICKER,
        elsewhere=selected - sum(one.marked for one in rows),
        on_change=changed,
        key=f"pictures.picker.{project_id}",
    )


def facts_of(one: Picture) -> list[tuple[str, str]]:
    """What stands beside a picture when it is opened large: word and value."""
    words = text.FACTS
    facts = [
        (words["class"], one.label),
        (words["part"], PARTS[one.split]),
        (words["size"], text.size(one.width, one.height)),
        (words["path"], one.path),
    ]
    return [*facts, (words["group"], one.group)] if one.group else facts


def _plain(one: Picture) -> ImageRow:
    return ImageRow(id=one.id, digest=one.digest, path=one.path, label=one.label, split=one.split)
