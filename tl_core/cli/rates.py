"""``lr-find``: a learning rate looked for on the user's own pictures."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from tl_core.cli.commands import project_for, spec_of
from tl_core.cli.inspecting import read
from tl_core.cli.show import Bars, as_lines, table
from tl_core.config import PROBES
from tl_core.errors import ConfigError, TLError, TooFewImagesError
from tl_core.events import Event, Progress
from tl_core.jobs.estimate import described
from tl_core.jobs.library import Library
from tl_core.jobs.processes import interrupt_on_sigterm, keep_freed_memory
from tl_core.jobs.queue import LANE_OF, Queue, RunRow
from tl_core.jobs.rate_question import KIND, ask_rate, rate_question
from tl_core.jobs.schema import open_engine
from tl_core.jobs.submit import missing_for_training
from tl_core.jobs.work import carry_out
from tl_core.models.catalog import card
from tl_core.models.plan import FreezePlan
from tl_core.storage import Home
from tl_core.train.defaults import resolved

__all__ = ["lr_find"]

FOLLOW_S = 0.3
REASONS = {
    "no_drop": "No answer: the loss did not fall by more than its own noise at any rate.",
    "disagree": "No answer: the rules that read the curve say different things.",
    "short": "No answer: the loss went up before it could come down.",
}


def lr_find(options: argparse.Namespace) -> int:
    """Take the pictures in, try rising rates, and print the curve and what it suggests."""
    home = Home(options.home)
    spec = spec_of(options, home)
    if spec.freeze.layers in PROBES:
        raise ConfigError(
            "A head that is solved at once takes no steps, so it has no learning rate.",
            field="layers",
            hint="Choose layers that are trained in steps: head, last:N, first:N, all or scratch.",
        )
    engine = open_engine(home)
    intake = read(options.data, home, pictures=options.pictures)
    project_id = project_for(home, engine, Path(options.data).expanduser().resolve(), intake)
    library = Library(engine)
    rows = library.classes(project_id)
    if missing := missing_for_training(rows):
        raise TooFewImagesError(missing, hint="Bring more pictures.")
    facts, project = described(home, card(spec.model.name)), library.get(project_id)
    if facts.groups:
        FreezePlan.from_layers(spec.freeze.layers, len(facts.groups))
    spec = resolved(
        spec,
        card=facts,
        n_train=sum(row.train for row in rows),
        n_classes=len(rows),
        detail_px=library.detail_px(project_id),
        channels=project.channels,
    )
    queue = Queue(engine)
    asked = ask_rate(queue, project_id, rate_question(spec, project.data_version))
    row = _carried_out(home, engine, queue, asked)
    if row.state != "finished" or row.result is None:
        error = row.error or {"message": f"The work is {row.state}.", "hint": ""}
        raise TLError(error["message"], hint=error.get("hint", ""))
    result = {**row.result, "default": spec.train.lr}
    if options.json:
        as_lines(result)
    else:
        _say(result)
    return 0


def _carried_out(home: Home, engine: Engine, queue: Queue, task_id: str) -> RunRow:
    """Here, or by the studio's worker when it took the task first."""
    bars = Bars()

    def tell(event: Event) -> None:
        if isinstance(event, Progress):
            bars.report(event.stage, event.done, event.total, event.unit)

    interrupt_on_sigterm()
    keep_freed_memory()
    claimed = queue.claim(LANE_OF[KIND], "command line", task_id)
    row = claimed and carry_out(home, engine, claimed, tell)
    bars.close()
    while row is None or not (row.over or row.state == "interrupted"):
        time.sleep(FOLLOW_S)
        row = queue.get(task_id)
    return row


def _say(result: Mapping[str, Any]) -> None:
    found = result["found"]
    print(
        f"{result['title']}, {result['layers']}: {len(result['rates'])} rates from "
        f"{result['rates'][0]:g} to {result['rates'][-1]:g}, {result['seeds']} runs of "
        f"{result['passes']:.1f} passes over {result['n_train']} training pictures"
    )
    if found["rules"]:
        cells = [
            [name, f"{rate:.2g}", "yes" if name in found["agreed"] else ""]
            for name, rate in found["rules"].items()
        ]
        print("\n" + table(cells, ["rule", "rate", "agrees"]) + "\n")
    if found["rate"] is None:
        print(REASONS[found["reason"]])
        print(f"Without an answer of its own, Thaw takes {result['default']:g}.")
        return
    print(f"suggested {found['rate']:g} (by itself, Thaw takes {result['default']:g})")
    print(
        f"\nNext: python -m tl_core train DATA --layers {result['layers']} --lr {found['rate']:g}"
    )
