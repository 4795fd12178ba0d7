"""What is trained and how, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

__all__ = ["RECIPES", "Phase", "Recipe", "within"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Epochs at one picture size.

    ``size`` in pixels; ``mix`` is the share of batches that are blended (mixup) or patched
    (cutmix), half of each; ``area`` is the smallest share of a picture that a crop keeps.
    """

    epochs: int
    size: int
    mix: float = 0.0
    area: float = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One backbone.

    ``model`` is a timm architecture, ``options`` its arguments; ``optimizer`` is sgd (Nesterov) or
    adamw; ``lr`` the peak rate for ``batch`` pictures a step, after ``warmup`` of all steps,
    falling to 0 by a cosine; ``ema`` the decay of averaged weights a step; ``judged`` the sizes at
    which the validation pictures are judged in the end. There is no label smoothing: it pulls the
    features of a class together and harms heads that are fitted to them later (Kornblith and
    others, 2021).
    """

    model: str
    phases: tuple[Phase, ...]
    options: dict[str, Any] = field(default_factory=dict)
    optimizer: str = "sgd"
    lr: float = 0.2
    momentum: float = 0.9
    weight_decay: float = 5e-4
    batch: int = 256
    warmup: float = 0.08
    ema: float = 0.9995
    judged: tuple[int, ...] = (64, 96, 128, 160)

    @property
    def epochs(self) -> int:
        """Of all phases."""
        return sum(one.epochs for one in self.phases)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Recipe:
        """From ``to_dict``."""
        own = dict(values)
        own["phases"] = tuple(Phase(**one) for one in own["phases"])
        own["judged"] = tuple(own["judged"])
        return cls(**own)


def within(recipe: Recipe, costs: Sequence[float], seconds: float) -> Recipe:
    """The recipe with as many epochs as fit into a time, phases in their proportions.

    Args:
        recipe: As written, for a machine with time.
        costs: Seconds of one epoch of each phase here.
        seconds: What there is.

    Returns:
        The recipe unchanged when it fits; every phase keeps at least one epoch.
    """
    whole = sum(one.epochs * cost for one, cost in zip(recipe.phases, costs, strict=True))
    share = min(1.0, seconds / whole)
    phases = tuple(
        replace(one, epochs=max(1, int(one.epochs * share + 1e-9))) for one in recipe.phases
    )
    return replace(recipe, phases=phases)


RECIPES = {
    "resnet10t": Recipe(
        model="resnet10t",
        phases=(
            Phase(epochs=30, size=64, mix=0.5),
            Phase(epochs=45, size=96, mix=0.5),
            Phase(epochs=15, size=128, mix=0.0, area=0.5),
        ),
    ),
    "resnet10t_leg": Recipe(  # goes on from shipped weights, on a processor, for an hour and a half
        model="resnet10t",
        phases=(
            Phase(epochs=2, size=64),
            Phase(epochs=7, size=96),
            Phase(epochs=2, size=96, area=0.5),
        ),
        lr=0.1,
        batch=128,
        warmup=0.05,
        ema=0.999,
    ),
    "lcnet_100": Recipe(
        model="lcnet_100",
        phases=(
            Phase(epochs=30, size=64, mix=0.3),
            Phase(epochs=45, size=96, mix=0.3),
            Phase(epochs=15, size=128, mix=0.0, area=0.5),
        ),
        lr=0.15,
        weight_decay=1e-4,
    ),
    "mobilenetv3_small_100": Recipe(  # from random weights, an hour and a half of two cores
        model="mobilenetv3_small_100",
        phases=(
            Phase(epochs=14, size=64),
            Phase(epochs=9, size=96),
            Phase(epochs=3, size=96, area=0.5),
        ),
        lr=0.3,
        weight_decay=5e-5,
        batch=128,
        warmup=0.05,
        ema=0.999,
    ),
    "convnext_atto": Recipe(
        model="convnext_atto",
        options={"drop_path_rate": 0.05},
        phases=(
            Phase(epochs=30, size=64, mix=0.5),
            Phase(epochs=45, size=96, mix=0.5),
            Phase(epochs=15, size=128, mix=0.0, area=0.5),
        ),
        optimizer="adamw",
        lr=2e-3,
        weight_decay=0.05,
    ),
}
