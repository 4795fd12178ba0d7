"""A page of thumbnails to select pictures from; the selection itself lies in the store.

The browser shows a click at once and sends what changed; each message carries everything that was
not acknowledged yet, so that none is lost while a page is drawn. Needs the launcher's routes; pages
draw ``gallery.grid`` without them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import streamlit as st

from tl_core.jobs.gallery import Picture
from tl_ui.components.files import script, style

__all__ = ["Changes", "changes_of", "payload", "picker"]

MOST = 1000  # changes believed from one message; a page has far fewer pictures

_mount = st.components.v2.component(
    "thaw_picker", html='<div class="picker"></div>', css=style("picker"), js=script("picker")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What was selected and unselected since. ``ack`` tells the browser how far it was heard."""

    on: tuple[int, ...]
    off: tuple[int, ...]
    ack: dict[str, Any]


def picker(
    pictures: Sequence[Picture],
    facts: Mapping[int, Sequence[tuple[str, str]]],
    parts: Mapping[str, str],
    words: Mapping[str, str],
    *,
    elsewhere: int,
    on_change: Callable[[Changes], None],
    key: str,
    captions: Mapping[int, str] | None = None,
) -> None:
    """Draw a page of pictures.

    Args:
        pictures: Of this page, as the store has them.
        facts: By picture's number, what stands beside it when it is opened large: word and value.
        parts: Names of the parts.
        words: Sentences of the component: list, none, one, many, page, hint, keys, touch, large,
            group, select, selected, back, next, close.
        elsewhere: How many pictures are selected that are not on this page.
        on_change: Writes what changed to the store; called before the page is drawn again.
        key: Of the component; the same for every page of pictures.
        captions: By picture's number, what stands below it in place of its name.
    """
    heard = f"{key}:heard"

    def listen() -> None:
        message = (st.session_state.get(key) or {}).get("changes")
        if found := changes_of(message):
            on_change(found)
            st.session_state[heard] = found.ack

    ack = st.session_state.get(heard)
    body = payload(
        pictures, facts, parts, words, elsewhere=elsewhere, ack=ack, captions=captions or {}
    ) | {"slot": key}
    _mount(key=key, data=body, on_changes_change=listen)


def payload(
    pictures: Sequence[Picture],
    facts: Mapping[int, Sequence[tuple[str, str]]],
    parts: Mapping[str, str],
    words: Mapping[str, str],
    *,
    elsewhere: int,
    ack: Mapping[str, Any] | None,
    captions: Mapping[int, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """What the browser is told."""
    return {
        "pictures": [
            {
                "id": one.id,
                "digest": one.digest,
                "path": one.path,
                "name": one.path.rsplit("/", 1)[-1],
                "label": one.label,
                "part": parts[one.split],
                "group": one.group,
                "caption": captions.get(one.id, ""),
                "marked": one.marked,
                "facts": [list(fact) for fact in facts.get(one.id, ())],
            }
            for one in pictures
        ],
        "words": dict(words),
        "elsewhere": elsewhere,
        "ack": dict(ack) if ack else None,
    }


def changes_of(message: Any) -> Changes | None:
    """A message of the browser, believed only as far as it has the right form."""
    if not isinstance(message, Mapping):
        return None
    told, seq = message.get("changes"), message.get("seq")
    if not isinstance(told, Sequence) or not isinstance(seq, int | float):
        return None
    on: list[int] = []
    off: list[int] = []
    for one in told[:MOST]:
        if isinstance(one, Sequence) and len(one) == 2 and all(isinstance(n, int) for n in one):
            (on if one[1] else off).append(int(one[0]))
    ack = {"from": str(message.get("from", ""))[:64], "seq": int(seq)}
    return Changes(on=tuple(on), off=tuple(off), ack=ack)
