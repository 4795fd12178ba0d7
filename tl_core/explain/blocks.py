"""What each block sees of a picture: where its map is active, from the stem to the head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from tl_core.explain.places import last_per_group, places, swapped
from tl_core.models.groups import LayerGroup

__all__ = ["Seen", "block_maps"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """``values`` (S, S) in 0..1: how strongly the block's channels answer together; ``side`` of its
    own map before it was enlarged.
    """

    title: str
    knows: str
    side: int
    values: NDArray[np.float32]


def block_maps(model: nn.Module, groups: Sequence[LayerGroup], image: Tensor) -> list[Seen]:
    """A map for every block that keeps one.

    Args:
        model: In eval mode, the network itself (of a deep probe, the one below it).
        groups: From ``layer_groups(model)``.
        image: (1, C, S, S) float32 normalised.
    """
    found: list[Seen] = []
    for index, place in sorted(last_per_group(places(model, groups, image)).items()):
        held: list[Tensor] = []

        def keep(map_: Tensor, held: list[Tensor] = held) -> Tensor:
            held.append(map_)
            return map_

        with swapped(place, keep), torch.no_grad():
            model(image)
        centred = held[-1] - held[-1].mean((2, 3), keepdim=True)  # what differs between places
        energy = centred.square().mean(1, keepdim=True).sqrt()
        large = F.interpolate(energy, size=tuple(image.shape[-2:]), mode="bilinear")[0, 0]
        low, high = large.min(), large.quantile(0.99)
        values = ((large - low) / (high - low).clamp(min=1e-9)).clamp(0, 1).cpu().numpy()
        one = groups[index]
        found.append(Seen(title=one.title, knows=one.knows, side=place.layout.side, values=values))
    return found
