"""How often the most alike pictures, as a network sees them, are of the same class. Imports torch.

Nothing is fitted: each picture is left out in turn and the others vote. In published comparisons of
ways to choose a network this simple vote foretold fine-tuning better than most others
(arXiv:2503.18528).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["neighbour_answers"]

ROWS = 512  # pictures compared with all others at a time


def neighbour_answers(features: Tensor, labels: Tensor, units: Tensor, k: int) -> Tensor:
    """The class that the ``k`` most alike pictures of other units vote for, (N,) int64.

    Alike is the cosine of the angle between features. Of classes with equally many votes the one
    whose picture is nearest wins. -1 where no picture of another unit is left.

    Args:
        features: (N, D) float.
        labels: (N,) int64, class positions.
        units: (N,) int64; pictures of the same unit do not vote for each other.
        k: Votes, at least 1.
    """
    sides = F.normalize(features.float(), dim=1)
    n_classes = int(labels.max()) + 1
    k = min(k, len(labels))
    early = 1 + 0.25 * 0.5 ** torch.arange(
        k, device=features.device
    )  # the nearest outweighs others
    found = []
    for start in range(0, len(labels), ROWS):
        mine = slice(start, start + ROWS)
        alike = sides[mine] @ sides.t()
        alike[units[mine, None] == units[None]] = -torch.inf
        near, who = alike.topk(k, dim=1)
        votes = torch.where(near > -torch.inf, early, 0.0)
        counts = torch.zeros(len(near), n_classes, device=features.device)
        counts.scatter_add_(1, labels[who], votes)
        found.append(torch.where(counts.amax(1) > 0, counts.argmax(1), -1))
    return torch.cat(found)
