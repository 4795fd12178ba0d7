"""What was measured of more pictures and of transfer, as sentences; for pages and scripts alike."""

from __future__ import annotations

from tl_core.check.honesty import Share
from tl_core.worth.growth import Curve, Growth

__all__ = ["WHY", "WHY_SHORT", "class_sentence", "growth_sentences", "of_100", "range_100"]

LITTLE = 0.01  # a gain that is at most this is little
CLEAR = 0.005  # a gain that is surely above this is one

WHY = {
    "few": "There are too few pictures to leave some out and still learn from the rest.",
    "chance": "So far nothing better than always guessing the largest class has been learned, and "
    "a curve that has not begun to rise does not say how far it will.",
    "families": "Curves that fit what was measured equally well lead to different places.",
    "back_cast": "The same forecast, made from half of the pictures, did not come true with all of "
    "them.",
    "wide": "The interval would be so wide that it says nothing.",
}
WHY_SHORT = {
    "few": "cannot say: too few",
    "chance": "cannot say: no better than guessing",
    "families": "cannot say: curves part",
    "back_cast": "cannot say: forecast failed",
    "wide": "cannot say: too uncertain",
}


def of_100(share: float) -> str:
    """Say it as "88 of 100"."""
    return f"{100 * share:.0f} of 100"


def range_100(share: Share) -> str:
    """Say an interval as "85 to 91"."""
    return f"{100 * share.low:.0f} to {100 * share.high:.0f}"


def growth_sentences(found: Growth) -> list[str]:
    """The answer first, then which classes; one sentence each."""
    return [_overall(found.overall), *([class_sentence(found)] if found.overall.known else [])]


def class_sentence(found: Growth) -> str:
    """Which classes would gain most, or that none stands out."""
    if not found.most:
        return "No class stands out as the one to collect for."
    by_name = {one.name: one for one in found.classes}
    if len(found.most) > 1:
        names = f"{', '.join(found.most[:-1])} and {found.most[-1]}"
        return f"More pictures of {names} would help most."
    one = by_name[found.most[0]]
    assert one.now is not None and one.twice is not None
    return (
        f"More pictures of {one.name} would help most: about {of_100(one.twice.value)} found "
        f"({range_100(one.twice)}) instead of {100 * one.now.value:.0f}."
    )


def _overall(curve: Curve) -> str:
    if curve.now is None or curve.twice is None or curve.gain is None:
        return f"Cannot say whether more pictures would help. {WHY[curve.reason]}"
    twice = (
        f"with twice as many about {of_100(curve.twice.value)} right ({range_100(curve.twice)}) "
        f"instead of {100 * curve.now.value:.0f}."
    )
    if curve.gain.value <= LITTLE:
        return f"More pictures would change little: {twice}"
    if curve.gain.low >= CLEAR:
        return f"More pictures would help: {twice}"
    return f"More pictures may help: {twice}"
