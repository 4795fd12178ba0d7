"""The settings of a run in words, for a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tl_core.config import PROBES
from tl_ui.texts import layers, rates

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
    "train.views": layers.VIEWS,
    "train.cache": layers.CACHE,
    "train.head_start": layers.HEAD_START,
    "train.seed": layers.SEED,
    "augment.flip": layers.FLIP,
    "augment.flip_vertical": layers.FLIP_VERTICAL,
    "augment.crop": layers.CROP,
    "augment.rotate": layers.ROTATE,
    "augment.color": layers.COLOR,
    "augment.mixup": layers.MIXUP,
    "augment.feature_noise": layers.NOISE,
    "augment.feature_brightness": layers.BRIGHTNESS,
}
OF_A_PROBE = {
    *("model.name", "model.weights", "freeze.layers"),
    *("train.image_size", "train.resize", "train.seed"),
}  # the others have no effect where nothing takes steps
PERCENT = {
    *("augment.crop", "augment.color", "augment.feature_noise", "augment.feature_brightness"),
    *("train.dropout", "train.label_smoothing"),
}
UNITS = {"train.image_size": " px", "augment.rotate": "°"}


def rows(spec: Mapping[str, Any], block_rates: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    """(setting, value) of a stored RunSpec, in reading order.

    Args:
        spec: The settings.
        block_rates: Open blocks with their rates, each as one line.
    """
    probe = spec.get("freeze", {}).get("layers") in PROBES
    for path, name in NAMES.items():
        part, _, field = path.partition(".")
        if field in spec.get(part, {}) and (path in OF_A_PROBE or not probe):
            yield name, value_words(path, spec[part][field])
        if path == "train.lr" and block_rates:
            yield rates.BLOCKS, ", ".join(block_rates)


def value_words(path: str, value: Any) -> str:
    """A setting as it is shown."""
    if path == "train.views" and value is None:
        return layers.VIEWS_NEW
    if path == "train.head_start":
        return layers.HEAD_STARTS.get(value, str(value))
    if path == "freeze.layers":
        return layers.PROBES[value] if value in PROBES else str(value)
    if isinstance(value, bool):
        return YES if value else NO
    if path in PERCENT:
        return f"{value:.0%}".replace("%", " %")
    if path == "train.patience":
        return f"{value} epochs" if value else OFF
    return f"{value:g}{UNITS.get(path, '')}" if isinstance(value, (int, float)) else str(value)
