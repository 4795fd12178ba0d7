"""The way of a run in stages: which layers each stage trains, and with which settings. No torch."""

from __future__ import annotations

from typing import Any

from tl_core.config import RGB, RunSpec, changed, parse_layers
from tl_core.models.facts import ModelCard
from tl_core.train.defaults import resolved

__all__ = ["in_stages", "stage_spec", "stages_of"]


def stages_of(layers: str, n_groups: int) -> tuple[str, ...]:
    """The choices of layers on the way to ``layers``, head first; only itself where there is none.

    Args:
        layers: Where the way ends.
        n_groups: Layer groups of the network, the head among them.
    """
    kind, numbers = parse_layers(layers)
    last = {"last": numbers[0] if numbers else 0, "all": n_groups - 1}.get(kind, 0)
    if not last:
        return (layers,)
    return ("head", *(f"last:{number}" for number in range(1, last)), layers)


def in_stages(spec: RunSpec, n_groups: int) -> bool:
    """Whether a run goes in stages: it was asked for, and there is more than one."""
    return spec.freeze.stages != "off" and len(stages_of(spec.freeze.layers, n_groups)) > 1


def stage_spec(
    spec: RunSpec, number: int, *, card: ModelCard, n_groups: int, n_train: int, n_classes: int
) -> RunSpec:
    """The settings of one stage: the head's own defaults in the first, then those of the run.

    Args:
        spec: Of the run, resolved; ``freeze.layers`` is where its stages end.
        number: Of the stage; the first is 0.
        card: The network.
        n_groups: Its layer groups.
        n_train: Training pictures.
        n_classes: Classes.
    """
    layers = stages_of(spec.freeze.layers, n_groups)[number]
    changes: dict[str, Any] = {"freeze.layers": layers, "freeze.stages": "off"}
    if number == 0:
        changes |= {"train.lr": None, "train.epochs": None, "train.views": None}
    else:  # the head is what the stage before made it
        changes |= {"train.head_start": "random"}
    return resolved(
        changed(spec, changes),
        card=card,
        n_train=n_train,
        n_classes=n_classes,
        channels=spec.model.channels or RGB,
    )
