"""A place on a page that the page can be moved to, as a link to it would."""

from __future__ import annotations

import streamlit as st

from tl_ui.components.files import script, style

__all__ = ["landing"]

_mount = st.components.v2.component(
    "thaw_landing", html='<div class="place"></div>', css=style("landing"), js=script("landing")
)


def landing(order: int, *, key: str) -> None:
    """Draw the place, which is nothing to see.

    Args:
        order: Number of the order to move here, one up for every order; 0 is none. A tab obeys a
            number once.
        key: Of the component.
    """
    _mount(key=key, data={"order": order})
