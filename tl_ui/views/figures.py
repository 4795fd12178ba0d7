"""Big numbers in a row: a label, the number, and what it means in words below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from tl_ui.text import esc_md

__all__ = ["Figure", "figures"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. All texts are plain; they are made safe here. ``about`` is the help."""

    label: str
    value: str
    words: str
    about: str | None = None


def figures(row: Sequence[Figure], *, key: str, least_px: int = 200) -> None:
    """Draw the numbers side by side, below each other where there is little room."""
    with st.grid(len(row), min_column_width=least_px, gap="xsmall", border=True, key=key) as grid:
        for one in row:
            with grid.cell(), st.container(gap=None):
                st.caption(esc_md(one.label), help=one.about)
                st.metric(esc_md(one.label), one.value, label_visibility="collapsed")
                st.caption(esc_md(one.words))
