"""Sentences about why the network answered so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TITLE = "Why it answered so"
HINT = "Ask about one of the first pictures chosen above."
WHY = "Why?"
AGAIN = "Try again"
METHOD = "Kind of heat map"
METHODS = {"gradcam": "Coarse (Grad-CAM)", "integrated": "Fine (integrated gradients)"}
OPACITY = "Strength of the colour"
EMPTY = "Nothing in this picture speaks for this answer by itself; it was the least unlike."
NEAR = "Nearest training pictures"
NONE_NEAR = (
    "No training picture is near: even the nearest is farther away than training pictures are "
    "from each other. Do not rely on the answer."
)
BLOCKS = "What each block sees"
BLOCKS_HINT = "From the first block to the last: bright is where the block answers most."
CHECKED = "Check of the map"
NOTHING = "Choose pictures above first."


def map_of(target: str) -> str:
    """What the map shows."""
    return f"Bright is what speaks for “{target}”."


def checked(sanity: Mapping[str, Any]) -> str:
    """Whether the map depends on what was learned."""
    rank = f"likeness {sanity['rank']:.2f} of 1"
    if sanity["trusted"]:
        return f"This map depends on what it learned: with mixed-up weights it is another ({rank})."
    return f"This map cannot be trusted: it looks the same with mixed-up weights ({rank})."


def gap(share: float) -> str:
    """The completeness gap."""
    return f"The map adds up to the answer but for {100 * share:.1f} % of what it shows."


def near(label: str, distance: float) -> str:
    """Below a training picture."""
    return f"{label}, {distance:.2f} away"


def alt(target: str) -> str:
    """The heat map for those who cannot see it."""
    return f"The picture with what speaks for {target} in bright colour"
