"""A classifier that somebody exported: brought on the first page, described on Predict."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from tl_core.export.brought import Brought
from tl_core.jobs import brought as kept
from tl_core.jobs import incoming
from tl_core.session import Project, RunRow, Studio
from tl_ui import asking, page, state
from tl_ui.errors import show_error, shown_kindly
from tl_ui.text import esc_md, step_text
from tl_ui.texts import about_brought as about
from tl_ui.texts import brought as text
from tl_ui.views.meaning import explained

__all__ = ["bringing", "described", "form", "there"]

KIND = "bring_bundle"
LONGEST_NAME = 80
CARD_HEIGHT = 320


def form(work: Studio, project: Project | None = None) -> None:
    """A zip or a path; a project is made for it when there is none yet."""
    st.markdown(text.BODY)
    with st.form("bundle.bring", border=False):
        given = st.file_uploader(text.UPLOAD, type=["zip"], key="bundle.file")
        path = st.text_input(text.PATH, placeholder=text.PATH_HINT, key="bundle.path").strip()
        clicked = st.form_submit_button(text.GO, icon=":material/input:", key="bundle.go")
    if not clicked:
        return
    if given is None and not path:
        st.warning(text.NOTHING)
        return
    name = given.name if given is not None else Path(path).name
    with shown_kindly():
        if project is None:
            project = work.create(Path(name).stem[:LONGEST_NAME] or text.UNNAMED)
        where = {"folder": path}
        if given is not None:
            files = [(Path(name).name, given.getvalue())]
            where = {"upload_id": incoming.keep_files(work.home, files)}
        work.ask(KIND, project.id, name=name, **where)
        state.open_project(project.id)
        page.go(step_text("predict"))


def there(work: Studio, project_id: str) -> bool:
    """Whether a bundle was brought to a project, or is being brought, or could not be used."""
    return work.brought(project_id) is not None or _latest(work, project_id) is not None


def bringing(work: Studio, project: Project) -> Brought | None:
    """The project's bundle; while it is checked, or when it was refused, the page says so."""
    row = _latest(work, project.id)
    if row is not None and row.active:
        st.markdown(f"**{text.CHECKING}**")
        asking.follow(work, row.id)
        st.stop()
    found = work.brought(project.id)
    if found is not None or row is None:
        return found
    if row.error:
        show_error(row.error)
    if not project.n_images:
        form(work, project)
        st.stop()
    return None


def _latest(work: Studio, project_id: str) -> RunRow | None:
    rows = work.queue.rows(project_id=project_id, kind=KIND, limit=1)
    return rows[0] if rows else None


def described(work: Studio, project: Project, found: Brought) -> None:
    """What it says of itself, and the way to teach it more."""
    with st.container(border=True):
        st.markdown(f"**{esc_md(found.name)}** · {esc_md(text.knows(found.classes))}")
        st.markdown(text.score(found.scores))
        if found.certified == "same":
            st.caption(f":material/verified: {text.certified(found.exported, found.compared)}")
        else:
            words = text.CHANGED if found.certified == "changed" else text.UNCERTIFIED
            st.warning(words, icon=":material/gpp_maybe:")
        with st.container(horizontal=True, vertical_alignment="center"):
            explained(about.brought(), key="brought.meaning")
            _card(work, project)
            if found.weights and not project.n_images:
                data = step_text("data")
                st.page_link(
                    data.path,
                    label=text.TEACH,
                    icon=":material/school:",
                    help=text.TEACH_HELP,
                    query_params=state.query(),
                )
        if found.obstacle:
            st.caption(esc_md(f"{text.NOT_FURTHER} {found.obstacle}"))


def _card(work: Studio, project: Project) -> None:
    card = text.card_text(kept.card_of(work.home, project.id))
    if card:
        with st.popover(text.CARD, icon=":material/description:", type="tertiary"):
            st.caption(text.CARD_NOTE)
            st.code(card, language=None, wrap_lines=True, height=CARD_HEIGHT)
