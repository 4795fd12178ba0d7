"""The task process: short work that needs torch, kept warm so that a prediction is not a wait.

``python -m tl_core.jobs.tasks`` serves the lane "quick" one after the other and ends by itself
after a quarter of an hour with nothing to do.
"""

from __future__ import annotations

import argparse
import os
import socket
import threading
import time

from tl_core.jobs.processes import give_memory_back, keep_freed_memory, yield_to_people
from tl_core.jobs.queue import Queue
from tl_core.jobs.schema import open_engine
from tl_core.jobs.supervisor import TASKS
from tl_core.jobs.work import carry_out
from tl_core.storage import Home

IDLE_S = 900.0
TICK_S = 0.1
BEAT_S = 2.0


def serve(home: Home, *, idle_s: float = IDLE_S) -> int:
    """Carry out queued tasks until there was none for ``idle_s`` seconds; returns how many."""
    engine = open_engine(home)
    queue = Queue(engine)
    name = f"tasks:{socket.gethostname()}:{os.getpid()}"
    done = threading.Event()
    threading.Thread(target=_beat, args=(queue, done), daemon=True).start()
    served, last = 0, time.monotonic()
    try:
        while time.monotonic() - last < idle_s:
            row = queue.claim("quick", name)
            if row is None:
                time.sleep(TICK_S)
                continue
            carry_out(home, engine, row)
            give_memory_back()
            served, last = served + 1, time.monotonic()
    finally:
        done.set()
    return served


def _beat(queue: Queue, done: threading.Event) -> None:
    queue.note_service(TASKS, os.getpid())
    while not done.wait(BEAT_S):
        queue.note_service(TASKS, os.getpid())


def main() -> int:
    """Serve until idle."""
    parser = argparse.ArgumentParser(prog="python -m tl_core.jobs.tasks")
    parser.add_argument("--home", default=None, help="default: $THAW_HOME or ~/.thaw")
    home = Home(parser.parse_args().home)
    yield_to_people(5)  # after the pages, before training
    keep_freed_memory()
    serve(home)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
