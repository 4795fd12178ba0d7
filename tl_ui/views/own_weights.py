"""A weights file of the user's own: brought, tried on its network, and only then chosen."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import streamlit as st

from tl_core.models.catalog import cards
from tl_core.session import Project, Studio
from tl_ui import asking, state
from tl_ui.errors import show_error
from tl_ui.text import esc_md
from tl_ui.texts import model as text

__all__ = ["own_weights"]

SLOT = "model.weights"
TYPES = ["safetensors", "pt", "pth", "bin"]


def own_weights(work: Studio, project: Project, choose: Callable[..., None]) -> None:
    """Draw the form, follow the trial, and choose the weights when they fit.

    Args:
        work: The engine.
        project: Whose network is chosen.
        choose: Called with (work, project id, network, weights_file=digest).
    """
    row = asking.started(work, SLOT, kinds=("check_weights",), project_id=project.id)
    if row is not None and row.active:
        st.markdown(f"**{text.OWN_TRYING}**")
        asking.follow(work, row.id)
        return
    if row is not None and row.state == "finished" and row.result:
        asking.forget(SLOT)
        choose(work, project.id, row.result["model"], weights_file=row.result["digest"])
        st.toast(text.OWN_FITS, icon=":material/check:")
        st.rerun()
    if row is not None and row.error:
        show_error(row.error)
    _form(work, project)


def _form(work: Studio, project: Project) -> None:
    titles = {card.name: card.title for card in cards()}
    now = work.draft(project.id).model.name
    titles.setdefault(now, now)  # a network of the search
    number = state.memory("model.upload", 0)
    st.markdown(text.OWN_BODY)
    with st.form("model.own"):
        name = st.selectbox(
            text.OWN_NETWORK,
            list(titles),
            index=list(titles).index(now),
            format_func=lambda one: titles[one],
            key="model.own.network",
        )
        given = st.file_uploader(text.OWN_UPLOAD, type=TYPES, key=f"model.own.file.{number}")
        path = st.text_input(text.OWN_PATH, placeholder=text.OWN_PATH_HINT, key="model.own.path")
        clicked = st.form_submit_button(text.OWN_GO, key="model.own.go", icon=":material/science:")
    if not clicked:
        return
    if given is None and not path.strip():
        st.warning(esc_md(text.OWN_NONE))
        return
    payload = {"path": path.strip()}
    if given is not None:
        payload = {"digest": _keep(work, given.getvalue()), "file": given.name}
        state.remember("model.upload", number + 1)  # lets go of the file's copy in memory
    asking.remember(SLOT, work.ask("check_weights", project.id, model=name, **payload))
    st.rerun()


def _keep(work: Studio, content: bytes) -> str:
    """Put the file into the store as it is; nothing of it is read in this process."""
    part = work.home.folder("tmp") / f"{secrets.token_hex(8)}.weights"
    try:
        part.write_bytes(content)
        return work.home.put_blob(part)
    finally:
        part.unlink(missing_ok=True)
