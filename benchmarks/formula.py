"""What caching the frozen blocks can gain at most: the model beside the measurements."""

from __future__ import annotations

__all__ = ["speed_up"]


def speed_up(*, epochs: int, views: int, prefix: float, suffix: float) -> float:
    """How many times less work a run does when the frozen blocks are computed once per view.

    The usual loop pays E(p + s) per picture, the cached one Kp + Es. Decoding, fixed costs and
    faster arithmetic are not in it, so a measured ratio may lie on either side.

    Args:
        epochs: E, at least 1.
        views: K, changed versions of every picture, at least 1. More views than epochs are never
            made.
        prefix: p, cost of the frozen blocks' forward pass per picture, in any unit, at least 0.
        suffix: s, cost of one training step of the rest per picture, in the same unit, at least 0.

    Raises:
        ValueError: A value out of range, or both costs are 0.

    Source:
        The ratio E(p+s)/(Kp+Es) of frozen-feature caching; no published table tests it.
    """
    if epochs < 1 or views < 1:
        raise ValueError(f"epochs {epochs} and views {views} must be at least 1")
    if prefix < 0 or suffix < 0 or prefix + suffix == 0:
        raise ValueError(f"costs {prefix} and {suffix} must not be negative, nor both 0")
    views = min(views, epochs)
    return epochs * (prefix + suffix) / (views * prefix + epochs * suffix)
