"""A learning rate looked for on a project's own pictures, as a piece of work. Imports torch."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import nn

from tl_core.cache.shelf import Shelf
from tl_core.config import PROBES, RGB, RunSpec
from tl_core.data.pixels import open_pixels
from tl_core.errors import ConfigError, TooFewImagesError
from tl_core.jobs.costing import network_name
from tl_core.jobs.rate_question import KIND, LOOKED_BACK
from tl_core.jobs.submit import Snapshot, missing_for_training
from tl_core.jobs.training import train_data
from tl_core.jobs.work import Context
from tl_core.models.build import build
from tl_core.models.catalog import card
from tl_core.models.groups import layer_groups
from tl_core.models.plan import FreezePlan
from tl_core.train.measuring import plan_engine
from tl_core.train.rangetest import range_test
from tl_core.train.recipe import recipe_for

__all__ = ["find_rate"]

EPOCHS, RATE = 8, 1e-3  # stand-ins where a run's settings are wanted; neither shapes the curve
TOLD_EVERY = 5  # steps


def find_rate(context: Context) -> dict[str, Any]:
    """Carry out the range test that the task's spec (``rate_question``) asks for.

    The same question about the same pictures is answered from the result that is there.

    Returns:
        ``RangeTest.to_dict``, with ``model``, ``title``, ``layers``, ``seconds``, ``data_version``
        and ``pictures`` (a digest of the training pictures with their labels).

    Raises:
        ConfigError: The head is solved, so no step has a rate.
        TooFewImagesError: The pictures do not allow training.
    """
    begun = time.perf_counter()
    spec = RunSpec.from_dict(context.row.spec["spec"])
    if spec.freeze.layers in PROBES:
        raise ConfigError(
            "A head that is solved at once takes no steps, so it has no learning rate.",
            field="layers",
            hint="Choose layers that are trained in steps: head, last:N, first:N, all or scratch.",
        )
    if missing := missing_for_training(context.library.classes(context.row.project_id)):
        raise TooFewImagesError(missing, hint="Bring more pictures on the Data page.")
    pictures = _pictures(context)
    digest = _digest(pictures)
    if kept := _kept(context, digest):
        return kept
    facts = card(spec.model.name).for_channels(spec.model.channels)
    spec = replace(spec, train=replace(spec.train, epochs=EPOCHS, lr=RATE))
    rows = {"train": pictures.part("train"), "val": pictures.part("val")}
    parts = {
        part: open_pixels(
            context.home,
            [row.digest for row in some],
            size_px=spec.train.image_size or facts.input_px,
            resize=spec.train.resize,
            channels=spec.model.channels or RGB,
            report=context.progress("Preparing the pictures"),
        )
        for part, some in rows.items()
    }
    data = train_data(spec, pictures, parts)
    model = _network(context, spec, len(pictures.classes))
    groups = layer_groups(model)
    plan = FreezePlan.from_layers(spec.freeze.layers, len(groups))
    recipe = recipe_for(spec, mean=facts.mean, std=facts.std)
    shelf = Shelf(context.home)
    decided, _, _ = plan_engine(
        model, groups, plan, data, recipe,
        home=context.home, shelf=shelf, name=network_name(spec),
    )  # fmt: skip
    test = range_test(
        model, groups, plan, data, recipe,
        n_classes=len(pictures.classes),
        decided=decided,
        shelf=shelf,
        progress=_thinned(context.progress("Trying learning rates", "steps")),
    )  # fmt: skip
    return {
        **test.to_dict(),
        "model": spec.model.name,
        "title": facts.title,
        "layers": spec.freeze.layers,
        "seconds": time.perf_counter() - begun,
        "data_version": pictures.data_version,
        "pictures": digest,
    }


def _pictures(context: Context) -> Snapshot:
    project = context.library.get(context.row.project_id)
    return Snapshot(
        classes=tuple(row.label for row in context.library.classes(project.id)),
        images=tuple(context.library.images(project.id, limit=None)),
        data_version=project.data_version,
    )


def _digest(pictures: Snapshot) -> str:
    body = "\n".join(f"{row.digest} {row.label}" for row in pictures.part("train"))
    return hashlib.sha256(body.encode()).hexdigest()


def _kept(context: Context, digest: str) -> dict[str, Any] | None:
    """The answer to the same question about the same pictures, as after taking them in again."""
    rows = context.queue.rows(
        project_id=context.row.project_id, kind=KIND, states=("finished",), limit=LOOKED_BACK
    )
    for row in rows:
        result = row.result or {}
        if result.get("pictures") == digest and row.spec["spec"] == context.row.spec["spec"]:
            return {**result, "data_version": context.row.spec["data_version"]}
    return None


def _network(context: Context, spec: RunSpec, n_classes: int) -> nn.Module:
    """As a run would build it, from the same random numbers."""
    weights = "random" if spec.freeze.layers == "scratch" else spec.model.weights
    path = context.home.local_blob(spec.model.weights_file) if weights == "file" else None
    return build(
        spec.model.name,
        n_classes=n_classes,
        weights=weights,
        weights_path=path,
        dropout=spec.train.dropout,
        seed=spec.train.seed,
        image_size=spec.train.image_size,
        channels=spec.model.channels or RGB,
        report=context.progress("Downloading the weights", "bytes"),
    )


def _thinned(report: Callable[[int, int], None]) -> Callable[[int, int], None]:
    def told(done: int, total: int) -> None:
        if done % TOLD_EVERY == 0 or done >= total:
            report(done, total)

    return told
