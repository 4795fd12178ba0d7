"""What the distance to the source says in words, and when it says nothing.

The limits were measured with each embedded network (docs/decisions/0019): pictures of its source,
two sets of photographs, drawn tiles, and all of them blurred, noisy, darker, paler, grey and
inverted. Of other networks the numbers are told without a verdict: their scale is not known.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from tl_core.advise.advice import BlockDistance, Candidate

__all__ = ["LIMITS", "Limits", "Told", "early", "late", "told", "told_of"]

Told = Literal["near", "looks", "things", "unknown", "silent"]


class Limits(NamedTuple):
    """Of the early blocks and of the last one; beyond them a distance is told as far."""

    early: float
    late: float


LIMITS = {
    # source and photographs stay at 0.15 or less, noise begins at 0.21; source and hymenoptera
    # stay below the second, clothing lies about it: a thin margin
    "resnet10t.tiny_imagenet": Limits(early=0.18, late=0.065),
}


def told(candidate: Candidate) -> Told:
    """Name what differs: "looks" (light, contrast or sharpness), "things" (what is shown), "near".

    When the early blocks are far, what comes later is moved with them and says nothing of its own.
    "unknown" has numbers without a verdict, "silent" has none.
    """
    return told_of(candidate.name, candidate.weights, candidate.distance)


def told_of(name: str, weights: str, distance: tuple[BlockDistance, ...]) -> Told:
    """The same from a network's name, where its weights are from, and the distance."""
    if not distance:
        return "silent"
    limits = LIMITS.get(name)
    if limits is None or weights != "pretrained":
        return "unknown"
    if early(distance) > limits.early:
        return "looks"
    return "things" if late(distance) > limits.late else "near"


def early(blocks: tuple[BlockDistance, ...]) -> float:
    """The largest distance in the first third of the blocks."""
    return max(one.distance for one in blocks[: -(-len(blocks) // 3)])


def late(blocks: tuple[BlockDistance, ...]) -> float:
    """The distance of the last block."""
    return blocks[-1].distance
