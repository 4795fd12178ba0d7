"""Waiting for a task without drawing anything: the page is run again once it is over."""

from __future__ import annotations

import streamlit as st

from tl_core.errors import RunNotFoundError
from tl_core.session import Studio

__all__ = ["until_over"]


@st.fragment(run_every=0.5)
def until_over(work: Studio, task_id: str) -> None:
    """Look twice a second whether an active task is over. Call it only while it is active."""
    try:
        active = work.task(task_id).active
    except RunNotFoundError:
        active = False
    if not active:
        st.rerun()
