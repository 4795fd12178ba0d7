"""What happens when the server starts, while it runs, and when it ends."""

from __future__ import annotations

import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from typing import Any

from anyio import create_task_group, sleep, to_thread
from streamlit import config

from tl_core.jobs.supervisor import ensure_running, note_server
from tl_core.storage import Home
from tl_ui.server.guard import allowed_hosts
from tl_ui.server.presence import announce
from tl_ui.server.uploads import Uploads

__all__ = ["lifespan_of"]

BEAT_S = 5.0
WATCH_S = 30.0
COLLECT_S = 60.0  # Streamlit's own collection after every rerun is off (postScriptGC)
SUPERVISE_AFTER_S = 1.0
WARM_AFTER_S = 2.0
WARM = ("tl_core.data.thumbs", "tl_ui.charts", "pandas")

log = logging.getLogger(__name__)


def lifespan_of(home: Home) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """The lifespan for ``st.App``: supervisor, heartbeat, memory, stale uploads."""

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        announce()
        config.set_option("server.allowedHosts", list(allowed_hosts()))
        await to_thread.run_sync(Uploads(home).clear_stale)
        gc.collect()
        gc.freeze()
        async with create_task_group() as tasks:
            tasks.start_soon(_begin, home)
            tasks.start_soon(_every, BEAT_S, lambda: to_thread.run_sync(note_server, home))
            tasks.start_soon(_every, WATCH_S, lambda: to_thread.run_sync(ensure_running, home))
            tasks.start_soon(_every, COLLECT_S, lambda: to_thread.run_sync(gc.collect))
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()

    return lifespan


async def _every(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    while True:
        await sleep(seconds)
        try:
            await work()
        except Exception:  # a full disk or a locked database passes; the beat must not
            log.exception("Background upkeep failed; trying again in %.0f s", seconds)


async def _begin(home: Home) -> None:
    """Start the supervisor, and import what the second page needs, so that nobody waits for it.

    After a moment, because the first page wants the processors for itself.
    """
    await sleep(SUPERVISE_AFTER_S)
    await to_thread.run_sync(ensure_running, home)
    await sleep(WARM_AFTER_S)
    for name in WARM:
        await to_thread.run_sync(import_module, name)
    gc.collect()
    gc.freeze()
