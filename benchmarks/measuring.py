"""One measurement: a side, in a fresh interpreter, that prints its numbers as one line of JSON."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from benchmarks.pictures import AbsentError, Pictures
from benchmarks.settings import MODEL
from tl_core.models.catalog import card, weights_path

__all__ = ["FASTAI", "ROOT", "Asked", "code_digest", "fastai_python", "machine", "measure"]

ROOT = Path(__file__).resolve().parents[1]
FASTAI = "THAW_BENCH_FASTAI"  # a Python that has fastai; "none" leaves fastai out
PATIENCE_S = 3 * 3600.0  # for one side; what takes longer hangs
WATCH_S = 0.05  # between two looks at a child's memory
QUICK_EPOCHS = 2
Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What to measure.

    ``side`` is thaw, plain, fastai or bare; ``way`` a function or mode of it; ``data`` a set of
    ``Pictures``, empty for none; ``options`` the way's own. ``seeded`` gives every run its number
    as the seed; ``once`` is for what takes so long that one run must do; ``watched`` also notes
    the most memory the process and its children held.
    """

    side: str
    way: str = ""
    data: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    seeded: bool = False
    once: bool = False
    watched: bool = False

    @property
    def key(self) -> str:
        """Equal for equal measurements."""
        return json.dumps([self.side, self.way, self.data, self.options], sort_keys=True)

    def quick(self) -> Asked:
        """The same with as little work as possible, to try the harness."""
        smaller = dict(self.options)
        if "epochs" in smaller or self.way == "train" or self.side == "plain":
            smaller["epochs"] = min(smaller.get("epochs") or QUICK_EPOCHS, QUICK_EPOCHS)
        if self.way in ("forward", "product", "costs", "step"):
            smaller["try_s"] = 0.1
        return replace(self, options=smaller, once=True)


def measure(asked: Asked, pictures: Pictures, *, run: int, device: str = "cpu") -> Result:
    """Measure once.

    Args:
        asked: What.
        pictures: Where sets come from.
        run: Number of the run, from 0; the seed of what is seeded.
        device: Torch device of the sides that train.

    Returns:
        The side's numbers; ``{"missing": why}`` when something it needs is not here.

    Raises:
        RuntimeError: The side failed; the text ends with what it said.
    """
    try:
        root = pictures.root(asked.data) if asked.data else None
    except AbsentError as err:
        return {"missing": str(err)}
    options = dict(asked.options)
    if asked.seeded:
        options["seed"] = run
    if device != "cpu" and (asked.side != "bare" or asked.way == "step"):
        options["device"] = device
    command = _command(asked, root, options)
    if command is None:
        return {"missing": "fastai is not installed beside Thaw"}
    return _run(command, watched=asked.watched)


def fastai_python() -> Path | None:
    """The interpreter that has fastai, or None."""
    given = os.environ.get(FASTAI, "")
    if given == "none":
        return None
    folder, name = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    path = Path(given) if given else ROOT / ".venv-bench" / folder / name
    return path if path.is_file() else None


def code_digest(root: Path = ROOT) -> str:
    """Of everything that is timed: equal digests, comparable rounds."""
    sides = ("thaw_side", "plain_loop", "fastai_loop", "bare", "settings", "pictures")
    files = [*root.glob("tl_core/**/*.py"), *(root / "benchmarks" / f"{one}.py" for one in sides)]
    whole = hashlib.sha256()
    for path in sorted(files):
        whole.update(f"{path.relative_to(root).as_posix()}\n".encode() + path.read_bytes())
    return whole.hexdigest()[:16]


def machine(told: Result) -> Result:
    """What the page says of the machine; ``told`` is what torch knows (``bare.machine``)."""
    return {
        "system": platform.system(),
        "cpu": _cpu(),
        "cores": len(psutil.Process().cpu_affinity()) if _has_affinity() else os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "python": platform.python_version(),
        "torch": told.get("torch", metadata.version("torch")),
        "timm": metadata.version("timm"),
        "threads": told.get("threads"),
        "capability": told.get("capability", ""),
    }


def _command(asked: Asked, root: Path | None, options: dict[str, Any]) -> list[str] | None:
    place = [] if root is None else [str(root)]
    if asked.side == "thaw":
        return [sys.executable, "-m", "benchmarks.thaw_side", asked.way, *place, _json(options)]
    if asked.side == "bare":
        return [sys.executable, "-m", "benchmarks.bare", asked.way, _json(options)]
    flags = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    if asked.side == "plain":
        return [sys.executable, "-m", "benchmarks.plain_loop", *place, *flags]
    python = fastai_python()
    if python is None:
        return None
    script = ROOT / "benchmarks" / "fastai_loop.py"
    weights = ["--weights", str(weights_path(card(MODEL))), "--way", asked.way]
    return [str(python), str(script), *place, *weights, *flags]


def _run(command: list[str], *, watched: bool) -> Result:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        environment = os.environ | {"THAW_HOME": str(Path(folder) / "home"), "HF_HUB_OFFLINE": "1"}
        with out.open("wb") as told, err.open("wb") as complained:
            child = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=told, stderr=complained
            )
            try:
                held = _watch(child) if watched else {}
                child.wait(PATIENCE_S)
            finally:
                if child.poll() is None:
                    child.kill()
                    child.wait()
        lines = out.read_text(encoding="utf-8").strip().splitlines()
        if child.returncode or not lines:
            tail = err.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise RuntimeError(f"{' '.join(command[1:4])} ended with {child.returncode}:\n{tail}")
    result: Result = json.loads(lines[-1])
    return result | held


def _watch(child: subprocess.Popen[bytes]) -> Result:
    """The most memory a process and its children held at one time, in GB (10^9 bytes).

    ``peak_gb`` counts resident pages, files mapped from disk included; ``peak_own_gb`` leaves out
    what is shared with files or other processes and cannot be had back by the system.
    """
    peak, own, until = 0, 0, time.monotonic() + PATIENCE_S
    watched = psutil.Process(child.pid)
    while child.poll() is None and time.monotonic() < until:
        try:
            family = [watched, *watched.children(recursive=True)]
            facts = [one.memory_info() for one in family]
        except psutil.Error:
            continue
        peak = max(peak, sum(one.rss for one in facts))
        own = max(own, sum(one.rss - getattr(one, "shared", 0) for one in facts))
        time.sleep(WATCH_S)
    return {"peak_gb": peak / 1e9, "peak_own_gb": own / 1e9}


def _json(options: dict[str, Any]) -> str:
    return json.dumps(options)


def _has_affinity() -> bool:
    return hasattr(psutil.Process(), "cpu_affinity")


def _cpu() -> str:
    """The processor's own name; Linux keeps it in a file, elsewhere platform knows it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.lower().startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
