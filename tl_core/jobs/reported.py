"""Where a run keeps its report. Standard library only, for pages."""

from __future__ import annotations

from pathlib import Path

from tl_core.storage import Home

__all__ = ["KIND", "report_file"]

KIND = "report"


def report_file(home: Home, run_id: str, *, pictures: bool) -> Path:
    """The file, there or not; it goes with the run."""
    name = f"report-{run_id}.html" if pictures else f"report-{run_id}-no-pictures.html"
    return home.root / "runs" / run_id / "export" / name
