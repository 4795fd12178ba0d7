"""How numbers are computed, and what a choice between ways of computing is made of.

bfloat16 doubles the speed of one processor and halves that of the next; nobody can tell without
trying, so ``cache.choosing`` measures. Here is what a choice says and how it is carried out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from tl_core.models.fusing import fast_prefix
from tl_core.models.unchanged import kept, weights

__all__ = ["EXACT", "Numerics", "autocast", "exact_on", "prepared", "settled"]

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
FORMATS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}


@dataclass(frozen=True, slots=True, kw_only=True)
class Numerics:
    """How one network is computed on this machine.

    ``precision`` is of the frozen blocks, ``stored`` of what is kept of their output,
    ``train_precision`` of what trains (bfloat16 means autocast; its weights stay float32);
    ``threads`` compute the frozen blocks (0 = as many as torch takes); ``prefix_batch`` pictures go
    through them at a time, always so many, because a batch of another size may round differently.
    """

    precision: str = "float32"
    stored: str = "float32"
    train_precision: str = "float32"
    memory_format: str = "channels_last"
    threads: int = 0
    prefix_batch: int = 16
    fused: bool = False  # convolution and normalisation folded into one

    @property
    def layout(self) -> torch.memory_format:
        """For ``Tensor.to``."""
        return FORMATS[self.memory_format]

    @property
    def dtype(self) -> torch.dtype:
        """Of the frozen blocks."""
        return DTYPES[self.precision]

    @property
    def stored_dtype(self) -> torch.dtype:
        """Of what is kept."""
        return DTYPES[self.stored]

    @property
    def prefix_key(self) -> dict[str, Any]:
        """What of it changes the numbers that are kept."""
        names = ("precision", "stored", "memory_format", "prefix_batch", "fused", "threads")
        return {name: getattr(self, name) for name in names}


EXACT = Numerics()  # float32 throughout: the reference
LAYOUT_HELPS = ("cpu", "cuda")  # kinds of device on which channels_last is worth anything


def exact_on(device: torch.device) -> Numerics:
    """``EXACT`` in the layout that suits a kind of device."""
    return EXACT if device.type in LAYOUT_HELPS else replace(EXACT, memory_format="contiguous")


def prepared(
    prefix: nn.Module, numerics: Numerics, make: Callable[[], nn.Module] | None = None
) -> nn.Module:
    """The frozen blocks ready to compute with; a copy unless they are taken as they are.

    One copy per way of computing is kept with the blocks while their weights stay as they are.

    Args:
        prefix: In eval mode.
        numerics: How they will be computed.
        make: Gives the copy where it is at hand already; otherwise it is made.
    """
    if numerics.precision == "float32" and not numerics.fused:
        return prefix

    def copied() -> nn.Module:
        return fast_prefix(prefix, dtype=numerics.dtype, memory_format=numerics.layout)

    name = ("fast", numerics.precision, numerics.memory_format)
    return kept(prefix, name, weights(prefix), make or copied)


def autocast(numerics: Numerics, device: torch.device) -> AbstractContextManager[Any]:
    """The context training steps run in."""
    if numerics.train_precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=DTYPES[numerics.train_precision])


@contextmanager
def settled(numerics: Numerics) -> Iterator[None]:
    """Use the chosen number of threads inside."""
    before = torch.get_num_threads()
    if numerics.threads in (0, before):
        yield
        return
    torch.set_num_threads(numerics.threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
