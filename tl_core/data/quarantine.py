"""Files that were left out, each with its reason in plain words.

A reason is the end of a sentence whose subject is the file, without a full stop: "is empty
(0 bytes)". ``CODES`` lists every code a quarantined file can carry, with a short title under
which a page may group the files.
"""

from __future__ import annotations

from dataclasses import dataclass

from tl_core.errors import UnreadableImageError

__all__ = ["CODES", "Quarantined", "reason_of", "unreadable"]

CODES = {
    "animated": "Animations and files of several pages",
    "damaged": "Damaged or cut off",
    "duplicate_name": "Second file of the same name",
    "empty": "Empty files",
    "link": "Links and special files",
    "no_class_folder": "Outside a class folder",
    "no_label": "Without a class in the table",
    "not_a_picture": "Not pictures",
    "placeholder": "Placeholders of web sites",
    "several_labels": "With more than one class",
    "too_large": "Too large",
    "unsafe_name": "Unsafe names",
    "unsupported": "Picture formats that are not supported",
}

_SUBJECT = "The file "


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A file that was left out: its path as shown, why, and a code of ``CODES``."""

    file: str
    reason: str
    code: str


def unreadable(reason: str, *, code: str, hint: str = "") -> UnreadableImageError:
    """The error for a file that is no usable picture; its message is a whole sentence.

    Args:
        reason: The end of a sentence whose subject is the file, e.g. "is empty (0 bytes)".
        code: One of ``CODES``.
        hint: What to do now, where there is something to do.
    """
    return UnreadableImageError(f"{_SUBJECT}{reason}.", hint=hint, code=code)


def reason_of(err: UnreadableImageError) -> str:
    """The reason an ``unreadable`` error was made from, for the quarantine list."""
    return err.message.removeprefix(_SUBJECT).removesuffix(".")
