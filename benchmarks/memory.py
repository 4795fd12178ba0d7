"""The most memory that this very process has held."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["peak_bytes"]


def peak_bytes() -> int:
    """The most memory this process has held: its own, not that of whoever started it."""
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="ascii"))
        return int(found[1]) << 10 if found else 0
    import psutil  # what has no such file

    memory = psutil.Process().memory_info()
    return int(getattr(memory, "peak_wset", memory.rss))
