"""What a user calls a run: its name, tags and note, checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tl_core.errors import ConfigError

__all__ = ["NAME_MOST", "NOTE_MOST", "TAGS_MOST", "TAG_MOST", "described"]

NAME_MOST, TAG_MOST, NOTE_MOST = 80, 24, 2000  # characters
TAGS_MOST = 8


def described(name: str, tags: Sequence[str], note: str) -> dict[str, Any]:
    """The words as they are stored: blanks joined, a tag only once, whatever its capitals.

    Raises:
        ConfigError: A name or tag that is empty or too long, too many tags, too long a note.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_MOST:
        raise ConfigError(f"A run needs a name of 1 to {NAME_MOST} characters.", field="name")
    clean: dict[str, str] = {}
    for tag in tags:
        words = " ".join(tag.split())
        if not 1 <= len(words) <= TAG_MOST:
            raise ConfigError(f"A tag has 1 to {TAG_MOST} characters.", field="tags")
        clean.setdefault(words.casefold(), words)
    if len(clean) > TAGS_MOST:
        raise ConfigError(f"A run has at most {TAGS_MOST} tags.", field="tags")
    note = note.strip()
    if len(note) > NOTE_MOST:
        raise ConfigError(f"A note has at most {NOTE_MOST:,} characters.", field="note")
    return {"name": name, "tags": list(clean.values()), "note": note}
