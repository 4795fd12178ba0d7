"""Deciding how a run is computed: measured costs, and the views that fit the budget."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tl_core.cache.numerics import Cost, Numerics, autocast, choose
from tl_core.cache.shelf import Shelf
from tl_core.errors import ModelError
from tl_core.events import EngineChosen, Warned
from tl_core.models.cut import Cut
from tl_core.models.freezing import apply_plan, set_modes
from tl_core.models.groups import LayerGroup
from tl_core.models.plan import FreezePlan
from tl_core.storage import Home
from tl_core.train import augment
from tl_core.train.device import choose_device
from tl_core.train.engine import Decided, cut_for
from tl_core.train.optim import build_optimizer
from tl_core.train.recipe import Recipe, TrainData, keeps_norm_stats

__all__ = ["plan_engine"]


def plan_engine(
    model: nn.Module,
    groups: Sequence[LayerGroup],
    plan: FreezePlan,
    data: TrainData,
    recipe: Recipe,
    *,
    home: Home | None = None,
    shelf: Shelf | None = None,
    name: str = "",
) -> tuple[Decided, EngineChosen, list[Warned]]:
    """Measure the ways to compute, and fit the views into the budget.

    Args:
        model: As for ``build_engine``.
        groups: As for ``build_engine``.
        plan: As for ``build_engine``.
        data: As for ``build_engine``.
        recipe: As for ``build_engine``.
        home: Where measurements are remembered.
        shelf: Where views are kept; decides how many there is room for.
        name: Of the model; part of what a measurement is remembered under.

    Returns:
        What was decided, the event that tells it, and warnings for what had to be given up.
    """
    device = choose_device(recipe.device)
    model.to(device)
    apply_plan(model, groups, plan)
    warned: list[Warned] = []
    cut = None
    if recipe.cache:
        try:
            cut = cut_for(model, groups, plan, data, recipe)
        except ModelError as err:
            warned.append(Warned(code="cache_off", message=err.message, hint=err.hint))
    numerics, cost = _measured(model, groups, plan, data, recipe, cut, device, home, name)
    views, wanted = recipe.views, recipe.views
    mb = 0.0
    if cut is not None:
        one = _view_bytes(cut, data, numerics)
        if shelf is not None and data.known:
            views = _affordable(wanted, one, data, cut, numerics, shelf.room)
        mb = views * one / 1e6
        if views < wanted:
            warned.append(_fewer(views, wanted, one))
            if views == 0:
                cut, mb = None, 0.0
    decided = Decided(numerics=numerics, cost=cost, views=views or wanted, cached=cut is not None)
    first = plan.first_trainable
    chosen = EngineChosen(
        precision=numerics.precision,
        train_precision=numerics.train_precision,
        memory_format=numerics.memory_format,
        threads=numerics.threads or torch.get_num_threads(),
        batch_size=min(recipe.batch_size, len(data.train_y)),
        views=decided.views,
        cache="kept" if cut is not None else ("off" if first else "none"),
        cache_mb=mb,
        cut=groups[first].name if first else "",
        prefix_ms=cost.prefix * 1e3,
        suffix_ms=cost.suffix * 1e3,
        expected_seconds=None,
    )
    return decided, chosen, warned


def _view_bytes(cut: Cut, data: TrainData, numerics: Numerics) -> int:
    return len(data.train_y) * cut.values * numerics.stored_dtype.itemsize


def _affordable(
    wanted: int, one: int, data: TrainData, cut: Cut, numerics: Numerics, room: int
) -> int:
    """How many views fit, the validation pictures' one included."""
    val = len(data.val_y) * cut.values * numerics.stored_dtype.itemsize
    return max(0, min(wanted, (room - val) // max(one, 1)))


def _fewer(views: int, wanted: int, one: int) -> Warned:
    size = f"{one / 1e9:.1f} GB" if one > 1e9 else f"{one / 1e6:.0f} MB"
    if views:
        return Warned(
            code="views_reduced",
            message=f"There is room for {views} of {wanted} versions of the pictures "
            f"({size} each), so training uses {views}.",
            hint="More room is given by THAW_CACHE_GB, or a smaller image size.",
        )
    return Warned(
        code="cache_off",
        message=f"What the frozen blocks give does not fit the space for it ({size}), so they "
        "are computed again every epoch.",
        hint="More room is given by THAW_CACHE_GB, or a smaller image size.",
    )


def _measured(
    model: nn.Module,
    groups: Sequence[LayerGroup],
    plan: FreezePlan,
    data: TrainData,
    recipe: Recipe,
    cut: Cut | None,
    device: torch.device,
    home: Home | None,
    name: str,
) -> tuple[Numerics, Cost]:
    batch = min(recipe.batch_size, len(data.train_y))
    rows = np.arange(batch)
    pixels = torch.from_numpy(np.ascontiguousarray(data.train_x[rows])).to(device)
    images = augment.normalise(pixels, recipe.mean, recipe.std)
    labels = torch.from_numpy(data.train_y[rows]).to(device)
    keep = keeps_norm_stats(recipe, plan, len(data.train_y))
    state = {key: value.clone() for key, value in model.state_dict().items()}
    rates = [0.0] * len(groups)  # the optimizer does its work, and changes nothing
    optimizer = build_optimizer(model, groups, rates, weight_decay=0.0)

    def step(numerics: Numerics, inputs: tuple[Tensor, ...] | Tensor) -> float:
        model.to(memory_format=numerics.layout)
        set_modes(model, groups, plan, training=True, freeze_norm_stats=keep)
        _wait(device)
        begun = time.perf_counter()
        with autocast(numerics, device):
            if cut is not None and isinstance(inputs, tuple):
                logits = cut.suffix(tuple(one.float() for one in inputs))
            else:
                logits = model(inputs)
            loss = F.cross_entropy(logits.float(), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        _wait(device)
        return time.perf_counter() - begun

    set_modes(model, groups, plan, training=False)
    signature = "|".join(
        str(part)
        for part in (
            name or type(model).__name__,
            sum(p.numel() for p in model.parameters()),
            plan.to_layers(),
            "cut" if cut is not None else "whole",
            images.shape[-1],
            batch,
            device,
            keep,
        )
    )
    rng = torch.get_rng_state()
    try:
        return choose(
            None if cut is None else cut.prefix, step, images, signature=signature, home=home
        )
    finally:  # statistics that training mode has moved, and dropout's random numbers
        torch.set_rng_state(rng)
        model.zero_grad(set_to_none=True)
        model.load_state_dict(state)
        set_modes(model, groups, plan, training=False)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
