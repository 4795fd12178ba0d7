"""The small question beside a number, opened to what it means, how it was computed and so on."""

from __future__ import annotations

import streamlit as st

from tl_ui.text import esc_md
from tl_ui.texts import meanings as text
from tl_ui.texts.meanings import Meaning

__all__ = ["explained"]


def explained(meaning: Meaning, *, key: str, label: str = text.ASK) -> None:
    """A quiet button that opens the three answers.

    Args:
        meaning: The answers.
        key: Of the button, one per number on a page.
        label: Of the button, where a page has several.
    """
    with st.popover(label, icon=":material/help:", type="tertiary", key=key):
        for head, body in (
            (text.MEANS, meaning.means),
            (text.COMPUTED, meaning.computed),
            (text.CHANGES, meaning.changes),
        ):
            st.markdown(f"**{head}**  \n{esc_md(body)}")
