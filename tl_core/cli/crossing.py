"""``cross-validate``: a run's settings judged on folds of all its pictures; kept with the run."""

from __future__ import annotations

import argparse

from tl_core.cli.inspecting import machine
from tl_core.cli.show import Bars, as_lines, percent, table
from tl_core.cli.tasks import follow
from tl_core.errors import TLError
from tl_core.events import Event, Progress
from tl_core.jobs.crossed import KIND, crossing_of, crossing_seconds
from tl_core.jobs.log import EventLog
from tl_core.jobs.processes import interrupt_on_sigterm, keep_freed_memory
from tl_core.jobs.queue import Queue, RunRow
from tl_core.jobs.schema import open_engine
from tl_core.jobs.work import carry_out
from tl_core.storage import Home
from tl_core.worth.crossing import Crossing, crossing_sentences

__all__ = ["cross_validate"]


def cross_validate(options: argparse.Namespace) -> int:
    """Train on parts of a run's pictures, answer the others, and say what that comes to."""
    home = Home(options.home)
    engine = open_engine(home)
    queue = Queue(engine)
    row = queue.get(options.run_id)
    seconds = crossing_seconds(row, folds=options.folds, repeats=options.repeats)
    if seconds is not None and not machine(options):
        print(f"This takes about {max(1, round(seconds))} s at most; what is done is kept.")
    payload = {"run_id": row.id, "folds": options.folds, "repeats": options.repeats}
    task = queue.submit(KIND, payload, project_id=row.project_id, name="Cross-validation")
    ended = _done(home, queue, task)
    if ended.state != "finished" or not ended.result:
        error = ended.error or {"message": f"The work is {ended.state}.", "hint": ""}
        raise TLError(error["message"], hint=error.get("hint", ""))
    found = crossing_of(ended.result)
    if machine(options):
        as_lines({**ended.result, "sentences": crossing_sentences(found)})
        return 0
    _print(found)
    return 0


def _done(home: Home, queue: Queue, task: str) -> RunRow:
    """Carry it out here, or follow it when the studio's supervisor took it first."""
    engine = open_engine(home)
    bars = Bars()

    def show(event: Event) -> None:
        if isinstance(event, Progress):
            bars.report(event.stage.lower(), event.done, event.total, event.unit.rstrip("s"))

    interrupt_on_sigterm()
    keep_freed_memory()
    claimed = queue.claim("train", "command line", task)
    ended = (
        carry_out(home, engine, claimed, show)
        if claimed is not None
        else follow(queue, EventLog(engine), task, show)
    )
    bars.close()
    return ended


def _print(found: Crossing) -> None:
    print("\n".join(crossing_sentences(found)))
    scores = [
        [name, percent(one.value, (one.low, one.high))]
        for name, one in (("accuracy", found.accuracy), ("balanced accuracy", found.balanced))
    ]
    print("\n" + table(scores, ["over all parts", "value"]))
    rows = [
        [
            one.name,
            str(one.pictures),
            percent(one.found.value, (one.found.low, one.found.high)),
        ]
        for one in found.classes
    ]
    print("\n" + table(rows, ["class", "pictures", "found"]))
