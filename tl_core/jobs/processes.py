"""Starting processes that outlive their parent, on every system."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType

import psutil

from tl_core.storage import Home

__all__ = [
    "alive",
    "give_memory_back",
    "interrupt_on_sigterm",
    "keep_freed_memory",
    "start_detached",
    "yield_to_people",
]

ROOT = Path(__file__).resolve().parents[2]  # the checkout: where ``-m tl_core...`` is found


def start_detached(module: str, *arguments: str, home: Home, log: Path) -> subprocess.Popen[bytes]:
    """Run ``python -m module arguments`` in a session of its own, output appended to ``log``.

    A session of its own keeps Ctrl-C in the server's terminal away from a training run.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "THAW_HOME": str(home.root), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", module, *arguments]
    with log.open("ab") as sink:
        if sys.platform == "win32":
            return subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                creationflags=subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS,
            )
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )


def yield_to_people(steps: int = 10) -> None:
    """Lower this process's priority, so that pages stay quick while every core trains.

    On an otherwise idle machine it changes nothing: low priority still gets every free core.

    Args:
        steps: Of Unix niceness, 0 to 19; Windows knows one step.
    """
    with suppress(psutil.Error, OSError):
        if sys.platform == "win32":
            psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            psutil.Process().nice(steps)


def keep_freed_memory() -> bool:
    """Let this process use memory again that it has freed, instead of asking the system anew.

    A layer's output of some megabytes is made and freed in every step. The GNU C library takes
    each such piece from the system and gives it back, and the system clears every page of it again:
    a quarter of a forward pass on two cores (decision 0012). Other C libraries are left as they
    are. The process stays as large as it once was, until ``give_memory_back``.

    Returns:
        Whether the C library took the advice.
    """
    library = _gnu_c_library()
    if library is None:
        return False
    # from the manual page mallopt(3): M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD
    advice = ((-4, 0), (-1, 2**31 - 1), (-2, 64 << 20))
    taken = [library.mallopt(name, value) for name, value in advice]
    return all(taken)


def give_memory_back() -> None:
    """Hand freed memory back to the system, for a process that now has nothing to do."""
    library = _gnu_c_library()
    if library is not None:
        library.malloc_trim(0)


def _gnu_c_library() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None


def interrupt_on_sigterm() -> None:
    """Make a polite end (shutdown of the machine) an interruption, which can be resumed."""
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def alive(pid: int | None, seen_at: float) -> bool:
    """Whether the process that gave a sign of life at ``seen_at`` (Unix seconds) is still there.

    A zombie is not, and neither is a process that got the same number later.
    """
    if not pid:
        return False
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() < seen_at + 2.0
    except psutil.Error:
        return False
