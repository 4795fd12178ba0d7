"""Pictures of none of the classes: how far from everything learned, and where to refuse.

A picture is refused when the pictures it was trained on are farther from it, in what the last layer
reads, than they are from nearly all validation pictures. What that costs is counted on pictures of
the known classes; what it finds is estimated by leaving out one class after the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["REFUSED", "Refusal", "away_from", "limit_for", "refusal"]

REFUSED = 0.05  # of pictures of the known classes that may be refused
AT_ONCE = 512  # rows compared together


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """When to say "none of these", and how often that is right.

    Attributes:
        limit: Cosine distance to the nearest training picture beyond which a picture is refused.
        share: Of known pictures that may be refused, as asked.
        part: Which pictures the wrong refusals were counted on: "test", or "val", on which the
            limit was set, where there are none.
        refused: Of them refused.
        known: How many they are.
        found: Pictures refused when their class is treated as unknown.
        foreign: How many were tried so.
        by_class: Class -> (found, foreign).
    """

    limit: float
    share: float
    part: str
    refused: int
    known: int
    found: int
    foreign: int
    by_class: dict[str, tuple[int, int]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, body: dict[str, Any]) -> Refusal:
        """Rebuild from ``to_dict``."""
        pairs = {name: (int(pair[0]), int(pair[1])) for name, pair in body["by_class"].items()}
        return cls(**{**body, "by_class": pairs})


def away_from(asked: NDArray[np.float32], learned: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N,) cosine distance of each picture to the nearest learned one, 0..2.

    Args:
        asked: (N, D) rows of unit length.
        learned: (M, D) rows of unit length, M > 0.
    """
    held = np.asarray(learned, dtype=np.float32)
    found = np.empty(len(asked))
    for start in range(0, len(asked), AT_ONCE):
        part = np.asarray(asked[start : start + AT_ONCE], dtype=np.float32)
        found[start : start + len(part)] = 1.0 - (part @ held.T).max(axis=1)
    return np.maximum(found, 0.0)


def limit_for(away: NDArray[np.float64], share: float) -> float | None:
    """The distance that at most ``share`` of further pictures like these exceed, on average.

    Args:
        away: (N,) of pictures that were not learned from.
        share: Between 0 and 1.

    Returns:
        The limit; None when there are too few to promise that.

    Source:
        Split conformal prediction, Vovk, Gammerman and Shafer 2005.
    """
    n = len(away)
    rank = math.ceil((n + 1) * (1.0 - share))
    return float(np.sort(away)[rank - 1]) if rank <= n else None


def refusal(
    learned: NDArray[np.float32],
    learned_labels: Sequence[str],
    val: NDArray[np.float32],
    val_labels: Sequence[str],
    test: NDArray[np.float32],
    test_labels: Sequence[str],
    *,
    share: float = REFUSED,
) -> Refusal | None:
    """Set the limit on validation pictures and count what it does.

    For each class the limit is set anew without it, on the other validation pictures and without
    its training pictures; its own held-out pictures are then foreign ones.

    Args:
        learned: (M, D) features of the training pictures, rows of unit length.
        learned_labels: M classes.
        val: (V, D) of the validation pictures.
        val_labels: V classes.
        test: (T, D) of the test pictures; T may be 0.
        test_labels: T classes.
        share: Of known pictures that may be refused.

    Returns:
        None when there are too few validation pictures.
    """
    limit = limit_for(away_from(val, learned), share) if len(val) else None
    if limit is None or not len(learned):
        return None
    part, judged = ("test", test) if len(test) else ("val", val)
    refused = int((away_from(judged, learned) > limit).sum())
    held = np.concatenate([val, test]) if len(test) else val
    held_labels = np.array([*val_labels, *test_labels])
    by_class: dict[str, tuple[int, int]] = {}
    taught, chose = np.array(learned_labels), np.array(val_labels)
    for name in sorted(set(learned_labels)):
        others = learned[taught != name]
        mine = held[held_labels == name]
        if not len(others) or not len(mine):
            continue
        without = limit_for(away_from(val[chose != name], others), share)
        if without is None:
            continue
        by_class[name] = (int((away_from(mine, others) > without).sum()), len(mine))
    return Refusal(
        limit=limit,
        share=share,
        part=part,
        refused=refused,
        known=len(judged),
        found=sum(pair[0] for pair in by_class.values()),
        foreign=sum(pair[1] for pair in by_class.values()),
        by_class=by_class,
    )
