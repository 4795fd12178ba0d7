"""What a number means, how it was computed, and what would change it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ASK", "CHANGES", "COMPUTED", "MEANS", "Meaning"]

ASK = "What does this mean?"
MEANS = "What it means"
COMPUTED = "How it was computed"
CHANGES = "What would change it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """Three answers about one number or verdict, a few plain sentences each.

    Attributes:
        means: For somebody who knows their pictures and no machine learning.
        computed: From what, and how, with the numbers of this case where they help.
        changes: What the user could do that would change it.
    """

    means: str
    computed: str
    changes: str
