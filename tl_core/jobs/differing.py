"""What differs between the settings of runs, field by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tl_core.config import PROBES, RunSpec, parse_layers

__all__ = ["NOT_USED", "Difference", "differences", "settings_of"]

NOT_USED = object()  # the value of a setting that has no effect in a run
PARTS = ("model", "freeze", "augment", "train")
OF_A_PROBE = {
    *("model.name", "model.weights", "model.weights_file", "model.channels"),
    *("freeze.layers", "train.image_size", "train.resize", "train.seed"),
}  # the others have no effect where nothing takes steps
OF_PRETRAINED = {"train.backbone_lr", "train.block_decay", "train.head_start", "train.block_rates"}
OF_A_PREFIX = {"train.cache", "augment.feature_noise", "augment.feature_brightness"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One setting ("train.lr") and its value in each run, ``NOT_USED`` where it has no effect."""

    path: str
    values: tuple[Any, ...]


def differences(specs: Sequence[Mapping[str, Any]]) -> list[Difference]:
    """Settings that are not the same in all runs that use them, in the order of their classes.

    Args:
        specs: Stored ``RunSpec`` of each run. A field that an older one lacks has its default.
    """
    flat = [settings_of(RunSpec.from_dict(one)) for one in specs]
    found = []
    for path in flat[0] if flat else ():
        values = tuple(one[path] for one in flat)
        used = [one for one in values if one is not NOT_USED]
        if any(one != used[0] for one in used):
            found.append(Difference(path=path, values=values))
    return found


def settings_of(spec: RunSpec) -> dict[str, Any]:
    """Every setting of a run by its path ("train.lr"); ``NOT_USED`` where it has no effect."""
    layers, learns = spec.freeze.layers, parse_layers(spec.freeze.layers)
    found = {}
    for part in PARTS:
        for name, value in asdict(getattr(spec, part)).items():
            path = f"{part}.{name}"
            without = (
                (layers in PROBES and path not in OF_A_PROBE)
                or (layers in (*PROBES, "head", "scratch") and path in OF_PRETRAINED)
                or (_nothing_kept(*learns) and path in OF_A_PREFIX)
                or (layers == "scratch" and path == "model.weights")
            )
            found[path] = NOT_USED if without else value
    return found


def _nothing_kept(kind: str, numbers: tuple[int, ...]) -> bool:
    return kind in ("all", "scratch", "first") or (kind == "custom" and 0 in numbers)
