"""Would more pictures help? The learning curve as a piece of background work. Imports torch."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from tl_core.check.findings import CheckedSet
from tl_core.check.whole import checked_set
from tl_core.errors import TooFewImagesError
from tl_core.jobs.belonging import moving_together
from tl_core.jobs.checking import Reporter, Seen, seen_by_network
from tl_core.jobs.work import Context
from tl_core.models.catalog import DEFAULT_MODEL, card
from tl_core.probe.select import prepared_features
from tl_core.storage import Home
from tl_core.worth.growth import Growth
from tl_core.worth.outlook import outlook
from tl_core.worth.thinning import FEWEST, curve_rows, measured

__all__ = ["Opened", "grown", "learning_curve", "opened", "project_set", "untested_units"]


def learning_curve(context: Context) -> dict[str, Any]:
    """Measure a project's learning curve on everything but its test pictures.

    The spec may name a ``model``.

    Returns:
        ``growth`` (of ``Growth.to_dict``), ``model`` and ``title``, ``seconds``,
        ``data_version``.

    Raises:
        TooFewImagesError: The pictures do not allow it.
    """
    begun = time.perf_counter()
    name = str(context.row.spec.get("model") or DEFAULT_MODEL)
    checked, version = project_set(context)
    found = grown(context.home, checked, name, context.progress)
    return {
        "growth": found.to_dict(),
        "model": name,
        "title": card(name).title,
        "seconds": time.perf_counter() - begun,
        "data_version": version,
    }


def project_set(context: Context) -> tuple[CheckedSet, int]:
    """The pictures of the task's project, and their version.

    Raises:
        TooFewImagesError: There are none.
    """
    project = context.library.get(context.row.project_id)
    ids, records, splits = context.library.records(project.id)
    if not records:
        raise TooFewImagesError("There are no pictures yet.", hint="Bring some first.")
    checked = checked_set(
        records, splits, ids=ids, given=bool(project.given_splits), channels=project.channels
    )
    return checked, project.data_version


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Opened:
    """Pictures that may be looked at: ``rows`` of the set, which take part, with what a network
    makes of them; ``units`` int (N,) what each picture of the set moves with; ``available`` rows
    before some were left out for their number.
    """

    seen: Seen
    rows: np.ndarray
    units: np.ndarray
    available: int


def untested_units(
    home: Home, checked: CheckedSet, progress: Reporter
) -> tuple[np.ndarray, np.ndarray]:
    """Rows that are not for the test, and what each picture of the set moves with, int (N,).

    No test picture is opened: each stands alone, unless records say what it belongs to.

    Args:
        home: The store that holds the pictures.
        checked: The set.
        progress: As for ``opened``.
    """
    free = np.flatnonzero([split != "test" for split in checked.splits])
    some = checked.only(free)
    units = np.arange(len(checked))
    units[free] = free[moving_together(home, some, progress("Looking at the pictures"))]
    return free, units


def opened(home: Home, checked: CheckedSet, model_name: str, progress: Reporter) -> Opened:
    """Everything but the test pictures, as a network sees it.

    Args:
        home: The store that holds the pictures.
        checked: The set.
        model_name: The network.
        progress: Gives a ``report(done, total)`` for each stage.

    Raises:
        TooFewImagesError: Too few are left to learn from some and judge on others.
    """
    free, units = untested_units(home, checked, progress)
    rows = curve_rows(checked.labels, units, free)
    if not len(rows):
        raise TooFewImagesError(
            f"It takes {FEWEST} pictures of two classes, besides the test pictures, to learn from "
            f"some and judge on others; there are {len(free)}.",
            hint="Bring more pictures on the Data page.",
        )
    seen = seen_by_network(home, checked, rows, progress, model_name=model_name)
    assert seen is not None  # two classes have two pictures each
    return Opened(seen=seen, rows=rows, units=units, available=len(free))


def grown(home: Home, checked: CheckedSet, model_name: str, progress: Reporter) -> Growth:
    """The learning curve of a set, fitted and looked ahead; arguments as ``opened``."""
    found = opened(home, checked, model_name, progress)
    used, labels = np.unique(checked.labels[found.rows], return_inverse=True)
    units = found.units[found.rows]
    answers = measured(
        prepared_features(found.seen.of(found.rows), found.seen.looked.taps.blocks),
        labels,
        units,
        len(used),
        report=progress("Learning from fewer and fewer pictures"),
    )
    names = [checked.classes[one] for one in used]
    return outlook(answers, labels, units, names, available=found.available)
