"""Inputs of other than three channels: grey pictures, stained or multispectral ones.

A network that learnt from colour photographs keeps what its first layer knows: for one channel
the weights of red, green and blue are added up, for n channels they are repeated and scaled by
3 / n (timm's rule, ``adapt_input_conv``). A grey picture then gives the same answer as the same
picture repeated three times, provided that it is also normalised alike
(``tl_core.models.facts.normalisation``).
"""

from __future__ import annotations

import torch
from timm.models import adapt_input_conv
from torch import Tensor, nn

from tl_core.config import RGB
from tl_core.errors import ConfigError

__all__ = ["adapted", "channels_of", "first_layers"]


def first_layers(model: nn.Module) -> tuple[str, ...]:
    """Names of the layers that read the picture, by timm's own account; empty when unknown."""
    config = getattr(model, "pretrained_cfg", None) or getattr(model, "default_cfg", None) or {}
    found = config.get("first_conv") or ()
    return (found,) if isinstance(found, str) else tuple(found)


def adapted(state: dict[str, Tensor], model: nn.Module, channels: int) -> dict[str, Tensor]:
    """Weights of a network for colour pictures as a network for ``channels`` needs them.

    Args:
        state: Of the colour network; weights that have the right shape stay as they are.
        model: Built for ``channels``.
        channels: Of the pictures.

    Raises:
        ConfigError: The network reads pictures in a way that cannot be adapted.
    """
    if channels == RGB:
        return state
    own, found = model.state_dict(), dict(state)
    for layer in first_layers(model):
        name = f"{layer}.weight"
        if name not in found or name not in own or found[name].shape == own[name].shape:
            continue
        try:
            with torch.no_grad():
                found[name] = adapt_input_conv(channels, found[name])
        except (NotImplementedError, ValueError, AssertionError) as err:
            raise ConfigError(
                f"This network cannot look at pictures of {channels} channels.",
                field="channels",
                hint="Choose another network, for example a ResNet.",
            ) from err
    return found


def channels_of(model: nn.Module) -> int:
    """How many channels a network looks at: what its first convolution reads, else three."""
    first = next((one for one in model.modules() if isinstance(one, nn.Conv2d)), None)
    return RGB if first is None else first.in_channels
