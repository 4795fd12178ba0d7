"""Errors as a person wants to read them: what happened, and what to do now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import streamlit as st

from tl_core.errors import TLError
from tl_ui.server.failures import log_script_error
from tl_ui.text import esc_md

__all__ = ["show_error", "shown_kindly"]


@contextmanager
def shown_kindly() -> Iterator[None]:
    """Show an error of the block instead of ending the page.

    Expected errors show their sentence and hint; an unexpected one a short id that is in the log.
    """
    try:
        yield
    except TLError as err:
        show_error(err.to_dict())
    except Exception as err:
        log_script_error(err)


def show_error(error: Mapping[str, str]) -> None:
    """Show the ``message`` and ``hint`` of an error that was kept with a run."""
    message, hint = esc_md(error.get("message", "")), esc_md(error.get("hint", ""))
    st.error(f"**{message}**" + (f"\n\n{hint}" if hint else ""), icon=":material/error:")
