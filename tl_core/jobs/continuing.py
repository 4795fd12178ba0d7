"""Runs that go on from the best epoch of an earlier one: whether they can, and with which weights.

The weights are those the earlier run has kept; the optimizer begins anew, since the settings have
changed. They are copied into the new run's folder when it begins, so that it can be resumed after
the earlier one was deleted. No torch here.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from tl_core.config import PROBES, RunSpec
from tl_core.errors import RunNotFoundError
from tl_core.jobs.queue import Queue, RunRow
from tl_core.jobs.submit import Snapshot, read_snapshot
from tl_core.models.catalog import card
from tl_core.storage import Home, atomic_path, read_json, write_json

__all__ = [
    "WEIGHTS",
    "Origin",
    "begin",
    "forget_start",
    "keep_origin",
    "kept_origin",
    "lasting",
    "obstacle",
    "start_weights",
]

WEIGHTS = "model.safetensors"  # what a finished run has kept
OF_A_STAGE = {"train.lr", "train.epochs", "train.views", "freeze.layers"}
START, ORIGIN = "start.safetensors", "origin.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a run began.

    ``weights`` says whether with the weights of ``epoch`` of ``run``; if it was asked to and could
    not, ``why`` is a sentence. ``seen`` are the digests of every picture those weights were
    trained on.
    """

    run: str
    weights: bool
    epoch: int = 0
    why: str = ""
    seen: tuple[str, ...] = ()


def lasting(spec: RunSpec, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Of changes to a run, those that hold for later runs with its settings too.

    What is meant for one stage of a run in stages would be wrong for the others.
    """
    staged = spec.freeze.stages != "off"
    return {key: one for key, one in changes.items() if not staged or key not in OF_A_STAGE}


def obstacle(home: Home, spec: RunSpec, earlier: RunRow) -> str:
    """Why a run with these settings cannot go on from an earlier one; empty when it can.

    Only what the settings tell; whether the pictures allow it is seen when it begins.

    Args:
        home: The home.
        spec: Of the new run.
        earlier: The run whose best epoch is wanted; it may still be at work.
    """
    before = RunSpec.from_dict(earlier.spec)
    if before.freeze.layers in PROBES or spec.freeze.layers in PROBES:
        return "A head that is solved does not go on from another run."
    if _network(spec) != _network(before):
        return "The network or its weights are others."
    if (before.freeze.layers == "scratch") != (spec.freeze.layers == "scratch"):
        return "A network from scratch and a pretrained one begin from other weights."
    facts = card(spec.model.name)
    if facts.sized and spec.train.image_size != before.train.image_size:
        return f"{facts.title} is built for one picture size, which was changed."
    at_work = earlier.active and earlier.state != "queued"
    if not at_work and not (home.run_dir(earlier.id) / WEIGHTS).is_file():
        return "The earlier run has kept no network."
    return ""


def begin(home: Home, engine: Engine, run_id: str, spec: RunSpec, snapshot: Snapshot) -> Origin:
    """Find out where a run begins and lay its first weights ready, once; the same when resumed."""
    folder = home.run_dir(run_id)
    known = kept_origin(home, run_id)
    if known is not None:
        return known
    origin = _found(home, engine, spec, snapshot)
    if origin.weights:
        with atomic_path(folder / START) as part:
            shutil.copyfile(home.run_dir(origin.run) / WEIGHTS, part)
    keep_origin(home, run_id, origin)
    return origin


def keep_origin(home: Home, run_id: str, origin: Origin) -> None:
    """Write down where a run begins."""
    write_json(home.run_dir(run_id) / ORIGIN, asdict(origin))


def kept_origin(home: Home, run_id: str) -> Origin | None:
    """Where a run began; None when it has not yet, or was made before this was written down."""
    path = home.run_dir(run_id) / ORIGIN
    if not path.is_file():
        return None
    body = read_json(path)
    return Origin(**{**body, "seen": tuple(body["seen"])})


def start_weights(home: Home, run_id: str) -> Path:
    """The weights a run begins with, where ``Origin.weights`` says that there are some."""
    return home.run_dir(run_id) / START


def forget_start(home: Home, run_id: str) -> None:
    """Remove the first weights of a run that is over."""
    start_weights(home, run_id).unlink(missing_ok=True)


# -- inside ----------------------------------------------------------------------------------------


def _found(home: Home, engine: Engine, spec: RunSpec, snapshot: Snapshot) -> Origin:
    if not spec.goes_on or not spec.parent:
        return Origin(run=spec.parent, weights=False)
    try:
        earlier = Queue(engine).get(spec.parent)
        before = read_snapshot(home, spec.parent)
    except RunNotFoundError:
        return Origin(run=spec.parent, weights=False, why="The earlier run is not here any more.")
    why = obstacle(home, spec, earlier)
    if not why and earlier.active:
        why = "The earlier run is still at work."
    if not why and before.classes != snapshot.classes:
        why = "The classes are others."
    older = kept_origin(home, spec.parent)
    seen = {row.digest for row in before.part("train")} | set(older.seen if older else ())
    judging = {row.digest for part in ("val", "test") for row in snapshot.part(part)}
    tested = {row.digest for row in snapshot.part("test")}
    chose = {row.digest for row in before.part("val")}
    if not why and (seen & judging or chose & tested):
        why = "The pictures were divided anew: some it was trained on are now there to judge it."
    if why:
        return Origin(run=earlier.id, weights=False, why=why)
    epoch = int((earlier.result or {}).get("best_epoch") or 0)
    return Origin(run=earlier.id, weights=True, epoch=epoch, seen=tuple(sorted(seen)))


def _network(spec: RunSpec) -> tuple[object, ...]:
    return (spec.model.name, spec.model.weights, spec.model.weights_file, spec.model.channels)
