"""Cross-validation of a run: its settings on folds of all its training and validation pictures.

With few pictures one split tells little. Here every picture is answered once by a network that has
not seen it; test pictures take no part. Each fold that is done is kept, so that work that was
stopped goes on. Imports torch.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tl_core.check.gap import FEWEST, dealt
from tl_core.check.whole import checked_set
from tl_core.config import PROBES, RGB, RunSpec, changed
from tl_core.data.records import ImageRecord
from tl_core.errors import CancelledError, ConfigError, RunStateError, TooFewImagesError
from tl_core.jobs.belonging import moving_together
from tl_core.jobs.candidates import Ground
from tl_core.jobs.continuing import kept_origin
from tl_core.jobs.crossed import KIND, MOST_FOLDS, MOST_REPEATS, parts
from tl_core.jobs.folding import NONE, Learner, learner
from tl_core.jobs.library import ImageRow
from tl_core.jobs.log import EventLog
from tl_core.jobs.queue import RunRow
from tl_core.jobs.results import Results
from tl_core.jobs.submit import Snapshot, read_snapshot
from tl_core.jobs.view import RunView, fold
from tl_core.jobs.work import Context
from tl_core.models.catalog import card
from tl_core.storage import read_json, write_json
from tl_core.worth.crossing import FOLDS, Crossing
from tl_core.worth.folds import Judged, judging_rows

__all__ = ["KIND", "cross_validate", "folds_of"]

VERSION = 1  # of what is kept; a change of the methods counts it up


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Pictures:
    """What takes part: ``judge`` are positions that are answered; all others only teach."""

    snapshot: Snapshot
    rows: tuple[ImageRow, ...]
    labels: np.ndarray
    units: np.ndarray
    judge: np.ndarray
    unknown: int


def cross_validate(context: Context) -> dict[str, Any]:
    """Judge a finished run's settings on folds. The spec has ``run_id``, ``folds``, ``repeats``.

    Leaves ``crossing.json`` in the run's folder.

    Returns:
        ``run_id``, ``crossing`` (of ``Crossing.to_dict``), ``title``, ``seconds`` (all work that
        went into it) and ``at``.

    Raises:
        RunStateError: The run has not finished, or began with weights that know these pictures.
        TooFewImagesError: The pictures do not allow it.
        ConfigError: A number of folds or repeats that makes no sense.
    """
    payload = context.row.spec
    folds, repeats = int(payload.get("folds", FOLDS)), int(payload.get("repeats", 1))
    _sensible(folds, repeats)
    row = context.queue.get(str(payload["run_id"]))
    spec, staged = _settings(context, row)
    pictures = _pictures(context, row, spec)
    division = folds_of(pictures.labels, pictures.units, pictures.judge, folds, repeats)
    done = _Done(context, row.id, _key(spec, pictures, folds))
    given = _answered(context, spec, pictures, division, done)
    found = _found(context, row, spec, pictures, division, given, staged=staged)
    result = {
        "run_id": row.id,
        "crossing": found.to_dict(),
        "title": card(spec.model.name).title,
        "seconds": done.seconds,
        "at": time.time(),
    }
    done.alive()
    write_json(context.home.run_dir(row.id) / "crossing.json", result)
    return result


def folds_of(
    labels: np.ndarray, units: np.ndarray, judge: np.ndarray, folds: int, repeats: int
) -> np.ndarray:
    """Which fold holds each picture out, int (repeats, N); -1 for those that only teach.

    Classes are spread evenly over the folds, and what belongs together is in one.
    """
    found = np.full((repeats, len(labels)), NONE)
    for number in range(repeats):
        found[number, judge] = dealt(labels[judge], units[judge], seed=number, folds=folds)
    return found


class _Done:
    """The folds that are done, in the run's folder; those of other pictures or settings are not."""

    def __init__(self, context: Context, run_id: str, key: str) -> None:
        self._folder = context.home.root / "runs" / run_id
        self._path, self._key = parts(context.home, run_id), key
        body = read_json(self._path) if self._path.is_file() else {}
        known: dict[str, Any] = body if body.get("key") == key else {"seconds": 0.0, "folds": {}}
        self.seconds: float = known["seconds"]
        self._folds: dict[str, list[int]] = known["folds"]

    def of(self, repeat: int, number: int) -> list[int] | None:
        """The answers of a fold; None when it is still to be done."""
        return self._folds.get(f"{repeat},{number}")

    def keep(self, repeat: int, number: int, given: np.ndarray, seconds: float) -> None:
        """Write a fold down."""
        self._folds[f"{repeat},{number}"] = given.tolist()
        self.seconds += seconds
        self.alive()
        write_json(self._path, {"key": self._key, "seconds": self.seconds, "folds": self._folds})

    def alive(self) -> None:
        """Raise CancelledError when the run was removed meanwhile: nothing is left of it."""
        if not self._folder.is_dir():
            raise CancelledError("The run was removed while it was judged.")


def _sensible(folds: int, repeats: int) -> None:
    for name, value, low, high in (
        ("folds", folds, 2, MOST_FOLDS),
        ("repeats", repeats, 1, MOST_REPEATS),
    ):
        if not low <= value <= high:
            raise ConfigError(
                f"{name} is {value}, outside {low} to {high}.",
                field=name,
                hint=f"Choose a value from {low} to {high}.",
            )


def _settings(context: Context, row: RunRow) -> tuple[RunSpec, bool]:
    """The run's settings as folds are trained with them, and whether it opened blocks in stages."""
    if row.kind != "train" or row.state != "finished":
        raise RunStateError(
            f"Run {row.id} is {row.state}, there is nothing to cross-validate yet."
            if row.kind == "train"
            else f"{row.id} is not a training run.",
            hint="Wait for it to end, or resume it.",
        )
    spec = RunSpec.from_dict(row.spec)
    origin = kept_origin(context.home, row.id)
    if origin is not None and origin.weights:
        raise RunStateError(
            "This run went on from the weights of an earlier one, which have seen these pictures: "
            "no part of them would be new to it.",
            hint=f"Cross-validate the run it goes on from ({origin.run}), or train it anew.",
        )
    if spec.freeze.stages == "off" or spec.freeze.layers in PROBES:
        return spec, False
    view = fold(RunView(run_id=row.id), EventLog(context.engine).all_after(row.id))
    layers = view.started.layers if view.started else spec.freeze.layers
    return changed(spec, {"freeze.stages": "off", "freeze.layers": layers}), True


def _pictures(context: Context, row: RunRow, spec: RunSpec) -> _Pictures:
    snapshot = read_snapshot(context.home, row.id)
    rows = (*snapshot.part("train"), *snapshot.part("val"))
    ids, records, _ = context.library.records(row.project_id)
    known = {(at, one.digest): one for at, one in zip(ids, records, strict=True)}
    found = [known.get((one.id, one.digest)) for one in rows]
    some = [one or _alone(own) for one, own in zip(found, rows, strict=True)]
    units = moving_together(
        context.home,
        checked_set(some, ["train"] * len(some), channels=spec.model.channels or RGB),
        context.progress("Looking for copies"),
    )
    labels = np.array(snapshot.labels(rows), dtype=np.int64)
    judge = judging_rows(labels, units)
    if len(judge) < FEWEST or len(np.unique(labels[judge])) < 2:
        raise TooFewImagesError(
            f"It takes {FEWEST} pictures of two classes, not all of one group, to judge on folds; "
            f"there are {len(judge)}.",
            hint="Bring more pictures on the Data page.",
        )
    return _Pictures(
        snapshot=snapshot,
        rows=rows,
        labels=labels,
        units=units,
        judge=judge,
        unknown=found.count(None),
    )


def _alone(row: ImageRow) -> ImageRecord:
    """A picture that is not in the set any more: only its content is known."""
    return ImageRecord(
        path=row.path, label=row.label, split=None, digest=row.digest, width=1, height=1, bytes=1,
        format="",
    )  # fmt: skip


def _answered(
    context: Context, spec: RunSpec, pictures: _Pictures, division: np.ndarray, done: _Done
) -> np.ndarray:
    """What is said of every picture in every repeat, int (repeats, N); -1 where nobody answers."""
    given = np.full(division.shape, NONE)
    jobs = [
        (repeat, number)
        for repeat, fold_of in enumerate(division)
        for number in range(int(fold_of.max()) + 1)
    ]
    report = context.progress("Training on other pictures, part by part", "parts")

    def check() -> None:
        if context.orders.cancelled():
            raise CancelledError("Cancelled. The parts that are done are kept.")

    way: Learner | None = None
    for at, (repeat, number) in enumerate(jobs):
        out = np.flatnonzero(division[repeat] == number)
        said = done.of(repeat, number)
        if said is None:
            begun = time.perf_counter()
            way = way or _way(context, spec, pictures, check)
            report(at, len(jobs))
            answers = way.answers(
                np.flatnonzero(division[repeat] != number), out, spec.train.seed + repeat
            )
            check()  # a training that was told to stop has ended early
            done.keep(repeat, number, answers, time.perf_counter() - begun)
            said = answers.tolist()
        given[repeat, out] = said
    report(len(jobs), len(jobs))
    return given


def _way(
    context: Context, spec: RunSpec, pictures: _Pictures, check: Callable[[], None]
) -> Learner:
    ground = Ground(
        home=context.home,
        digests=tuple(one.digest for one in pictures.rows),
        labels=pictures.labels,
        units=pictures.units,
        fold=np.zeros(len(pictures.rows), dtype=np.int64),
        spec=spec,
        channels=spec.model.channels or RGB,
        detail_px=None,
        report=context.progress,
        control=context.orders,
        as_set=True,
    )
    n_val = len(pictures.snapshot.part("val"))
    return learner(ground, n_val / len(pictures.rows), check)


def _found(
    context: Context,
    row: RunRow,
    spec: RunSpec,
    pictures: _Pictures,
    division: np.ndarray,
    given: np.ndarray,
    *,
    staged: bool,
) -> Crossing:
    judge, n = pictures.judge, len(pictures.rows)
    classes = pictures.snapshot.classes
    told = Judged(
        pictures.labels[judge], pictures.units[judge], division[:, judge], given[:, judge], classes
    )
    accuracy = (Results(context.home).report(row.id, "val") or {}).get("accuracy", {})
    folds = int(division.max()) + 1
    n_val = len(pictures.snapshot.part("val"))
    trained = spec.freeze.layers not in PROBES
    learned = n - len(judge) / folds
    counts = np.bincount(pictures.labels[judge])
    return Crossing(
        pictures=len(judge),
        groups=len(np.unique(pictures.units[judge])),
        always=n - len(judge),
        folds=folds,
        repeats=len(division),
        learned=round(learned * (1 - n_val / n) if trained else learned),
        run_learned=n - n_val,
        accuracy=told.accuracy,
        balanced=told.balanced,
        majority=float(counts.max() / len(judge)),
        classes=told.per_class,
        values=told.values,
        one=float(accuracy.get("value", (row.result or {}).get("val_accuracy") or 0.0)),
        one_n=n_val,
        chose=trained,
        staged=staged,
        unknown=pictures.unknown,
        diverged=_diverged(division, given),
    )


def _diverged(division: np.ndarray, given: np.ndarray) -> int:
    return sum(
        bool((given[repeat][fold_of == number] == NONE).all())
        for repeat, fold_of in enumerate(division)
        for number in range(int(fold_of.max()) + 1)
    )


def _key(spec: RunSpec, pictures: _Pictures, folds: int) -> str:
    """What a fold depends on, as a digest. More repeats go on with those that are there."""
    own = {**spec.to_dict(), "note": "", "parent": "", "verdict": "", "remedy": ""}
    rows = [
        [one.digest, int(label), int(unit)]
        for one, label, unit in zip(pictures.rows, pictures.labels, pictures.units, strict=True)
    ]
    body = [VERSION, own, list(pictures.snapshot.classes), folds, rows]
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
