"""AdamW with one learning rate per layer group, and schedules as functions of progress.

A schedule is a pure function of how much of the run is done, so it needs no state in a checkpoint
and does not care when the batch size had to be halved.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from tl_core.errors import CheckpointError
from tl_core.models.groups import LayerGroup
from tl_core.train.blockrates import group_rates

__all__ = [
    "build_optimizer",
    "group_rates",
    "load_optimizer_state",
    "optimizer_state",
    "schedule_factor",
    "set_rates",
]

WARM_UP = 0.25  # share of a one-cycle run spent rising; as fastai
START = 1 / 25  # of the peak rate at the first step; as fastai
END = 1e-5  # of the peak rate at the last step; as fastai
COSINE_WARM_UP = 0.05  # share of a cosine run spent rising (5-10 % is usual)


def build_optimizer(
    model: nn.Module,
    groups: Sequence[LayerGroup],
    rates: Sequence[float],
    *,
    weight_decay: float,
) -> torch.optim.AdamW:
    """AdamW over the trainable parameters; biases and normalisation scales do not decay.

    Args:
        model: With ``requires_grad`` already set by ``apply_plan``.
        groups: Stem -> head, aligned with ``rates``.
        rates: From ``group_rates``. Each parameter group keeps its own as "peak_lr".
        weight_decay: Decoupled, times the learning rate per step.
    """
    split: list[dict[str, object]] = []
    for group, rate in zip(groups, rates, strict=True):
        mine = [p for n, p in model.named_parameters() if p.requires_grad and group.owns(n)]
        for decays in (True, False):
            chosen = [p for p in mine if (p.ndim > 1) is decays]
            if chosen:
                decay = weight_decay if decays else 0.0
                split.append({"params": chosen, "lr": rate, "peak_lr": rate, "weight_decay": decay})
    device = next(model.parameters()).device.type
    # one pass over memory per step instead of several; on a CPU that is most of a small step
    return torch.optim.AdamW(split, fused=device in ("cpu", "cuda"))


def schedule_factor(schedule: str, progress: float) -> float:
    """What the peak rates are multiplied by.

    Args:
        schedule: "one-cycle" (cosine up over 25 %, cosine down to 1e-5), "cosine" (linear up
            over 5 %, cosine down) or "constant".
        progress: Share of all optimizer steps already done, 0 <= progress <= 1.

    Returns:
        A factor in (0, 1].
    """
    if schedule == "constant":
        return 1.0
    if schedule == "cosine":
        if progress < COSINE_WARM_UP:
            return START + (1 - START) * progress / COSINE_WARM_UP
        return _cosine(1.0, END, (progress - COSINE_WARM_UP) / (1 - COSINE_WARM_UP))
    if progress < WARM_UP:
        return _cosine(START, 1.0, progress / WARM_UP)
    return _cosine(1.0, END, (progress - WARM_UP) / (1 - WARM_UP))


def set_rates(optimizer: torch.optim.Optimizer, factor: float) -> float:
    """Set every group to its peak rate times ``factor``; returns the head's, the last group's."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak_lr"] * factor
    return float(optimizer.param_groups[-1]["lr"])


def optimizer_state(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Copies (CPU) of the optimizer's memory as "parameter name|key" -> tensor."""
    names: dict[Tensor, str] = {value: name for name, value in model.named_parameters()}
    return {
        f"{names[parameter]}|{key}": value.detach().to("cpu", copy=True).contiguous()
        for parameter, memory in optimizer.state.items()
        for key, value in memory.items()
    }


def load_optimizer_state(
    model: nn.Module, optimizer: torch.optim.Optimizer, state: Mapping[str, Tensor]
) -> None:
    """Put back what ``optimizer_state`` copied, forgetting what the optimizer held.

    Raises:
        CheckpointError: It names parameters this network does not have, or of another shape.
    """
    parameters = dict(model.named_parameters())
    optimizer.state.clear()
    for name, value in state.items():
        owner, _, key = name.rpartition("|")
        parameter = parameters.get(owner)
        if parameter is None or (value.ndim and value.shape != parameter.shape):
            raise CheckpointError(
                f"The checkpoint does not fit this network (at {owner}).",
                hint="Resume with the settings the run was started with.",
            )
        if value.ndim:  # laid out like the parameter, so that arithmetic takes the same path
            optimizer.state[parameter][key] = torch.empty_like(parameter).copy_(value)
        else:
            optimizer.state[parameter][key] = value.clone()


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * min(share, 1.0))) / 2
