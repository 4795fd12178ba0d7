"""Deciding how a run is computed: measured costs, and the views that fit the budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tl_core.cache.choosing import choose_prefix, choose_step, features
from tl_core.cache.numerics import Numerics, autocast, exact_on, prepared
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
from tl_core.train.feeding import Feed
from tl_core.train.forecast import Cost, Work, seconds
from tl_core.train.optim import build_optimizer
from tl_core.train.recipe import Recipe, TrainData, keeps_norm_stats

__all__ = ["plan_engine"]

KEPT_BYTES_PER_S = 2e8  # of a view written, and read again while it is made; seen on two cores


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
    trains: bool = True,
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
        trains: False when only the frozen blocks are wanted, for heads that are solved.

    Returns:
        What was decided, the event that tells it, and warnings for what had to be given up.
    """
    device = choose_device(recipe.device)
    model.to(device).to(memory_format=exact_on(device).layout)  # before it is tried: twice as fast
    apply_plan(model, groups, plan)
    warned: list[Warned] = []
    cut = None
    if recipe.cache:
        try:
            cut = cut_for(model, groups, plan, data, recipe)
        except ModelError as err:
            warned.append(Warned(code="cache_off", message=err.message, hint=err.hint))
    numerics, cost = _measured(model, groups, plan, data, recipe, cut, device, home, name, trains)
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
        expected_seconds=seconds(_work(decided, data, recipe), cost) if trains else None,
    )
    return decided, chosen, warned


def _work(decided: Decided, data: TrainData, recipe: Recipe) -> Work:
    return Work(
        n_train=len(data.train_y),
        n_val=len(data.val_y),
        n_test=data.n_test,
        n_fit=len(data.fit_index),
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        views=decided.views,
        kept=decided.cached,
    )


def _view_bytes(cut: Cut, data: TrainData, numerics: Numerics) -> int:
    return len(data.train_y) * _row_bytes(cut, numerics)


def _row_bytes(cut: Cut, numerics: Numerics) -> int:
    return cut.values * numerics.stored_dtype.itemsize


def _affordable(
    wanted: int, one: int, data: TrainData, cut: Cut, numerics: Numerics, room: int
) -> int:
    """How many views fit, the validation pictures' one included."""
    val = len(data.val_y) * _row_bytes(cut, numerics)
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
    trains: bool,
) -> tuple[Numerics, Cost]:
    batch = min(recipe.batch_size, len(data.train_y))
    rows = np.arange(batch)
    pixels = torch.from_numpy(np.ascontiguousarray(data.train_x[rows])).to(device)
    images = augment.normalise(pixels, recipe.mean, recipe.std)
    network = f"{name or type(model).__name__}|{sum(p.numel() for p in model.parameters())}"
    numerics, prefix_s = exact_on(device), 0.0
    set_modes(model, groups, plan, training=False)
    if cut is not None:
        views = min(recipe.views or recipe.epochs, recipe.epochs) if trains else 1
        numerics, prefix_s = choose_prefix(
            cut.prefix,
            images,
            pictures=views * len(data.train_y) + len(data.val_y),
            signature=f"{network}|{cut.name}|{images.shape[-1]}|{device}",
            home=home,
        )
    cost = Cost(
        prefix=prefix_s,
        suffix=0.0,
        suffix_forward=0.0,
        reading=_reading(data, rows, recipe, numerics, changed=trains),
        keeping=0.0 if cut is None else _row_bytes(cut, numerics) / KEPT_BYTES_PER_S,
    )
    if not trains:
        return numerics, cost
    keep = keeps_norm_stats(recipe, plan, len(data.train_y))
    facts = (plan.to_layers(), cut is not None, images.shape[-1], batch, device, keep)
    labels = torch.from_numpy(data.train_y[rows]).to(device)
    numerics, step_s = choose_step(
        lambda: _steps(model, groups, plan, images, labels, cut, keep=keep),
        numerics,
        passes=recipe.epochs * len(data.train_y),
        batch=batch,
        signature="|".join(str(one) for one in (network, *facts)),
        home=home,
    )
    # backward is about twice the forward pass
    return numerics, replace(cost, suffix=step_s, suffix_forward=step_s / 3)


def _reading(
    data: TrainData, rows: np.ndarray, recipe: Recipe, numerics: Numerics, *, changed: bool
) -> float:
    """Seconds per picture from the working copy to what the network is fed."""
    device = choose_device(recipe.device)
    feed = Feed(data.train_x, [""] * len(data.train_y), recipe, device)
    least = float("inf")
    for epoch in (1, 2, 3):  # the first allocates
        _wait(device)
        begun = time.perf_counter()
        images = feed.epoch(epoch, rows) if changed else feed.view(0, rows)
        images.contiguous(memory_format=numerics.layout)
        _wait(device)
        least = min(least, time.perf_counter() - begun)
    return least / len(rows)


@contextmanager
def _steps(
    model: nn.Module,
    groups: Sequence[LayerGroup],
    plan: FreezePlan,
    images: Tensor,
    labels: Tensor,
    cut: Cut | None,
    *,
    keep: bool,
) -> Iterator[Callable[[Numerics], float]]:
    """Give a training step that changes nothing in the end, and tells its seconds."""
    device = images.device
    state = {key: value.clone() for key, value in model.state_dict().items()}
    rng = torch.get_rng_state()
    rates = [0.0] * len(groups)  # the optimizer does its work, and changes nothing
    optimizer = build_optimizer(model, groups, rates, weight_decay=0.0)
    given: dict[Numerics, tuple[Tensor, ...]] = {}

    def inputs(way: Numerics) -> tuple[Tensor, ...]:
        if cut is None:
            return (images.contiguous(memory_format=way.layout),)
        return tuple(one.float() for one in features(prepared(cut.prefix, way), images))

    def step(way: Numerics) -> float:
        if way not in given:
            given[way] = inputs(way)
        model.to(memory_format=way.layout)
        set_modes(model, groups, plan, training=True, freeze_norm_stats=keep)
        _wait(device)
        begun = time.perf_counter()
        with autocast(way, device):
            logits = model(*given[way]) if cut is None else cut.suffix(given[way])
        loss = F.cross_entropy(logits.float(), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        _wait(device)
        return time.perf_counter() - begun

    try:
        yield step
    finally:  # statistics that training mode has moved, and dropout's random numbers
        torch.set_rng_state(rng)
        model.zero_grad(set_to_none=True)
        _restore(model, state)
        set_modes(model, groups, plan, training=False)


def _restore(model: nn.Module, state: dict[str, Tensor]) -> None:
    """Put back what has changed, and only that: the rest stays known as unchanged."""
    with torch.no_grad():
        for key, value in model.state_dict().items():
            if not torch.equal(value, state[key]):
                value.copy_(state[key])


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
