"""The parts of a question: its lines, its targets, and what each line asks to be measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.measuring import Asked
from benchmarks.medians import Measured

__all__ = ["Line", "Question", "Target", "fastai", "plain", "thaw"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of a question's table.

    ``key`` is the number shown, ``unit`` its unit, ``times`` what it is multiplied by (a search of
    15 runs of which one was measured), ``base`` the label the ratio is taken against, ``note``
    what the reader must know.
    """

    asked: Asked
    key: str = "seconds"
    unit: str = "s"
    times: int = 1
    base: str = ""
    note: str = ""
    hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A number held against a limit: at least ``least``, or at most ``most``."""

    text: str
    value: Callable[[Measured], float | None]
    least: float | None = None
    most: float | None = None
    digits: int = 1

    def met(self, value: float) -> bool:
        """Whether the value is within the limit."""
        low = self.least is None or value >= self.least
        return low and (self.most is None or value <= self.most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A section of the page. ``extra`` adds sentences below the table."""

    name: str
    title: str
    text: str
    lines: Mapping[str, Line]
    targets: tuple[Target, ...] = ()
    extra: Callable[[Measured], Sequence[str]] = lambda measured: ()


def thaw(way: str, data: str, *, once: bool = False, **options: Any) -> Asked:
    """A function of ``thaw_side`` on a set."""
    return Asked("thaw", way, data, options, seeded=way in ("train", "search"), once=once)


def plain(data: str, *, once: bool = False, **options: Any) -> Asked:
    """The plain loop on a set."""
    return Asked("plain", "", data, options, seeded=True, once=once)


def fastai(way: str, data: str, **options: Any) -> Asked:
    """Fastai on a set, in one of its ways."""
    return Asked("fastai", way, data, options, seeded=True)
