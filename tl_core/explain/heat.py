"""Heat maps: which parts of a picture speak for an answer, by Grad-CAM or integrated gradients.

Choices: docs/decisions/0026-explain.md. captum is imported when a map is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from tl_core.errors import ModelError
from tl_core.explain.places import Place, last_place, places, swapped
from tl_core.models.groups import LayerGroup
from tl_core.probe.deep import DeepProbe

__all__ = ["Heat", "heat_map", "where_to_read"]

STEPS = 32  # of the integral; the completeness gap tells whether they were enough
AT_ONCE = 8  # of them computed together
SOFT = 1e-4  # added below the roots of a deep probe's features: their slope at 0 is infinite


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heat:
    """``values`` (S, S) float32: what speaks for the class is positive.

    ``grid`` is the map as computed, which comparisons are made on. ``gap`` is, for integrated
    gradients, how far the sum of the map misses the difference of the outputs, as a part of all
    that the map adds up, whatever its sign (0 = nothing is missing).
    """

    values: NDArray[np.float32]
    grid: NDArray[np.float32]
    gap: float | None = None


class _Soft(nn.Module):
    """A deep probe whose slopes are finite, and which looks at both sides in one pass."""

    def __init__(self, probe: DeepProbe) -> None:
        super().__init__()
        self.probe = probe

    def forward(self, images: Tensor) -> Tensor:
        seen: Tensor = self.probe.network(torch.cat([images, images.flip(3)]))
        rooted = seen / (seen.abs() + SOFT).sqrt()
        plain, mirrored = rooted.chunk(2)
        logits: Tensor = self.probe.head((plain + mirrored) / 2)
        return logits


class _Here(nn.Module):
    """A place that captum can hold on to."""

    def forward(self, map_: Tensor) -> Tensor:
        return map_.clone()


def where_to_read(model: nn.Module, groups: Sequence[LayerGroup], images: Tensor) -> Place | None:
    """The place Grad-CAM reads; None for a network that keeps no map."""
    return last_place(_smooth(model), places(model, groups, images), images)


def heat_map(
    model: nn.Module,
    groups: Sequence[LayerGroup],
    image: Tensor,
    target: int,
    *,
    method: str,
    place: Place | None = None,
) -> Heat:
    """What of a picture speaks for a class.

    Args:
        model: In eval mode on the picture's device; its weights stay.
        groups: From ``layer_groups(model)``; not looked at for a deep probe.
        image: (1, C, S, S) float32 normalised.
        target: Position of the class.
        method: "gradcam" or "integrated".
        place: From ``where_to_read``, when it is known already.

    Raises:
        ModelError: Grad-CAM on a network that keeps no map.
    """
    if method == "integrated":
        return _integrated(_smooth(model), image, target)
    place = place or where_to_read(model, groups, image)
    if place is None:
        raise ModelError(
            "This network keeps no map of where things are, so Grad-CAM has nothing to read.",
            hint="Ask for integrated gradients instead.",
        )
    return _gradcam(_smooth(model), place, image, target)


def _smooth(model: nn.Module) -> nn.Module:
    return _Soft(model) if isinstance(model, DeepProbe) else model


def _gradcam(model: nn.Module, place: Place, image: Tensor, target: int) -> Heat:
    from captum.attr import LayerGradCam

    here = _Here()
    with swapped(place, here), torch.enable_grad():
        given = image.detach().clone().requires_grad_(True)
        found = LayerGradCam(model, here).attribute(given, target=target).detach()
    if len(found) == 2:  # a deep probe has looked at the mirror image as well
        found = (found[:1] + found[1:].flip(3)) / 2
    large = F.interpolate(found, size=tuple(image.shape[-2:]), mode="bilinear")
    return Heat(values=_array(large), grid=_array(found))


def _integrated(model: nn.Module, image: Tensor, target: int) -> Heat:
    from captum.attr import IntegratedGradients

    flat = torch.zeros_like(image)  # the mean colour everywhere
    with torch.enable_grad():
        found, left = IntegratedGradients(model).attribute(
            image.detach(),
            flat,
            target=target,
            n_steps=STEPS,
            internal_batch_size=AT_ONCE,
            return_convergence_delta=True,
        )
    summed = found.detach().float().sum(1, keepdim=True)
    gap = abs(float(left)) / max(float(summed.abs().sum()), 1e-6)
    cell = max(1, image.shape[-1] // 16)
    return Heat(values=_array(summed), grid=_array(F.avg_pool2d(summed, cell)), gap=gap)


def _array(map_: Tensor) -> NDArray[np.float32]:
    values: NDArray[np.float32] = map_[0, 0].float().cpu().numpy()
    return values
