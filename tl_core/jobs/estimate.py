"""How long and how large a run will be, told before it starts.

Time is multiply-adds over this machine's measured rate: the forward pass once for every picture,
and twice more for every group from the first trainable one on (the backward pass). The rate is
measured by the task process in about a second and corrected by the runs that have finished since.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tl_core.config import RunSpec
from tl_core.models.facts import GroupFacts, ModelCard, groups_for
from tl_core.models.plan import FreezePlan
from tl_core.storage import Home, read_json, write_json

__all__ = ["Estimate", "described", "expected", "keep_description", "keep_rate", "learn_from"]

KEPT_RATIOS = 3  # finished runs remembered for the correction; machines change
START_S = 3.0  # starting the process and importing torch; seen on two cores


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What the drafted run will need. ``seconds`` is None until the machine was measured."""

    trainable: int
    parameters: int
    seconds: float | None
    memory_mb: float


def expected(
    home: Home, spec: RunSpec, card: ModelCard, *, n_train: int, n_val: int, n_classes: int
) -> Estimate:
    """Estimate a run whose settings are resolved. ``seconds`` excludes downloads.

    Args:
        home: Where this machine's measured rate is kept.
        spec: Resolved settings.
        card: The model, its groups described (else the parts that need them are 0 or None).
        n_train: Training pictures.
        n_val: Validation pictures.
        n_classes: Classes the head will tell apart.
    """
    card = replace(card, groups=groups_for(card, max(2, n_classes)))
    if not card.groups:
        return Estimate(trainable=0, parameters=card.parameters, seconds=None, memory_mb=0.0)
    plan = FreezePlan.from_layers(spec.freeze.layers, len(card.groups))
    trainable = sum(
        group.parameters for group, on in zip(card.groups, plan.trainable, strict=True) if on
    )
    work = _multiply_adds(spec, card, plan, n_train, n_val)
    machine = _machine(home)
    rate = machine.get("macs_per_s")
    seconds = None
    if rate:
        seconds = START_S + work / float(rate) * _correction(machine)
    return Estimate(
        trainable=trainable,
        parameters=sum(group.parameters for group in card.groups),
        seconds=seconds,
        memory_mb=_memory_mb(spec, card, plan, trainable),
    )


def _multiply_adds(
    spec: RunSpec, card: ModelCard, plan: FreezePlan, n_train: int, n_val: int
) -> float:
    size = spec.train.image_size or card.input_px
    scale = (size / card.input_px) ** 2
    forward = sum(group.macs for group in card.groups) * scale
    first = plan.trainable.index(True)
    suffix = sum(group.macs for group in card.groups[first:]) * scale
    epochs = spec.train.epochs or 1
    head_only = first == len(card.groups) - 1
    # Clean pictures through a wholly frozen backbone are computed once, not every epoch.
    judged = (n_val + min(n_train, 200)) * (1 if head_only else epochs)
    return float(epochs * n_train * (forward + 2 * suffix) + judged * forward)


def _memory_mb(spec: RunSpec, card: ModelCard, plan: FreezePlan, trainable: int) -> float:
    size = spec.train.image_size or card.input_px
    scale = (size / card.input_px) ** 2
    first = plan.trainable.index(True)
    # Activations kept for the backward pass: about four tensors of each open group's output size.
    kept = sum(_volume(group) * 4 for group in card.groups[first:]) * scale
    batch = spec.train.batch_size or 32
    parameters = sum(group.parameters for group in card.groups)
    bytes_ = 4 * (parameters + 3 * trainable + batch * kept)
    return float(bytes_ / 1e6)


def _volume(group: GroupFacts) -> int:
    volume = 1
    for side in group.output:
        volume *= side
    return volume


def keep_rate(home: Home, macs_per_s: float, device: str) -> None:
    """Remember how fast this machine is; past corrections no longer apply."""
    write_json(
        home.root / "machine.json", {"macs_per_s": macs_per_s, "device": device, "ratios": []}
    )


def learn_from(home: Home, predicted_s: float | None, actual_s: float) -> None:
    """Take a finished run's time into the correction (median of the last 3 ratios)."""
    machine = _machine(home)
    if not predicted_s or predicted_s <= START_S or not machine:
        return
    work_s = (predicted_s - START_S) / _correction(machine)
    ratio = max(0.05, (actual_s - START_S) / work_s) if work_s > 0 else 1.0
    machine["ratios"] = [*machine.get("ratios", []), ratio][-KEPT_RATIOS:]
    write_json(home.root / "machine.json", machine)


def _correction(machine: dict[str, Any]) -> float:
    ratios = sorted(machine.get("ratios", []))
    return float(ratios[len(ratios) // 2]) if ratios else 1.0


def _machine(home: Home) -> dict[str, Any]:
    path = home.root / "machine.json"
    if not path.is_file():
        return {}
    body: dict[str, Any] = read_json(path)
    return body


# -- models outside the catalogue ------------------------------------------------------------------


def keep_description(home: Home, name: str, groups: list[dict[str, Any]]) -> None:
    """Remember the layer groups of a model that the catalogue does not describe."""
    path = home.folder("models") / "described.json"
    known = read_json(path) if path.is_file() else {}
    write_json(path, {**known, name: groups})


def described(home: Home, card: ModelCard) -> ModelCard:
    """The card with its groups, when a task has described the model on this machine."""
    path = home.folder("models") / "described.json"
    if card.groups or not path.is_file():
        return card
    rows = read_json(path).get(card.name, [])
    groups = tuple(GroupFacts(**{**row, "output": tuple(row["output"])}) for row in rows)
    return replace(card, groups=groups)
