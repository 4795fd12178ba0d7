"""Take containers in, in a process of its own.

``python -m tests.hostile.child [--each] SOURCE HOME OUT``

With ``--each`` SOURCE is a folder of containers, each of which gets a home of its own below HOME;
OUT then lists what came of them under "each", by name.

OUT gets JSON: what came in, what was left out, the error if there was one for the user, seconds,
the most memory held (bytes), and every file this process opened for writing, made, renamed or
removed outside the home, every process it started and every connection it asked for. Anything
else than an error for the user is told as "crash".
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

from benchmarks.memory import peak_bytes
from tl_core.data.intake import Intake, take_in
from tl_core.errors import TLError
from tl_core.storage import Home

__all__ = ["peak_bytes", "taken"]

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
MOVES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
MOVES |= {"os.chmod", "os.utime", "shutil.move", "shutil.rmtree"}
STARTS = ("subprocess.", "os.system", "os.exec", "os.spawn", "os.posix_spawn", "os.fork", "pty.")
QUIET = ("/dev/null/",)


def watch(home: Path) -> list[str]:
    """A list that fills with everything this process does outside a folder."""
    seen: list[str] = []

    def hook(event: str, told: tuple[Any, ...]) -> None:
        if event.startswith((*STARTS, "socket.connect", "socket.getaddrinfo", "urllib.")):
            seen.append(f"{event} {told!r}"[:200])
        elif event in MOVES or (event == "open" and _writes(told)):
            for path in told[: 2 if event in ("os.rename", "os.link") else 1]:
                name = _absolute(path, told[-1] if event == "os.remove" else -1)
                if name and not f"{name}{os.sep}".startswith((f"{home}{os.sep}", *QUIET)):
                    seen.append(f"{event} {name}"[:200])

    sys.addaudithook(hook)
    return seen


def _absolute(path: Any, folder: int) -> str:
    """Where a path leads that may be told relative to an open folder; "" for what is no path."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        return ""
    name = os.fsdecode(path)
    if folder >= 0 and not name.startswith("/") and Path("/proc/self/fd").is_dir():
        name = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), name)  # noqa: PTH115, PTH118
    return os.path.abspath(name)  # noqa: PTH100 - a link at its end is itself what is touched


def _writes(told: tuple[Any, ...]) -> bool:
    _, mode, flags = told
    return bool(flags & WRITES) if isinstance(flags, int) else bool(set(mode or "") & set("wax+"))


def taken(source: Path, home: Path) -> dict[str, Any]:
    """Take ``source`` in; what came of it, as plain values."""
    begun = time.perf_counter()
    told: dict[str, Any] = {"error": None, "crash": None, "records": [], "refused": [], "junk": 0}
    try:
        told |= _plain(take_in(source, Home(home), working=(64, "pad")))
    except TLError as err:
        told["error"] = err.to_dict()
    except Exception:
        told["crash"] = traceback.format_exc()
    told["seconds"] = time.perf_counter() - begun
    return told


def _plain(intake: Intake) -> dict[str, Any]:
    junk = [re.match(r"([\d,]+) system files? (was|were) ignored", note) for note in intake.notes]
    return {
        "records": [[one.path, one.digest] for one in intake.records],
        "refused": [[one.file, one.code, one.reason] for one in intake.quarantine],
        "junk": sum(int(found[1].replace(",", "")) for found in junk if found),
    }


def main() -> None:
    """Do it."""
    *options, source, home, out = map(Path, sys.argv[1:])
    warnings.simplefilter("ignore")
    home.mkdir(parents=True, exist_ok=True)
    before = peak_bytes()
    seen = watch(home.resolve())
    told: dict[str, Any]
    if options:
        told = {"each": {one.name: taken(one, home / one.name) for one in sorted(source.iterdir())}}
    else:
        told = taken(source, home)
    told |= {"outside": list(seen), "before": before, "peak": peak_bytes()}
    out.write_text(json.dumps(told, ensure_ascii=True), encoding="ascii")


if __name__ == "__main__":
    main()
