"""A network cut before its first trainable group: what never changes, and what trains.

The frozen part (prefix) gives the same features for the same picture every epoch, so they need to
be computed only once; the rest (suffix) trains on them exactly as it would inside the whole
network. The cut is made in the graph of operations, as late as possible: what a frozen group gives
may still be pooled or normalised before anything trains. Every cut is proved on two pictures, in
both modes, before it is handed out.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import mul
from typing import Any

from torch import Tensor, nn
from torch.fx import Graph, GraphModule, Node

from tl_core.errors import FrozenDriftError, ModelError
from tl_core.models.freezing import set_modes
from tl_core.models.groups import LayerGroup
from tl_core.models.plan import FreezePlan
from tl_core.models.proof import left_as_it_was, noise, prove
from tl_core.models.tracing import (
    NO_CACHE,
    acts_in_place,
    drop_unused,
    learns_or_draws,
    needed_for,
    traced,
    twins,
)
from tl_core.models.unchanged import kept, structure

__all__ = ["Cut", "check_prefix", "cut_network"]

FEW, MORE = 2, 3  # pictures in the two batches that tell the batch's size from other sizes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cut:
    """A network in two parts that share its parameters.

    ``prefix`` maps normalised pictures (B, 3, S, S) to a tuple of tensors, each (B, ...);
    ``shapes`` are theirs without the B. ``name`` is that of the first trainable group. ``whole``
    is the network itself, whose mode says which of the two traced suffixes is run.
    """

    name: str
    prefix: nn.Module
    shapes: tuple[tuple[int, ...], ...]
    whole: nn.Module
    training_suffix: GraphModule
    judging_suffix: GraphModule

    @property
    def values(self) -> int:
        """Numbers per picture at the cut."""
        return sum(math.prod(shape) for shape in self.shapes)

    def suffix(self, features: tuple[Tensor, ...]) -> Tensor:
        """Logits (B, n_classes) from what ``prefix`` gave; in the modes the network is in now.

        Set those with ``freezing.set_modes``, with the settings the cut was made for.

        Args:
            features: In the order of ``shapes``, in the dtype of the parameters (or under
                autocast); not changed.
        """
        part = self.training_suffix if self.whole.training else self.judging_suffix
        logits: Tensor = part(*features)
        return logits


def cut_network(
    model: nn.Module,
    groups: Sequence[LayerGroup],
    plan: FreezePlan,
    *,
    image_size: int,
    freeze_norm_stats: bool,
) -> Cut | None:
    """Cut a network before the first operation that trains or changes in training.

    The same cut of the same network is made once; asked for again, the same object comes back.

    Args:
        model: On its device, ``apply_plan`` done. Weights, statistics and modes are left as they
            are; later changes of its weights are seen by both parts.
        groups: From ``layer_groups(model)``.
        plan: What trains.
        image_size: Side of the pictures in pixels; the cut is good for this size only.
        freeze_norm_stats: As it will be given to ``set_modes`` in training.

    Returns:
        None when no group before the first trainable one is frozen.

    Raises:
        ModelError: The network cannot be taken apart, or its parts would not be the whole.
    """
    plan.check(len(groups))
    if plan.first_trainable == 0:
        return None
    device = next(model.parameters()).device
    return kept(
        model,
        ("cut", plan.trainable, plan.scratch, image_size, freeze_norm_stats, device),
        structure(model),
        lambda: _cut(model, groups, plan, image_size, freeze_norm_stats),
    )


def _cut(
    model: nn.Module,
    groups: Sequence[LayerGroup],
    plan: FreezePlan,
    image_size: int,
    freeze_norm_stats: bool,
) -> Cut:
    name = groups[plan.first_trainable].name
    with left_as_it_was(model):
        set_modes(model, groups, plan, training=True, freeze_norm_stats=freeze_norm_stats)
        busy = {one for one, module in model.named_modules() if module.training}
        training = _trace(model)
        border = _fewest(_border(training.graph, _open(training, groups, plan)), training)
        set_modes(model, groups, plan, training=False)
        judging = _trace(model)
        same = twins(training.graph, judging.graph)
        if any(one.op == "placeholder" or one not in same for one in border):
            raise _refusal(model)
        pictures = noise(model, image_size, MORE)
        try:
            cut = _divided(name, model, (training, judging), border, same, busy, pictures)
            prove(cut.whole, cut.prefix, cut.suffix, pictures[:FEW])
            set_modes(model, groups, plan, training=True, freeze_norm_stats=freeze_norm_stats)
            prove(cut.whole, cut.prefix, cut.suffix, pictures[:FEW])
        except (RuntimeError, TypeError, ValueError) as err:  # a graph fixed to one size or value
            raise _refusal(model) from err
    return cut


def check_prefix(cut: Cut) -> None:
    """Make sure that nothing in the prefix can change while the suffix trains.

    Raises:
        FrozenDriftError: A module of it is in training mode, or a parameter of it trains.
    """
    busy = [name or "all" for name, module in cut.prefix.named_modules() if module.training]
    busy += [name for name, one in cut.prefix.named_parameters() if one.requires_grad]
    if busy:
        raise FrozenDriftError(
            f"The frozen blocks before {cut.name!r} are not at rest (first: {busy[0]}).",
            hint="This is a fault in Thaw; report it with the run's log.",
        )


# -- where to cut ----------------------------------------------------------------------------------


def _trace(model: nn.Module) -> GraphModule:
    found = traced(model)
    drop_unused(found)
    return found


def _open(training: GraphModule, groups: Sequence[LayerGroup], plan: FreezePlan) -> set[Node]:
    """Nodes whose answer to the same picture may change in training, in working order."""
    modules = dict(training.named_modules())
    found: set[Node] = set()
    for node in training.graph.nodes:
        own = any(
            plan.trainable[one.index] and one.owns(name)
            for one in groups
            for name in _state_of(node, modules)
        )
        if own or learns_or_draws(node, modules) or found.intersection(node.all_input_nodes):
            found.add(node)
    return found


def _state_of(node: Node, modules: Mapping[str, nn.Module]) -> list[str]:
    """Names of the parameters and buffers a node uses itself."""
    if node.op == "get_attr":
        return [str(node.target)]
    if node.op != "call_module":
        return []
    inside = modules[str(node.target)]
    names = [*dict(inside.named_parameters()), *dict(inside.named_buffers())]
    return [f"{node.target}.{name}" for name in names]


def _border(graph: Graph, opened: set[Node]) -> list[Node]:
    """The last nodes that depend on the pictures and never change, in working order."""
    pictures: set[Node] = set()
    for node in graph.nodes:
        if node.op == "placeholder" or pictures.intersection(node.all_input_nodes):
            pictures.add(node)
    return [
        node
        for node in graph.nodes
        if node in pictures and node not in opened and opened.intersection(node.users)
    ]


def _fewest(border: list[Node], training: GraphModule) -> list[Node]:
    """Leave out what follows from the rest of the border without any weights, such as sizes.

    Tensors that are only turned (channels last for a normalisation) are taken before the turn.
    """
    modules = dict(training.named_modules())
    kept = list(dict.fromkeys(_unturned(node) for node in border))
    for node in reversed(list(kept)):
        others = [one for one in kept if one is not node]
        steps = needed_for([node], others)
        heavy = any(one.op == "placeholder" or _state_of(one, modules) for one in steps)
        if others and not heavy:
            kept = others
    return kept


def _unturned(node: Node) -> Node:
    while node.op == "call_method" and node.target == "permute":
        node = node.all_input_nodes[0]
    return node


# -- the two parts ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Batch:
    """A whole number that is ``times`` the number of pictures."""

    times: int


def _divided(
    name: str,
    model: nn.Module,
    both: tuple[GraphModule, GraphModule],
    border: list[Node],
    same: Mapping[Node, Node],
    busy: set[str],
    pictures: Tensor,
) -> Cut:
    """Build the parts; ``both`` are the graphs of training and judging, ``border`` in the first."""
    training, judging = both
    twin = [same[node] for node in border]
    probe = GraphModule(model, _before(judging.graph, twin))
    few, more = (probe(pictures[:count]) for count in (FEW, MORE))
    fixed: dict[Node, Any] = {}
    shapes: list[tuple[int, ...]] = []
    for node, one, two in zip(border, few, more, strict=True):
        if not isinstance(one, Tensor):
            fixed[node] = _pattern(one, two)
        elif one.shape[:1] == (FEW,) and two.shape == (MORE, *one.shape[1:]):
            shapes.append(tuple(one.shape[1:]))
        else:
            raise ValueError("not one row per picture")
    tensors = [node for node in border if node not in fixed]
    prefix = _prefix(model, judging, [same[node] for node in tensors], busy)
    after = {
        part: GraphModule(model, _after(part, tensors_here, fixed_here))
        for part, tensors_here, fixed_here in (
            (training, tensors, fixed),
            (judging, [same[one] for one in tensors], {same[k]: v for k, v in fixed.items()}),
        )
    }
    return Cut(
        name=name,
        prefix=prefix,
        shapes=tuple(shapes),
        whole=model,
        training_suffix=after[training],
        judging_suffix=after[judging],
    )


def _before(graph: Graph, border: list[Node]) -> Graph:
    """The graph that ends at the border, all of it as one tuple."""
    new = Graph()
    made: dict[Node, Node] = {}
    needed = needed_for(border)
    for node in graph.nodes:
        if node in needed:
            made[node] = new.node_copy(node, made.__getitem__)
    new.output(tuple(made[node] for node in border))
    return new


def _prefix(
    model: nn.Module, judging: GraphModule, border: list[Node], busy: set[str]
) -> GraphModule:
    """The frozen part: the network's own modules, at rest.

    What belongs to a trainable group but has no state, such as the pooling before the head, is
    copied, so that it stays at rest when that group goes to training mode.
    """
    graph = _before(judging.graph, border)
    modules = dict(model.named_modules())
    root: dict[str, Any] = {}
    for node in graph.nodes:
        target = str(node.target)
        if node.op == "call_module":
            mine = modules[target]
            root[target] = copy.deepcopy(mine).eval() if target in busy else mine
        elif node.op == "get_attr":
            root[target] = _attribute(judging, target)
    prefix = GraphModule(root, graph, "Prefix")
    own = {id(module) for module in modules.values()}
    for module in prefix.modules():  # the new containers
        if id(module) not in own:
            module.training = False
    return prefix


def _after(part: GraphModule, border: list[Node], fixed: Mapping[Node, Any]) -> Graph:
    """The graph from the border to the logits, one placeholder per tensor of the border."""
    modules = dict(part.named_modules())
    new = Graph()
    made: dict[Node, Any] = {}
    for index, node in enumerate(border):
        made[node] = new.placeholder(f"features_{index}")
    first = made[border[0]]
    before = needed_for([*border, *fixed])
    for node in border:
        if any(one not in before and acts_in_place(one, modules) for one in node.users):
            made[node] = new.call_method("clone", (made[node],))
    for node, pattern in fixed.items():
        made[node] = _written(new, pattern, first)
    ends = [
        node
        for node in part.graph.nodes
        if node not in before and node.op != "placeholder" and not node.users
    ]
    needed = needed_for(ends, made)
    for node in part.graph.nodes:
        if node in needed:
            if node.op == "placeholder":
                raise ValueError("what trains looks at the pictures themselves")
            made[node] = new.node_copy(node, made.__getitem__)
    return new


def _pattern(few: Any, more: Any) -> Any:
    """What a value that is no tensor is made of: constants and the number of pictures."""
    if isinstance(few, (tuple, list)) and len(few) == len(more):
        return tuple(_pattern(one, two) for one, two in zip(few, more, strict=True))
    if isinstance(few, Tensor):
        raise ValueError("tensors inside other values")
    if few == more:
        return few
    if isinstance(few, int) and few * MORE == more * FEW:
        return _Batch(few // FEW)
    raise ValueError(f"{few} with {FEW} pictures but {more} with {MORE}")


def _written(graph: Graph, pattern: Any, first: Node) -> Any:
    """A pattern as arguments for a graph; ``first`` has one row per picture."""
    if isinstance(pattern, tuple):
        return tuple(_written(graph, one, first) for one in pattern)
    if isinstance(pattern, _Batch):
        size = graph.call_method("size", (first, 0))
        return size if pattern.times == 1 else graph.call_function(mul, (size, pattern.times))
    return pattern


def _attribute(module: nn.Module, name: str) -> Any:
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _refusal(model: nn.Module) -> ModelError:
    return ModelError(
        f"{type(model).__name__} cannot be divided into what is frozen and what trains.",
        hint=NO_CACHE,
    )
