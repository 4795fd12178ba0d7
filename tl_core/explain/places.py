"""Where a network still knows what is where: the maps its blocks give, found for any network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tl_core.models.groups import LayerGroup, module_owners
from tl_core.probe.deep import DeepProbe
from tl_core.probe.pooling import Layout, Pool, layout_of

__all__ = ["Place", "as_map", "from_map", "last_per_group", "last_place", "places", "swapped"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Place:
    """What ``module`` gives, or with ``before`` what it is given, is a map; ``group`` made it."""

    module: nn.Module
    layout: Layout
    group: int = -1
    before: bool = False


def places(model: nn.Module, groups: Sequence[LayerGroup], images: Tensor) -> list[Place]:
    """Every map of the backbone, in the order in which they are computed.

    Args:
        model: In eval mode; a deep probe, or a classifier that ``groups`` are of.
        groups: From ``layer_groups(model)``; not looked at for a deep probe.
        images: (B, C, S, S) normalised, to be run once.
    """
    if isinstance(model, DeepProbe):
        pools = [one for one in model.network.modules() if isinstance(one, Pool)]
        maps = [one for one in pools if one.layout.side > 1]
        return [Place(module=one, layout=one.layout, before=True) for one in maps]
    extra = int(getattr(model, "num_prefix_tokens", 0) or 0)
    modules = dict(model.named_modules())
    found: list[Place] = []

    def noting(group: int) -> Callable[..., None]:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.dim() > 2:
                layout = layout_of(tuple(output.shape[1:]), extra=extra)
                if layout is not None and layout.side > 1:
                    found.append(Place(module=module, layout=layout, group=group))

        return hook

    handles = [
        modules[name].register_forward_hook(noting(owner))
        for name, owner in module_owners(model, groups).items()
        if name and owner is not None and owner < len(groups) - 1
    ]
    try:
        with torch.no_grad():
            model(images)
    finally:
        for handle in handles:
            handle.remove()
    return found


def last_per_group(found: Sequence[Place]) -> dict[int, Place]:
    """The map that each group ends with."""
    return {one.group: one for one in found}


def last_place(model: nn.Module, found: Sequence[Place], images: Tensor) -> Place | None:
    """The last map that the answer depends on; None where there is none.

    In a transformer that answers by its class token nothing after the last attention depends on the
    places of the picture, so the map before it is the one to read. Maps of another width than the
    last one (queries and keys inside the attention) are passed over.
    """
    if not found:
        return None
    wanted = (found[-1].layout.kind, found[-1].layout.channels)
    same = [one for one in found if (one.layout.kind, one.layout.channels) == wanted]
    for one in reversed(same):
        held: list[Tensor] = []

        def keep(map_: Tensor, held: list[Tensor] = held) -> Tensor:
            held.append(map_)
            return map_

        with swapped(one, keep), torch.enable_grad():
            logits = model(images.detach().requires_grad_(True))
            (slope,) = torch.autograd.grad(logits.square().sum(), held[-1], allow_unused=True)
        if slope is not None and bool(slope.abs().max() > 0):
            return one
    return None


@contextmanager
def swapped(place: Place, through: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Lead what passes at a place, as (B, C, H, W), through a function while the context lasts."""

    def led(values: Tensor) -> Tensor:
        return from_map(through(as_map(values, place.layout).clone()), values, place.layout).clone()

    def after(module: nn.Module, args: Any, output: Tensor) -> Tensor:
        return led(output)

    def ahead(module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor]:
        return (led(args[0]),)

    if place.before:
        handle = place.module.register_forward_pre_hook(ahead)
    else:
        handle = place.module.register_forward_hook(after)
    try:
        yield
    finally:
        handle.remove()


def as_map(values: Tensor, layout: Layout) -> Tensor:
    """(B, C, H, W) of what a layer gives; tokens that stand for no place are left out."""
    if layout.kind == "last":
        return values.permute(0, 3, 1, 2)
    if layout.kind == "tokens":
        placed = values[:, layout.extra :]
        return placed.transpose(1, 2).reshape(len(values), -1, layout.side, layout.side)
    return values


def from_map(map_: Tensor, values: Tensor, layout: Layout) -> Tensor:
    """The inverse of ``as_map``; what it left out is taken from ``values``."""
    if layout.kind == "last":
        return map_.permute(0, 2, 3, 1)
    if layout.kind == "tokens":
        return torch.cat([values[:, : layout.extra], map_.flatten(2).transpose(1, 2)], 1)
    return map_
