"""Carrying out one piece of claimed work: signs of life, commands, and how it ends.

The same code runs in a worker process, in the task process and in the command line.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, TypeAlias

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from tl_core.errors import CancelledError, RunNotFoundError, StorageError, TLError
from tl_core.events import Began, Event, Progress, RunFailed
from tl_core.jobs.gates import answered
from tl_core.jobs.library import Library
from tl_core.jobs.log import Writer
from tl_core.jobs.queue import Queue, RunRow
from tl_core.jobs.removing import forget_since
from tl_core.storage import Home

__all__ = ["CHECKPOINT", "Context", "Orders", "carry_out"]

BEAT_S = 2.0
CHECKPOINT = "checkpoint.safetensors"
BEGUN = "stage.safetensors"  # what the stage at work began from, of a run in stages
POLL_S = 0.25  # orders are looked up in the store at most this often


class Orders:
    """What the user wants of a run right now; asked between steps.

    Args:
        queue: The queue.
        row: The claimed run; only commands given since it was claimed count.
    """

    def __init__(self, queue: Queue, row: RunRow) -> None:
        self._queue = queue
        self._row = row
        self._last = 0
        self._next = 0.0
        self._wish: Literal["go", "pause", "stop"] = "go"
        self._answers: dict[int, bool] = {}  # to the gates of a run in stages, by stage

    def poll(self) -> Literal["go", "pause", "stop"]:
        """Return the current wish. Cheap: the store is asked at most four times a second."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + POLL_S
            self._read()
        return self._wish

    def _read(self) -> None:
        since = self._row.started_at or 0.0
        for number, kind in self._queue.commands_after(self._row.id, self._last, since):
            self._last = number
            if self._wish == "stop":
                continue
            if kind == "stop":
                self._wish = "stop"
                self._queue.mark(self._row.id, "stopping")
            elif kind == "pause":
                self._wish = "pause"
                self._queue.mark(self._row.id, "paused")
            elif kind == "continue":
                self._wish = "go"
                self._queue.mark(self._row.id, "running")
            elif (answer := answered(kind)) is not None:
                self._answers.setdefault(*answer)  # of two answers the first counts

    def answered(self, stage: int) -> bool | None:
        """The first answer to the gate before a stage: go on or not; None = none yet."""
        self.poll()
        return self._answers.get(stage)

    def removed(self) -> None:
        """The run's row is closed or gone: nobody waits for this work any more."""
        self._wish = "stop"
        self._next = float("inf")

    def cancelled(self) -> bool:
        """Whether the user asked to stop; for work that has nothing worth keeping half done."""
        return self.poll() == "stop"


class Context:
    """All that a piece of work needs: where things lie, what it may say, what it is asked.

    Args:
        home: The home.
        engine: From ``open_engine``.
        row: The claimed run.
        sink: Receives every event after it was written (the command line prints them).
    """

    def __init__(
        self,
        home: Home,
        engine: Engine,
        row: RunRow,
        sink: Callable[[Event], None] | None = None,
    ) -> None:
        self.home = home
        self.engine = engine
        self.row = row
        self.queue = Queue(engine)
        self.library = Library(engine)
        self.orders = Orders(self.queue, row)
        self.lost = threading.Event()  # set when the row is closed or gone
        self._writer = Writer(engine, row.id)
        self._sink = sink

    @property
    def checkpoint(self) -> Path:
        """Where a training run keeps its state."""
        return self.home.root / "runs" / self.row.id / CHECKPOINT

    @property
    def begun(self) -> Path:
        """Where a run in stages keeps what the stage at work began from."""
        return self.home.root / "runs" / self.row.id / BEGUN

    def emit(self, event: Event) -> None:
        """Write an event to the log, then hand it to the sink.

        Raises:
            CancelledError: The run was removed or closed meanwhile.
        """
        if self.lost.is_set():
            raise CancelledError("This run was removed while it was at work.")
        self._writer.append(event)
        if self._sink is not None:
            self._sink(event)

    def progress(
        self, stage: str, unit: str = "pictures", *, cancellable: bool = True
    ) -> Callable[[int, int], None]:
        """A ``report(done, total)`` function for one stage.

        It raises CancelledError when the user has asked to stop, unless the stage is not
        ``cancellable`` or a checkpoint holds something worth keeping.
        """
        cancellable = cancellable and not self.checkpoint.is_file()

        def report(done: int, total: int) -> None:
            self.emit(Progress(stage=stage, done=done, total=total, unit=unit))
            if cancellable and self.orders.cancelled():
                raise CancelledError("Cancelled. What was there before is untouched.")

        return report


Work: TypeAlias = Callable[[Context], dict[str, Any]]


def carry_out(
    home: Home,
    engine: Engine,
    row: RunRow,
    sink: Callable[[Event], None] | None = None,
) -> RunRow:
    """Do the work of a claimed run and close its row; never raises for what the work did.

    Returns:
        The closed row.
    """
    queue = Queue(engine)
    if not queue.started(row.id, os.getpid()):
        return row  # it was taken for dead and given to somebody else, or removed
    context = Context(home, engine, row, sink)
    with _beating(context):
        try:
            context.emit(Began(run_id=row.id))
            result = _function(row.kind)(context)
            queue.end(row.id, "finished", exit_code=0, result=result)
            for path in (context.checkpoint, context.begun):
                path.unlink(missing_ok=True)
        except CancelledError as err:
            state = "cancelled" if row.kind == "train" else "failed"
            queue.end(row.id, state, exit_code=0, error=err.to_dict())
        except TLError as err:
            _failed(context, err.to_dict())
        except KeyboardInterrupt:
            queue.end(row.id, "interrupted", exit_code=130, error=_interrupted())
        except Exception as err:
            traceback.print_exc(file=sys.stderr)  # the worker's log, kept with the run
            _failed(context, _unexpected(err, row.id))
    try:
        return queue.get(row.id)
    except RunNotFoundError:  # removed by the user: so is what was written since
        shutil.rmtree(home.root / "runs" / row.id, ignore_errors=True)
        shutil.rmtree(home.root / "tasks" / row.id, ignore_errors=True)
        forget_since(home, engine, row.created_at)
        return row


def _failed(context: Context, error: dict[str, str]) -> None:
    if error["code"] == StorageError.code and context.checkpoint.is_file():
        # free some space and go on: an ended run could not be resumed
        context.queue.end(context.row.id, "interrupted", exit_code=1, error=error)
        return
    with suppress(Exception):  # the row must be closed even if the log cannot be written
        context.emit(RunFailed(**error))
    context.queue.end(context.row.id, "failed", exit_code=1, error=error)


def _unexpected(err: Exception, run_id: str) -> dict[str, str]:
    if isinstance(err, OSError) and err.errno == 28:  # ENOSPC, the same number everywhere
        return {
            "code": "storage",
            "message": "The disk is full.",
            "hint": "Free some space, then go on.",
        }
    return {
        "code": "bug",
        "message": f"Something went wrong inside Thaw ({type(err).__name__}).",
        "hint": f"The full report is in log.txt of run {run_id}; please send it to us.",
    }


def _interrupted() -> dict[str, str]:
    return {
        "code": "interrupted",
        "message": "This run was interrupted.",
        "hint": "Resume it: training goes on after the last finished epoch.",
    }


@contextmanager
def _beating(context: Context) -> Iterator[None]:
    done = threading.Event()

    def beat() -> None:
        while not done.wait(BEAT_S):
            with suppress(SQLAlchemyError):  # a locked database passes
                if not context.queue.beat(context.row.id) and not done.is_set():
                    context.orders.removed()
                    context.lost.set()

    thread = threading.Thread(target=beat, name=f"heartbeat {context.row.id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(timeout=5)


def _function(kind: str) -> Work:
    # Imported here: only the kinds that need torch may import it.
    if kind in ("import", "sample"):
        from tl_core.jobs import taking_in

        return taking_in.make_sample if kind == "sample" else taking_in.take_in_pictures
    if kind == "train":
        from tl_core.jobs import training

        return training.train
    from tl_core.jobs import quick

    return quick.KINDS[kind]
