"""``map``: a run's pictures laid out flat as a table, and which stand among another class."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tl_core.cli.show import as_lines, percent, table
from tl_core.jobs.mapping import make_map
from tl_core.jobs.maps import Map
from tl_core.jobs.schema import open_engine
from tl_core.jobs.submit import read_snapshot
from tl_core.plain_table import write_csv
from tl_core.storage import Home

__all__ = ["map_pictures"]

COLUMNS = ("file", "class", "part", "x", "y", "among", "share", "strange")
SHOWN = 20  # lines of those among another class


def map_pictures(options: argparse.Namespace) -> int:
    """Lay the pictures of a finished run out; the first time it looks at every picture."""
    home = Home(options.home)
    found = make_map(home, open_engine(home), options.run_id, report=_told)
    paths = {str(row.id): row.path for row in read_snapshot(home, options.run_id).images}
    if options.csv:
        _write(Path(options.csv), found, paths)
    strange = [one for one in found.points if one.strange]
    if options.json:
        rows = [
            {"file": paths[one.image], "class": one.label, "part": one.split, "among": one.among}
            for one in strange
        ]
        as_lines(
            {
                "run_id": options.run_id,
                "pictures": found.of,
                "shown": len(found.points),
                "neighbours_kept": found.kept,
                "by_chance": found.chance,
                "strange": rows,
            }
        )
        return 0
    print(
        f"{len(found.points):,} of {found.of:,} pictures. Of the ten nearest on the map "
        f"{10 * found.kept:.1f} are among the ten most alike ({10 * found.chance:.2g} by chance)."
    )
    print(f"{len(strange):,} stand among another class: look at their labels first.")
    if strange:
        lines = [
            [paths[one.image], one.label, one.among, percent(one.share), one.split]
            for one in strange[:SHOWN]
        ]
        print(table(lines, ["file", "class", "among", "of its nearest", "part"]))
    if len(strange) > SHOWN:
        print(f"and {len(strange) - SHOWN:,} more; --csv FILE writes them all")
    return 0


def _told(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\rLooking at the pictures: {done:,} of {total:,}", end="", file=sys.stderr)
        if done == total:
            print(file=sys.stderr)


def _write(target: Path, found: Map, paths: dict[str, str]) -> None:
    rows = [
        (
            *(paths[one.image], one.label, one.split, one.x, one.y),
            *(one.among, one.share, int(one.strange)),
        )
        for one in found.points
    ]
    write_csv(target, COLUMNS, rows)
