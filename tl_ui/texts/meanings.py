"""What a number means, how it was computed, and what would change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["ASK", "CHANGES", "COMPUTED", "MEANS", "Answer", "Meaning"]

ASK = "What does this mean?"
MEANS = "What it means"
COMPUTED = "How it was computed"
CHANGES = "What would change it"

Answer: TypeAlias = str | Mapping[str, str]  # of one number; or of each of a group, by its label


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """Three answers about one number, a group of them or a verdict, a few plain sentences each.

    Attributes:
        means: For somebody who knows their pictures and no machine learning.
        computed: From what, and how, with the numbers of this case where they help.
        changes: What the user could do that would change it.
    """

    means: Answer
    computed: Answer
    changes: Answer
