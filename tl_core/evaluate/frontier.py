"""Runs that no other run beats at what they cost."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["unbeaten"]


def unbeaten(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Whether no other point is at least as good for at most as much, and better in one of both.

    Args:
        points: (accuracy, cost) of each run; what costs is time or size.
    """
    return [
        not any(
            good >= value and dear <= cost and (good > value or dear < cost)
            for good, dear in points
        )
        for value, cost in points
    ]
