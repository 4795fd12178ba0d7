"""``advise``: which network to start from, measured on the pictures."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from tl_core.advise import words
from tl_core.advise.advice import Advice, Candidate, advice_from_dict
from tl_core.cli.commands import project_for
from tl_core.cli.inspecting import machine, read
from tl_core.cli.show import as_lines, percent, table
from tl_core.cli.tasks import carried_out
from tl_core.jobs.processes import keep_freed_memory
from tl_core.jobs.schema import open_engine
from tl_core.models.catalog import card
from tl_core.storage import Home

__all__ = ["advise"]

KIND = "advise"


def advise(options: argparse.Namespace) -> int:
    """Take the pictures in, measure networks on them, and print the ranking."""
    home = Home(options.home)
    engine = open_engine(home)
    names = [name.strip() for name in (options.models or "").split(",") if name.strip()]
    models = [card(name).name for name in names]  # a wrong name is said before the work begins
    intake = read(options.data, home, pictures=options.pictures)
    project_id = project_for(home, engine, Path(options.data).expanduser().resolve(), intake)
    keep_freed_memory()
    wanted = {"models": models or None}
    found = advice_from_dict(carried_out(home, engine, KIND, project_id, wanted, "The measurement"))
    if machine(options):
        as_lines(_line(found))
    else:
        _print(found)
    return 0


def _line(found: Advice) -> dict[str, object]:
    first = found.ranked[0]
    return {
        "recommended": {
            "model": first.name,
            "because": found.because,
            "sentence": words.verdict(found),
        },
        **found.to_dict(),
        "candidates": [
            {**asdict(one), "distance_in_words": words.distance(one) if _compared(one) else ""}
            for one in found.candidates
        ],
    }


def _print(found: Advice) -> None:
    print(words.verdict(found))
    if said := words.control(found):
        print(said)
    measured = [*found.ranked, *([found.control] if found.control else [])]
    head = ["", "network", "right", "nearest", "log-loss", "LogME", "ms", "parameters"]
    print(f"\n{table([_row(one) for one in measured], head)}")
    print(
        f"majority class {percent(found.majority)}; {found.pictures:,} pictures, "
        f"{found.repeats} x {found.folds}-fold cross-validation, no test picture among them"
    )
    for one in found.ranked:
        if said := words.behind(found, one):
            print(f"- {one.title}: {said}")
    for one in found.missing:
        print(f"- {words.unmeasured(one)}")
    for one in found.ranked:
        print(f"- {one.title}: {words.distance(one)}")
    print(f"\nNext: python -m tl_core train DATA --model {found.ranked[0].name}")


def _compared(one: Candidate) -> bool:
    """Whether it was compared with its source: a random network has none."""
    return one.scores is not None and not one.control


def _row(one: Candidate) -> list[str]:
    assert one.scores is not None and one.cost is not None
    scores = one.scores
    right, nearest = scores.accuracy, scores.nearest
    return [
        "-" if one.control else str(one.group),
        f"{one.title}, random weights" if one.control else one.title,
        percent(right.value, (right.low, right.high)),
        percent(nearest.value, (nearest.low, nearest.high)),
        f"{scores.log_loss.value:.3f}",
        "-" if scores.evidence is None else f"{scores.evidence:.3f}",
        f"{one.cost.ms:.1f}",
        f"{one.cost.parameters / 1e6:.1f} M",
    ]
