"""Streamlit's own uploader, for what is small or when the launcher's routes are absent."""

from __future__ import annotations

import streamlit as st

__all__ = ["small_upload"]


def small_upload(label: str, *, key: str) -> list[tuple[str, bytes]]:
    """Streamlit's own uploader for a zip or pictures, where the launcher's routes are absent.

    Returns:
        (name, content) pairs; empty until something was chosen. Contents are in memory.
    """
    given = st.file_uploader(
        label, type=["zip", "tar", "tgz"], accept_multiple_files=False, key=key
    )
    return [] if given is None else [(given.name, given.getvalue())]
