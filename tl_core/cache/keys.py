"""Under which name features are kept: everything that could change them is in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import timm
import torch
import torchvision
from torch import Tensor, nn

from tl_core.models.freezing import digest_tensor
from tl_core.models.unchanged import kept, weights

__all__ = ["network_digest", "view_key"]

VERSION = 2  # raise it when the same description would give other numbers


def network_digest(prefix: nn.Module) -> str:
    """SHA-256 (hex) of the frozen blocks: their operations, in order, and every weight.

    Args:
        prefix: A traced module (its code counts) of which only the tensors it uses count.
    """
    return kept(prefix, "digest", weights(prefix), lambda: _digest(prefix))


def _digest(prefix: nn.Module) -> str:
    digest = hashlib.sha256(str(getattr(prefix, "code", type(prefix).__name__)).encode())
    state: dict[str, Tensor] = {**dict(prefix.named_parameters()), **dict(prefix.named_buffers())}
    for name, value in sorted(state.items()):
        digest_tensor(digest, name, value)
    for name, module in sorted(prefix.named_modules()):
        if not any(True for _ in module.children()):  # settings such as stride or epsilon
            digest.update(f"{name}={module!r}".encode())
    return digest.hexdigest()


def view_key(network: str, view: Mapping[str, Any], *, device: str) -> str:
    """The name of one view's folder.

    Args:
        network: From ``network_digest``.
        view: How a picture becomes the network's input, and how that is computed: size, fit,
            normalisation, the change of this view, precision; JSON-ready.
        device: Kind of processor; another one may round differently.
    """
    body = {
        "version": VERSION,
        "network": network,
        "view": dict(view),
        "device": device,
        "libraries": [torch.__version__, torchvision.__version__, timm.__version__],
    }
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]
