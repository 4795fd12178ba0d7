"""How much of each class is in each part: a table whose numbers are in sight on a phone too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from tl_ui.texts import data as text

__all__ = ["table"]

LONG = 18  # characters of a class name, from which its column would push the numbers off a phone
LONG_PX = 158  # the width of the column then: 390 less the page's edges and four columns of numbers


def table(labels: Sequence[str], counts: Sequence[Mapping[str, int]], *, key: str) -> None:
    """Draw the table.

    Args:
        labels: The classes, in the order of the rows.
        counts: Of each class, how much is in "train", "val" and "test".
        key: The key of the table.
    """
    columns: dict[str, list[str] | list[int]] = {
        text.CLASS: list(labels),
        text.TOTAL: [sum(one.values()) for one in counts],
    }
    for part, name in text.PARTS_SHORT.items():
        columns[name] = [one[part] for one in counts]
    long = any(len(label) > LONG for label in labels)
    st.dataframe(
        columns,
        hide_index=True,
        column_config={text.CLASS: st.column_config.TextColumn(width=LONG_PX)} if long else None,
        key=key,
    )
