"""What a range test is asked about, and whether the answer is there already. No torch.

Only what could change the curve is part of the question: the rate itself, the epochs and the
schedule are not, so a rate is looked for once for these pictures, this network and these layers.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from tl_core.config import RunSpec, TrainConfig
from tl_core.errors import RunNotFoundError, RunStateError
from tl_core.jobs.queue import Queue, RunRow

__all__ = ["KIND", "ask_rate", "known_rate", "rate_question"]

KIND = "lr_find"
LOOKED_BACK = 50  # range tests of a project among which the answer is looked for
APART = ("lr", "epochs", "schedule", "patience")  # of TrainConfig: no part in the curve


def rate_question(spec: RunSpec, data_version: int) -> dict[str, Any]:
    """The question as plain values; equal for drafts that have the same answer.

    Args:
        spec: Resolved settings.
        data_version: Of the project's pictures.
    """
    usual = TrainConfig()
    train = replace(spec.train, **{name: getattr(usual, name) for name in APART})
    bare = replace(spec, parent="", note="", goes_on=False, verdict="", remedy="")
    freeze = replace(spec.freeze, stages="off")
    body = replace(bare, train=train, freeze=freeze).to_dict()
    return {"spec": body, "data_version": data_version}


def known_rate(queue: Queue, project_id: str, wanted: dict[str, Any]) -> RunRow | None:
    """The newest range test of this question, in any state; None when it was never asked."""
    rows = queue.rows(project_id=project_id, kind=KIND, limit=LOOKED_BACK)
    return next((row for row in rows if row.spec == wanted), None)


def ask_rate(queue: Queue, project_id: str, wanted: dict[str, Any]) -> str:
    """Queue a range test; others of the project that still wait are taken off the queue."""
    for row in queue.rows(project_id=project_id, kind=KIND, states=("queued",)):
        with suppress(RunStateError, RunNotFoundError):  # it has begun or ended this moment
            queue.command(row.id, "stop")
    return queue.submit(KIND, wanted, project_id=project_id, name="Trying learning rates")
