"""``inspect``: what is in a set of pictures, and what is wrong with it. Nothing is kept."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tl_core.check.findings import CheckedSet, DataFinding
from tl_core.check.honesty import Honesty
from tl_core.cli.show import Bars, as_lines, table
from tl_core.config import RGB, DataConfig, TrainConfig
from tl_core.data.divided import Divided, divided
from tl_core.data.intake import Intake, take_in
from tl_core.data.layout import SPLITS
from tl_core.data.split import assign_splits
from tl_core.data.table_file import is_table
from tl_core.errors import ConfigError, DataError
from tl_core.jobs.processes import keep_freed_memory
from tl_core.models.catalog import DEFAULT_MODEL, card
from tl_core.storage import Home

__all__ = ["inspect", "machine", "read"]

EXAMPLES = 5  # files named under a finding


def inspect(options: argparse.Namespace) -> int:
    """Print classes, quarantine and findings of a set; nothing is kept."""
    scratch = Home(options.home).folder("tmp")  # a system's own temporary folder may be small
    found: list[tuple[DataFinding, dict[str, Any]]] = []
    honesty: Honesty | None = None
    with tempfile.TemporaryDirectory(prefix="inspect-", dir=scratch) as folder:
        home = Home(folder, blobs=f"{folder}/blobs")
        intake = read(options.data, home, pictures=options.pictures)
        if options.check:
            found, honesty = _checked(home, intake)
    splits = assign_splits(intake.records, DataConfig())
    division = divided(intake.records, splits)
    counts = dict(sorted(Counter(record.label for record in intake.records).items()))
    if machine(options):
        notes = [{"kind": "note", "severity": "info", "sentence": note} for note in intake.notes]
        as_lines(
            {
                "classes": counts,
                "quarantine": [
                    {"file": one.file, "reason": one.reason} for one in intake.quarantine
                ],
                "findings": notes + [told for _, told in found],
                "split": _split(division, honesty),
            }
        )
        return 0
    print(table([[name, str(n)] for name, n in counts.items()], ["class", "pictures"]))
    for note in intake.notes:
        print(f"- {note}")
    if intake.quarantine:
        print(f"\nNot taken in ({len(intake.quarantine)}):")
        print("\n".join(f"- {one.file}: {one.reason}" for one in intake.quarantine))
    if options.check:
        print(f"\nFound ({len(found)}):" if found else "\nThe check found nothing.")
    for finding, told in found:
        _print(finding, told)
    _print_split(division, honesty)
    return 0


def read(data: str, home: Home, *, pictures: str | None = None) -> Intake:
    """Take a folder, an archive or what a table names in, with a progress bar.

    Args:
        data: Its place.
        home: Where the pictures go.
        pictures: The folder or archive of the pictures, where ``data`` is a table elsewhere.

    Raises:
        DataError: There is nothing at that place, or nothing usable in it.
    """
    source = _place(data)
    table = None
    if pictures is not None:
        if not is_table(source.name):
            raise ConfigError("--pictures goes with a table of labels.", field="pictures")
        source, table = _place(pictures), source
    bars = Bars()
    try:
        return take_in(
            source,
            home,
            working=(card(DEFAULT_MODEL).input_px, TrainConfig().resize),
            table=table,
            report=lambda done, total: bars.report("reading pictures", done, total),
        )
    finally:
        bars.close()


def _place(path: str) -> Path:
    found = Path(path).expanduser().resolve()
    if not found.exists():
        raise DataError(
            f"There is nothing at {path}.", hint="Give a folder, a zip or a table of pictures."
        )
    return found


def machine(options: argparse.Namespace) -> bool:
    """Whether JSON is wanted: asked for, or nobody is looking."""
    return bool(options.json or not sys.stdout.isatty())


def _checked(
    home: Home, intake: Intake
) -> tuple[list[tuple[DataFinding, dict[str, Any]]], Honesty | None]:
    from tl_core.check.whole import checked_set  # heavy: not before they are needed
    from tl_core.jobs.checking import examined

    keep_freed_memory()
    splits = assign_splits(intake.records, DataConfig())
    checked = checked_set(
        intake.records,
        splits,
        given=bool(intake.given_splits),
        channels=int(intake.reading.get("channels", RGB)),
    )
    bars = Bars()

    def progress(stage: str) -> Callable[[int, int], None]:
        return lambda done, total: bars.report(stage.lower(), done, total)

    try:
        found = examined(home, checked, progress)
    finally:
        bars.close()
    return [(one, _told(one, checked)) for one in found.findings], found.honesty


def _split(division: Divided, honesty: Honesty | None) -> dict[str, Any]:
    """How Thaw would divide the set, what stays together, and what that is worth."""
    return {
        "parts": {one.label: one.pictures_in for one in division.classes},
        "groups": division.groups,
        "pictures_in_groups": division.in_groups,
        "made_of": division.why,
        "notes": list(division.notes),
        "cross_validation": honesty.to_dict() if honesty else None,
    }


def _print_split(division: Divided, honesty: Honesty | None) -> None:
    rows = [
        [one.label, *(str(one.pictures_in[part]) for part in SPLITS)] for one in division.classes
    ]
    print(f"\n{table(rows, ['how it would be divided', *SPLITS])}")
    if division.groups:
        print(f"- {division.in_groups} pictures in {division.groups} groups stay together.")
    for note in division.notes:
        print(f"- {note}")
    if honesty:
        share = honesty.grouped
        print(
            f"- {honesty.repeats} x {honesty.folds}-fold cross-validation of a linear head: "
            f"{share.value:.0%} right ({share.low:.0%} to {share.high:.0%})."
        )
    if honesty and honesty.gap and not honesty.shown:
        print("- A random split would look no better than that beyond chance.")


def _told(finding: DataFinding, checked: CheckedSet) -> dict[str, Any]:
    """A finding with the pictures by path."""
    path = dict(zip(checked.ids, checked.paths, strict=True))
    return {
        "kind": finding.kind,
        "severity": finding.severity,
        "sentence": finding.sentence,
        "advice": finding.advice,
        "evidence": dict(finding.evidence),
        "groups": [[path[one] for one in group] for group in finding.groups],
        "exclude": [path[one] for one in finding.repair.exclude],
        "relabel": {path[one]: label for one, label in finding.repair.relabel.items()},
    }


def _print(finding: DataFinding, told: dict[str, Any]) -> None:
    mark = {"problem": "!!", "warning": "! ", "info": "- "}[finding.severity]
    print(f"{mark} {finding.sentence} {finding.advice}".rstrip())
    for group in told["groups"][:EXAMPLES]:
        more = [f"(looks like {told['relabel'][one]})" for one in group if one in told["relabel"]]
        print(f"     {', '.join(group)} {' '.join(more)}".rstrip())
    if len(told["groups"]) > EXAMPLES:
        print(f"     and {len(told['groups']) - EXAMPLES} more")
