"""Cures as changes to the settings, computed from the settings of the run in question.

Every function returns remedies best first and leaves out what would change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tl_core.config import RunSpec, changed, limits_of, parse_layers
from tl_core.config import TrainConfig as Train
from tl_core.errors import ConfigError, ModelError
from tl_core.events import Remedy
from tl_core.models.catalog import card

__all__ = [
    "for_divergence",
    "for_low_rate",
    "for_no_signal",
    "for_noise",
    "for_oscillation",
    "for_overconfidence",
    "for_overfitting",
    "for_plateau",
    "for_underfitting",
]

_Try = Callable[[RunSpec], Remedy | None]
_CHOSEN_AGAIN: dict[str, Any] = {"train.lr": None, "train.epochs": None}  # depend on the layers


def for_overfitting(spec: RunSpec, *, best: int | None) -> list[Remedy]:
    """Against a validation loss that rises while the training loss falls.

    Args:
        spec: Settings of the run, resolved.
        best: The epoch that stopping now would keep; None when the run is over.
    """
    return [
        *_stop(best),
        *_first(
            spec,
            [
                _smaller_rate,
                _fewer_layers,
                _augment_more,
                _decay_more,
                _mixup,
                _dropout,
                _smooth,
            ],
        ),
        MORE_PICTURES,
    ]


def for_overconfidence(spec: RunSpec, *, best: int | None) -> list[Remedy]:
    """Against answers that are as often right but ever surer; arguments as above."""
    return [
        *_first(spec, [_smooth]),
        *_stop(best),
        *_first(spec, [_mixup, _smaller_rate, _augment_more, _decay_more]),
        MORE_PICTURES,
    ]


def for_underfitting(spec: RunSpec, *, hardly_moved: bool) -> list[Remedy]:
    """Against a network that has not learned what its training pictures could teach it.

    Args:
        spec: Settings of the run, resolved.
        hardly_moved: Whether the training loss stayed about where it started.
    """
    first: list[_Try] = [_ten_times_rate, _longer] if hardly_moved else [_longer, _larger_rate]
    return _first(spec, [*first, _one_block_more, _augment_less])


def for_divergence(spec: RunSpec) -> list[Remedy]:
    """Against a loss that explodes."""
    return [*_first(spec, [_tenth_of_rate, _warm_up]), CHECK_LABELS]


def for_oscillation(spec: RunSpec) -> list[Remedy]:
    """Against a loss that jumps to and fro."""
    return _first(spec, [_smaller_rate, _tenth_of_rate, _let_it_fall])


def for_low_rate(spec: RunSpec, usual: float | None) -> list[Remedy]:
    """Against steps that lead nowhere; ``usual`` is a rate known to work, None if none is."""
    if usual is None or usual <= (spec.train.lr or 0.0):
        return _first(spec, [_ten_times_rate, _longer])
    rate = _tidy(usual)
    raised = Remedy(
        label=f"Raise the learning rate to {rate:g}",
        changes={"train.lr": rate},
        why="This rate is known to work with these layers.",
    )
    return [raised, *_first(spec, [_ten_times_rate])]


def for_no_signal(spec: RunSpec, *, hardly_moved: bool) -> list[Remedy]:
    """Against a result no better than always giving the same answer.

    Args:
        spec: Settings of the run, resolved.
        hardly_moved: Whether the training pictures were hardly learned either.
    """
    first: list[_Try] = [_ten_times_rate, _longer] if hardly_moved else []
    tries = [*first, _one_block_more, _larger_image]
    return [*_first(spec, tries), CHECK_LABELS, MORE_PICTURES]


def for_plateau(spec: RunSpec) -> list[Remedy]:
    """Against a standstill while training pictures are still answered wrong."""
    return [
        *_first(spec, [_let_it_fall, _smaller_rate, _one_block_more, _larger_image]),
        MORE_PICTURES,
    ]


def for_noise(*, few: bool) -> list[Remedy]:
    """Against a validation that cannot tell; ``few`` when there are too few pictures for it."""
    return [MORE_VALIDATION] if few else []


MORE_PICTURES = Remedy(
    act="tell",
    label="Bring more pictures",
    changes={},
    why="More pictures of every class are the surest cure there is.",
)
MORE_VALIDATION = Remedy(
    act="tell",
    label="Put more pictures into the validation part",
    changes={},
    why="The Data page divides the pictures; nothing else makes the figure surer.",
)
CHECK_LABELS = Remedy(
    act="tell",
    label="Check the labels",
    changes={},
    why="The data check on the Data page names pictures whose label looks wrong.",
)


def _stop(best: int | None) -> list[Remedy]:
    if best is None:
        return []
    return [
        Remedy(
            act="stop",
            label=f"Stop now and keep epoch {best}",
            changes={},
            why="Every further epoch has made it worse on new pictures; the best one is kept.",
        )
    ]


def _first(spec: RunSpec, tries: Sequence[_Try]) -> list[Remedy]:
    found = []
    for one in tries:
        remedy = one(spec)
        if remedy is not None and _really_changes(spec, remedy):
            found.append(remedy)
    return found


def _really_changes(spec: RunSpec, remedy: Remedy) -> bool:
    try:
        return changed(spec, remedy.changes) != spec
    except ConfigError:
        return False


def _within(name: str, value: float) -> float:
    limits = limits_of(Train, name)
    return float(min(max(value, limits["low"]), limits["high"]))


def _tidy(value: float) -> float:
    return float(f"{value:.1e}")


def _rate(spec: RunSpec, factor: float) -> dict[str, Any]:
    return {"train.lr": _tidy(_within("lr", (spec.train.lr or 1e-3) * factor))}


def _smaller_rate(spec: RunSpec) -> Remedy:
    changes = _rate(spec, 1 / 3)
    return Remedy(
        label=f"Lower the learning rate to {changes['train.lr']:g}",
        changes=changes,
        why="Smaller steps stay closer to what the pretrained layers know.",
    )


def _tenth_of_rate(spec: RunSpec) -> Remedy:
    changes = _rate(spec, 1 / 10)
    return Remedy(
        label=f"Lower the learning rate to {changes['train.lr']:g}",
        changes=changes,
        why="Steps ten times smaller no longer overshoot.",
    )


def _larger_rate(spec: RunSpec) -> Remedy:
    changes = _rate(spec, 3)
    return Remedy(
        label=f"Raise the learning rate to {changes['train.lr']:g}",
        changes=changes,
        why="Larger steps get further in the same number of epochs.",
    )


def _ten_times_rate(spec: RunSpec) -> Remedy:
    changes = _rate(spec, 10)
    return Remedy(
        label=f"Raise the learning rate to {changes['train.lr']:g}",
        changes=changes,
        why="At this rate it has hardly moved from where it started.",
    )


def _warm_up(spec: RunSpec) -> Remedy | None:
    if spec.train.schedule != "constant":
        return None
    return Remedy(
        label="Warm up the learning rate",
        changes={"train.schedule": "one-cycle"},
        why="Starting with small steps lets the new head settle first.",
    )


def _longer(spec: RunSpec) -> Remedy:
    epochs = int(_within("epochs", 2 * (spec.train.epochs or 10)))
    return Remedy(
        label=f"Train for {epochs} epochs",
        changes={"train.epochs": epochs},
        why="The training loss was still falling.",
    )


def _let_it_fall(spec: RunSpec) -> Remedy | None:
    if spec.train.schedule != "constant":
        return None
    return Remedy(
        label="Let the learning rate fall towards the end",
        changes={"train.schedule": "one-cycle"},
        why="Smaller steps towards the end settle where large ones only pass by.",
    )


def _mixup(spec: RunSpec) -> Remedy | None:
    if spec.augment.mixup > 0:
        return None
    return Remedy(
        label="Blend pictures with each other (mixup of 0.2)",
        changes={"augment.mixup": 0.2},
        why="Blended pictures cannot be learned by heart. A network meant for later reuse is "
        "better trained without.",
    )


def _augment_more(spec: RunSpec) -> Remedy | None:
    now = spec.augment
    stronger = {
        "augment.crop": min(now.crop, 0.5),
        "augment.rotate": max(now.rotate, 15.0),
        "augment.color": max(now.color, 0.3),
    }
    return Remedy(
        label="Vary the training pictures more",
        changes=stronger,
        why="Pictures that look different every time are harder to learn by heart.",
    )


def _augment_less(spec: RunSpec) -> Remedy | None:
    now = spec.augment
    if now.crop >= 0.7 and now.rotate <= 15 and now.color <= 0.2:
        return None
    return Remedy(
        label="Vary the training pictures less",
        changes={
            "augment.crop": max(now.crop, 0.8),
            "augment.rotate": min(now.rotate, 10.0),
            "augment.color": min(now.color, 0.1),
        },
        why="The changes may hide what tells the classes apart.",
    )


def _decay_more(spec: RunSpec) -> Remedy | None:
    if spec.train.weight_decay >= 0.1:
        return None
    return Remedy(
        label="Raise the weight decay to 0.1",
        changes={"train.weight_decay": 0.1},
        why="Smaller weights describe simpler rules.",
    )


def _dropout(spec: RunSpec) -> Remedy | None:
    if spec.train.dropout >= 0.3:
        return None
    return Remedy(
        label="Use dropout of 0.3",
        changes={"train.dropout": 0.3},
        why="Learning with parts switched off keeps it from relying on single details.",
    )


def _smooth(spec: RunSpec) -> Remedy | None:
    if spec.train.label_smoothing > 0:
        return None
    return Remedy(
        label="Use label smoothing of 0.1",
        changes={"train.label_smoothing": 0.1},
        why="It keeps answers from growing surer than they deserve. A network meant for later "
        "reuse is better trained without.",
    )


def _fewer_layers(spec: RunSpec) -> Remedy | None:
    kind, numbers = parse_layers(spec.freeze.layers)
    target = {"all": "last:1", "first": "head", "custom": "head", "scratch": "last:1"}.get(kind)
    if kind == "last":
        target = f"last:{numbers[0] - 1}" if numbers[0] > 1 else "head"
    if target is None:
        return None
    return Remedy(
        label=f"Train fewer layers ({_layers_words(target)})",
        changes={"freeze.layers": target, **_CHOSEN_AGAIN},
        why="Fewer trainable numbers cannot learn the training pictures by heart as easily.",
    )


def _one_block_more(spec: RunSpec) -> Remedy | None:
    kind, numbers = parse_layers(spec.freeze.layers)
    if kind not in ("head", "last"):
        return None
    wanted = 1 if kind == "head" else numbers[0] + 1
    blocks = _blocks(spec)
    if kind == "last" and (blocks is None or wanted > blocks):
        return None
    target = f"last:{wanted}"
    return Remedy(
        label=f"Unfreeze one more block ({_layers_words(target)})",
        changes={"freeze.layers": target, **_CHOSEN_AGAIN},
        why="The frozen layers may not see what matters in your pictures.",
    )


def _larger_image(spec: RunSpec) -> Remedy | None:
    size = spec.train.image_size
    if size is None:
        return None
    larger = int(_within("image_size", size * 3 // 2 // 32 * 32))
    return Remedy(
        label=f"Use larger pictures ({larger} px)",
        changes={"train.image_size": larger},
        why="What tells the classes apart may be too small to see.",
    )


def _blocks(spec: RunSpec) -> int | None:
    """Layer groups before the head, where the catalogue knows them."""
    try:
        groups = card(spec.model.name).groups
    except ModelError:
        return None
    return len(groups) - 1 if groups else None


def _layers_words(layers: str) -> str:
    kind, numbers = parse_layers(layers)
    if kind == "head":
        return "the head only"
    many = numbers[0]
    return "the head and the last block" if many == 1 else f"the head and the last {many} blocks"
