"""Layer groups: a network as an ordered list of 2 to 9 blocks from stem to head.

A convolutional network gets a group per resolution stage, a transformer its patches and four equal
parts (``partition`` does the cutting). The head is the new classifier alone, so that "head only" is
a linear model on frozen features: a final norm or 1x1 convolution belongs to the last group of the
backbone. Every parameter and buffer belongs to exactly one group. See docs/decisions/0006.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from tl_core.errors import LayerGroupError
from tl_core.models.channels import channels_of
from tl_core.models.facts import GroupFacts
from tl_core.models.partition import (
    Part,
    ancestors,
    body_parts,
    head_names,
    module_names,
    state_names,
)

__all__ = ["LayerGroup", "describe_groups", "layer_groups", "module_owners"]

HEAD_KNOWS = "your classes"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerGroup:
    """One group; ``modules`` are name prefixes of its parameters and buffers in the model."""

    index: int
    name: str
    title: str
    knows: str
    modules: tuple[str, ...]
    parameters: int

    def owns(self, name: str) -> bool:
        """Whether the parameter, buffer or module of this dotted name belongs to the group."""
        return any(name == one or name.startswith(f"{one}.") for one in self.modules)


def layer_groups(model: nn.Module) -> tuple[LayerGroup, ...]:
    """Divide a timm classifier into ordered groups, stem -> head.

    Args:
        model: A timm classifier with a classifier layer; not changed.

    Returns:
        2 to 9 groups that together own every parameter and buffer exactly once.

    Raises:
        LayerGroupError: The model has no classifier, or nothing before it.
    """
    names = state_names(model)
    head = head_names(model, names)
    body = [name for name in names if name not in head]
    if not head or not body:
        raise LayerGroupError(
            "This network has no separate classifier layer that could be replaced.",
            hint="Choose another network from the catalogue.",
        )
    parts = body_parts(model, body)
    parts.append(Part("head", "Head", HEAD_KNOWS, [name for name in names if name in head]))
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    return tuple(
        LayerGroup(
            index=index,
            name=part.name,
            title=part.title,
            knows=part.knows,
            modules=_prefixes(part.members, names),
            parameters=sum(sizes.get(member, 0) for member in part.members),
        )
        for index, part in enumerate(parts)
    )


def module_owners(model: nn.Module, groups: Sequence[LayerGroup]) -> dict[str, int | None]:
    """Say for every module, parameter-free ones included, which group it works for.

    Dropout, pooling and activations have no parameters: inside a group they are its own, between
    groups they go with the part before them, and between the backbone and the classifier they
    belong to the head (dropout there regularises the head).

    Returns:
        Module name -> group index, in definition order. None: a container across several groups.
    """
    states = state_names(model)
    by_state = {name: one.index for one in groups for name in states if one.owns(name)}
    held: dict[str, set[int]] = defaultdict(set)
    for name, index in by_state.items():
        for parent in ancestors(name):
            held[parent].add(index)
    last_body = max((i for i, n in enumerate(module_names(model)) if _is_body(n, held, groups)))
    owners: dict[str, int | None] = {}
    previous = 0
    for position, name in enumerate(module_names(model)):
        parent = name.rpartition(".")[0]
        if held.get(name):
            owner = next(iter(held[name])) if len(held[name]) == 1 else None
        elif name and owners.get(parent) is not None:
            owner = owners[parent]
        else:
            owner = len(groups) - 1 if position > last_body else previous
        owners[name] = owner
        if owner is not None:
            previous = owner
    return owners


def describe_groups(
    model: nn.Module, groups: Sequence[LayerGroup], image_size: int
) -> tuple[GroupFacts, ...]:
    """Measure what each group costs, by one forward pass of one black picture.

    Args:
        model: Classifier; its modes and gradient flags are restored, its weights untouched.
        groups: From ``layer_groups(model)``.
        image_size: Side of the square input in pixels, legal for the model.

    Returns:
        Facts aligned with ``groups``. Multiply-adds count convolutions, linear layers and
        attention products (a multiply-add is two floating-point operations); normalisation and
        activations are left out, as is usual.
    """
    shapes: dict[int, tuple[int, ...]] = {}
    modules = dict(model.named_modules())
    modes = {name: module.training for name, module in modules.items()}
    wanting = [one for one in model.parameters() if one.requires_grad]
    first = next(model.parameters())
    shape = (1, channels_of(model), image_size, image_size)
    pixels = torch.zeros(shape, device=first.device, dtype=first.dtype)
    with contextlib.ExitStack() as stack:
        for name, owner in module_owners(model, groups).items():
            if owner is not None:
                handle = modules[name].register_forward_hook(_remember(shapes, owner))
                stack.callback(handle.remove)
        model.eval().requires_grad_(False)
        # as plain products: some versions of torch do not count the fused ones
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        counter = stack.enter_context(FlopCounterMode(display=False))
        stack.enter_context(torch.no_grad())
        model(pixels)
    for name, mode in modes.items():
        modules[name].training = mode
    for one in wanting:
        one.requires_grad_(True)
    macs = _macs_per_group(counter, type(model).__name__, groups)
    return tuple(
        GroupFacts(
            name=one.name,
            title=one.title,
            knows=one.knows,
            parameters=one.parameters,
            macs=macs[one.index],
            output=shapes.get(one.index, ()),
        )
        for one in groups
    )


def _prefixes(members: list[str], names: list[str]) -> tuple[str, ...]:
    """The shortest prefixes that cover ``members`` and nothing else."""
    inside = set(members)
    mixed = {parent for name in names if name not in inside for parent in ancestors(name)}
    found: dict[str, None] = {}
    for name in members:
        steps = [*ancestors(name)[1:], name]
        found[next(step for step in steps if step not in mixed)] = None
    return tuple(found)


def _is_body(name: str, held: dict[str, set[int]], groups: Sequence[LayerGroup]) -> bool:
    return any(index < len(groups) - 1 for index in held.get(name, ()))


def _remember(shapes: dict[int, tuple[int, ...]], owner: int) -> Any:
    """A hook that notes the shape a module gives; the last one to answer in a group counts."""

    def hook(module: nn.Module, args: Any, output: Any) -> None:
        while isinstance(output, (tuple, list)) and output:
            output = output[0]
        if isinstance(output, torch.Tensor):
            shapes[owner] = tuple(output.shape[1:])

    return hook


def _macs_per_group(
    counter: FlopCounterMode, root: str, groups: Sequence[LayerGroup]
) -> dict[int, int]:
    counts = {
        name.removeprefix(f"{root}."): sum(ops.values()) // 2
        for name, ops in counter.get_flop_counts().items()
    }
    macs = {one.index: sum(counts.get(name, 0) for name in one.modules) for one in groups}
    # work done by a container itself (functional calls) goes to the end of the backbone
    macs[len(groups) - 2] += counts.get("Global", 0) - sum(macs.values())
    return macs
