"""The instant baseline: the exact head on the frozen network, seconds after pictures are in.

It is no run and leaves no classifier; it says what these pictures are worth before anything is
trained. What it computes of the pictures is kept, so the first run finds it done. Imports torch.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from tl_core.config import RGB, RunSpec, changed
from tl_core.data.pixels import open_pixels
from tl_core.errors import TooFewImagesError
from tl_core.intervals import wilson
from tl_core.jobs.heads import head_views
from tl_core.jobs.submit import missing_for_training
from tl_core.jobs.work import Context
from tl_core.models.build import build
from tl_core.models.catalog import DEFAULT_MODEL, card
from tl_core.models.groups import layer_groups
from tl_core.probe.exact import fit_exact_head
from tl_core.train.defaults import resolved
from tl_core.train.heading import all_features
from tl_core.train.recipe import TrainData, fit_subset

__all__ = ["baseline"]


def baseline(context: Context) -> dict[str, Any]:
    """Fit and judge the exact head of a project's pictures.

    The spec may name a ``model``; the task's project gives the pictures.

    Returns:
        ``model`` and ``title``, ``accuracy`` on ``n_val`` validation pictures with its ``ci``,
        ``majority`` (the largest class's share of them), ``strength``, ``seconds``,
        ``data_version``.

    Raises:
        TooFewImagesError: The pictures do not allow training.
        ModelError: The network cannot be divided before its head.
    """
    begun = time.perf_counter()
    rows = context.library.classes(context.row.project_id)
    if missing := missing_for_training(rows):
        raise TooFewImagesError(missing, hint="Bring more pictures on the Data page.")
    name = str(context.row.spec.get("model") or DEFAULT_MODEL)
    channels = context.library.get(context.row.project_id).channels
    facts = card(name).for_channels(channels)
    classes = [row.label for row in rows]
    spec = resolved(
        changed(RunSpec(), {"model.name": name}),
        card=facts,
        n_train=sum(row.train for row in rows),
        n_classes=len(classes),
        channels=channels,
    )
    data = _data(context, spec, classes)
    model = build(name, n_classes=len(classes), image_size=spec.train.image_size, channels=channels)
    groups = layer_groups(model)
    found, _ = head_views(
        context.home,
        model,
        groups,
        spec,
        facts,
        data,
        hint="Train it directly; there is no instant baseline for it.",
    )
    train, val = (
        all_features(views, len(labels))
        for views, labels in zip(found, (data.train_y, data.val_y), strict=True)
    )
    head = fit_exact_head(train, torch.from_numpy(data.train_y), len(classes), seed=spec.train.seed)
    right = int((head.logits(val).argmax(1).cpu().numpy() == data.val_y).sum())
    return {
        "model": name,
        "title": facts.title,
        "accuracy": right / len(data.val_y),
        "ci": list(wilson(right, len(data.val_y))),
        "n_val": len(data.val_y),
        "majority": data.majority,
        "strength": head.strength,
        "seconds": time.perf_counter() - begun,
        "data_version": context.library.get(context.row.project_id).data_version,
    }


def _data(context: Context, spec: RunSpec, classes: list[str]) -> TrainData:
    parts: dict[str, Any] = {}
    for part in ("train", "val"):
        rows = context.library.images(context.row.project_id, split=part, limit=None)
        digests = tuple(row.digest for row in rows)
        parts[f"{part}_keys"] = digests
        parts[f"{part}_y"] = np.array([classes.index(row.label) for row in rows], dtype=np.int64)
        parts[f"{part}_x"] = open_pixels(
            context.home,
            digests,
            size_px=spec.train.image_size or 0,
            resize=spec.train.resize,
            channels=spec.model.channels or RGB,
            report=context.progress("Preparing the pictures"),
        ).images
    return TrainData(fit_index=fit_subset(parts["train_y"]), resize=spec.train.resize, **parts)
