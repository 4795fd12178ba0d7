"""Frozen blocks made fast: normalisation folded into convolutions, steps joined, a dtype, a layout.

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
from tl_core.models.joining import joined
from tl_core.models.tracing import TIMM, traced

__all__ = ["cast_prefix", "fast_prefix", "fused_copy"]

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
    return cast_prefix(fused_copy(prefix, sample=sample), dtype=dtype, memory_format=memory_format)


def fused_copy(prefix: nn.Module, *, sample: Tensor | None = None) -> nn.Module:
    """The first half of ``fast_prefix``, arguments as there: a copy with what can be folded folded.

    For those who try several ways of computing and need not fold for each.
    """
    busy = [name or "all" for name, module in prefix.named_modules() if module.training]
    if busy:
        raise FrozenDriftError(
            f"Frozen blocks must be at rest before they are copied (first: {busy[0]}).",
            hint="This is a fault in Thaw; report it with the run's log.",
        )
    try:
        graph = prefix if isinstance(prefix, GraphModule) else traced(prefix)
    except ModelError:
        return copy.deepcopy(prefix).requires_grad_(False)
    folded = _folded(graph)
    for found in (joined(graph, own=folded), folded):
        if found is not None and _agree(prefix, found, sample):
            return found.requires_grad_(False)
    return copy.deepcopy(prefix).requires_grad_(False)


def cast_prefix(
    body: nn.Module, *, dtype: torch.dtype, memory_format: torch.memory_format
) -> nn.Module:
    """The second half of ``fast_prefix``: ``body``, from ``fused_copy``, is changed and wrapped."""
    body = body.to(dtype=dtype)
    body = body.to(memory_format=memory_format)
    return _Fast(body, dtype, memory_format)


def _folded(body: GraphModule) -> GraphModule | None:
    """A copy with every normalisation that follows a convolution inside it; None without any."""
    pairs = _pairs(body)
    if not pairs:
        return None
    body = copy.deepcopy(body)
    for first, second in pairs:
        convolution: Any = body.get_submodule(first)
        norm: Any = body.get_submodule(second)
        fused: nn.Module = fuse_conv_bn_eval(convolution, norm)
        body.set_submodule(first, fused.requires_grad_(False))
        body.set_submodule(second, _rest(norm))
    for node in list(body.graph.nodes):
        if node.op == "call_module" and type(body.get_submodule(str(node.target))) is nn.Identity:
            node.replace_all_uses_with(node.all_input_nodes[0])
            body.graph.erase_node(node)
    body.recompile()
    return body.eval()


def _pairs(body: GraphModule) -> list[tuple[str, str]]:
    """Names of convolutions and the normalisations that always follow them and nothing else.

    A network that is passed through several times uses both as often, always together.
    """
    modules = dict(body.named_modules())
    calls: dict[str, list[Node]] = {}
    for node in body.graph.nodes:
        if node.op == "call_module":
            calls.setdefault(str(node.target), []).append(node)

    def followers(nodes: list[Node]) -> list[Node]:
        """What alone uses each of them; empty where more than one operation does."""
        users = [list(node.users) for node in nodes]
        return [one[0] for one in users] if all(len(one) == 1 for one in users) else []

    found = []
    for first, nodes in calls.items():
        after = followers(nodes)
        second = str(after[0].target) if after else ""
        if (
            type(modules[first]) in (nn.Conv2d, TIMM.Conv2dSame)
            and set(after) == set(calls.get(second, ()))
            and type(modules[second]) in (nn.BatchNorm2d, TIMM.BatchNormAct2d)
            and _has_statistics(modules[second])
        ):
            found.append((first, second))
    return found


def _has_statistics(norm: nn.Module) -> bool:
    return isinstance(norm.running_mean, Tensor)


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
        except (RuntimeError, AssertionError):  # another picture size is wanted
            return False
    want, got = ((one,) if isinstance(one, Tensor) else tuple(one) for one in answers)
    return all(
        float((one - two).abs().max()) <= FOLDING_ERROR * float(one.abs().max())
        for one, two in zip(want, got, strict=True)
    )
