"""The gate of a run in stages, from outside: its answers, and who waits behind it. No torch."""

from __future__ import annotations

from tl_core.events import Began, GateClosed, GateOpened, RunFailed, RunFinished
from tl_core.jobs.log import EventLog
from tl_core.jobs.queue import Queue, RunRow

__all__ = ["answer", "answered", "held_by", "waits_at"]

WORDS = {"open": True, "keep": False}


def answer(stage: int, *, opened: bool) -> str:
    """The command that answers the gate before a stage: "open:2" or "keep:2"."""
    return f"{'open' if opened else 'keep'}:{stage}"


def answered(command: str) -> tuple[int, bool] | None:
    """The stage that a command is about, and whether it is to begin; None for other commands."""
    word, _, stage = command.partition(":")
    return (int(stage), WORDS[word]) if word in WORDS and stage.isdigit() else None


def waits_at(log: EventLog, row: RunRow) -> GateOpened | None:
    """The question that a run waits with; None when it waits for no answer."""
    if row.kind != "train" or row.state not in ("running", "paused"):
        return None
    said = (Began, GateOpened, GateClosed, RunFinished, RunFailed)
    last = log.last(row.id, *(one.name for one in said))
    return last if isinstance(last, GateOpened) and last.asks else None


def held_by(queue: Queue, log: EventLog, row: RunRow) -> RunRow | None:
    """The run that work in the queue waits behind, where that run waits for an answer itself."""
    if row.state != "queued":
        return None
    ahead = queue.rows(lane=row.lane, states=("running", "paused"))
    return next((one for one in ahead if waits_at(log, one) is not None), None)
