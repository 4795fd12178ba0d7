"""The proof that a network taken apart is still the network: the same answers to the bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from tl_core.models.channels import channels_of

__all__ = ["left_as_it_was", "noise", "prove"]

CLOSE = 1e-4  # relative; only where the device itself does not repeat its answers to the bit


def prove(
    whole: nn.Module,
    prefix: nn.Module,
    suffix: Callable[[tuple[Tensor, ...]], Tensor],
    pictures: Tensor,
) -> None:
    """Compare the parts with the whole, in the modes the network is in; both draw the same.

    Args:
        whole: Pictures -> logits.
        prefix: Pictures -> features.
        suffix: Features -> logits.
        pictures: (B, 3, S, S).

    Raises:
        ValueError: They differ, or the suffix changes the features it is given.
    """
    devices = [pictures.device] if pictures.device.type == "cuda" else []
    answers = []
    for parts in (False, True):
        with torch.no_grad(), torch.random.fork_rng(devices=devices):
            torch.manual_seed(0)
            if not parts:
                answers.append(whole(pictures))
                continue
            features = prefix(pictures)
            before = [one._version for one in features]
            answers.append(suffix(features))
            if before != [one._version for one in features]:
                raise ValueError("features changed")
    want, got = answers
    if not torch.equal(want, got):
        exact = pictures.device.type == "cpu"
        if exact or not torch.allclose(want, got, rtol=CLOSE, atol=CLOSE * float(want.abs().max())):
            raise ValueError("the parts are not the whole")


def noise(model: nn.Module, image_size: int, count: int) -> Tensor:
    """Noise with the moments of normalised pictures; the global random state is left alone."""
    weight = next(model.parameters())
    source = torch.Generator().manual_seed(0)
    shape = (count, channels_of(model), image_size, image_size)
    found = torch.randn(shape, generator=source)
    return found.to(weight.device, weight.dtype)


@contextmanager
def left_as_it_was(model: nn.Module) -> Iterator[None]:
    """Put modes and buffers (batch statistics) back afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    buffers = [(one, one.clone()) for one in model.buffers()]
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
        with torch.no_grad():
            for one, value in buffers:
                one.copy_(value)
