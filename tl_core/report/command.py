"""The command that trains with a run's settings again. No torch."""

from __future__ import annotations

import shlex
from typing import Any

from tl_core.config import NO_AUGMENT, PROBES, AugmentConfig, RunSpec, TrainConfig

__all__ = ["train_command"]

OF_STEPS = {  # settings that only what is trained in steps has, and their options
    "epochs": "--epochs",
    "lr": "--lr",
    "backbone_lr": "--backbone-lr",
    "block_decay": "--block-decay",
    "block_rates": "--block-rates",
    "batch_size": "--batch-size",
    "schedule": "--schedule",
    "weight_decay": "--weight-decay",
    "dropout": "--dropout",
    "label_smoothing": "--label-smoothing",
    "patience": "--patience",
    "views": "--views",
    "head_start": "--head-start",
}
OF_ALL = {"image_size": "--image-size", "resize": "--resize", "seed": "--seed"}
OF_FEATURES = {
    "mixup": "--mixup",
    "feature_noise": "--feature-noise",
    "feature_brightness": "--feature-brightness",
}
HERE = "PICTURES"  # stands for the user's folder, zip or table


def train_command(spec: RunSpec) -> tuple[str, list[str]]:
    """A command line with these settings, and sentences on what it cannot say.

    Args:
        spec: As the run had it; settings that are as usual are left out.
    """
    said = ["python -m tl_core train", HERE, "--model", spec.model.name]
    said += ["--layers", spec.freeze.layers]
    missing = []
    if spec.model.weights == "file":
        said += ["--weights", "WEIGHTS.safetensors"]
        missing.append("WEIGHTS.safetensors stands for the weights file that the run began from.")
    if spec.goes_on:
        missing.append(
            "The run went on from the weights of an earlier run, which a command cannot."
        )
    if spec.model.channels == 1:
        said += ["--channels", "1"]
    said += _options(spec.train, TrainConfig(), OF_ALL)
    if spec.freeze.layers not in PROBES:
        if spec.freeze.stages != "off":
            said += ["--stages", spec.freeze.stages]
        said += _options(spec.train, TrainConfig(), OF_STEPS)
        said += [] if spec.train.cache else ["--no-cache"]
        said += _options(spec.augment, AugmentConfig(), OF_FEATURES)
        missing += _augmented(spec.augment, said)
    return " ".join((said[0], *(shlex.quote(one) for one in said[1:]))), missing


def _options(own: Any, usual: Any, names: dict[str, str]) -> list[str]:
    found: list[str] = []
    for name, option in names.items():
        value = getattr(own, name)
        if value is not None and value != getattr(usual, name):
            found += [option, f"{value:g}" if isinstance(value, float) else str(value)]
    return found


def _augmented(own: AugmentConfig, said: list[str]) -> list[str]:
    """What changes training pictures: all, nothing, or something that has no option."""
    shape = ("flip", "flip_vertical", "crop", "rotate", "color")
    values = [getattr(own, name) for name in shape]
    if values == [getattr(NO_AUGMENT, name) for name in shape]:
        said.append("--no-augment")
        return []
    if values == [getattr(AugmentConfig(), name) for name in shape]:
        return []
    return ["How training pictures are changed has no option; see the settings."]
