"""Big numbers in a row: a label, the number, and what it means in words below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from tl_ui.text import esc_md
from tl_ui.texts.meanings import Meaning
from tl_ui.views.meaning import explained

__all__ = ["Figure", "figures"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. All texts are plain; they are made safe here."""

    label: str
    value: str
    words: str


def figures(
    row: Sequence[Figure], meaning: Meaning | None, *, key: str, least_px: int = 200
) -> None:
    """Draw the numbers side by side, below each other where there is little room.

    Args:
        row: The numbers.
        meaning: What they mean, each named by its label; None where that is said close by, by a
            heading or for more than these numbers.
        key: Of the group.
        least_px: Least width of a number.
    """
    with st.container(gap="xxsmall"):
        columns = st.grid(len(row), min_column_width=least_px, gap="xsmall", border=True, key=key)
        with columns as grid:
            for one in row:
                with grid.cell(), st.container(gap=None):
                    st.caption(esc_md(one.label))
                    st.metric(esc_md(one.label), one.value, label_visibility="collapsed")
                    st.caption(esc_md(one.words))
        if meaning is not None:
            explained(meaning, key=f"{key}.meaning")
