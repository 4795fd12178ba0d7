"""Settings chosen for the user where they left them open, each with its reason. No torch.

The head's rate was measured with the embedded backbone (512 features) on two sets of photographs;
the table is in docs/decisions/0004-generator-trainer.md. The rates for pretrained layers are those
of the model's card.
"""

from __future__ import annotations

import math
from dataclasses import replace

from tl_core.config import PROBES, RGB, RunSpec, parse_layers
from tl_core.models.catalog import valid_image_size
from tl_core.models.facts import ModelCard

__all__ = [
    "COMPARED",
    "COMPARED_FOLDS",
    "COMPARED_MOST",
    "COMPARED_SHIFTED",
    "reasons",
    "resolved",
]

COMPARED = (*PROBES, "last:1", "last:2", "all")  # layers, the cheapest first
COMPARED_SHIFTED = (*PROBES, "last:1", "last:2", "first:1", "all")  # pictures that look different
COMPARED_FOLDS = 5
COMPARED_MOST = 1500  # training pictures; more take long and hardly change the order
HEAD_LR = 0.01  # AdamW, batch 16, 512 features; measured on 245 and 3,068 pictures
HEAD_FEATURES = 512  # features HEAD_LR was measured with
HEAD_LR_LEAST = 0.002
SCRATCH_LR = 1e-3  # AdamW's usual rate for a network without pretrained weights
FEW, CLOSER = 1000, 1.75  # training pictures below which a deep probe looks closer, and how much
CLOSER_STEP = 32  # pixels
BATCHES = ((500, 16), (2000, 32))  # (training pictures below, batch); BATCH_MOST from there on
BATCH_MOST = 64
VIEWS = {  # fewest that match new versions every epoch, by training pictures; decision 0012
    "head": ((1000, 2), (None, 8)),
    "finetune": ((1000, 2), (None, 4)),
}
EPOCHS = {  # (training pictures below, epochs); the last one from there on
    "head": ((2000, 25), (10_000, 15), (None, 8)),
    "finetune": ((500, 20), (2000, 15), (10_000, 10), (None, 6)),
    "scratch": ((2000, 60), (10_000, 40), (None, 20)),
}


def resolved(
    spec: RunSpec,
    *,
    card: ModelCard,
    n_train: int,
    n_classes: int,
    detail_px: int | None = None,
    channels: int = RGB,
) -> RunSpec:
    """Fill in every setting the user left to Thaw; the same input gives the same settings.

    Args:
        spec: Settings, some of them None.
        card: Of the model in ``spec``.
        n_train: Training pictures.
        n_classes: Classes; part of the contract, no rule depends on it yet.
        detail_px: The shorter side of the middle picture; None = not known.
        channels: Of the pictures.

    Returns:
        The spec with epochs, lr, batch_size, image_size and channels set; what was set stays,
        except that an image size the network cannot take becomes the nearest one it can.
    """
    train = spec.train
    batch = train.batch_size or _batch_size(n_train)
    size = valid_image_size(card, train.image_size or _size(spec, card, n_train, detail_px))
    return replace(
        spec,
        model=replace(spec.model, channels=spec.model.channels or channels),
        train=replace(
            train,
            batch_size=batch,
            image_size=size,
            epochs=train.epochs or _by_size(EPOCHS[_kind(spec)], n_train),
            lr=train.lr or _rate(spec, card, batch),
            views=train.views or _views(spec, n_train),
        ),
    )


def reasons(
    spec: RunSpec,
    *,
    card: ModelCard,
    n_train: int,
    n_classes: int,
    detail_px: int | None = None,
    channels: int = RGB,
) -> dict[str, str]:
    """Why each default is what it is: dotted RunSpec field -> one sentence.

    Arguments as ``resolved``. The sentences describe the automatic choice, whether or not the
    user has set another value.
    """
    free = replace(spec.train, epochs=None, lr=None, batch_size=None, image_size=None, views=None)
    auto = resolved(
        replace(spec, train=free),
        card=card,
        n_train=n_train,
        n_classes=n_classes,
        detail_px=detail_px,
        channels=channels,
    ).train
    return {
        "train.epochs": _epochs_reason(spec, n_train, auto.epochs or 0),
        "train.lr": _rate_reason(spec, auto.lr or 0.0),
        "train.batch_size": f"{auto.batch_size} pictures per step: enough steps per epoch with "
        f"{n_train} training pictures.",
        "train.image_size": (
            f"{auto.image_size} pixels is the size {card.title} works best at."
            if auto.image_size == card.input_px
            else f"{auto.image_size} pixels: with few pictures a deep probe looks closer than the "
            f"{card.input_px} pixels {card.title} was made for, as closely as the pictures have "
            "detail, which was better in measurements."
        ),
        "train.backbone_lr": "Pretrained layers get a tenth of the head's rate: they know much "
        "already and should not forget it.",
        "train.block_decay": "Each block nearer the input learns more slowly, because its "
        "knowledge is the more general.",
        "train.schedule": "One cycle warms up and cools down, which forgives a rate that is "
        "somewhat off.",
        "train.weight_decay": "A light pull towards small weights; it rarely matters on small "
        "sets.",
        "train.dropout": "Off: try 0.2 to 0.5 when the run overfits.",
        "train.label_smoothing": "Off: it helps against overconfidence, but makes the "
        "probabilities less direct.",
        "train.resize": "Squashing keeps the whole subject and spends every pixel on it; "
        "on two sets of photographs it was one to two points better than padding.",
        "train.patience": "Off: the best epoch is kept in any case, and short runs end by "
        "themselves.",
        "train.views": _views_reason(spec, auto.views),
        "train.cache": "On: frozen blocks give the same answer every time, so they compute every "
        "version of a picture once.",
        "train.head_start": "The new head starts from the best answer the frozen network allows, "
        "so that the opened blocks are not pulled about by a head that knows nothing.",
        "augment.mixup": "Off: it did not help on the sets it was measured with; try 0.2 when "
        "the run overfits.",
        "augment.feature_noise": "Off: it did not help on the sets it was measured with.",
        "augment.feature_brightness": "Off: it did not help on the sets it was measured with.",
        "augment": "Mild changes that leave the subject recognisable; switch off what would "
        "change the label, such as flips of letters.",
    }


def _kind(spec: RunSpec) -> str:
    kind = parse_layers(spec.freeze.layers)[0]
    if kind == "scratch" or (spec.model.weights == "random" and kind not in PROBES):
        return "scratch"
    return "head" if kind in ("head", *PROBES) else "finetune"


def _views(spec: RunSpec, n_train: int) -> int | None:
    """Versions of every picture that are kept; None where nothing is frozen or kept."""
    kind, numbers = parse_layers(spec.freeze.layers)
    from_the_start = kind in ("all", "scratch", "first") or (kind == "custom" and numbers[0] == 0)
    if from_the_start or not spec.train.cache:
        return None
    if not spec.augment.any:
        return 1
    return _by_size(VIEWS["head" if kind in ("head", *PROBES) else "finetune"], n_train)


def _size(spec: RunSpec, card: ModelCard, n_train: int, detail_px: int | None) -> int:
    """Larger for a deep probe of few pictures that show more: a second, and better (0011)."""
    looks_closer = spec.freeze.layers == "deep-probe" and card.embedded and n_train < FEW
    if not looks_closer:
        return card.input_px
    most = round(card.input_px * CLOSER)
    shown = most if detail_px is None else detail_px // CLOSER_STEP * CLOSER_STEP
    return max(card.input_px, min(most, shown))


def _by_size(table: tuple[tuple[int | None, int], ...], n_train: int) -> int:
    return next(value for below, value in table if below is None or n_train < below)


def _batch_size(n_train: int) -> int:
    return _by_size((*BATCHES, (None, BATCH_MOST)), n_train)


def _rate(spec: RunSpec, card: ModelCard, batch: int) -> float:
    kind = _kind(spec)
    if kind == "head":
        # Adam moves a score by about rate x features per step, larger batches allow larger steps
        features = card.features or HEAD_FEATURES
        rate = HEAD_LR * math.sqrt(batch / BATCHES[0][1]) * math.sqrt(HEAD_FEATURES / features)
        return _tidy(min(max(rate, HEAD_LR_LEAST), 2 * HEAD_LR))
    if kind == "scratch":
        return SCRATCH_LR
    return _tidy(min(card.finetune_lr / spec.train.backbone_lr, 1.0))


def _tidy(value: float) -> float:
    """Two significant digits: a rate is not known better than that."""
    return float(f"{value:.1e}")


def _views_reason(spec: RunSpec, views: int | None) -> str:
    if views is None:
        return "A new version of every picture each epoch: there is nothing frozen to keep."
    if views == 1:
        return "One version: the pictures are used as they are."
    return (
        f"{views} versions of every picture in turn, the first as it is: as good as a new one "
        "every epoch on the sets it was measured with, and computed only once."
    )


def _epochs_reason(spec: RunSpec, n_train: int, epochs: int) -> str:
    what = {
        "head": "a head on frozen layers settles",
        "finetune": "fine-tuning settles before it starts to memorise",
        "scratch": "a network without pretrained weights needs many passes and settles",
    }[_kind(spec)]
    return f"With {n_train} training pictures {what} in about {epochs} epochs."


def _rate_reason(spec: RunSpec, lr: float) -> str:
    return {
        "head": f"A new head is a small model and takes a high rate; {lr:g} was measured on real "
        "photographs.",
        "finetune": f"The head gets {lr:g} and the pretrained layers "
        f"{lr * spec.train.backbone_lr:g}, small enough to keep what they know.",
        "scratch": f"{lr:g} is the usual rate of AdamW for a network that starts from nothing.",
    }[_kind(spec)]
