"""Numbers and names as parts of a sentence."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["EXAMPLES", "count", "examples", "listed", "named"]

EXAMPLES = 3  # names given at most in one sentence


def count(number: int, one: str, several: str) -> str:
    """A number with its noun: "1 file was", "1,200 files were"."""
    return f"{number:,} {one if number == 1 else several}"


def listed(words: Sequence[str]) -> str:
    """All of some words: "ants, bees and wasps"."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def examples(names: Sequence[str]) -> str:
    """The first few of many names, that stand for the others: "a.jpg, b.jpg, c.jpg and 9 more"."""
    more = f" and {len(names) - EXAMPLES:,} more" if len(names) > EXAMPLES else ""
    return ", ".join(names[:EXAMPLES]) + more


def named(names: Sequence[str]) -> str:
    """The first few names as the subject of a sentence: "ants and bees", "a, b, c and 9 more"."""
    return listed(names) if len(names) <= EXAMPLES else examples(names)
