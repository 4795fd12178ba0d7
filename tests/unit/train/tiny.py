"""A network small enough to train in a test, with hand-made layer groups, and pictures for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tl_core.config import AugmentConfig
from tl_core.events import Event
from tl_core.models.groups import LayerGroup
from tl_core.models.plan import FreezePlan
from tl_core.train.loop import fit
from tl_core.train.recipe import Recipe, TrainData, fit_subset

SIZE = 16  # pixels
CLASSES = ["dark", "light"]
HEAD = FreezePlan((False, False, True))
LAST = FreezePlan((False, True, True))
ALL = FreezePlan((True, True, True))
SCRATCH = FreezePlan((True, True, True), scratch=True)


class TinyNet(nn.Module):
    """Stem, block, head; normalisation and dropout in each part that may have them."""

    def __init__(self, dropout: float = 0.2) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU())
        self.block = nn.Sequential(nn.Conv2d(4, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU())
        self.drop = nn.Dropout(dropout)
        self.fc = nn.Linear(8, 2)

    def forward_features(self, x: Tensor) -> Tensor:
        return self.block(self.stem(x))

    def forward_head(self, x: Tensor) -> Tensor:
        return self.fc(self.drop(x.mean(dim=(2, 3))))

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(x))


def tiny_net(seed: int = 0, dropout: float = 0.2) -> TinyNet:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return TinyNet(dropout)


def tiny_groups() -> tuple[LayerGroup, ...]:
    parts = {"stem": ("stem",), "block": ("block",), "head": ("fc",)}
    net = tiny_net()
    return tuple(
        LayerGroup(
            index=index,
            name=name,
            title=name,
            knows="",
            modules=modules,
            parameters=sum(p.numel() for n, p in net.named_parameters() if n.startswith(modules)),
        )
        for index, (name, modules) in enumerate(parts.items())
    )


def tiny_data(n_train: int = 24, n_val: int = 10, seed: int = 0) -> TrainData:
    """Dark and light noise: learnable in a few steps, but not at once."""
    rng = np.random.default_rng(seed)

    def part(n: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(n, dtype=np.int64) % 2
        level = 90 + 60 * labels
        noise = rng.normal(0, 60, (n, 3, SIZE, SIZE))
        return np.clip(level[:, None, None, None] + noise, 0, 255).astype(np.uint8), labels

    (train_x, train_y), (val_x, val_y) = part(n_train), part(n_val)
    return TrainData(
        train_x=train_x, train_y=train_y, val_x=val_x, val_y=val_y, fit_index=fit_subset(train_y)
    )


def tiny_recipe(**changes: Any) -> Recipe:
    values: dict[str, Any] = {
        "epochs": 4,
        "lr": 0.02,
        "batch_size": 8,
        "augment": AugmentConfig(),
        "device": "cpu",
        **changes,
    }
    return Recipe(**values)


class Orders:
    """A control that says "go" until the given call, then what it was told to say."""

    def __init__(self, *script: str) -> None:
        self.script = list(script)
        self.asked = 0

    def poll(self) -> Any:
        self.asked += 1
        return self.script.pop(0) if self.script else "go"


def tiny_fit(
    plan: FreezePlan = LAST, model: nn.Module | None = None, **options: Any
) -> list[Event]:
    """Run ``fit`` to its end; ``options`` are those of ``fit``, of the recipe, or the data."""
    recipe = options.pop("recipe", None) or tiny_recipe()
    data = options.pop("data", None) or tiny_data()
    return list(
        fit(
            model or tiny_net(),
            tiny_groups(),
            plan,
            data,
            recipe,
            classes=CLASSES,
            model_name="tiny",
            control=options.pop("control", Orders()),
            **options,
        )
    )
