"""After pictures were mended: what has changed since a run, and the run that was trained on it.

No torch here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tl_core.config import PROBES, RunSpec
from tl_core.errors import RunNotFoundError
from tl_core.jobs import continuing
from tl_core.jobs.library import Library
from tl_core.jobs.queue import Queue, RunRow
from tl_core.jobs.submit import read_snapshot
from tl_core.jobs.versions import Since, Versions
from tl_core.storage import Home

__all__ = ["NOTE", "Mended", "mended", "mended_spec"]

NOTE = "mended"  # of the settings of a run that was started for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """Where mending the pictures of a run stands.

    Attributes:
        since: What changed in the set since the run; None when that is not known.
        judging: Pictures that judged the run (validation and test) and now have another class or
            are left out: what was looked at because it was answered wrongly flatters a score.
        obstacle: Why a new run cannot go on from the run's weights; "" when it can.
        solved: Whether the head is solved, so that there is nothing to go on from.
        after: The newest run that was started from this one after mending.
        newer: What changed since that run; None without one.
    """

    since: Since | None
    judging: int
    obstacle: str
    solved: bool
    after: RunRow | None
    newer: Since | None


def mended(home: Home, library: Library, versions: Versions, queue: Queue, row: RunRow) -> Mended:
    """Find out where mending the pictures of a run stands."""
    spec = RunSpec.from_dict(row.spec)
    rows = queue.rows(project_id=row.project_id, kind="train", limit=None)
    after = next(
        (one for one in rows if one.spec.get("parent") == row.id and one.spec.get("note") == NOTE),
        None,
    )
    return Mended(
        since=versions.since(row.id, row.project_id),
        judging=_judging(home, library, row),
        obstacle=continuing.obstacle(home, spec, row),
        solved=spec.freeze.layers in PROBES,
        after=after,
        newer=versions.since(after.id, row.project_id) if after is not None else None,
    )


def mended_spec(home: Home, row: RunRow) -> RunSpec:
    """The settings of the run that follows ``row``, from its weights where it can go on."""
    spec = RunSpec.from_dict(row.spec)
    goes_on = not continuing.obstacle(home, spec, row)
    return replace(spec, parent=row.id, goes_on=goes_on, note=NOTE, verdict="", remedy="")


def _judging(home: Home, library: Library, row: RunRow) -> int:
    try:
        snapshot = read_snapshot(home, row.id)
    except RunNotFoundError:
        return 0
    judged = [one for one in snapshot.images if one.split in ("val", "test")]
    there = library.some_images(row.project_id, [one.id for one in judged])
    now = {one.id: (one.digest, one.label) for one in there}
    return sum(now.get(one.id) != (one.digest, one.label) for one in judged)
