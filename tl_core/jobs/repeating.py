"""Running a run again: the same settings and seed, on the pictures it had or on those of now."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from tl_core.config import RunSpec
from tl_core.errors import DataError, RunNotFoundError
from tl_core.jobs import continuing
from tl_core.jobs.naming import NAME_MOST
from tl_core.jobs.queue import Queue, RunRow
from tl_core.jobs.submit import read_snapshot, submit_training
from tl_core.jobs.versions import Since, Versions
from tl_core.storage import Home

__all__ = ["Repeatable", "repeat", "repeatable"]

AGAIN = ", again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeatable:
    """Whether a run can be run again as it was.

    Attributes:
        since: What has changed in the project's pictures; None when that is not known.
        anew: Why it cannot begin with the weights that it began with; "" when it can, or when it
            began with none.
        by_hand: Whether the user ended it, so that another one would go on for longer.
    """

    since: Since | None
    anew: str
    by_hand: bool


def repeatable(home: Home, engine: Engine, versions: Versions, row: RunRow) -> Repeatable:
    """Find out what would be the same. Whether every picture is still there is seen on starting."""
    spec, why = RunSpec.from_dict(row.spec), ""
    if spec.goes_on and spec.parent:
        try:
            why = continuing.obstacle(home, spec, Queue(engine).get(spec.parent))
        except RunNotFoundError:
            why = "The earlier run that it went on from is not here any more."
    return Repeatable(
        since=versions.since(row.id, row.project_id),
        anew=why,
        by_hand=(row.result or {}).get("reason") == "stopped",
    )


def repeat(home: Home, engine: Engine, run_id: str, *, as_then: bool = True) -> str:
    """Queue a run with the settings and the seed of an earlier one; returns its id.

    Args:
        home: The home.
        engine: Of its store.
        run_id: The earlier run.
        as_then: On the pictures, classes and division that it had; the project's set stays as it
            is. Otherwise on the project's pictures as they are now.

    Raises:
        DataError: Pictures it had are not in the store any more.
        RunNotFoundError: There is no such run, or its pictures are not known.
        TooFewImagesError, ConfigError, ModelError: It cannot be trained now.
    """
    row = Queue(engine).get(run_id)
    pictures = read_snapshot(home, run_id) if as_then else None
    gone = 0 if pictures is None else sum(not home.has_blob(one.digest) for one in pictures.images)
    if gone:
        raise DataError(
            f"{gone:,} of the pictures of this run are not here any more.",
            hint="Run it with the pictures as they are now; the result is then another one.",
        )
    return submit_training(
        home,
        engine,
        row.project_id,
        RunSpec.from_dict(row.spec),
        name=f"{row.name.removesuffix(AGAIN)[: NAME_MOST - len(AGAIN)]}{AGAIN}",
        pictures=pictures,
    )
