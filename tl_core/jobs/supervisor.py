"""The supervisor: gives queued work to worker processes and notices when one is gone.

``python -m tl_core.jobs.supervisor`` runs one; a lock file makes sure there is one per home. It
starts a child per run, reaps it and writes its exit; a run whose process has vanished becomes
"interrupted" and can be resumed. It survives the server, so does every worker, and it ends by
itself when no server has shown for a minute and nothing is left to do.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
import traceback
from contextlib import suppress

from filelock import FileLock, Timeout

from tl_core.errors import RunNotFoundError
from tl_core.jobs.processes import alive, start_detached
from tl_core.jobs.queue import ACTIVE, LANE_WIDTH, Queue, RunRow
from tl_core.jobs.removing import sweep
from tl_core.jobs.schema import open_engine
from tl_core.storage import Home

__all__ = ["Supervisor", "ensure_running", "note_server"]

TICK_S = 0.2
BEAT_S = 2.0
STALE_S = 30.0  # a heartbeat older than this, with no process behind it, means the worker is gone
LONELY_S = 60.0  # end when no server has shown for so long and nothing runs
SERVER, SUPERVISOR, TASKS = "server", "supervisor", "tasks"
HINT = "What was there before is untouched; ask for it again."  # after a process that died
HINTS = {
    "train": "Resume it: training goes on after the last finished epoch.",
    "import": "The pictures you had before are untouched; bring the new ones again.",
}


def ensure_running(home: Home) -> None:
    """Start the supervisor of this home when none holds the lock. Returns at once.

    ``THAW_NO_WORKERS=1`` forbids it: whoever set it starts one, or wants none.
    """
    note_server(home)
    if os.environ.get("THAW_NO_WORKERS") == "1":
        return
    lock = FileLock(home.root / "supervisor.lock")
    with suppress(Timeout):
        lock.acquire(blocking=False)
        lock.release()
        start_detached(
            "tl_core.jobs.supervisor", home=home, log=home.folder("logs") / "supervisor.log"
        )


def note_server(home: Home) -> None:
    """A sign of life from the web server; keeps the supervisor from going home."""
    Queue(open_engine(home)).note_service(SERVER, os.getpid())


class Supervisor:
    """One round at a time: beat, reap, look for vanished runs, start what may start.

    Args:
        home: Whose queue to serve.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        self.engine = open_engine(home)
        self.queue = Queue(self.engine)
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._tasks: subprocess.Popen[bytes] | None = None
        self._idle_since = time.monotonic()
        self._beat_at = -BEAT_S  # the first round gives a sign of life

    def tick(self) -> bool:
        """One round. False when there is nothing left to do and nobody to do it for."""
        if time.monotonic() - self._beat_at > BEAT_S:
            self.queue.note_service(SUPERVISOR, os.getpid())
            self._beat_at = time.monotonic()
        self._reap()
        rows = self.queue.rows(states=tuple(ACTIVE), limit=None)  # one look a round
        self._find_vanished([row for row in rows if row.state != "queued"])
        for lane in ("train", "side"):
            self._fill(lane, [row for row in rows if row.lane == lane])
        if any(row.lane == "quick" and row.state == "queued" for row in rows):
            self._warm_tasks()
        return self._wanted(bool(rows))

    def _reap(self) -> None:
        for run_id, child in list(self._children.items()):
            code = child.poll()
            if code is not None:
                del self._children[run_id]
                self._closed(run_id, code)
        if self._tasks is not None and self._tasks.poll() is not None:
            self._tasks = None

    def _closed(self, run_id: str, code: int) -> None:
        # A worker that came to an end by itself has closed its row before leaving; this writes
        # only what a killed one could not.
        with suppress(RunNotFoundError):  # removed meanwhile
            error = {
                "code": "worker_died",
                "message": "The process doing this work ended unexpectedly.",
                "hint": HINTS.get(self.queue.get(run_id).kind, HINT),
            }
            self.queue.end(run_id, "interrupted", exit_code=code, error=error)

    def _find_vanished(self, live: list[RunRow]) -> None:
        now = time.time()
        for row in live:
            if row.id in self._children:
                continue
            beat = row.heartbeat_at or row.created_at
            if now - beat > STALE_S and not alive(row.pid, beat):
                self._closed(row.id, -1)

    def _fill(self, lane: str, rows: list[RunRow]) -> None:
        waiting = sum(row.state == "queued" for row in rows)
        free = LANE_WIDTH[lane] - (len(rows) - waiting)
        for _ in range(min(free, waiting)):
            row = self.queue.claim(lane, self.name)
            if row is None:
                return
            log = self.home.run_dir(row.id) / "log.txt"
            self._children[row.id] = start_detached(
                "tl_core.jobs.worker", row.id, home=self.home, log=log
            )

    def _warm_tasks(self) -> None:
        if self._tasks is not None:
            return
        age = self.queue.service_age(TASKS)
        if age is not None and age < 5.0:
            return  # one started by an earlier supervisor is still at work
        self._tasks = start_detached(
            "tl_core.jobs.tasks", home=self.home, log=self.home.folder("logs") / "tasks.log"
        )

    def _wanted(self, busy: bool) -> bool:
        age = self.queue.service_age(SERVER) if not busy else None
        if busy or self._children or (age is not None and age < LONELY_S):
            self._idle_since = time.monotonic()
        return time.monotonic() - self._idle_since < LONELY_S


def main() -> int:
    """Hold the lock and tick until nobody needs a supervisor any more."""
    parser = argparse.ArgumentParser(prog="python -m tl_core.jobs.supervisor")
    parser.add_argument("--home", default=None, help="default: $THAW_HOME or ~/.thaw")
    home = Home(parser.parse_args().home)
    lock = FileLock(home.root / "supervisor.lock")
    try:
        lock.acquire(timeout=5)
    except Timeout:
        return 0  # another one serves this home
    with lock:
        supervisor = Supervisor(home)
        _tidied(supervisor)
        while _survived(supervisor):
            time.sleep(TICK_S)
    return 0


def _tidied(supervisor: Supervisor) -> None:
    try:
        sweep(supervisor.home, supervisor.engine)
    except Exception:  # nobody waits for it, and the next one tries again
        traceback.print_exc(file=sys.stderr)


def _survived(supervisor: Supervisor) -> bool:
    try:
        return supervisor.tick()
    except Exception:  # a locked database or a failed start passes; who waits must not notice
        traceback.print_exc(file=sys.stderr)
        time.sleep(1.0)
        return True


if __name__ == "__main__":
    raise SystemExit(main())
