"""Background work asked for on the command line: carried out here, or followed where it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine

from tl_core.cli.show import EventPrinter
from tl_core.errors import RunStateError, TLError
from tl_core.events import Event
from tl_core.jobs.log import EventLog
from tl_core.jobs.processes import interrupt_on_sigterm
from tl_core.jobs.queue import LANE_OF, Queue, RunRow
from tl_core.jobs.work import carry_out
from tl_core.storage import Home

__all__ = ["carried_out", "follow", "no_result_yet"]

FOLLOW_S = 0.3


def carried_out(
    home: Home, engine: Engine, kind: str, project_id: str, payload: dict[str, Any], what: str
) -> dict[str, Any]:
    """Have a task done, with a bar on stderr where somebody looks; returns its result.

    Args:
        home: The home.
        engine: Of its store.
        kind: Of task.
        project_id: Whose.
        payload: What the task is told.
        what: Its name in a sentence: "The measurement".

    Raises:
        TLError: It failed or was stopped.
    """
    queue = Queue(engine)
    task = queue.submit(kind, payload, project_id=project_id, name=kind)
    printer = EventPrinter(machine=False)
    interrupt_on_sigterm()
    claimed = queue.claim(LANE_OF[kind], "command line", task)
    row = (
        carry_out(home, engine, claimed, printer)
        if claimed is not None
        else follow(queue, EventLog(engine), task, printer)
    )
    printer.close()
    if row.state != "finished" or row.result is None:
        error = row.error or {"message": f"{what} is {row.state}.", "hint": ""}
        raise TLError(error["message"], hint=error.get("hint", ""))
    return row.result


def no_result_yet(row: RunRow) -> RunStateError:
    """What is said of a run that has not ended."""
    return RunStateError(
        f"Run {row.id} is {row.state}, it has no result yet.",
        hint="Wait for it to end, or resume it.",
    )


def follow(queue: Queue, log: EventLog, run_id: str, printer: Callable[[Event], None]) -> RunRow:
    """Print what somebody else's process tells of a run until it has ended."""
    cursor = 0
    while True:
        row = queue.get(run_id)
        for entry in log.all_after(run_id, cursor):
            printer(entry.event)
            cursor = entry.seq
        if row.over or row.state == "interrupted":
            return row
        time.sleep(FOLLOW_S)
