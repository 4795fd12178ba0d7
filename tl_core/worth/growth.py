"""What was measured of more pictures, as a result keeps it; read by pages without numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tl_core.check.honesty import Share

__all__ = ["REASONS", "Curve", "Growth", "Point", "growth_from_dict"]

REASONS = ("few", "chance", "families", "back_cast", "wide")  # why nothing can be said


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A share (0..1) with ``pictures`` to learn from, and its 95 % interval."""

    pictures: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """How often heads are right (or find a class) against the pictures they learned from.

    ``name`` is the class, "" for all pictures together; ``pictures`` how many there are now;
    ``points`` what was measured and ``line`` what was fitted, on to four times as many; ``now``,
    ``twice`` and ``gain`` (the second less the first) what the fit says; ``reason`` is "" when
    it may be believed, else one of REASONS, and then ``twice`` and ``gain`` are None.
    """

    name: str
    pictures: int
    points: tuple[Point, ...]
    line: tuple[Point, ...] = ()
    now: Share | None = None
    twice: Share | None = None
    gain: Share | None = None
    reason: str = ""

    @property
    def known(self) -> bool:
        """Whether something can be said of twice as many pictures."""
        return self.twice is not None and self.gain is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """The curve of all pictures and those of the classes.

    ``pictures`` took part (no test picture did), of ``available``; ``repeats`` parts of each size;
    ``majority`` is the largest class's share; ``most`` names the classes that would gain most, ()
    where none stands out.
    """

    pictures: int
    available: int
    repeats: int
    majority: float
    overall: Curve
    classes: tuple[Curve, ...]
    most: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def growth_from_dict(body: Mapping[str, Any]) -> Growth:
    """What ``to_dict`` told."""
    return Growth(
        **{
            **body,
            "overall": _curve(body["overall"]),
            "classes": tuple(_curve(one) for one in body["classes"]),
            "most": tuple(body["most"]),
        }
    )


def _curve(body: Mapping[str, Any]) -> Curve:
    points = {key: tuple(Point(**one) for one in body[key]) for key in ("points", "line")}
    shares = {
        key: Share(**body[key]) if body.get(key) else None for key in ("now", "twice", "gain")
    }
    return Curve(**{**body, **points, **shares})
