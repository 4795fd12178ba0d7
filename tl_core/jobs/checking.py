"""The data check as a piece of background work. Imports torch."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tl_core.cache.shelf import Shelf
from tl_core.check.copies import Copies
from tl_core.check.division import all_units
from tl_core.check.findings import CheckedSet, DataFinding
from tl_core.check.gap import REPEATS, dealt, has_groups, judged_rows, measured
from tl_core.check.honesty import Honesty
from tl_core.check.looks import looks_of
from tl_core.check.whole import check_set, checked_set, to_be_judged
from tl_core.config import RunSpec, changed
from tl_core.data.pixels import open_pixels
from tl_core.errors import TooFewImagesError
from tl_core.jobs.belonging import copies_in
from tl_core.jobs.work import Context
from tl_core.models.build import build
from tl_core.models.catalog import DEFAULT_MODEL, card
from tl_core.models.groups import layer_groups
from tl_core.probe.deep import held_out_probabilities
from tl_core.probe.features import BlockFeatures
from tl_core.probe.repeated import Heads
from tl_core.probe.select import prepared_features
from tl_core.storage import Home
from tl_core.train.defaults import resolved
from tl_core.train.device import choose_device

__all__ = [
    "Examined",
    "Seen",
    "check",
    "check_pictures",
    "examined",
    "judged_by_others",
    "measured_honesty",
    "seen_by_network",
]

Reporter = Callable[[str], Callable[[int, int], None]]
CHOOSING, SINGLE = 1000, 100  # seeds of divisions: the one to choose on; the first of single ones


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examined:
    """What a check found, the probabilities (N, C) behind what it says of labels (NaN = not
    judged), and how much a random split would flatter (None = not measured).
    """

    findings: list[DataFinding]
    probabilities: np.ndarray
    honesty: Honesty | None


def check(context: Context) -> dict[str, Any]:
    """Check a project's pictures.

    Returns:
        ``findings`` (of ``DataFinding.to_dict``), ``pictures``, ``judged`` (whose labels were
        judged), ``accuracy`` (how often the probe was right, or None), ``honesty`` (of
        ``Honesty.to_dict``, or None), ``seconds`` and ``data_version``.

    Raises:
        TooFewImagesError: There are no pictures.
    """
    begun = time.perf_counter()
    project = context.library.get(context.row.project_id)
    ids, records, splits = context.library.records(project.id)
    if not records:
        raise TooFewImagesError("There are no pictures yet.", hint="Bring some first.")
    checked = checked_set(
        records,
        splits,
        ids=ids,
        given=bool(project.given_splits),
        channels=project.channels,
    )
    found = examined(context.home, checked, context.progress)
    judged = np.isfinite(found.probabilities).all(axis=1)
    right = found.probabilities[judged].argmax(axis=1) == checked.labels[judged]
    return {
        "findings": [one.to_dict() for one in found.findings],
        "pictures": len(checked),
        "judged": int(judged.sum()),
        "accuracy": float(right.mean()) if judged.any() else None,
        "honesty": found.honesty.to_dict() if found.honesty else None,
        "seconds": time.perf_counter() - begun,
        "data_version": project.data_version,
    }


def check_pictures(
    home: Home,
    checked: CheckedSet,
    progress: Reporter = lambda stage: lambda done, total: None,
) -> tuple[list[DataFinding], np.ndarray]:
    """All findings about stored pictures, and the probabilities behind those about labels; for
    those who need no more than that of ``examined``.
    """
    found = examined(home, checked, progress)
    return found.findings, found.probabilities


def examined(
    home: Home,
    checked: CheckedSet,
    progress: Reporter = lambda stage: lambda done, total: None,
) -> Examined:
    """Check stored pictures.

    Args:
        home: The store that holds them; what is computed of them is kept there.
        checked: The set.
        progress: Gives a ``report(done, total)`` for each stage.
    """
    looks = looks_of(home, checked.digests, report=progress("Looking at the pictures"))
    progress("Comparing the pictures")(0, 0)

    copies = copies_in(home, checked, looks["grey"])
    open_rows = np.flatnonzero([split != "test" for split in checked.splits])
    seen = seen_by_network(home, checked, open_rows, progress)
    rows = to_be_judged(checked, copies)
    probabilities = _judged(checked, rows, seen, progress)
    progress("Comparing ways to divide")(0, 0)
    honesty = measured_honesty(checked, copies, seen) if seen else None
    progress("Looking for shortcuts")(0, 0)
    findings = check_set(checked, looks, copies, probabilities, honesty)
    return Examined(findings=findings, probabilities=probabilities, honesty=honesty)


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
    return _judged(checked, rows, seen_by_network(home, checked, rows, progress), progress)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """What a network makes of some pictures: ``features`` (rows, D) of ``rows``."""

    looked: BlockFeatures
    rows: np.ndarray
    features: torch.Tensor

    def of(self, rows: np.ndarray) -> torch.Tensor:
        """The features of some of them."""
        places = np.searchsorted(self.rows, rows)
        return self.features[torch.from_numpy(places).to(self.features.device)]


def measured_honesty(checked: CheckedSet, copies: Copies, seen: Seen) -> Honesty | None:
    """How often heads are right with groups on one side, and with pictures dealt out one by one.

    Only what was seen is judged, so no test picture; None where measuring makes no sense.

    Args:
        checked: The set.
        copies: Groups of near-duplicates, which count as groups here.
        seen: Features of the pictures.
    """
    units = all_units(checked, copies)
    rows = judged_rows(checked.labels, units, seen.rows)
    if not len(rows):
        return None
    labels, units = checked.labels[rows], units[rows]
    heads = Heads(
        prepared_features(seen.of(rows), seen.looked.taps.blocks),
        torch.from_numpy(labels),
        len(checked.classes),
        torch.from_numpy(dealt(labels, units, seed=CHOOSING)),
    )

    def judged(of: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        fold = dealt(labels, of, seed=seed)
        return fold, heads.right(torch.from_numpy(fold)).numpy()

    alone = np.arange(len(rows))
    grouped = [judged(units, seed) for seed in range(REPEATS)]
    single = [judged(alone, SINGLE + seed) for seed in range(REPEATS)] if has_groups(units) else []
    return measured(units, grouped, single)


def _judged(
    checked: CheckedSet, rows: np.ndarray, seen: Seen | None, progress: Reporter
) -> np.ndarray:
    """Held-out probabilities of ``rows``, (N, C) float64; NaN for all others."""
    found = np.full((len(checked), len(checked.classes)), np.nan)
    if seen is None or not _two_classes(checked, rows):
        return found
    progress("Judging the labels")(0, 0)
    labels = torch.from_numpy(checked.labels[rows])
    n_classes = len(checked.classes)
    chances = held_out_probabilities(seen.looked, seen.of(rows), labels, n_classes=n_classes)
    found[rows] = chances.double().numpy()
    return found


def _two_classes(checked: CheckedSet, rows: np.ndarray) -> bool:
    """Whether something can be held out: two classes have two pictures each."""
    counts = np.bincount(checked.labels[rows], minlength=len(checked.classes))
    return bool((counts > 1).sum() >= 2)


def seen_by_network(
    home: Home,
    checked: CheckedSet,
    rows: np.ndarray,
    progress: Reporter,
    *,
    model_name: str = DEFAULT_MODEL,
) -> Seen | None:
    """What a network makes of some pictures; None when they are too few to judge any.

    Args:
        home: The store.
        checked: The set.
        rows: Positions, rising.
        progress: As for ``check_pictures``.
        model_name: The network; the embedded one where none is named.
    """
    if not _two_classes(checked, rows):
        return None
    facts = card(model_name).for_channels(checked.channels)
    shorter = np.minimum(checked.widths, checked.heights)
    spec = resolved(
        changed(RunSpec(), {"freeze.layers": "deep-probe", "model.name": model_name}),
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
        channels=facts.channels,
        report=progress("Preparing the pictures"),
    ).images
    model = build(
        model_name,
        n_classes=len(checked.classes),
        image_size=spec.train.image_size,
        channels=facts.channels,
    )
    looked = BlockFeatures(
        model,
        layer_groups(model),
        image_size=int(pixels.shape[-1]),
        mean=facts.mean,
        std=facts.std,
        n_pictures=len(rows),
        device=choose_device("auto"),
        name=model_name,
        home=home,
        shelf=Shelf(home),
        facts={"fit": spec.train.resize},
    )
    features = looked.of(pixels, digests, progress("Asking the network"))
    return Seen(looked=looked, rows=rows, features=features)
