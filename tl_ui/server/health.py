"""Whether the studio can do its work: store writable, supervisor alive, room on the disk."""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from tl_core.jobs.queue import Queue
from tl_core.jobs.schema import open_engine
from tl_core.jobs.supervisor import SERVER, SUPERVISOR
from tl_core.storage import Home

__all__ = ["health_of"]

LATE_S = 30.0  # a supervisor beats every second or so
LOW_BYTES = 500 * 10**6


def health_of(home: Home) -> dict[str, Any]:
    """``status`` "ok" or "degraded", and the readings behind it. Writes the server's own beat."""
    try:
        queue = Queue(open_engine(home))
        queue.note_service(SERVER, os.getpid())
        age, writable = queue.service_age(SUPERVISOR), True
    except SQLAlchemyError:
        age, writable = None, False
    free = home.free_bytes()
    good = writable and age is not None and age < LATE_S and free > LOW_BYTES
    return {
        "status": "ok" if good else "degraded",
        "store_writable": writable,
        "supervisor_age_s": None if age is None else round(age, 1),
        "disk_free_bytes": free,
    }
