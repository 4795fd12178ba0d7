"""The features of every block: a network that gives pooled outputs of its groups, not answers.

The network's graph is cut open behind the last operation of each group and what passes there is
pooled at once, before a later operation may write over it. The classifier and what only it needs is
left out. What comes out is an ordinary module, so ``fusing.fast_prefix`` can make it faster.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Interpreter, Node

from tl_core.errors import ModelError
from tl_core.models.channels import channels_of
from tl_core.models.groups import LayerGroup, module_owners
from tl_core.models.tracing import drop_unused, traced
from tl_core.probe.pooling import Block, Layout, Pool, Scheme, layout_of

__all__ = ["Taps", "tap"]

# From fine to coarse; the first whose features fit is taken. Chosen by measurement: decision 0011.
SCHEMES = (
    Scheme(cells=3, peaks=True),
    Scheme(cells=2, peaks=True),
    Scheme(cells=2, peaks=False),
    Scheme(cells=0, peaks=False),
)
MOST = 24_576  # features per picture
OUTSIDE = ("stem", "patches")  # groups that see too little to tell anything apart: decision 0011


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Taps:
    """``network`` maps pictures (B, 3, S, S) normalised to (B, D) float32 whatever its own type;
    it shares the parameters of the network it was made of. ``blocks`` name the D features in order.
    """

    network: GraphModule
    blocks: tuple[Block, ...]

    @property
    def width(self) -> int:
        """D."""
        return sum(one.size for one in self.blocks)


def tap(
    model: nn.Module,
    groups: Sequence[LayerGroup],
    *,
    image_size: int,
    most: int = MOST,
    scheme: Scheme | None = None,
) -> Taps:
    """Open a classifier behind each of its groups, the stem and the head left out.

    Args:
        model: In eval mode on any device; not changed.
        groups: From ``layer_groups(model)``.
        image_size: Side of the square input in pixels; the features are for this size only.
        most: Features per picture not to exceed, where the coarsest scheme allows it.
        scheme: How to pool; None = the finest of which the features are not more than ``most``.

    Raises:
        ModelError: The network cannot be taken apart, or no group's output is understood.
    """
    network = traced(model)
    seen = _shapes(network, model, image_size)
    points = _points(network, model, groups, seen)
    if not points:
        raise ModelError(
            f"Nothing of what the blocks of {type(model).__name__} give can be read.",
            hint="Choose a network from the catalogue, or train its head only.",
        )
    if scheme is None:
        fitting = (one for one in SCHEMES if _width(points, one) <= most)
        scheme = next(fitting, SCHEMES[-1])
    graph = network.graph
    pooled: list[Node] = []
    blocks: list[Block] = []
    for index, (group, node, layout) in enumerate(points):
        pool = Pool(layout, scheme)
        network.add_submodule(f"pool{index}", pool)
        with graph.inserting_after(node):
            pooled.append(graph.call_module(f"pool{index}", (node,)))
        blocks += pool.blocks(group)
    end = graph.output_node()
    with graph.inserting_before(end):
        end.args = (graph.call_function(torch.cat, (pooled, 1)),)
    drop_unused(network)
    network.delete_all_unused_submodules()
    return Taps(network=network.eval(), blocks=tuple(blocks))


def _width(points: Sequence[tuple[str, Node, Layout]], scheme: Scheme) -> int:
    return sum(layout.values(scheme) for _, _, layout in points)


def _points(
    network: GraphModule,
    model: nn.Module,
    groups: Sequence[LayerGroup],
    shapes: dict[Node, tuple[int, ...]],
) -> list[tuple[str, Node, Layout]]:
    """Where to look in: a group's last map, and what it makes of it when that is one vector."""
    owners = module_owners(model, groups)
    extra = int(getattr(model, "num_prefix_tokens", 0) or 0)
    maps: dict[int, tuple[Node, Layout]] = {}
    vectors: dict[int, tuple[Node, Layout]] = {}
    for node in network.graph.nodes:
        owner = _owner(node, owners)
        layout = layout_of(shapes[node], extra=extra) if node in shapes else None
        if owner is None or layout is None or owner == len(groups) - 1:
            continue
        if layout.side > 1:
            maps[owner] = (node, layout)
            vectors.pop(owner, None)  # it was on the way, as inside squeeze-and-excitation
        else:
            vectors[owner] = (node, layout)
    body = groups[:-1]
    inside = [one for one in body if one.name not in OUTSIDE] or list(body)
    return [
        (one.name, *found[one.index])
        for one in inside
        for found in (maps, vectors)
        if one.index in found
    ]


def _owner(node: Node, owners: dict[str, int | None]) -> int | None:
    """The group an operation works for: that of the innermost module it was called in."""
    if node.op not in ("call_module", "call_function", "call_method"):
        return None
    stack: dict[str, Any] = node.meta.get("nn_module_stack") or {}
    names = [entry[0] if isinstance(entry, tuple) else key for key, entry in stack.items()]
    known = [owner for name in names if (owner := owners.get(name)) is not None]
    return known[-1] if known else None


class _Watching(Interpreter):
    """Runs a graph and notes the shape of every tensor, batch left out."""

    def __init__(self, network: GraphModule) -> None:
        super().__init__(network)
        self.shapes: dict[Node, tuple[int, ...]] = {}

    def run_node(self, n: Node) -> Any:
        found = super().run_node(n)
        if isinstance(found, Tensor) and found.is_floating_point() and found.dim() > 1:
            self.shapes[n] = tuple(found.shape[1:])
        return found


def _shapes(network: GraphModule, model: nn.Module, image_size: int) -> dict[Node, tuple[int, ...]]:
    first = next(model.parameters())
    shape = (1, channels_of(model), image_size, image_size)
    picture = torch.zeros(shape, device=first.device, dtype=first.dtype)
    watching = _Watching(network)
    with torch.no_grad():
        watching.run(picture)
    return {node: shape for node, shape in watching.shapes.items() if math.prod(shape)}
