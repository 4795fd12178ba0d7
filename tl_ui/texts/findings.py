"""The settings of a run in words, for a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tl_ui.texts import layers

SETTING, VALUE = "Setting", "Value"
OFF, YES, NO = "off", "yes", "no"

NAMES = {
    "model.name": "Network",
    "model.weights": "Weights",
    "freeze.layers": "Blocks that learn",
    "train.epochs": layers.EPOCHS,
    "train.lr": layers.LR,
    "train.backbone_lr": layers.BACKBONE,
    "train.block_decay": layers.BLOCK_DECAY,
    "train.schedule": layers.SCHEDULE,
    "train.batch_size": layers.BATCH,
    "train.image_size": layers.SIZE,
    "train.resize": layers.RESIZE,
    "train.weight_decay": layers.DECAY,
    "train.dropout": layers.DROPOUT,
    "train.label_smoothing": layers.SMOOTHING,
    "train.patience": layers.PATIENCE,
    "train.seed": layers.SEED,
    "augment.flip": layers.FLIP,
    "augment.flip_vertical": layers.FLIP_VERTICAL,
    "augment.crop": layers.CROP,
    "augment.rotate": layers.ROTATE,
    "augment.color": layers.COLOR,
}
PERCENT = {"augment.crop", "augment.color", "train.dropout", "train.label_smoothing"}
UNITS = {"train.image_size": " px", "augment.rotate": "°"}


def rows(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(setting, value) of a stored RunSpec, in reading order."""
    for path, name in NAMES.items():
        part, _, field = path.partition(".")
        if field in spec.get(part, {}):
            yield name, _value(path, spec[part][field])


def _value(path: str, value: Any) -> str:
    if isinstance(value, bool):
        return YES if value else NO
    if path in PERCENT:
        return f"{value:.0%}".replace("%", " %")
    if path == "train.patience":
        return f"{value} epochs" if value else OFF
    return f"{value:g}{UNITS.get(path, '')}" if isinstance(value, (int, float)) else str(value)
