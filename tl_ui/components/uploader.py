"""Bring pictures from the browser: an archive, a folder, or pictures class by class.

Folders are packed by the browser into one tar while they are sent, so 12,000 files are one
resumable upload. Needs the launcher's routes; pages use ``forms.small_upload`` without them.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from tl_ui.components.files import script, style
from tl_ui.server.uploads import CHUNK_BYTES, LIMIT_BYTES

__all__ = ["Uploaded", "uploader"]

_mount = st.components.v2.component(
    "thaw_uploader", html='<div class="up"></div>', css=style("uploader"), js=script("uploader")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """A finished upload. ``kind`` is "zip" (an archive as chosen), "folder" or "class"."""

    upload_id: str
    name: str
    kind: str


def uploader(*, key: str) -> Uploaded | None:
    """Draw the uploader; returns the upload in the one rerun after it has finished."""
    result = _mount(
        key=key,
        data={"slot": key, "chunk": CHUNK_BYTES, "limit": LIMIT_BYTES},
        on_done_change=lambda: None,
    )
    done = result.get("done")
    if not isinstance(done, dict):
        return None
    return Uploaded(
        upload_id=str(done.get("upload_id", "")),
        name=str(done.get("name", ""))[:255],
        kind=str(done.get("kind", "")),
    )
