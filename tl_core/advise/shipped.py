"""Features of source pictures that lie beside an embedded network's weights, and the comparison.

``tools/source_features.py`` writes them. They hold what the network sees in some hundred pictures
of the kind it learned from, not the pictures, and where known sets lie on the scale. A file that is
not the one of the catalogue, or was made with other weights, is not used. No torch.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from tl_core.advise.advice import Rung, SourceDistance, Unasked
from tl_core.advise.kid import FEWEST, kernel_distance
from tl_core.config import RGB
from tl_core.models.catalog import ASSETS, weights_path
from tl_core.models.facts import ModelCard
from tl_core.storage import atomic_path, file_digest

__all__ = ["SourceFeatures", "read_source", "source_distance", "write_source"]

VERSION = 1  # of the file
TENSOR, ABOUT = "features", "about"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SourceFeatures:
    """``features`` float32 (M, D): what the head reads of pictures of ``image_size`` pixels, with
    the weights whose SHA-256 is ``weights``. ``pictures`` says in words which they are.
    """

    features: np.ndarray
    image_size: int
    weights: str
    pictures: str
    rungs: tuple[Rung, ...]


def write_source(path: Path, source: SourceFeatures) -> None:
    """Write them as float16."""
    about = {
        "version": VERSION,
        "image_size": source.image_size,
        "weights": source.weights,
        "pictures": source.pictures,
        "rungs": [asdict(one) for one in source.rungs],
    }
    with atomic_path(path) as part:
        save_file(
            {TENSOR: source.features.astype(np.float16)},
            part,
            metadata={ABOUT: json.dumps(about, sort_keys=True)},
        )


def read_source(card: ModelCard) -> SourceFeatures | None:
    """The features that come with a network; None when they do not belong to its weights, or are
    missing or damaged, which is logged.
    """
    path = ASSETS / card.source_file
    try:
        if file_digest(path) != card.source_sha256:
            raise ValueError("not the file of the catalogue")
        with safe_open(path, "np") as file:
            about: dict[str, Any] = json.loads((file.metadata() or {})[ABOUT])
            features = file.get_tensor(TENSOR).astype(np.float32)
        if about["version"] != VERSION:
            raise ValueError(f"version {about['version']}")
        if about["weights"] != file_digest(weights_path(card)):
            raise ValueError("made with other weights")
        return SourceFeatures(
            features=features,
            image_size=about["image_size"],
            weights=about["weights"],
            pictures=about["pictures"],
            rungs=tuple(Rung(**one) for one in about["rungs"]),
        )
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as err:
        logging.getLogger(__name__).warning("source features of %s: %s", card.name, err)
        return None


def source_distance(
    card: ModelCard,
    features: np.ndarray,
    units: np.ndarray,
    *,
    weights: str,
    image_size: int,
    n_classes: int,
) -> tuple[SourceDistance | None, Unasked]:
    """How far pictures are from the source, as the network sees them, or why that is not known.

    Args:
        card: Of the network, for the channels of the pictures.
        features: (N, D) float, what the head reads of the user's pictures.
        units: int (N,), what each belongs together with.
        weights: As in ``ModelConfig``.
        image_size: Side of the pictures in pixels.
        n_classes: Of the user's pictures; chooses which part of the source stands beside them.
    """
    if weights != "pretrained" or not card.source_file:
        return None, "unshipped"
    if card.channels != RGB:
        return None, "channels"
    source = read_source(card)
    if source is None or source.features.shape[1:] != features.shape[1:]:
        return None, "damaged"
    if source.image_size != image_size:
        return None, "size"
    if len(np.unique(units)) < FEWEST:
        return None, "few"
    found = kernel_distance(features, source.features, units)
    distance = SourceDistance(
        value=found.value,
        low=found.low,
        high=found.high,
        pictures=len(features),
        compared=len(source.features),
        rungs=_beside(source.rungs, n_classes),
    )
    return distance, ""


def _beside(rungs: Sequence[Rung], n_classes: int) -> tuple[Rung, ...]:
    """Near to far; of the parts of the source the one with about as many classes."""
    parts = [one for one in rungs if one.what == "kinds"]
    like = min(parts, key=lambda one: abs(math.log(one.kinds / n_classes)))
    kept = [one for one in rungs if one.what != "kinds" or one is like]
    return tuple(sorted(kept, key=lambda one: one.value))
