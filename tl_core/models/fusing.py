"""Frozen blocks made fast: batch normalisation folded into convolutions, a dtype and a layout.

For computing features only. What comes out is a copy of its own; the network it was taken from is
not touched and does not follow later changes.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Node
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tl_core.errors import FrozenDriftError, ModelError
from tl_core.models.tracing import TIMM, traced

__all__ = ["fast_prefix"]

FOLDING_ERROR = 1e-4  # most change of a float32 answer, relative to the largest; rounding is 1e-6
SAMPLE_PX = 64  # every network with batch normalisation in the catalogue takes it
SAMPLES = 2


class _Fast(nn.Module):
    """Casts and lays out the pictures itself."""

    def __init__(self, body: nn.Module, dtype: torch.dtype, layout: torch.memory_format) -> None:
        super().__init__()
        self.body = body
        self.dtype = dtype
        self.layout = layout
        self.eval()

    def forward(self, pictures: Tensor) -> object:
        return self.body(pictures.to(self.dtype).contiguous(memory_format=self.layout))


def fast_prefix(
    prefix: nn.Module,
    *,
    dtype: torch.dtype,
    memory_format: torch.memory_format,
    sample: Tensor | None = None,
) -> nn.Module:
    """A copy of frozen blocks that gives the same features sooner.

    Args:
        prefix: In eval mode; as ``cut.Cut.prefix``, or any network. Not changed.
        dtype: Of weights and arithmetic.
        memory_format: Of weights and pictures; channels_last is the fastest on most processors.
        sample: Float32 pictures (B, 3, S, S) on which folding is tried; noise by default. Where
            folding changes their features, or they cannot be computed, nothing is folded.

    Returns:
        Takes float32 pictures (B, 3, S, S), contiguous or not. Gives what ``prefix`` gives, but
        in ``dtype`` and perhaps laid out otherwise. No parameter wants a gradient.

    Raises:
        FrozenDriftError: Something is in training mode.
    """
    busy = [name or "all" for name, module in prefix.named_modules() if module.training]
    if busy:
        raise FrozenDriftError(
            f"Frozen blocks must be at rest before they are copied (first: {busy[0]}).",
            hint="This is a fault in Thaw; report it with the run's log.",
        )
    body: nn.Module = copy.deepcopy(prefix).requires_grad_(False)
    try:
        folded = _folded(body if isinstance(body, GraphModule) else traced(body))
    except ModelError:
        folded = None
    if folded is not None and _agree(body, folded, sample):
        body = folded
    body = body.to(dtype=dtype)
    body = body.to(memory_format=memory_format)
    return _Fast(body, dtype, memory_format)


def _folded(body: GraphModule) -> GraphModule | None:
    """A copy with every normalisation that follows a convolution inside it; None without any."""
    body = copy.deepcopy(body)
    pairs = _pairs(body)
    for first, second in pairs:
        convolution: Any = body.get_submodule(str(first.target))
        norm: Any = body.get_submodule(str(second.target))
        fused: nn.Module = fuse_conv_bn_eval(convolution, norm)
        body.set_submodule(str(first.target), fused.requires_grad_(False))
        body.set_submodule(str(second.target), _rest(norm))
    body.recompile()
    return body.eval() if pairs else None


def _pairs(body: GraphModule) -> list[tuple[Node, Node]]:
    """Convolutions whose only use is the normalisation after them, both used only once."""
    modules = dict(body.named_modules())
    calls = [node for node in body.graph.nodes if node.op == "call_module"]
    used = [str(node.target) for node in calls]

    def is_a(node: Node, *kinds: type[nn.Module]) -> bool:
        once = node.op == "call_module" and used.count(str(node.target)) == 1
        return once and type(modules[str(node.target)]) in kinds

    return [
        (first, node)
        for node in calls
        if is_a(node, nn.BatchNorm2d, TIMM.BatchNormAct2d) and _has_statistics(modules, node)
        for first in node.all_input_nodes
        if is_a(first, nn.Conv2d, TIMM.Conv2dSame) and len(first.users) == 1
    ]


def _has_statistics(modules: dict[str, nn.Module], node: Node) -> bool:
    return isinstance(modules[str(node.target)].running_mean, Tensor)


def _rest(norm: Any) -> nn.Module:
    """What a normalisation does besides: timm's has the activation inside."""
    rest: nn.Module = norm.act if isinstance(norm, TIMM.BatchNormAct2d) else nn.Identity()
    return rest


def _agree(body: nn.Module, folded: nn.Module, sample: Tensor | None) -> bool:
    """Whether both give the same float32 features, but for rounding."""
    weight = next(folded.parameters())
    if sample is None:
        source = torch.Generator().manual_seed(0)
        sample = torch.randn(SAMPLES, 3, SAMPLE_PX, SAMPLE_PX, generator=source)
    sample = sample.to(weight.device, weight.dtype)
    with torch.no_grad():
        try:
            answers = [part(sample) for part in (body, folded)]
        except RuntimeError:  # another picture size is wanted
            return False
    want, got = ((one,) if isinstance(one, Tensor) else tuple(one) for one in answers)
    return all(
        float((one - two).abs().max()) <= FOLDING_ERROR * float(one.abs().max())
        for one, two in zip(want, got, strict=True)
    )
