"""Names of classes: cleaned, limited, and never two that differ only in capitals by accident."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from tl_core.errors import ConfigError

__all__ = ["LONGEST", "class_name", "known_name", "same_name"]

LONGEST = 80  # characters of a class's name


def class_name(name: str) -> str:
    """A name as it is kept: composed letters, single spaces, nothing that steers a terminal.

    Raises:
        ConfigError: Nothing to see in it, or more than 80 characters (field="label").
    """
    composed = unicodedata.normalize("NFC", name)
    plain = " ".join("".join(_plain(one) for one in composed).split())
    visible = any(unicodedata.category(one)[0] not in "CZ" for one in plain)
    if not visible or len(plain) > LONGEST:
        raise ConfigError(f"A class needs a name of 1 to {LONGEST} characters.", field="label")
    return plain


def known_name(name: str, there: Iterable[str]) -> str:
    """The cleaned name, or that of a class which is there and differs in capitals at most.

    A name that is there exactly as typed comes first: folders may have brought both spellings.
    """
    plain, known = class_name(name), sorted(there)
    if plain in known:
        return plain
    return next((one for one in known if same_name(one, plain)), plain)


def same_name(one: str, other: str) -> bool:
    """Whether two names differ in capitals or in how their letters are composed at most."""
    return _key(one) == _key(other)


def _plain(letter: str) -> str:
    if letter in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069":  # turn the text around
        return ""
    return " " if unicodedata.category(letter) == "Cc" else letter


def _key(name: str) -> str:
    return unicodedata.normalize("NFKC", " ".join(name.split())).casefold()
