"""What a change did, said once at the edge of the page, with what it means for the classes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from tl_core.session import Studio
from tl_ui.text import esc_md
from tl_ui.texts import curation as text

__all__ = ["consequences", "say"]


def say(words: str, icon: str = ":material/check:") -> None:
    """Say what was done; the note outlives the next drawing of the page."""
    st.toast(esc_md(words), icon=icon)


@contextmanager
def consequences(work: Studio, project_id: str) -> Iterator[None]:
    """Say what the change inside did to classes: emptied, or without a part of the split."""
    before = work.library.classes(project_id)
    yield
    after = work.library.classes(project_id)
    there = {row.label for row in after}
    if gone := [row.label for row in before if row.label not in there]:
        say(text.emptied(gone), ":material/info:")
    given = work.library.get(project_id).given_splits
    if (gaps := text.gaps(after, given)) and gaps != text.gaps(before, given):
        say(gaps, ":material/warning:")
