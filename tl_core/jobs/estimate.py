"""How long and how large a run will be, told before it starts.

Time comes from what a picture costs in this network with these layers on this machine, measured by
a task or by an earlier run. Where that was not measured yet, it is multiply-adds over the machine's
rate: the forward pass for the frozen groups, three times that for those that train.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from tl_core.config import PROBES, RunSpec, changed
from tl_core.errors import LayerGroupError
from tl_core.models.facts import GroupFacts, ModelCard, groups_for
from tl_core.models.plan import FreezePlan
from tl_core.storage import Home, read_json, write_json
from tl_core.train.defaults import COMPARED_FOLDS, COMPARED_MOST, COMPARED_SHIFTED, resolved
from tl_core.train.forecast import Cost, Work, probe_seconds
from tl_core.train.forecast import seconds as run_seconds
from tl_core.train.ways import in_stages, stage_spec, stages_of
from tl_core.worth.budget import FOLDS, PICTURES, Budget, control_px, planned_epochs

__all__ = [
    "Estimate",
    "comparison_seconds",
    "control_seconds",
    "described",
    "expected",
    "keep_cost",
    "keep_description",
    "keep_rate",
    "learn_from",
    "machine_rate",
]

KEPT_RATIOS = 3  # finished runs remembered for the correction; machines change
N_FIT = 200  # training pictures judged as they are, at most (recipe.FIT_PICTURES)
START_S = 3.0  # starting the process and importing torch; seen on two cores


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What the drafted run will need. ``seconds`` is None until the machine was measured.

    ``prefix_ms`` and ``suffix_ms`` are per picture, ``cache_mb`` of all views; None where not
    measured for this network, size and choice of layers. ``views`` 0 means a new version of every
    picture each epoch.

    Of a run in stages, ``seconds``, ``epochs`` and ``memory_mb`` are of all ``stages`` that may
    run, ``least_seconds`` is of those that run in any case (None where that is the same or not
    known), the rest is of the last stage.
    """

    trainable: int
    parameters: int
    seconds: float | None
    memory_mb: float
    prefix_ms: float | None = None
    suffix_ms: float | None = None
    views: int = 0
    cache_mb: float | None = None
    epochs: int = 0
    stages: int = 1
    least_seconds: float | None = None


def expected(
    home: Home,
    spec: RunSpec,
    card: ModelCard,
    *,
    n_train: int,
    n_val: int,
    n_classes: int,
    n_test: int = 0,
    ran: int | None = None,
) -> Estimate:
    """Estimate a run whose settings are resolved. ``seconds`` excludes downloads.

    Args:
        home: Where this machine's measured costs are kept.
        spec: Resolved settings.
        card: The model, its groups described (else the parts that need them are 0 or None).
        n_train: Training pictures.
        n_val: Validation pictures.
        n_classes: Classes the head will tell apart.
        n_test: Test pictures.
        ran: How many stages of a run in stages; None = all that may run.
    """
    card = replace(card, groups=groups_for(card, max(2, n_classes)))
    if not card.groups:
        return Estimate(trainable=0, parameters=card.parameters, seconds=None, memory_mb=0.0)
    if in_stages(spec, len(card.groups)):
        parts = [
            expected(
                home, one, card, n_train=n_train, n_val=n_val, n_classes=n_classes, n_test=n_test
            )
            for one in _stages(spec, card, n_train=n_train, n_classes=n_classes)[:ran]
        ]
        return _of_all(parts, surely=len(parts) if spec.freeze.stages == "gradual" else 1)
    plan = FreezePlan.from_layers(spec.freeze.layers, len(card.groups))
    trainable = sum(
        group.parameters for group, on in zip(card.groups, plan.trainable, strict=True) if on
    )
    measured = _costs(home).get(_cost_key(spec))
    machine = _machine(home)
    cost = _cost(measured) if measured else _guessed(spec, card, plan, machine)
    seconds = None
    views = spec.train.views or 0
    if cost is not None:
        if spec.freeze.layers in PROBES:
            deep = spec.freeze.layers == "deep-probe"
            run_s = probe_seconds(cost, n_train=n_train, n_val=n_val, n_test=n_test, deep=deep)
        else:
            work = Work(
                n_train=n_train,
                n_val=n_val,
                n_test=n_test,
                n_fit=min(n_train, N_FIT),
                epochs=spec.train.epochs or 1,
                batch_size=spec.train.batch_size or 32,
                views=views,
                kept=spec.train.cache and plan.first_trainable > 0,
            )
            run_s = run_seconds(work, cost)
        seconds = START_S + run_s * _correction(machine)
    return Estimate(
        trainable=trainable,
        parameters=sum(group.parameters for group in card.groups),
        seconds=seconds,
        memory_mb=_memory_mb(spec, card, plan, trainable),
        prefix_ms=measured["prefix"] * 1e3 if measured else None,
        suffix_ms=measured["suffix"] * 1e3 if measured else None,
        views=views,
        cache_mb=n_train * views * measured["bytes"] / 1e6 if measured else None,
        epochs=spec.train.epochs or 0,
    )


def _stages(spec: RunSpec, card: ModelCard, *, n_train: int, n_classes: int) -> list[RunSpec]:
    """The settings of every stage that may run."""
    n_groups = len(card.groups)
    return [
        stage_spec(spec, number, card=card, n_groups=n_groups, n_train=n_train, n_classes=n_classes)
        for number in range(len(stages_of(spec.freeze.layers, n_groups)))
    ]


def _of_all(parts: Sequence[Estimate], *, surely: int) -> Estimate:
    """The stages of one run together; ``surely`` of them run in any case."""
    least = _seconds_of(parts[:surely])
    return replace(
        parts[-1],
        seconds=_seconds_of(parts),
        memory_mb=max(one.memory_mb for one in parts),
        epochs=sum(one.epochs for one in parts),
        stages=len(parts),
        least_seconds=least if surely < len(parts) else None,
    )


def _seconds_of(parts: Sequence[Estimate]) -> float | None:
    """Of stages in one process, which starts once; None when one of them is not known."""
    known = [one.seconds for one in parts if one.seconds is not None]
    return sum(known) - START_S * (len(parts) - 1) if len(known) == len(parts) else None


def comparison_seconds(
    home: Home,
    spec: RunSpec,
    *,
    card: ModelCard,
    n_train: int,
    n_classes: int,
    detail_px: int | None,
    channels: int,
) -> float | None:
    """Of comparing the usual choices of layers (``jobs.choosing``), nobody leaving early.

    Arguments as ``defaults.resolved``; None where a choice's time is not known.
    """
    n = min(n_train, COMPARED_MOST)
    out, total = n // COMPARED_FOLDS, 0.0
    for layers in COMPARED_SHIFTED:  # the longer list: at most
        own: dict[str, Any] = {"freeze.layers": layers, "freeze.stages": "off"}
        own |= {"train.lr": None, "train.epochs": None, "train.views": None}
        try:
            settled = resolved(
                changed(spec, own),
                card=card,
                n_train=n,
                n_classes=n_classes,
                detail_px=detail_px,
                channels=channels,
            )
            told = expected(home, settled, card, n_train=n - out, n_val=out, n_classes=n_classes)
        except LayerGroupError:  # the network has fewer blocks
            continue
        if told.seconds is None:
            return None
        once = layers in PROBES  # all folds of what is solved take little longer than one
        total += told.seconds * (1 if once else COMPARED_FOLDS)
    return total


def control_seconds(home: Home, card: ModelCard, *, pictures: int, n_classes: int) -> float | None:
    """Of the control (``tl_core.worth.control``), the longest choice assumed.

    Args:
        home: Where this machine's measured costs are kept.
        card: The model, its groups described.
        pictures: That may take part.
        n_classes: Classes.
    """
    n_train = min(pictures, PICTURES) * (FOLDS - 1) // FOLDS
    wanted = {"freeze.layers": "scratch", "train.image_size": control_px(card)}
    spec = resolved(
        changed(RunSpec(), {**wanted, "model.name": card.name}),
        card=card,
        n_train=n_train,
        n_classes=n_classes,
    )
    longest = max(Budget().epochs)
    spec = changed(spec, {"train.epochs": longest})
    told = expected(
        home, spec, card, n_train=n_train, n_val=n_train // (FOLDS - 1), n_classes=n_classes
    )
    if told.seconds is None:
        return None
    return START_S + (told.seconds - START_S) * planned_epochs(Budget()) / longest


def _cost(measured: dict[str, float]) -> Cost:
    return Cost(**{one.name: measured[one.name] for one in fields(Cost) if one.name in measured})


def _guessed(
    spec: RunSpec, card: ModelCard, plan: FreezePlan, machine: dict[str, Any]
) -> Cost | None:
    """Costs from multiply-adds; None until the machine was measured."""
    rate = float(machine.get("macs_per_s") or 0.0)
    if not rate:
        return None
    size = spec.train.image_size or card.input_px
    scale = (size / card.input_px) ** 2 / rate
    first = plan.first_trainable
    suffix = sum(group.macs for group in card.groups[first:]) * scale
    prefix = sum(group.macs for group in card.groups[:first]) * scale
    return Cost(prefix=prefix, suffix=3 * suffix, suffix_forward=suffix)


def keep_cost(home: Home, spec: RunSpec, cost: Cost, *, bytes: float) -> None:
    """Remember what a picture costs with these settings on this machine.

    Args:
        home: Where it is kept.
        spec: Resolved; model, layers, image size and batch count.
        cost: As measured.
        bytes: Kept per picture and view.
    """
    kept = {**asdict(cost), "bytes": bytes}
    write_json(_costs_path(home), {**_costs(home), _cost_key(spec): kept})


def _cost_key(spec: RunSpec) -> str:
    train = spec.train
    return f"{spec.model.name}|{spec.freeze.layers}|{train.image_size}|{train.batch_size}"


def _costs(home: Home) -> dict[str, dict[str, float]]:
    path = _costs_path(home)
    body: dict[str, dict[str, float]] = read_json(path) if path.is_file() else {}
    return body


def _costs_path(home: Home) -> Path:
    return home.root / "costs.json"


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


def machine_rate(home: Home) -> dict[str, Any]:
    """The machine's measured rate and device; empty until it was measured."""
    known = _machine(home)
    return {name: known[name] for name in ("macs_per_s", "device") if name in known}


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
