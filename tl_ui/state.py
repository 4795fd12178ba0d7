"""What a browser session remembers: only which project and run are open. The rest is in the store.

The only reader and writer of ``st.session_state`` outside widgets' and components' own keys. The
open project and run also stand in the address, so a refresh or a copied link finds them again.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from typing import Any

import streamlit as st

from tl_core.jobs.view import RunView
from tl_core.session import Project, Studio
from tl_core.storage import Home
from tl_ui.server.presence import routes_present

__all__ = [
    "close_project",
    "follow_run",
    "memory",
    "open_project",
    "open_run",
    "project",
    "query",
    "remember",
    "run_id",
    "studio",
]

PROJECT, RUN = "project", "run"


def studio() -> Studio:
    """The engine of this process, made once."""
    return _studio(os.environ.get("THAW_HOME", ""))


@st.cache_resource(show_spinner=False)
def _studio(root: str) -> Studio:
    made = Studio(Home(root or None))
    if not routes_present():  # without the launcher nobody else starts the supervisor
        made.ensure_workers()
    return made


def memory(key: str, default: Any) -> Any:
    """A value of this session (a page's place in a list, an open task); made when missing."""
    return _session().setdefault(f"thaw:{key}", default)


def remember(key: str, value: Any) -> None:
    """Keep a value of this session."""
    _session()[f"thaw:{key}"] = value


def _session() -> MutableMapping[Any, Any]:
    return st.session_state


def project() -> Project | None:
    """The open project: the address first, then what this session had open."""
    wanted = _known(PROJECT)
    found = studio().project(wanted) if wanted else None
    if found is None:
        close_project()
        return None
    if st.query_params.get(PROJECT) != found.id:
        st.query_params[PROJECT] = found.id
    remember(PROJECT, found.id)
    return found


def open_project(project_id: str) -> None:
    """Open a project; its runs are looked at anew."""
    if _known(PROJECT) != project_id:
        _forget(RUN)
    remember(PROJECT, project_id)
    st.query_params[PROJECT] = project_id


def close_project() -> None:
    """Open none."""
    _forget(PROJECT)
    _forget(RUN)


def run_id() -> str:
    """The run being looked at, "" when none was chosen. It may belong to no project any more."""
    wanted = _known(RUN)
    if wanted and st.query_params.get(RUN) != wanted:
        st.query_params[RUN] = wanted
    return wanted


def open_run(run: str) -> None:
    """Look at a run; "" looks at none."""
    if not run:
        _forget(RUN)
        return
    remember(RUN, run)
    st.query_params[RUN] = run


def query() -> dict[str, str]:
    """The address parameters a link to another page should carry."""
    pairs = {PROJECT: _known(PROJECT), RUN: _known(RUN)}
    return {key: value for key, value in pairs.items() if value}


def follow_run(run: str) -> RunView:
    """The run as far as it is now; only what is new is read."""
    key = f"view:{run}"
    view: RunView | None = memory(key, None)
    newest = studio().catch_up(run, view)
    remember(key, newest)
    return newest


def _known(key: str) -> str:
    return str(st.query_params.get(key) or memory(key, "") or "")


def _forget(key: str) -> None:
    remember(key, "")
    if key in st.query_params:
        del st.query_params[key]
