"""``mend``: change labels by a table, train again from a run's weights, see whether it helped."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tl_core.cli.commands import worked_off
from tl_core.cli.inspecting import machine
from tl_core.cli.show import as_lines
from tl_core.cli.tasks import no_result_yet
from tl_core.data.table_file import is_table, read_rows
from tl_core.errors import DataError
from tl_core.evaluate import comparison_words as words
from tl_core.jobs.mending import Mended, mended_spec
from tl_core.jobs.mending_table import repair_of
from tl_core.jobs.queue import RunRow
from tl_core.jobs.schema import open_engine
from tl_core.jobs.submit import submit_training
from tl_core.session import Studio
from tl_core.storage import Home

__all__ = ["mend"]


def mend(options: argparse.Namespace) -> int:
    """Change the set as the table says, train again, and hold the new run against the old one."""
    studio = Studio(Home(options.home))
    row = studio.run(options.run_id)
    _check(studio, row)
    relabelled, left_out = _changed(studio, row, Path(options.table).expanduser())
    found = studio.mended(row)
    if not found.since:
        raise DataError(
            "The table changes nothing: the set is as it was.", hint="Edit its class column first."
        )
    for_machine = machine(options)
    told = {"relabelled": relabelled, "left_out": left_out, "judging": found.judging}
    if for_machine:
        as_lines({"event": "pictures_changed", "run_id": row.id, **told})
    else:
        _print_change(found, relabelled, left_out)
    if options.only_change:
        return 0
    engine = open_engine(studio.home)
    new = submit_training(studio.home, engine, row.project_id, mended_spec(studio.home, row))
    worked_off(studio.home, engine, new, options)
    _compared(studio, row.id, new, for_machine=for_machine)
    return 0


def _check(studio: Studio, row: RunRow) -> None:
    if row.kind != "train" or row.state != "finished":
        raise no_result_yet(row)
    since = studio.mended(row).since
    if since is None or since.replaced:
        raise DataError(
            "The pictures were brought anew since this run, so that its table is of another set.",
            hint="Train on the set as it is now, and mend that run.",
        )


def _changed(studio: Studio, row: RunRow, path: Path) -> tuple[int, int]:
    """Pictures relabelled and left out."""
    if not path.is_file() or not is_table(path.name):
        raise DataError(
            f"There is no table at {path}.",
            hint=f"Write one with: python -m tl_core evaluate {row.id} --csv answers.csv",
        )
    classes = [one.label for one in studio.library.classes(row.project_id)]
    pictures = studio.library.images(row.project_id, limit=None)
    repair = repair_of(path.name, read_rows(path.name, path.read_bytes()), pictures, classes)
    if not repair.nothing:
        studio.curation.repair(row.project_id, repair, title=f"Mended by {path.name}")
    return len(repair.relabel), len(repair.exclude)


def _print_change(found: Mended, relabelled: int, left_out: int) -> None:
    print(f"{relabelled:,} given another class, {left_out:,} left out. The studio can undo it.")
    if found.judging:
        print(
            f"{found.judging:,} of those changed since the run are pictures it was judged by. A "
            "score on pictures mended because they were answered wrongly is a little too kind."
        )
    if found.obstacle and not found.solved:
        print(f"The new run begins anew. {found.obstacle}")


def _compared(studio: Studio, old: str, new: str, *, for_machine: bool) -> None:
    """Who is better, on validation pictures that both were asked about."""
    names = {old: "the old run", new: "the new run"}
    (pair,) = studio.comparing.compare([new, old], split="val", reference=old).pairs
    sentence = words.verdict(pair, names)
    said = [sentence[0].upper() + sentence[1:]]
    said += [words.numbers(pair, names)] if pair.verdict != "too few" else []
    said += [words.left_out(pair)]
    if for_machine:
        body: dict[str, Any] = {"event": "mended", "run_id": new, "parent": old}
        as_lines({**body, "verdict": pair.verdict, "sentences": [one for one in said if one]})
        return
    print("\nOn validation pictures, so that the test pictures stay unused:")
    print("\n".join(f"- {one}" for one in said if one))
