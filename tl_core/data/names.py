"""Member names of archives made safe to show and to compare; no name is ever used to write."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["MAX_NAME", "clean_name", "shown"]

MAX_NAME = 1000  # characters of a whole relative path; longer ones are set aside

# Control characters, halves of broken Unicode, and marks that reverse the reading direction.
_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def clean_name(raw: str) -> tuple[str, str]:
    """Normalise the name of a member.

    Returns:
        The name relative to the archive's top, "/" between its parts, Unicode NFC, and "" - or
        a printable form of the name and the reason for which the member must be set aside.
    """
    name = raw.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if "\x00" in raw:
        return shown(raw), "has a name with a forbidden character"
    if len(raw) > MAX_NAME:
        return shown(raw), f"has a name of more than {MAX_NAME} characters"
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return shown(raw), "has a name that points outside the archive (it starts at the disk)"
    if ".." in parts:
        return shown(raw), 'has a name that points outside the archive (it contains "..")'
    if not parts:
        return shown(raw) or "(no name)", "has no name"
    return _printable("/".join(parts)), ""


def shown(raw: str, limit: int = 200) -> str:
    """A name that may be hostile, printable and not too long."""
    text = _printable(raw)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _printable(name: str) -> str:
    return unicodedata.normalize("NFC", _HARMFUL.sub("\ufffd", name))
