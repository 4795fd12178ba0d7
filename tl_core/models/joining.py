"""Steps of a frozen network that are taken in one pass over the memory, where torch can.

A small network on a processor spends much of its time on reading and writing what lies between its
layers. oneDNN adds and cuts off while it convolves; torch's operators for it are those its own
compiler uses, so they are asked whether they are there, and everything goes on as usual where they
are not.
"""

from __future__ import annotations

import copy
import operator
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Node
from torch.nn import functional as F

__all__ = ["ConvAddRelu", "ConvRelu", "PoolOfPositive", "joined"]

ADDS = (operator.add, operator.iadd, torch.add)
RELUS = (torch.relu, torch.relu_, F.relu)
AS_WHOLE = {torch.bfloat16: torch.int16, torch.float16: torch.int16, torch.float32: torch.int32}


class ConvRelu(nn.Module):
    """A convolution that writes no negative number."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        """As ``relu(conv(x))``."""
        if not _can_join(x):
            return torch.relu_(self.conv(x))
        found: Tensor = torch.ops.mkldnn._convolution_pointwise(x, *_of(self.conv), "relu", [], "")
        return found


class ConvAddRelu(nn.Module):
    """A convolution to which another layer's output is added, and no negative number is written."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        """As ``relu(conv(x) + other)``."""
        if not (_can_join(x) and _can_add(self.conv, x, other)):
            return torch.relu_(self.conv(x) + other)
        found: Tensor = torch.ops.mkldnn._convolution_pointwise.binary(
            x, other, *_of(self.conv), "add", 1.0, "relu", [], ""
        )
        return found


class PoolOfPositive(nn.Module):
    """The largest of 3 x 3 at every second place, of numbers none of which is negative.

    Such numbers are ordered as the whole numbers with the same bits are, and largest whole numbers
    are found in half the time, rows first and then columns.
    """

    def __init__(self, pool: nn.MaxPool2d) -> None:
        super().__init__()
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        """As ``MaxPool2d(3, 2, 1)``."""
        even = x.shape[2] % 2 == 0 and x.shape[3] % 2 == 0 and min(x.shape[2:]) > 0
        if x.device.type != "cpu" or x.dtype not in AS_WHOLE or not even or _compiling():
            found: Tensor = self.pool(x)
            return found
        return _every_second(_every_second(x.view(AS_WHOLE[x.dtype]), 2), 3).view(x.dtype)


def joined(body: GraphModule, own: GraphModule | None) -> GraphModule | None:
    """``own``, or a copy of ``body``, with steps joined that follow each other; None without any.

    ``own`` keeps its graph; the modules are shared.
    """
    base = copy.deepcopy(body) if own is None else own
    found = GraphModule(base, copy.deepcopy(base.graph), type(base).__name__)
    changed = [step(found) for step in (_join_adding, _join_relu, _join_pool)]
    if not any(changed):
        return None
    found.recompile()
    return found.eval()


# -- the steps -------------------------------------------------------------------------------------


def _join_relu(body: GraphModule) -> bool:
    """Convolutions whose only use is a ReLU."""
    modules = dict(body.named_modules())
    nodes = [
        node
        for node in body.graph.nodes
        if _is_conv(node, modules) and _is_relu(_only_user(node), modules)
    ]
    for node in nodes:
        after = next(iter(node.users))
        node.target = _named(body, node, "relu", ConvRelu)
        after.replace_all_uses_with(node)
        body.graph.erase_node(after)
    return bool(nodes)


def _join_adding(body: GraphModule) -> bool:
    """Convolutions whose only use is a sum that only a ReLU uses, as at the end of a block."""
    modules = dict(body.named_modules())
    order = {node: place for place, node in enumerate(body.graph.nodes)}
    found = False
    for add in list(body.graph.nodes):
        if add.op != "call_function" or add.target not in ADDS or add.kwargs:
            continue
        parts, after = add.args, _only_user(add)
        if len(parts) != 2 or not all(isinstance(one, Node) for one in parts):
            continue
        convs = [one for one in parts if _is_conv(one, modules) and len(one.users) == 1]
        if not convs or parts[0] is parts[1] or after is None or not _is_relu(after, modules):
            continue
        conv = max(convs, key=order.__getitem__)
        other = parts[1] if conv is parts[0] else parts[0]
        with body.graph.inserting_before(add):
            name = _named(body, conv, "add_relu", ConvAddRelu)
            node = body.graph.call_module(name, (conv.args[0], other))
        after.replace_all_uses_with(node)
        for gone in (after, add, conv):
            body.graph.erase_node(gone)
        found = True
    return found


def _join_pool(body: GraphModule) -> bool:
    """Largest of 3 x 3, of what a ReLU gives."""
    modules = dict(body.named_modules())
    found = False
    for node in body.graph.nodes:
        pool = modules.get(str(node.target)) if node.op == "call_module" else None
        if type(pool) is nn.MaxPool2d and _is_usual(pool) and _is_positive(node, modules):
            node.target = _named(body, node, "of_positive", PoolOfPositive)
            found = True
    return found


def _named(body: GraphModule, node: Node, what: str, kind: type[nn.Module]) -> str:
    """The name of the joined module of a node's own, which is added where it is missing."""
    name = f"{str(node.target).replace('.', '_')}_{what}"
    if not hasattr(body, name):
        body.add_submodule(name, kind(body.get_submodule(str(node.target))))
    return name


def _is_conv(node: Any, modules: dict[str, nn.Module]) -> bool:
    """Whether it is a plain convolution, padded with zeros by number."""
    conv = modules.get(str(node.target)) if node.op == "call_module" else None
    if type(conv) is not nn.Conv2d or isinstance(conv.padding, str):
        return False
    return conv.padding_mode == "zeros"


def _is_relu(node: Node | None, modules: dict[str, nn.Module]) -> bool:
    if node is None:
        return False
    if node.op == "call_module":
        return type(modules.get(str(node.target))) is nn.ReLU
    return node.op == "call_function" and node.target in RELUS


def _is_usual(pool: nn.MaxPool2d) -> bool:
    sides = [
        (one, one) if isinstance(one, int) else tuple(one)
        for one in (pool.kernel_size, pool.stride, pool.padding, pool.dilation)
    ]
    return sides == [(3, 3), (2, 2), (1, 1), (1, 1)] and not (pool.ceil_mode or pool.return_indices)


def _is_positive(node: Node, modules: dict[str, nn.Module]) -> bool:
    before = node.args[0] if node.args else None
    if not isinstance(before, Node):
        return False
    module = modules.get(str(before.target)) if before.op == "call_module" else None
    return isinstance(module, (ConvRelu, ConvAddRelu)) or _is_relu(before, modules)


def _only_user(node: Node) -> Node | None:
    return next(iter(node.users)) if len(node.users) == 1 else None


# -- computing -------------------------------------------------------------------------------------


def _every_second(x: Tensor, axis: int) -> Tensor:
    """The largest of each three neighbours along an axis of even length, at every second place."""
    before = (slice(None),) * axis
    even, odd = x[(*before, slice(0, None, 2))], x[(*before, slice(1, None, 2))]
    found = torch.maximum(even, odd)
    rest = found.narrow(axis, 1, found.shape[axis] - 1)
    torch.maximum(rest, odd.narrow(axis, 0, odd.shape[axis] - 1), out=rest)
    return found


def _of(conv: nn.Conv2d) -> tuple[Any, ...]:
    return (
        conv.weight,
        conv.bias,
        list(conv.padding),
        list(conv.stride),
        list(conv.dilation),
        conv.groups,
    )


def _can_join(x: Tensor) -> bool:
    return x.device.type == "cpu" and _at_once(x.dtype) and not _compiling()


def _can_add(conv: Any, x: Tensor, other: Tensor) -> bool:
    """Whether the sum is of two equal shapes that lie in memory as oneDNN wants it.

    Otherwise torch takes a way round that it has not for every type of number.
    """
    sides = [
        (side + 2 * pad - hole * (kernel - 1) - 1) // step + 1
        for side, pad, hole, kernel, step in zip(
            x.shape[2:], conv.padding, conv.dilation, conv.kernel_size, conv.stride, strict=True
        )
    ]
    return (
        other.dtype == x.dtype
        and other.shape == (len(x), conv.out_channels, *sides)
        and x.is_contiguous(memory_format=torch.channels_last)
        and other.is_contiguous(memory_format=torch.channels_last)
    )


def _compiling() -> bool:
    return torch.compiler.is_compiling()


@cache
def _at_once(dtype: torch.dtype) -> bool:
    """Whether torch can do several things while it convolves, on this processor in this type."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    ops: Any = torch.ops.mkldnn
    if not hasattr(ops, "_convolution_pointwise"):
        return False
    if dtype == torch.bfloat16:
        return bool(hasattr(ops, "_is_mkldnn_bf16_supported") and ops._is_mkldnn_bf16_supported())
    return dtype == torch.float32
