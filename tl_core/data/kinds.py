"""One set, one kind of picture: all in colour, or all of one other number of channels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tl_core.config import RGB
from tl_core.data.passes import Fact, page_name
from tl_core.data.quarantine import Quarantined

__all__ = ["of_one_kind"]


def of_one_kind(
    facts: Sequence[Fact], quarantine: list[Quarantined], *, kind: int | None = None
) -> tuple[list[Fact], int]:
    """The pictures of one number of channels, and that number.

    Args:
        facts: Of every picture.
        quarantine: The others are added to it.
        kind: The channels wanted; None = those that most pictures have.
    """
    counts = Counter(fact.channels for fact in facts)
    most = kind or max(counts, key=lambda n: (counts[n], n == RGB), default=RGB)
    for fact in facts:
        if fact.channels != most:
            name = page_name(fact.entry, fact.page) if fact.n_pages > 1 else fact.entry
            reason = f"{_has(fact.channels)} where most pictures {_have(most)}"
            quarantine.append(Quarantined(file=name, reason=reason, code="unsupported"))
    return [fact for fact in facts if fact.channels == most], most


def _has(channels: int) -> str:
    return "is grey or in colour" if channels == RGB else f"has {channels} channels"


def _have(channels: int) -> str:
    return "are grey or in colour" if channels == RGB else f"have {channels} channels"
