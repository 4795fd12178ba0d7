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
    with st.grid(len(row), min_column_width=least_px) as grid:
        for number, one in enumerate(row):
            frame = f"{key}_{number}"
            with (
                grid.cell(),
                st.container(border=True, gap="xxsmall", height="stretch", key=frame),
            ):
                st.metric(esc_md(one.label), one.value, help=one.about)
                st.caption(esc_md(one.words))
