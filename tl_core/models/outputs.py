"""Changing what a finished classifier puts out without changing what it answers. Imports torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tl_core.errors import ModelError

__all__ = ["divide_outputs"]


def divide_outputs(model: nn.Module, temperature: float) -> None:
    """Divide a classifier's outputs before the softmax, by way of its last linear layer.

    The network stays what it is, so every export has it too.

    Args:
        model: Changed in place; its last layer is the classifier.
        temperature: Above 0; above 1 makes it less sure.

    Raises:
        ModelError: The network does not end in one linear layer.

    Source:
        Guo and others 2017, arXiv:1706.04599.
    """
    last: Any = getattr(model, "head", None)
    if hasattr(model, "get_classifier"):
        last = model.get_classifier()  # type: ignore[operator]
    if not isinstance(last, (nn.Linear, nn.Conv2d)):
        raise ModelError(
            "The confidence of this network cannot be changed: it has no single last layer.",
            hint="Take the change of confidence back on the Evaluate page.",
        )
    with torch.no_grad():
        last.weight.div_(temperature)
        if last.bias is not None:
            last.bias.div_(temperature)
