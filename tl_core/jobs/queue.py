"""The queue of background work: submit, claim, command, finish. One row per run is the truth.

States::

    queued -> starting -> running <-> paused -> finished
                 |           |          |-----> failed       (an error with a sentence)
                 |           `-> stopping ----> finished     (stopped, best epoch kept)
                 `-------------------------->   interrupted  (process gone; requeue() resumes)
    queued -> cancelled                                       (taken off before it began)

Lanes say what may run side by side: ``train`` one at a time, ``side`` two at a time (taking in
pictures, checking them, measuring networks, downloads, exports), ``quick`` in one warm process
(predictions, previews).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Row, delete, func, insert, select, update

from tl_core.errors import RunNotFoundError, RunStateError
from tl_core.jobs.naming import described
from tl_core.jobs.schema import commands, events, runs, services

__all__ = ["ACTIVE", "LANE_OF", "LANE_WIDTH", "OVER", "Queue", "RunRow", "new_id"]

OVER = frozenset({"finished", "failed", "cancelled"})
ACTIVE = frozenset({"queued", "starting", "running", "paused", "stopping"})
ALIVE = ("starting", "running", "paused", "stopping")
LANE_WIDTH = {"train": 1, "side": 2, "quick": 1}
LANE_OF = {
    "train": "train",
    "control": "train",
    "cross_validate": "train",
    "import": "side",
    "sample": "side",
    "download": "side",
    "export": "side",
    "check": "side",
    "choose_layers": "side",
    "compare_heads": "side",
    "advise": "side",
    "learning_curve": "side",
    "lr_find": "side",
    "judge": "side",
    "map": "side",
    "familiar": "side",
    "predict_many": "side",
    "bring_bundle": "side",
    "predict": "quick",
    "report": "quick",
    "preview": "quick",
    "baseline": "quick",
    "describe": "quick",
    "explain": "quick",
    "measure": "quick",
    "check_weights": "quick",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One piece of background work as the store knows it. Times are Unix seconds."""

    id: str
    project_id: str
    kind: str
    lane: str
    name: str
    spec: dict[str, Any]
    state: str
    created_at: float
    started_at: float | None
    ended_at: float | None
    heartbeat_at: float | None
    pid: int | None
    exit_code: int | None
    error: dict[str, str] | None
    result: dict[str, Any] | None
    place: int | None = None  # 1 = next in the queue; None when not queued
    tags: tuple[str, ...] = ()
    note: str = ""
    tested_at: float | None = None  # first compared with others on the test pictures

    @property
    def over(self) -> bool:
        """Finished, failed or cancelled: nothing more will happen by itself or by resuming."""
        return self.state in OVER

    @property
    def active(self) -> bool:
        """Waiting for its turn or at work."""
        return self.state in ACTIVE


def new_id(kind: str) -> str:
    """A new id for work of this kind: its first letter and 10 random hex digits."""
    return f"{kind[0]}{secrets.token_hex(5)}"


class Queue:
    """Background work in the store. Every method is one short transaction.

    Args:
        engine: From ``open_engine``.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # -- asking --------------------------------------------------------------------------------

    def submit(
        self,
        kind: str,
        spec: dict[str, Any],
        *,
        project_id: str = "",
        name: str = "",
        run_id: str = "",
    ) -> str:
        """Put work at the end of its lane and return its id (``run_id`` or a new one)."""
        run_id = run_id or new_id(kind)
        now = time.time()
        with self._engine.begin() as connection:
            connection.execute(
                insert(runs).values(
                    id=run_id,
                    project_id=project_id,
                    kind=kind,
                    lane=LANE_OF[kind],
                    name=name or kind,
                    spec=spec,
                    state="queued",
                    created_at=now,
                    queued_at=now,
                )
            )
        return run_id

    def command(self, run_id: str, kind: str) -> None:
        """Ask a run to ``pause``, ``continue`` or ``stop``; a queued run is cancelled by stop.

        Gates of a run in stages are answered so too (``tl_core.jobs.gates.answer``).

        Raises:
            RunStateError: The run is not in a state in which this can be done.
        """
        row = self.get(run_id)
        if kind == "stop" and row.state == "queued":
            if self._move(run_id, ("queued",), state="cancelled", ended_at=time.time()):
                return
            row = self.get(run_id)
        if row.state not in ALIVE:
            raise RunStateError(
                f"This run is {row.state}, it cannot be asked to {kind}.",
                hint="Reload the page to see where it stands.",
            )
        with self._engine.begin() as connection:
            connection.execute(insert(commands).values(run_id=run_id, kind=kind, at=time.time()))

    def requeue(self, run_id: str) -> None:
        """Put an interrupted run back on the queue, to go on from its last checkpoint.

        Raises:
            RunStateError: The run is not interrupted.
        """
        now = time.time()
        moved = self._move(
            run_id,
            ("interrupted",),
            state="queued",
            queued_at=now,
            ended_at=None,
            error=None,
            exit_code=None,
            pid=None,
            claimed_by=None,
        )
        if not moved:
            state = self.get(run_id).state
            raise RunStateError(
                f"This run is {state}; only an interrupted run can be resumed.",
                hint="Start a new run with the same settings instead.",
            )

    def remove(self, run_id: str) -> None:
        """Forget a run and its events.

        Raises:
            RunStateError: It is still at work.
        """
        if self.get(run_id).active:
            raise RunStateError("This run is still at work.", hint="Stop it first.")
        with self._engine.begin() as connection:
            for table, column in ((events, events.c.run_id), (commands, commands.c.run_id)):
                connection.execute(delete(table).where(column == run_id))
            connection.execute(delete(runs).where(runs.c.id == run_id))

    def describe(self, run_id: str, *, name: str, tags: Sequence[str], note: str) -> None:
        """Give a run another name, tags and a note.

        Raises:
            ConfigError: A name or tag that is empty or too long, too many tags, too long a note.
            RunNotFoundError: No run of that id.
        """
        words = described(name, tags, note)
        with self._engine.begin() as connection:
            done = connection.execute(update(runs).where(runs.c.id == run_id).values(**words))
        if done.rowcount == 0:
            raise RunNotFoundError(f"There is no run {run_id!r} here.")

    def note_tested(self, run_ids: Sequence[str]) -> None:
        """Remember that runs were compared on the test pictures; the first time counts."""
        mine = runs.c.id.in_(list(run_ids)) & runs.c.tested_at.is_(None)
        with self._engine.begin() as connection:
            connection.execute(update(runs).where(mine).values(tested_at=time.time()))

    # -- reading -------------------------------------------------------------------------------

    def get(self, run_id: str) -> RunRow:
        """One run.

        Raises:
            RunNotFoundError: No run of that id.
        """
        with self._engine.connect() as connection:
            row = connection.execute(select(runs).where(runs.c.id == run_id)).first()
            if row is None:
                raise RunNotFoundError(
                    f"There is no run {run_id!r} here.",
                    hint="List the runs to find the right id, or check THAW_HOME.",
                )
            place = self._place(connection, row) if row.state == "queued" else None
        return _row(row, place)

    def rows(
        self,
        *,
        project_id: str | None = None,
        kind: str | None = None,
        lane: str | None = None,
        states: Sequence[str] | None = None,
        limit: int | None = 200,
    ) -> list[RunRow]:
        """Runs, newest first."""
        query = select(runs).order_by(runs.c.created_at.desc()).limit(limit)
        if project_id is not None:
            query = query.where(runs.c.project_id == project_id)
        if kind is not None:
            query = query.where(runs.c.kind == kind)
        if lane is not None:
            query = query.where(runs.c.lane == lane)
        if states is not None:
            query = query.where(runs.c.state.in_(states))
        with self._engine.connect() as connection:
            return [
                _row(row, self._place(connection, row) if row.state == "queued" else None)
                for row in connection.execute(query)
            ]

    def _place(self, connection: Any, row: Row[Any]) -> int:
        ahead = connection.execute(
            select(func.count())
            .select_from(runs)
            .where(runs.c.lane == row.lane, runs.c.state == "queued")
            .where(runs.c.queued_at < row.queued_at)
        ).scalar_one()
        return int(ahead) + 1

    # -- working -------------------------------------------------------------------------------

    def claim(self, lane: str, worker: str, run_id: str | None = None) -> RunRow | None:
        """Take the oldest queued run of a lane (or the one named); None when there is none."""
        query = select(runs.c.id).where(runs.c.lane == lane, runs.c.state == "queued")
        if run_id is not None:
            query = query.where(runs.c.id == run_id)
        with self._engine.connect() as connection:
            found = connection.execute(query.order_by(runs.c.queued_at).limit(1)).scalar()
        now = time.time()
        if found is None or not self._move(
            found,
            ("queued",),
            state="starting",
            claimed_by=worker,
            started_at=now,
            heartbeat_at=now,
        ):
            return None
        return self.get(found)

    def started(self, run_id: str, pid: int) -> bool:
        """The process of a claimed run is up. False when the run is not its any more."""
        return self._move(run_id, ("starting",), state="running", pid=pid, heartbeat_at=time.time())

    def beat(self, run_id: str) -> bool:
        """A sign of life from the worker. False when the run is closed or gone."""
        return self._move(run_id, ALIVE, heartbeat_at=time.time())

    def mark(self, run_id: str, state: str) -> None:
        """Move a live run between running, paused and stopping."""
        self._move(run_id, ALIVE, state=state)

    def end(
        self,
        run_id: str,
        state: str,
        *,
        exit_code: int | None = None,
        error: dict[str, str] | None = None,
        result: dict[str, Any] | None = None,
    ) -> bool:
        """Close a live run as finished, failed or interrupted. False when it was closed before."""
        return self._move(
            run_id,
            ALIVE,
            state=state,
            ended_at=time.time(),
            exit_code=exit_code,
            error=error,
            result=result,
        )

    def commands_after(self, run_id: str, last: int, since: float) -> list[tuple[int, str]]:
        """Commands given at or after ``since`` and newer than id ``last``, oldest first."""
        query = (
            select(commands.c.id, commands.c.kind)
            .where(commands.c.run_id == run_id, commands.c.id > last, commands.c.at >= since)
            .order_by(commands.c.id)
        )
        with self._engine.connect() as connection:
            return [(int(row.id), str(row.kind)) for row in connection.execute(query)]

    def _move(self, run_id: str, allowed: Sequence[str], **values: Any) -> bool:
        with self._engine.begin() as connection:
            done = connection.execute(
                update(runs).where(runs.c.id == run_id, runs.c.state.in_(allowed)).values(**values)
            )
        return done.rowcount == 1

    # -- long-lived processes ------------------------------------------------------------------

    def note_service(self, name: str, pid: int) -> None:
        """A sign of life from the server, the supervisor or the task process."""
        now = time.time()
        with self._engine.begin() as connection:
            done = connection.execute(
                update(services).where(services.c.name == name).values(pid=pid, heartbeat_at=now)
            )
            if done.rowcount == 0:
                connection.execute(insert(services).values(name=name, pid=pid, heartbeat_at=now))

    def service_age(self, name: str) -> float | None:
        """Seconds since a process' last sign of life; None when it never gave one."""
        query = select(services.c.heartbeat_at).where(services.c.name == name)
        with self._engine.connect() as connection:
            at = connection.execute(query).scalar()
        return None if at is None else time.time() - float(at)


def _row(row: Row[Any], place: int | None) -> RunRow:
    return RunRow(
        id=row.id,
        project_id=row.project_id,
        kind=row.kind,
        lane=row.lane,
        name=row.name,
        spec=row.spec,
        state=row.state,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        heartbeat_at=row.heartbeat_at,
        pid=row.pid,
        exit_code=row.exit_code,
        error=row.error,
        result=row.result,
        place=place,
        tags=tuple(row.tags or ()),
        note=row.note or "",
        tested_at=row.tested_at,
    )
