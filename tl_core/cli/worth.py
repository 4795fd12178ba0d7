"""``learning-curve`` and ``control``: would more pictures help, and does transfer? Nothing kept."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tl_core.cli.inspecting import machine, read
from tl_core.cli.show import Bars, as_lines, percent, table
from tl_core.config import RGB, DataConfig
from tl_core.data.split import assign_splits
from tl_core.jobs.processes import keep_freed_memory
from tl_core.models.catalog import DEFAULT_MODEL
from tl_core.storage import Home
from tl_core.worth import words

if TYPE_CHECKING:
    from tl_core.check.findings import CheckedSet
    from tl_core.worth.growth import Curve

__all__ = ["control", "learning_curve"]


def learning_curve(options: argparse.Namespace) -> int:
    """Print how right heads are with fewer pictures, and what twice as many would bring."""
    from tl_core.jobs.growing import grown  # heavy: not before it is needed

    with _taken_in(options) as (home, checked), _bars() as progress:
        found = grown(home, checked, options.model or DEFAULT_MODEL, progress)
    if machine(options):
        as_lines({**found.to_dict(), "sentences": words.growth_sentences(found)})
        return 0
    points = [[f"{one.pictures:.0f}", _interval(one)] for one in found.overall.points]
    print(table(points, ["pictures to learn from", "right"]))
    print()
    print("\n".join(words.growth_sentences(found)))
    rows = [_class_row(one) for one in found.classes]
    print("\n" + table(rows, ["class", "pictures", "found now", "with twice as many"]))
    return 0


def control(options: argparse.Namespace) -> int:
    """Print whether the pretrained network beats the same one from scratch, and by how much."""
    from tl_core.jobs.controlling import compared  # heavy: not before it is needed

    with _taken_in(options) as (home, checked), _bars() as progress:
        found = compared(home, checked, options.model or DEFAULT_MODEL, progress)
    if machine(options):
        as_lines({**found.to_dict(), "sentences": words.transfer_sentences(found)})
        return 0
    print("\n".join(words.transfer_sentences(found)))
    rows = [[words.ARM_NAMES[one.name], _interval(one.accuracy)] for one in found.arms]
    print("\n" + table(rows, ["way", "right"]))
    return 0


def _class_row(curve: Curve) -> list[str]:
    now = curve.now and percent(curve.now.value, (curve.now.low, curve.now.high))
    twice = curve.twice and percent(curve.twice.value, (curve.twice.low, curve.twice.high))
    return [curve.name, str(curve.pictures), now or "-", twice or words.WHY_SHORT[curve.reason]]


def _interval(one: object) -> str:
    value, low, high = (float(getattr(one, name)) for name in ("value", "low", "high"))
    return percent(value, (low, high))


@contextmanager
def _taken_in(options: argparse.Namespace) -> Iterator[tuple[Home, CheckedSet]]:
    """The set in a store of its own that goes away again."""
    from tl_core.check.whole import checked_set

    keep_freed_memory()
    scratch = Home(options.home).folder("tmp")
    with tempfile.TemporaryDirectory(prefix="worth-", dir=scratch) as folder:
        home = Home(folder, blobs=f"{folder}/blobs")
        intake = read(options.data, home, pictures=options.pictures)
        yield (
            home,
            checked_set(
                intake.records,
                assign_splits(intake.records, DataConfig()),
                given=bool(intake.given_splits),
                channels=int(intake.reading.get("channels", RGB)),
            ),
        )


@contextmanager
def _bars() -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    bars = Bars()

    def progress(stage: str) -> Callable[[int, int], None]:
        return lambda done, total: bars.report(stage.lower(), done, total)

    try:
        yield progress
    finally:
        bars.close()
