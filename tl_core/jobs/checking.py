"""The data check as a piece of background work. Imports torch."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from tl_core.cache.shelf import Shelf
from tl_core.check.copies import copies_of
from tl_core.check.crops import FINE_PX
from tl_core.check.findings import CheckedSet, DataFinding
from tl_core.check.looks import fine_grey, looks_of
from tl_core.check.whole import check_set, checked_set, to_be_judged
from tl_core.config import RunSpec, changed
from tl_core.data.pixels import open_pixels
from tl_core.errors import TooFewImagesError
from tl_core.jobs.work import Context
from tl_core.models.build import build
from tl_core.models.catalog import DEFAULT_MODEL, card
from tl_core.models.groups import layer_groups
from tl_core.probe.deep import held_out_probabilities
from tl_core.probe.features import BlockFeatures
from tl_core.storage import Home
from tl_core.train.defaults import resolved
from tl_core.train.device import choose_device

__all__ = ["check", "check_pictures", "judged_by_others"]

Reporter = Callable[[str], Callable[[int, int], None]]


def check(context: Context) -> dict[str, Any]:
    """Check a project's pictures.

    Returns:
        ``findings`` (of ``DataFinding.to_dict``), ``pictures``, ``judged`` (whose labels were
        judged), ``accuracy`` (how often the probe was right, or None), ``seconds`` and
        ``data_version``.

    Raises:
        TooFewImagesError: There are no pictures.
    """
    begun = time.perf_counter()
    project = context.library.get(context.row.project_id)
    ids, records, splits = context.library.records(project.id)
    if not records:
        raise TooFewImagesError("There are no pictures yet.", hint="Bring some first.")
    checked = checked_set(records, splits, ids=ids, given=bool(project.given_splits))
    findings, probabilities = check_pictures(context.home, checked, context.progress)
    judged = np.isfinite(probabilities).all(axis=1)
    right = probabilities[judged].argmax(axis=1) == checked.labels[judged]
    return {
        "findings": [one.to_dict() for one in findings],
        "pictures": len(checked),
        "judged": int(judged.sum()),
        "accuracy": float(right.mean()) if judged.any() else None,
        "seconds": time.perf_counter() - begun,
        "data_version": project.data_version,
    }


def check_pictures(
    home: Home,
    checked: CheckedSet,
    progress: Reporter = lambda stage: lambda done, total: None,
) -> tuple[list[DataFinding], np.ndarray]:
    """All findings about stored pictures, and the probabilities behind those about labels.

    Args:
        home: The store that holds them; what is computed of them is kept there.
        checked: The set.
        progress: Gives a ``report(done, total)`` for each stage.
    """
    looks = looks_of(home, checked.digests, report=progress("Looking at the pictures"))
    progress("Comparing the pictures")(0, 0)

    @lru_cache(maxsize=2048)  # 128 MB
    def fine(position: int) -> np.ndarray:
        return fine_grey(home, checked.digests[position], FINE_PX)

    copies = copies_of(checked, looks["grey"], fine)
    rows = to_be_judged(checked, copies)
    probabilities = judged_by_others(home, checked, rows, progress)
    progress("Looking for shortcuts")(0, 0)
    return check_set(checked, looks, copies, probabilities), probabilities


def judged_by_others(
    home: Home, checked: CheckedSet, rows: np.ndarray, progress: Reporter
) -> np.ndarray:
    """What a deep probe of the embedded network says of pictures that it has not seen.

    Args:
        home: The store.
        checked: The set.
        rows: Positions to judge.
        progress: As for ``check_pictures``.

    Returns:
        (N, C) float64; NaN for all others, and for all when there is only one class.
    """
    found = np.full((len(checked), len(checked.classes)), np.nan)
    counts = np.bincount(checked.labels[rows], minlength=len(checked.classes))
    if (counts > 1).sum() < 2:
        return found
    facts = card(DEFAULT_MODEL)
    shorter = np.minimum(checked.widths, checked.heights)
    spec = resolved(
        changed(RunSpec(), {"freeze.layers": "deep-probe"}),
        card=facts,
        n_train=len(rows),
        n_classes=len(checked.classes),
        detail_px=int(np.sort(shorter)[len(shorter) // 2]),
    )
    digests = [checked.digests[at] for at in rows]
    pixels: Any = open_pixels(
        home,
        digests,
        size_px=spec.train.image_size or facts.input_px,
        resize=spec.train.resize,
        report=progress("Preparing the pictures"),
    ).images
    model = build(DEFAULT_MODEL, n_classes=len(checked.classes))
    looked = BlockFeatures(
        model,
        layer_groups(model),
        image_size=int(pixels.shape[-1]),
        mean=facts.mean,
        std=facts.std,
        n_pictures=len(rows),
        device=choose_device("auto"),
        name=DEFAULT_MODEL,
        home=home,
        shelf=Shelf(home),
        facts={"fit": spec.train.resize},
    )
    features = looked.of(pixels, digests, progress("Asking the network"))
    labels = torch.from_numpy(checked.labels[rows])
    progress("Judging the labels")(0, 0)
    chances = held_out_probabilities(looked, features, labels, n_classes=len(checked.classes))
    found[rows] = chances.double().numpy()
    return found
