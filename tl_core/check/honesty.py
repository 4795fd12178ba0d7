"""What was measured of a division, as the check's result keeps it; read by pages without numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["GAP_SHOWN", "Honesty", "Share", "honesty_from_dict"]

GAP_SHOWN = 0.02  # a gap below it is not worth a word, however certain


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share, or a difference of shares, with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Honesty:
    """What was measured on ``pictures`` that are not for the test, ``groups`` of which have two
    or more pictures (``in_groups`` pictures in all).

    ``grouped`` is the accuracy with groups on one side, ``single`` with pictures dealt out one by
    one and ``gap`` the second less the first; both None without groups.
    """

    pictures: int
    groups: int
    in_groups: int
    folds: int
    repeats: int
    grouped: Share
    single: Share | None = None
    gap: Share | None = None

    @property
    def shown(self) -> bool:
        """Whether there is a gap beyond chance, and large enough to matter."""
        return self.gap is not None and self.gap.low > 0 and self.gap.value >= GAP_SHOWN

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def honesty_from_dict(body: Mapping[str, Any] | None) -> Honesty | None:
    """What ``to_dict`` told; None where nothing was measured, or by an older Thaw."""
    if not body:
        return None
    shares = {
        name: Share(**body[name]) if body.get(name) else None
        for name in ("grouped", "single", "gap")
    }
    return Honesty(**{**body, **shares})
