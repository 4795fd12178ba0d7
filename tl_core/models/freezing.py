"""Freezing for real: no gradient, no drifting statistics, no dropout in what is frozen.

``requires_grad`` alone does not freeze a network: ``model.train()`` lets the running statistics of
frozen normalisation layers drift toward the new pictures. Modes are therefore set here, for each
module, and nowhere else; ``frozen_digest`` proves that it worked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from tl_core.errors import CheckpointError
from tl_core.models.groups import LayerGroup, module_owners
from tl_core.models.plan import FreezePlan

__all__ = [
    "FreezePlan",
    "Modes",
    "apply_plan",
    "digest_tensor",
    "frozen_digest",
    "load_trainable_state",
    "set_modes",
    "trainable_state",
]


def apply_plan(model: nn.Module, groups: Sequence[LayerGroup], plan: FreezePlan) -> None:
    """Set ``requires_grad`` of every parameter to what the plan says; ``model`` is changed.

    Modes are separate: call ``set_modes`` before each training and each evaluation pass.

    Raises:
        LayerGroupError: The plan is for another number of groups.
    """
    plan.check(len(groups))
    for name, parameter in model.named_parameters():
        on = _trains(name, groups, plan)
        parameter.requires_grad_(on)
        if not on:
            parameter.grad = None


def set_modes(
    model: nn.Module,
    groups: Sequence[LayerGroup],
    plan: FreezePlan,
    *,
    training: bool,
    freeze_norm_stats: bool = False,
) -> None:
    """Put every module in train or eval mode. Use it instead of ``model.train()``.

    Args:
        model: Changed in place.
        groups: From ``layer_groups(model)``.
        plan: Frozen groups stay in eval mode, whatever ``training`` says.
        training: False puts everything in eval mode.
        freeze_norm_stats: Keep the running statistics of trainable pretrained groups too (their
            scale and shift still train); see ``FreezePlan.freeze_norm_stats``. Not for a head, and
            ignored when training from scratch: random statistics are worth nothing.
    """
    for module, on in _modes(model, groups, plan, training, freeze_norm_stats):
        module.training = on


class Modes:
    """``set_modes`` for one network and plan, worked out once: training asks three times an epoch.

    Arguments as there. The network must keep its modules.
    """

    def __init__(
        self,
        model: nn.Module,
        groups: Sequence[LayerGroup],
        plan: FreezePlan,
        *,
        freeze_norm_stats: bool,
    ) -> None:
        self._training = _modes(model, groups, plan, True, freeze_norm_stats)

    def set(self, *, training: bool) -> None:
        """Put every module in its mode."""
        for module, on in self._training:
            if module.training is not (on and training):
                module.training = on and training


def _modes(
    model: nn.Module,
    groups: Sequence[LayerGroup],
    plan: FreezePlan,
    training: bool,
    freeze_norm_stats: bool,
) -> list[tuple[nn.Module, bool]]:
    """Every module with whether it is to be in training mode."""
    plan.check(len(groups))
    owners = module_owners(model, groups)
    keep_stats = freeze_norm_stats and not plan.scratch
    head = len(groups) - 1
    found = []
    for name, module in model.named_modules():
        owner = owners[name]
        trains = _container_trains(name, groups, plan) if owner is None else plan.trainable[owner]
        on = training and trains
        if keep_stats and owner != head and _has_running_stats(module):
            on = False
        found.append((module, on))
    return found


def frozen_digest(model: nn.Module, groups: Sequence[LayerGroup], plan: FreezePlan) -> str:
    """SHA-256 (hex) over every parameter and buffer of the frozen groups, names included.

    Equal digests mean bit-identical frozen groups, on any device.
    """
    plan.check(len(groups))
    digest = hashlib.sha256()
    for name, value in sorted(_all_state(model).items()):
        if _trains(name, groups, plan):
            continue
        digest_tensor(digest, name, value)
    return digest.hexdigest()


def digest_tensor(digest: hashlib._Hash, name: str, value: Tensor) -> None:
    """Add a tensor's name, type, shape and bits to a digest."""
    plain = value.detach().to("cpu").contiguous()
    digest.update(f"{name}|{plain.dtype}|{tuple(plain.shape)}|".encode())
    digest.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes())


def trainable_state(
    model: nn.Module, groups: Sequence[LayerGroup], plan: FreezePlan
) -> dict[str, Tensor]:
    """Copies (CPU) of all that training may change: parameters and buffers of trainable groups.

    With the same frozen weights below, it is the whole trained network.
    """
    plan.check(len(groups))
    return {
        name: value.detach().to("cpu", copy=True).contiguous()
        for name, value in model.state_dict().items()
        if _trains(name, groups, plan)
    }


def load_trainable_state(
    model: nn.Module,
    groups: Sequence[LayerGroup],
    plan: FreezePlan,
    state: Mapping[str, Tensor],
) -> None:
    """Put back what ``trainable_state`` copied; ``model`` is changed.

    Raises:
        CheckpointError: Names or shapes are not those of this network and plan.
    """
    plan.check(len(groups))
    own = {k: v for k, v in model.state_dict().items() if _trains(k, groups, plan)}
    wrong = sorted(own.keys() ^ state.keys())
    wrong += [k for k in sorted(own.keys() & state.keys()) if own[k].shape != state[k].shape]
    if wrong:
        raise CheckpointError(
            f"The saved weights do not fit this network and layer choice (first: {wrong[0]}).",
            hint="Resume with the settings the run was started with.",
        )
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(state[name])


def _container_trains(name: str, groups: Sequence[LayerGroup], plan: FreezePlan) -> bool:
    """Whether a container across groups counts as training, for functional calls of its own.

    One that holds the head drops out for the head; any other only when all it holds trains.
    """
    held = [one for one in groups if any(m.startswith(f"{name}.") for m in one.modules)]
    return not name or held[-1] is groups[-1] or all(plan.trainable[one.index] for one in held)


def _trains(name: str, groups: Sequence[LayerGroup], plan: FreezePlan) -> bool:
    return any(plan.trainable[one.index] and one.owns(name) for one in groups)


def _all_state(model: nn.Module) -> dict[str, Tensor]:
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def _has_running_stats(module: nn.Module) -> bool:
    return isinstance(getattr(module, "running_mean", None), Tensor)
