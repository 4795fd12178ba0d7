"""The numbered record of what a run says.

A log with cursors, not a queue: every reader (second tab, refreshed page, command line) asks for
what came after the number it has seen, and none can take an event away from another. Nothing is
ever changed; only the steps of an epoch are dropped once the epoch's own event sums them up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Engine, delete, func, insert, select

from tl_core.events import (
    EpochDone,
    Event,
    Progress,
    StepDone,
    event_from_dict,
    event_to_dict,
)
from tl_core.jobs.schema import events

__all__ = ["Entry", "EventLog", "Writer"]

THIN_S = 0.25  # StepDone and Progress are written at most this often
LIMIT = 5000  # entries returned at once


@dataclass(frozen=True, slots=True)
class Entry:
    """One event with its number (1-based, rising) and its time (Unix seconds)."""

    seq: int
    at: float
    event: Event


class EventLog:
    """Reads the events of any run."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def after(self, run_id: str, cursor: int = 0) -> list[Entry]:
        """Entries with ``seq > cursor``, in order, at most 5,000."""
        query = (
            select(events.c.seq, events.c.at, events.c.body)
            .where(events.c.run_id == run_id, events.c.seq > cursor)
            .order_by(events.c.seq)
            .limit(LIMIT)
        )
        with self._engine.connect() as connection:
            return [
                Entry(int(row.seq), float(row.at), event_from_dict(row.body))
                for row in connection.execute(query)
            ]

    def all_after(self, run_id: str, cursor: int = 0) -> Iterator[Entry]:
        """Every entry with ``seq > cursor``, in order, read in batches."""
        while batch := self.after(run_id, cursor):
            yield from batch
            cursor = batch[-1].seq

    def last(self, run_id: str, *kinds: str) -> Event | None:
        """The newest event of some kinds."""
        query = (
            select(events.c.body)
            .where(events.c.run_id == run_id, events.c.kind.in_(kinds))
            .order_by(events.c.seq.desc())
            .limit(1)
        )
        with self._engine.connect() as connection:
            body = connection.execute(query).scalar()
        return None if body is None else event_from_dict(body)


class Writer:
    """Appends the events of one run. One writer per run at a time.

    Args:
        engine: From ``open_engine``.
        run_id: Whose events these are.
        clock: Seconds, for stamping and thinning; replaced in tests.
    """

    def __init__(self, engine: Engine, run_id: str, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._run_id = run_id
        self._clock = clock
        self._thinned_at: dict[str, float] = {}
        with engine.connect() as connection:
            query = select(func.max(events.c.seq)).where(events.c.run_id == run_id)
            self._seq = int(connection.execute(query).scalar() or 0)

    def append(self, event: Event) -> bool:
        """Write one event; False when it was thinned out (steps and progress only)."""
        now = self._clock()
        if isinstance(event, StepDone | Progress) and self._too_soon(event, now):
            return False
        with self._engine.begin() as connection:
            if isinstance(event, EpochDone):  # its steps are summed up in it now
                connection.execute(
                    delete(events).where(
                        events.c.run_id == self._run_id, events.c.kind == StepDone.name
                    )
                )
            connection.execute(
                insert(events).values(
                    run_id=self._run_id,
                    seq=self._seq + 1,
                    at=now,
                    kind=event.name,
                    body=event_to_dict(event),
                )
            )
        self._seq += 1
        return True

    def _too_soon(self, event: StepDone | Progress, now: float) -> bool:
        if isinstance(event, StepDone):
            key, last = "step", event.step >= event.steps
        else:
            key, last = event.stage, event.total > 0 and event.done >= event.total
        if not last and now - self._thinned_at.get(key, -THIN_S) < THIN_S:
            return True
        self._thinned_at[key] = now
        return False
