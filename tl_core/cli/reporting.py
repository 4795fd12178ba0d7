"""``report``: a finished run as one HTML file for colleagues."""

from __future__ import annotations

import argparse
from pathlib import Path

from tl_core.cli.show import Bars, as_lines
from tl_core.errors import ConfigError
from tl_core.jobs.reporting import write_report
from tl_core.jobs.schema import open_engine
from tl_core.storage import Home

__all__ = ["report"]


def report(options: argparse.Namespace) -> int:
    """Write the report, and say where it is and how large."""
    home = Home(options.home)
    target = Path(options.out).expanduser().resolve()
    if target.is_dir():
        raise ConfigError(
            f"{options.out} is a folder.", field="out", hint="Name a file, such as report.html."
        )
    bars = Bars()
    written = write_report(
        home,
        open_engine(home),
        options.run_id,
        target,
        pictures=options.pictures,
        label=options.label or "",
        miss=options.miss,
        tell=lambda done, total: bars.report("writing the report", done, total, "step"),
    )
    bars.close()
    if options.json:
        as_lines(written)
        return 0
    print(f"Wrote {written['file']} ({written['bytes'] / 1e6:.1f} MB).")
    print("Open it in a browser; its print command makes a PDF.")
    return 0
