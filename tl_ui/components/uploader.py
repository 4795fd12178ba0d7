"""Bring pictures from the browser: an archive, a folder, or pictures class by class.

Single pictures are chosen, dropped, pasted or taken with the webcam; shots of one recording lie in
a folder of its name, by which ``tl_core.data.layout`` keeps them on one side of the split. All is
packed by the browser into one tar while it is sent, so 12,000 files are one resumable upload. Needs
the launcher's routes; pages use ``forms.small_upload`` without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from tl_ui.components.files import script, style
from tl_ui.server.uploads import CHUNK_BYTES, LIMIT_BYTES

__all__ = ["SCRIPTS", "Uploaded", "uploader"]

MOST_CLASSES = 500  # offered; any other can be typed
MODES = ("add", "replace", "ask")
SCRIPTS = ("packing", "sending", "picking", "webcam", "gathering", "uploader")

_mount = st.components.v2.component(
    "thaw_uploader", html='<div class="up"></div>', css=style("uploader"), js=script(*SCRIPTS)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """A finished upload. ``kind`` is "zip" (an archive as chosen), "folder" or "class"; ``mode``
    what was to be done with it when it began.
    """

    upload_id: str
    name: str
    kind: str
    mode: str


def uploader(*, key: str, slot: str, mode: str, classes: Sequence[str]) -> Uploaded | None:
    """Draw the uploader; returns the upload in the one rerun after it has finished.

    Args:
        key: Of the widget.
        slot: Of the upload while it runs, and of pictures gathered for it: those of one project.
        mode: "add" to a set, or "replace" it, or "ask" about pictures without classes; told back
            with the upload.
        classes: That are there, to choose from.
    """
    result = _mount(
        key=key,
        data={
            "slot": slot,
            "chunk": CHUNK_BYTES,
            "limit": LIMIT_BYTES,
            "mode": mode,
            "classes": list(classes[:MOST_CLASSES]),
        },
        on_done_change=lambda: None,
    )
    done = result.get("done")
    if not isinstance(done, dict):
        return None
    return Uploaded(
        upload_id=str(done.get("upload_id", "")),
        name=str(done.get("name", ""))[:255],
        kind=str(done.get("kind", "")),
        mode=str(done.get("mode")) if done.get("mode") in MODES else "replace",
    )
