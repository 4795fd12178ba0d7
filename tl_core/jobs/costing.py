"""What a picture costs in a drafted run, measured before anybody starts it. Imports torch."""

from __future__ import annotations

import numpy as np

from tl_core.config import RGB, RunSpec
from tl_core.events import EngineChosen
from tl_core.jobs import estimate
from tl_core.models.build import build
from tl_core.models.catalog import card
from tl_core.models.groups import layer_groups
from tl_core.models.plan import FreezePlan
from tl_core.storage import Home
from tl_core.train.engine import Decided
from tl_core.train.measuring import plan_engine
from tl_core.train.recipe import TrainData, recipe_for

__all__ = ["keep_decided", "measure_cost", "network_name"]


def measure_cost(home: Home, spec: RunSpec, *, n_classes: int) -> dict[str, float]:
    """Measure one batch of noise through the network; weights are random, time is the same.

    Args:
        home: Where the result is remembered, for ``estimate.expected`` and for the run itself.
        spec: Resolved settings.
        n_classes: Outputs.

    Returns:
        ``prefix_ms`` and ``suffix_ms`` per picture.
    """
    facts = card(spec.model.name).for_channels(spec.model.channels)
    size = spec.train.image_size or 0
    n = max(spec.train.batch_size or 2, n_classes)
    rng = np.random.default_rng(0)
    labels = np.arange(n, dtype=np.int64) % n_classes
    pixels = rng.integers(0, 255, (n, facts.channels, size, size), dtype=np.uint8)
    data = TrainData(
        train_x=pixels, train_y=labels, val_x=pixels, val_y=labels, fit_index=np.arange(n)
    )
    weights = "pretrained" if facts.embedded else "random"
    model = build(
        spec.model.name,
        n_classes=n_classes,
        weights=weights,
        image_size=size,
        channels=facts.channels,
    )
    groups = layer_groups(model)
    plan = FreezePlan.from_layers(spec.freeze.layers, len(groups))
    recipe = recipe_for(spec, mean=facts.mean, std=facts.std)
    decided, chosen, _ = plan_engine(model, groups, plan, data, recipe)
    keep_decided(home, spec, decided, chosen, n)
    return {"prefix_ms": chosen.prefix_ms, "suffix_ms": chosen.suffix_ms}


def network_name(spec: RunSpec) -> str:
    """What a network's measurement is remembered under: its name, weights and odd channels."""
    name = f"{spec.model.name}, {spec.model.weights} {spec.model.weights_file}"
    return name if spec.model.channels in (None, RGB) else f"{name}, {spec.model.channels} channels"


def keep_decided(
    home: Home, spec: RunSpec, decided: Decided, chosen: EngineChosen, n_train: int
) -> None:
    """Remember what ``plan_engine`` measured, for estimates of runs like this one."""
    each = chosen.cache_mb * 1e6 / max(1, decided.views * n_train)
    estimate.keep_cost(home, spec, decided.cost, bytes=each)
