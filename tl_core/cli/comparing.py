"""``compare``: runs side by side, and who is better on the same pictures."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from tl_core.cli.show import as_lines, percent, table
from tl_core.errors import ConfigError
from tl_core.evaluate import comparison_words as words
from tl_core.jobs.comparing import FEWEST, MOST, Comparison, RunFacts, controls
from tl_core.jobs.differing import NOT_USED, Difference, differences
from tl_core.session import Studio
from tl_core.storage import Home

__all__ = ["compare"]


def compare(options: argparse.Namespace) -> int:
    """Print what runs reached, who is better, and what differs between their settings."""
    wanted = list(dict.fromkeys(options.run_ids))
    if not FEWEST <= len(wanted) <= MOST:
        raise ConfigError(f"{FEWEST} to {MOST} different runs can be compared.", field="runs")
    if options.against and options.against not in wanted:
        raise ConfigError(f"{options.against} is not among the runs.", field="against")
    studio = Studio(Home(options.home))
    rows = [studio.comparing.facts(run_id) for run_id in wanted]
    found = studio.comparing.compare(wanted, split=options.split, reference=options.against or "")
    differ = differences([one.row.spec for one in rows])
    if options.json:
        as_lines(_body(rows, found, differ))
    else:
        _print(rows, found, differ)
    return 0


def _body(
    rows: Sequence[RunFacts], found: Comparison, differ: Sequence[Difference]
) -> dict[str, Any]:
    names = {one.id: one.id for one in rows}
    return {
        **found.to_dict(),
        "runs": [_run(one) for one in rows],
        "sentences": [words.verdict(pair, names) for pair in found.pairs],
        "transfer": [
            {"control": control, "sentence": words.transfer_sentence(pair, control, names)}
            for pair in found.pairs
            for control in controls(rows, pair)
        ],
        "settings": {
            one.path: {
                run.id: None if value is NOT_USED else value
                for run, value in zip(rows, one.values, strict=True)
            }
            for one in differ
        },
    }


def _run(one: RunFacts) -> dict[str, Any]:
    accuracy = {part: list(values) for part, values in one.accuracy.items()}
    return {
        "run_id": one.id,
        "name": one.row.name,
        "tags": list(one.row.tags),
        "note": one.row.note,
        "network": one.network,
        "layers": one.layers,
        "pictures": one.pictures,
        "accuracy": accuracy,
        "seconds": round(one.seconds, 2),
        "megabytes": round(one.megabytes, 3),
    }


def _print(rows: Sequence[RunFacts], found: Comparison, differ: Sequence[Difference]) -> None:
    cells = [
        [
            one.id,
            one.row.name,
            *(_accuracy(one, part) for part in ("val", "test")),
            f"{one.seconds:.0f} s",
            f"{one.megabytes:.1f} MB",
        ]
        for one in rows
    ]
    print(table(cells, ["run", "what", "validation", "test", "time", "size"]))
    names = {one.id: one.id for one in rows}
    part = "validation" if found.split == "val" else "test"
    several = f", corrected for {found.tests} comparisons" if found.tests > 1 else ""
    print(f"\nOn the {part} pictures{several}:")
    for pair in found.pairs:
        print(f"- {words.verdict(pair, names)}")
        if pair.verdict != "too few":
            print(f"  {words.numbers(pair, names)}")
            print(f"  {words.probabilities(pair, names)}")
        for control in controls(rows, pair):
            print(f"  {words.transfer_sentence(pair, control, names)}")
        if said := words.left_out(pair):
            print(f"  {said}")
    for run_id in found.missing:
        print(f"- {run_id} has kept no answers to {part} pictures.")
    if found.split == "test" and found.tested > FEWEST:
        print(
            f"\n{found.tested} runs of this project were compared on the test pictures. The winner "
            "of many looks better than it is: choose by validation, quote the test once."
        )
    if differ:
        cells = [[one.path, *map(_value, one.values)] for one in differ]
        print(f"\n{table(cells, ['setting', *(one.id for one in rows)])}")


def _accuracy(one: RunFacts, part: str) -> str:
    known = one.accuracy.get(part)
    return "-" if known is None else percent(known[0], known[1:])


def _value(value: Any) -> str:
    if value is NOT_USED or value is None:
        return "-"
    return f"{value:g}" if isinstance(value, float) else str(value)
