"""Which layers to train, found on the project's own training pictures. Imports torch.

Head, deep probe, last blocks and all layers are trained on folds of the training pictures and race
each other (``train.racing``). Validation and test pictures take no part, so the run that follows is
judged by pictures that did not choose its layers.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tl_core.check.gap import dealt
from tl_core.check.whole import checked_set
from tl_core.config import PROBES, RGB, RunSpec, changed
from tl_core.data.records import ImageRecord
from tl_core.errors import TooFewImagesError
from tl_core.jobs.belonging import moving_together
from tl_core.jobs.candidates import Ground, Reporter
from tl_core.jobs.submit import missing_for_training
from tl_core.jobs.work import Context
from tl_core.models.catalog import card
from tl_core.storage import Home
from tl_core.train.defaults import (
    COMPARED,
    COMPARED_AT_ONCE,
    COMPARED_FOLDS,
    COMPARED_MOST,
    COMPARED_SHIFTED,
)
from tl_core.train.racing import Outcome, race
from tl_core.train.recipe import Control, Go, fit_subset

__all__ = ["Field", "choose_layers", "compare_heads", "raced"]


def choose_layers(context: Context) -> dict[str, Any]:
    """Find the layers to train for a project's pictures and its drafted settings.

    The task's spec may name a ``model``, further ``settings`` (dotted fields), ``candidates``
    (layer choices), ``exhaustive``, and a ``run`` whose settings, and rates and epochs for blocks,
    are those to compare with.

    Returns:
        Of ``Outcome.to_dict``, with ``model``, ``title``, ``pictures`` (that took part), ``of``
        (training pictures), ``folds``, ``looks_different`` (of ``Field``), ``seconds`` and
        ``data_version``.

    Raises:
        TooFewImagesError: The pictures do not allow training.
        ConfigError: A candidate is no choice of layers.
    """
    payload = context.row.spec
    return _compared(
        context, payload.get("candidates") or None, exhaustive=bool(payload.get("exhaustive"))
    )


def compare_heads(context: Context) -> dict[str, Any]:
    """The same for the choices that are solved at once: seconds, and no block is opened."""
    return _compared(context, PROBES)


def _compared(
    context: Context, candidates: Sequence[str] | None, *, exhaustive: bool = False
) -> dict[str, Any]:
    begun = time.perf_counter()
    payload = context.row.spec
    project = context.library.get(context.row.project_id)
    if missing := missing_for_training(context.library.classes(project.id)):
        raise TooFewImagesError(missing, hint="Bring more pictures on the Data page.")
    run = str(payload.get("run") or "")  # it waits at a gate and asks for the gain
    spec = RunSpec.from_dict(context.queue.get(run).spec if run else project.draft)
    if payload.get("model"):
        spec = changed(spec, {"model.name": str(payload["model"])})
    spec = changed(spec, payload.get("settings") or {})
    _, records, splits = context.library.records(project.id)
    training = [one for one, split in zip(records, splits, strict=True) if split == "train"]
    found = raced(
        context.home,
        training,
        spec,
        channels=project.channels,
        detail_px=context.library.detail_px(project.id),
        candidates=candidates,
        exhaustive=exhaustive,
        as_set=bool(run),
        progress=context.progress,
        control=context.orders,
    )
    return {
        **found.outcome.to_dict(),
        "model": spec.model.name,
        "title": card(spec.model.name).title,
        "pictures": found.pictures,
        "of": len(training),
        "folds": found.folds,
        "looks_different": found.looks_different,
        "seconds": time.perf_counter() - begun,
        "data_version": project.data_version,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A race that was run, on how many pictures and in how many folds.

    ``looks_different`` says whether the pictures look different from those the network learned
    from, so that its first block took part; None where nobody asked.
    """

    outcome: Outcome
    pictures: int
    folds: int
    looks_different: bool | None = None


def raced(
    home: Home,
    records: Sequence[ImageRecord],
    spec: RunSpec,
    *,
    channels: int = RGB,
    detail_px: int | None = None,
    candidates: Sequence[str] | None = None,
    exhaustive: bool = False,
    as_set: bool = False,
    progress: Reporter = lambda stage, unit="pictures": lambda done, total: None,
    control: Control | None = None,
) -> Field:
    """Race choices of layers on training pictures.

    Args:
        home: The store that holds them; what is computed of them is kept there.
        records: The training pictures.
        spec: Settings; the layers, and what depends on them, are each candidate's own.
        channels: Of the pictures.
        detail_px: As for ``defaults.resolved``.
        candidates: Choices of layers, the cheapest first; those that open more blocks than the
            network has are left out. None = the usual ones, with the first block where the
            pictures look different from those the network learned from.
        exhaustive: Nobody leaves early.
        as_set: Blocks are trained at the rate and for the epochs of ``spec``.
        progress: Gives a ``report(done, total)`` for each stage; what that raises ends it.
        control: Asked after every step of a training.

    Raises:
        TooFewImagesError: No picture can be held out.
        ModelError: The network cannot be divided before its head.
    """
    at_once = candidates is not None and set(candidates) <= set(PROBES)
    most = COMPARED_AT_ONCE if at_once else COMPARED_MOST
    some = [records[at] for at in _taking_part(records, most)]
    classes = sorted({one.label for one in some})
    labels = np.array([classes.index(one.label) for one in some], dtype=np.int64)
    units = moving_together(
        home,
        checked_set(some, ["train"] * len(some), channels=channels),
        progress("Looking for copies"),
        cut_outs=not at_once,
    )
    if len(classes) < 2 or len(np.unique(units)) < COMPARED_FOLDS:
        raise TooFewImagesError(
            "There are too few training pictures to hold some of them out.",
            hint="Bring more pictures of every class.",
        )
    ground = Ground(
        home=home,
        digests=tuple(one.digest for one in some),
        labels=labels,
        units=units,
        fold=dealt(labels, units, seed=spec.train.seed, folds=COMPARED_FOLDS),
        spec=spec,
        channels=channels,
        detail_px=detail_px,
        report=progress,
        control=control or Go(),
        as_set=as_set,
    )
    different = ground.looks_different() if candidates is None else None
    if candidates is None:
        candidates = COMPARED_SHIFTED if different else COMPARED
    outcome = race(
        ground.entrants(candidates),
        COMPARED_FOLDS,
        exhaustive=exhaustive,
        independent=len(np.unique(units)) / len(some),
        report=ground.report("Comparing choices of layers", "trainings"),
    )
    return Field(
        outcome=outcome, pictures=len(some), folds=COMPARED_FOLDS, looks_different=different
    )


def _taking_part(records: Sequence[ImageRecord], most: int) -> np.ndarray:
    """Positions of all pictures, or of a fixed choice with the classes in their proportions."""
    _, labels = np.unique([one.label for one in records], return_inverse=True)
    return fit_subset(labels, limit=most)
