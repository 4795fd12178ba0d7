"""The training pictures that a network takes for most alike, and whether any is near at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tl_core.errors import ModelError
from tl_core.probe.deep import DeepProbe
from tl_core.probe.features import both_views

__all__ = ["FAR", "Nearest", "far_from", "features_of", "nearest"]

FAR = 0.95  # of training pictures have a nearer neighbour than what is called far
AT_ONCE = 512  # rows compared together


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """``rows`` of the training pictures, nearest first, with cosine ``distances`` (0..2).

    ``limit``: beyond it nothing is near.
    """

    rows: tuple[int, ...]
    distances: tuple[float, ...]
    limit: float

    @property
    def none_near(self) -> bool:
        """Whether even the nearest is farther than training pictures are from each other."""
        return not self.rows or self.distances[0] > self.limit


def features_of(model: nn.Module, images: Tensor) -> NDArray[np.float32]:
    """(B, D) of unit length: what the classifier's last layer reads.

    Args:
        model: In eval mode.
        images: (B, C, S, S) float32 normalised.

    Raises:
        ModelError: The network does not say what its last layer reads.
    """
    with torch.no_grad():
        if isinstance(model, DeepProbe):
            found = both_views(model.network, images)
        elif hasattr(model, "forward_features") and hasattr(model, "forward_head"):
            network: Any = model
            found = network.forward_head(network.forward_features(images), pre_logits=True)
        else:
            raise ModelError("What this network's last layer reads is not known.")
    found = torch.nn.functional.normalize(found.float().flatten(1), dim=1)
    rows: NDArray[np.float32] = found.cpu().numpy()
    return rows


def far_from(features: NDArray[np.float32]) -> float:
    """The distance that ``FAR`` of the training pictures stay below, each to its nearest other."""
    n = len(features)
    if n < 2:
        return 0.0
    held = features.astype(np.float32)
    closest = np.empty(n)
    for start in range(0, n, AT_ONCE):
        part = held[start : start + AT_ONCE]
        alike = part @ held.T
        alike[np.arange(len(part)), start + np.arange(len(part))] = -np.inf
        closest[start : start + len(part)] = 1 - alike.max(1)
    return float(np.quantile(closest, FAR))


def nearest(
    one: NDArray[np.float32],
    features: NDArray[np.float32],
    *,
    limit: float,
    n: int = 6,
    leave_out: int | None = None,
) -> Nearest:
    """The ``n`` rows of ``features`` nearest to one picture's (D,); all of unit length."""
    away = 1 - features.astype(np.float32) @ one
    if leave_out is not None:
        away[leave_out] = np.inf
    order = [int(row) for row in np.argsort(away, kind="stable")[:n] if np.isfinite(away[row])]
    distances = tuple(max(0.0, float(away[row])) for row in order)
    return Nearest(rows=tuple(order), distances=distances, limit=limit)
