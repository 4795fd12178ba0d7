"""What happens to an error nobody expected: full story to the log, a short id to the user."""

from __future__ import annotations

import logging
import secrets

import streamlit as st

__all__ = ["log_script_error"]

log = logging.getLogger("thaw")


def log_script_error(error: Exception) -> bool:
    """Log the error under a short id and show that id; True: Streamlit shows nothing more."""
    mark = secrets.token_hex(3)
    log.error("Unexpected error %s", mark, exc_info=error)
    st.error(
        f"**Something went wrong that should not have (error {mark}).** Your pictures, settings "
        "and runs are safe. Reload the page; if it happens again, the full story is in the "
        f"server's log under {mark}.",
        icon=":material/bug_report:",
    )
    return True
