"""Measuring networks on a project's pictures as a piece of background work. Imports torch.

What the networks make of the pictures is kept, so the same measurement costs a second when it is
asked for again, and one that was stopped goes on where it was. Test pictures are not opened.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor, nn

from tl_core.advise.advice import Advice, Candidate, Cost
from tl_core.advise.probing import Arrangement, Probed, arranged, fold_means, probe_rows, probed
from tl_core.advise.ranking import Entry, difference, ranking
from tl_core.advise.shipped import source_distance
from tl_core.check.whole import checked_set
from tl_core.config import ModelConfig, RunSpec, changed
from tl_core.data.pixels import open_pixels
from tl_core.errors import CancelledError, ModelError, TLError, TooFewImagesError
from tl_core.jobs.belonging import moving_together
from tl_core.jobs.distances import block_distances
from tl_core.jobs.heads import head_views
from tl_core.jobs.work import Context
from tl_core.models.build import build
from tl_core.models.catalog import DEFAULT_MODEL, card, cards, is_downloaded
from tl_core.models.facts import ModelCard
from tl_core.models.groups import layer_groups
from tl_core.train.defaults import resolved
from tl_core.train.recipe import TrainData

__all__ = ["Asked", "Pictures", "advise", "asked_networks", "measure_network", "pictures_of"]

AT_ONCE = 256  # pictures between two reports


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A network to measure; ``control`` for the one with random weights."""

    model: ModelConfig
    control: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pictures:
    """What networks are judged on: contents and their arrangement. ``left_out`` counts pictures
    that are not for the test and take no part (only ones of their class, or too many).
    """

    digests: tuple[str, ...]
    arrangement: Arrangement
    classes: tuple[str, ...]
    left_out: int
    channels: int

    def __len__(self) -> int:
        return len(self.digests)


def advise(context: Context) -> dict[str, Any]:
    """Measure networks on a project's pictures and rank them.

    The spec may name ``models`` (otherwise: all whose weights are here), the ``chosen`` one (a
    ModelConfig as plain values) and whether a random network is measured as ``control``.

    Returns:
        ``Advice.to_dict``.

    Raises:
        TooFewImagesError: The pictures do not allow a cross-validation.
        UnknownModelError: A name in ``models`` is no network.
        ModelError: Not one network could be measured.
    """
    begun = time.perf_counter()
    project = context.library.get(context.row.project_id)
    asked = asked_networks(context.row.spec)
    pictures = pictures_of(context)
    found: list[tuple[Candidate, Probed | None]] = []
    for number, one in enumerate(asked, start=1):
        stage = f"{card(one.model.name).title} ({number} of {len(asked)})"
        found.append(_attempt(context, one, pictures, stage))
    context.progress("Comparing the networks", cancellable=False)(0, 0)
    ordered, because = _ordered(found, pictures)
    return Advice(
        candidates=tuple(ordered),
        because=because,
        pictures=len(pictures),
        units=pictures.arrangement.n_units,
        left_out=pictures.left_out,
        classes=pictures.classes,
        folds=pictures.arrangement.folds,
        repeats=len(pictures.arrangement.divisions),
        majority=pictures.arrangement.majority,
        seconds=time.perf_counter() - begun,
        data_version=project.data_version,
    ).to_dict()


def asked_networks(spec: Mapping[str, Any]) -> list[Asked]:
    """What a task's spec asks for, each network once, the random one last.

    Raises:
        UnknownModelError: A name is no network.
    """
    chosen = ModelConfig(**spec["chosen"]) if spec.get("chosen") else None
    if spec.get("models") is None:
        names = [one.name for one in cards() if is_downloaded(one.name)]
    else:
        names = [card(str(name)).name for name in spec["models"]]
    models = [ModelConfig(name=name) for name in names]
    if chosen is not None and chosen.weights != "random":
        models.insert(0, replace(chosen, channels=None))
    asked = [Asked(model=one) for one in dict.fromkeys(models)]
    if spec.get("control", True):
        like = chosen.name if chosen and is_downloaded(chosen.name) else DEFAULT_MODEL
        asked.append(Asked(model=ModelConfig(name=like, weights="random"), control=True))
    return asked


def pictures_of(context: Context) -> Pictures:
    """A project's pictures that are not for the test, dealt out to folds.

    Near-duplicates are found first, so that they stay on one side.

    Raises:
        TooFewImagesError: Fewer than 20, or fewer than two classes of two.
    """
    project = context.library.get(context.row.project_id)
    _, records, splits = context.library.records(project.id)
    opened = [one for one, split in zip(records, splits, strict=True) if split != "test"]
    known = checked_set(opened, ["train"] * len(opened), channels=project.channels)
    rows = probe_rows(known.labels, np.array(known.units, dtype=np.int64))
    checked = checked_set(
        [opened[at] for at in rows], ["train"] * len(rows), channels=project.channels
    )
    units = np.empty(0, np.int64)
    if len(checked):
        report = context.progress("Looking for copies")
        units = moving_together(context.home, checked, report, cut_outs=True)
    kept = probe_rows(checked.labels, units)
    if not len(kept):
        raise TooFewImagesError(
            "There are too few pictures to measure networks on.",
            hint="Bring at least 20 that are not test pictures, two or more in each class.",
        )
    present, labels = np.unique(checked.labels[kept], return_inverse=True)
    _, units = np.unique(units[kept], return_inverse=True)
    return Pictures(
        digests=tuple(checked.digests[at] for at in kept),
        arrangement=arranged(labels.astype(np.int64), units.astype(np.int64)),
        classes=tuple(checked.classes[at] for at in present),
        left_out=len(opened) - len(kept),
        channels=project.channels,
    )


def measure_network(
    context: Context, asked: Asked, pictures: Pictures, stage: str
) -> tuple[Candidate, Probed]:
    """Judge one network that is here.

    Args:
        context: Home, and who is told how far it is.
        asked: The network.
        pictures: To judge it on.
        stage: What is said meanwhile.

    Raises:
        ModelError, WeightsFileError: It cannot be built or divided.
    """
    begun = time.perf_counter()
    home, config, n_classes = context.home, asked.model, len(pictures.classes)
    facts = card(config.name).for_channels(pictures.channels)
    spec = resolved(
        changed(RunSpec(), {"model": config}),
        card=facts,
        n_train=len(pictures),
        n_classes=n_classes,
        channels=pictures.channels,
    )
    size = spec.train.image_size or facts.input_px
    data = _data(context, spec, pictures, stage)
    model = build(
        config.name,
        n_classes=n_classes,
        weights=config.weights,
        weights_path=home.local_blob(config.weights_file) if config.weights_file else None,
        image_size=size,
        channels=pictures.channels,
    )
    features, ms = _features(context, model, spec, facts, data, stage)
    found = probed(features, pictures.arrangement)
    cost = Cost(
        ms=ms,
        macs=round(facts.macs * (size / facts.input_px) ** 2),
        parameters=sum(group.parameters for group in layer_groups(model)[:-1]),
        image_size=size,
    )
    told = replace(_described(asked, facts), scores=found.scores, cost=cost)
    if not asked.control:
        kid, no_kid = source_distance(
            facts,
            features.float().cpu().numpy(),
            pictures.arrangement.units,
            weights=config.weights,
            image_size=size,
            n_classes=n_classes,
        )
        blocks = block_distances(model, layer_groups(model), spec, facts, data)
        told = replace(told, distance=blocks, kid=kid, no_kid=no_kid)
    return replace(told, seconds=time.perf_counter() - begun), found


# -- inside ----------------------------------------------------------------------------------------


def _features(
    context: Context,
    model: nn.Module,
    spec: RunSpec,
    facts: ModelCard,
    data: TrainData,
    stage: str,
) -> tuple[Tensor, float]:
    """What the head reads of every picture, (N, D), and milliseconds per picture."""
    views, decided = head_views(
        context.home,
        model,
        layer_groups(model),
        spec,
        facts,
        data,
        hint="It can be trained, but not measured beforehand.",
    )
    n = len(data.train_y)
    parts = np.array_split(np.arange(n), -(-n // AT_ONCE))
    return views[0].whole(0, parts, context.progress(stage)), decided.cost.prefix * 1e3


def _attempt(
    context: Context, asked: Asked, pictures: Pictures, stage: str
) -> tuple[Candidate, Probed | None]:
    """One network's failure is its own: the others are measured all the same."""
    facts = card(asked.model.name)
    if asked.model.weights == "pretrained" and not is_downloaded(facts.name):
        missing = replace(
            _described(asked, facts),
            state="not_here",
            reason="Its weights are not on this machine.",
            hint="Choose it and download it on the Model page, then measure again.",
        )
        return missing, None
    try:
        return measure_network(context, asked, pictures, stage)
    except CancelledError:
        raise
    except TLError as err:
        failed = replace(
            _described(asked, facts), state="failed", reason=err.message, hint=err.hint
        )
        return failed, None


def _described(asked: Asked, facts: ModelCard) -> Candidate:
    return Candidate(
        name=facts.name,
        title=facts.title,
        weights=asked.model.weights,
        weights_file=asked.model.weights_file,
        control=asked.control,
        top1=facts.top1 if asked.model.weights == "pretrained" else None,
        download_mb=facts.download_mb,
    )


def _ordered(
    found: Sequence[tuple[Candidate, Probed | None]], pictures: Pictures
) -> tuple[list[Candidate], str]:
    """Measured networks in their order, the control, those without scores; and the reason."""
    divisions, n_folds = pictures.arrangement.divisions, pictures.arrangement.folds
    n_units = pictures.arrangement.n_units
    measured = {
        f"{one.name}|{one.weights_file}": (one, scores)
        for one, scores in found
        if scores is not None and not one.control
    }
    if not measured:
        told = next((one for one, _ in found if not one.control), None)
        raise ModelError(
            "None of the networks could be measured."
            + (f" {told.title}: {told.reason}" if told else ""),
            hint="Choose a network that comes with Thaw, or download one first.",
        )
    entries = {key: _entry(one, scores, divisions) for key, (one, scores) in measured.items()}
    places, because = ranking(entries, n_folds, n_units)
    ordered = [
        replace(measured[place.name][0], group=place.group, behind=place.behind) for place in places
    ]
    first = entries[places[0].name]
    for one, scores in found:
        if one.control and scores is not None:
            own = _entry(one, scores, divisions)
            behind = difference(first.folds, own.folds, n_folds, n_units)
            ordered.append(replace(one, behind=behind))
    return [*ordered, *(one for one, scores in found if scores is None)], because


def _entry(one: Candidate, scores: Probed, divisions: Sequence[np.ndarray]) -> Entry:
    assert one.scores is not None and one.cost is not None
    return Entry(
        folds=fold_means(scores.right, divisions),
        accuracy=one.scores.accuracy.value,
        ms=one.cost.ms,
        work=one.cost.macs,
        evidence=one.scores.evidence,
    )


def _data(context: Context, spec: RunSpec, pictures: Pictures, stage: str) -> TrainData:
    """All as training pictures; the validation part, which takes no part, is one of them."""
    pixels = open_pixels(
        context.home,
        pictures.digests,
        size_px=spec.train.image_size or 0,
        resize=spec.train.resize,
        channels=pictures.channels,
        report=context.progress(f"Preparing the pictures for {stage}"),
    ).images
    labels = pictures.arrangement.labels
    return TrainData(
        train_x=pixels,
        train_y=labels,
        val_x=pixels[:1],
        val_y=labels[:1],
        fit_index=np.arange(min(len(labels), 1)),
        train_keys=pictures.digests,
        val_keys=pictures.digests[:1],
        resize=spec.train.resize,
    )
