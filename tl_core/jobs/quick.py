"""Short work for the pages that needs torch: predictions, previews, descriptions, exports."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tl_core.config import RunSpec
from tl_core.data.pixels import open_pixels, shown
from tl_core.errors import WeightsFileError
from tl_core.export.extras import Extras
from tl_core.jobs import costing, estimate
from tl_core.jobs.advising import advise
from tl_core.jobs.baseline import baseline
from tl_core.jobs.batching import learn_familiar, predict_many
from tl_core.jobs.bringing_bundles import bring_bundle, predict_with_bundle
from tl_core.jobs.checking import check
from tl_core.jobs.choosing import choose_layers, compare_heads
from tl_core.jobs.controlling import control
from tl_core.jobs.crossing import cross_validate
from tl_core.jobs.explaining import explain
from tl_core.jobs.exporting import write_run_bundle
from tl_core.jobs.growing import learning_curve
from tl_core.jobs.judging import judge_again
from tl_core.jobs.mapping import draw_map
from tl_core.jobs.predicting import predict_with_run
from tl_core.jobs.rating import find_rate
from tl_core.jobs.reporting import report
from tl_core.jobs.work import Context
from tl_core.models.build import build
from tl_core.models.catalog import card, valid_image_size
from tl_core.models.groups import describe_groups, layer_groups
from tl_core.train.augment import preview as augmented
from tl_core.train.device import choose_device, device_title

__all__ = ["KINDS"]

MEASURED_MODEL = "resnet10t.tiny_imagenet"
MEASURED_BATCH = 16
MEASURE_S = 1.0  # seconds of forward passes behind the machine's rate


def predict(context: Context) -> dict[str, Any]:
    """Classify photos by digest with a finished run, or with the project's ``bundle``."""
    spec = context.row.spec
    files = [(digest, context.home.local_blob(digest)) for digest in spec["digests"]]
    if spec.get("bundle"):
        return {"answers": predict_with_bundle(context.home, context.row.project_id, files)}
    answers = predict_with_run(context.home, context.engine, spec["run_id"], files)
    return {"answers": answers}


def preview(context: Context) -> dict[str, Any]:
    """What the network sees: some of the user's pictures fitted to the square, then augmented.

    Writes ``original-i.webp`` and ``changed-i-k.webp`` into the task's folder.
    """
    payload = context.row.spec
    spec = RunSpec.from_dict(payload["spec"])
    facts = card(spec.model.name)
    rows = context.library.images(context.row.project_id, split="train", limit=None)
    if not rows:
        return {"rows": []}
    spread = np.linspace(0, len(rows) - 1, num=min(int(payload.get("n", 4)), len(rows))).round()
    rows = [rows[int(i)] for i in spread]
    size = spec.train.image_size or facts.input_px
    pixels = open_pixels(
        context.home,
        [row.digest for row in rows],
        size_px=size,
        resize=spec.train.resize,
        channels=spec.model.channels or context.library.get(context.row.project_id).channels,
    )
    images = np.asarray(pixels.images)
    versions = int(payload.get("versions", 5))
    changed = augmented(images, spec.augment, versions, seed=spec.train.seed)
    folder = context.home.folder("tasks", context.row.id)
    body = []
    for i, row in enumerate(rows):
        _save(images[i], folder / f"original-{i}.webp")
        names = [f"changed-{i}-{k}.webp" for k in range(versions)]
        for k, name in enumerate(names):
            _save(changed[i, k], folder / name)
        body.append(
            {
                "label": row.label,
                "path": row.path,
                "original": str(folder / f"original-{i}.webp"),
                "changed": [str(folder / name) for name in names],
            }
        )
    return {"rows": body, "size_px": size}


def _save(pixels: np.ndarray, path: Any) -> None:
    shown(pixels).save(path, "WEBP", quality=85)


def describe(context: Context) -> dict[str, Any]:
    """Find the layer groups of a model outside the catalogue and remember them."""
    name = str(context.row.spec["model"])
    facts = card(name)
    size = valid_image_size(facts, facts.input_px)
    model = build(name, n_classes=2, weights="random", image_size=size)
    groups = [asdict(one) for one in describe_groups(model, layer_groups(model), size)]
    estimate.keep_description(context.home, name, groups)
    return {"model": name, "groups": len(groups)}


def download(context: Context) -> dict[str, Any]:
    """Fetch a model's pretrained weights into the local cache."""
    name = str(context.row.spec["model"])
    build(name, n_classes=2, report=context.progress("Downloading the weights", "bytes"))
    return {"model": name}


def check_weights(context: Context) -> dict[str, Any]:
    """Try a weights file of the user's own on a network, before anything is trained from it.

    The spec names the ``model`` and the file: ``digest`` of stored content and ``file``, its name,
    or ``path``, a file on this machine, which is stored first.

    Raises:
        WeightsFileError: Not readable, not safe, or made for another network.
    """
    spec = context.row.spec
    name, digest = str(spec["model"]), str(spec.get("digest", ""))
    file = str(spec.get("file", ""))
    if not digest:
        path = Path(str(spec["path"])).expanduser()
        if not path.is_absolute() or not path.is_file():
            raise WeightsFileError(
                f"There is no file at {path}.",
                hint="Give the full path of a weights file on the machine Thaw runs on.",
            )
        digest, file = context.home.put_blob(path), path.name
    try:
        build(name, n_classes=2, weights="file", weights_path=context.home.local_blob(digest))
    except WeightsFileError as err:
        message = err.message.replace(digest, file)  # the store knows contents, not names
        raise WeightsFileError(message, hint=err.hint) from err
    return {"model": name, "digest": digest, "file": file}


def export(context: Context) -> dict[str, Any]:
    """Write a run's bundle into its folder."""
    run_id = str(context.row.spec["run_id"])
    target = context.home.run_dir(run_id) / "export" / f"thaw-{run_id}"
    return write_run_bundle(
        context.home,
        context.engine,
        run_id,
        target,
        extras=Extras(
            **{name: bool(context.row.spec.get(name)) for name in ("int8", "torch_export", "timm")}
        ),
        report=context.progress("Writing the bundle", "steps"),
    )


def measure(context: Context) -> dict[str, Any]:
    """Measure this machine, and what a picture costs with a draft's network and layers.

    The machine's rate is that of the embedded backbone's forward pass; the task's ``spec``, where
    given, is a resolved RunSpec.
    """
    answer = estimate.machine_rate(context.home) or _machine_rate(context)
    if body := context.row.spec.get("spec"):
        spec = RunSpec.from_dict(body)
        n_classes = int(context.row.spec.get("n_classes", 2))
        answer["cost"] = costing.measure_cost(context.home, spec, n_classes=n_classes)
    return answer


def _machine_rate(context: Context) -> dict[str, Any]:
    facts = card(MEASURED_MODEL)
    device = choose_device("auto")
    model = build(MEASURED_MODEL, n_classes=2, weights="random").eval().to(device)
    batch = torch.rand(MEASURED_BATCH, 3, facts.input_px, facts.input_px, device=device)
    with torch.inference_mode():
        model(batch)  # the first pass allocates
        fastest, end = float("inf"), time.perf_counter() + MEASURE_S
        while time.perf_counter() < end:
            begun = time.perf_counter()
            model(batch).sum().item()  # .item() waits for the device
            fastest = min(fastest, time.perf_counter() - begun)  # the others were disturbed
    macs = sum(group.macs for group in facts.groups)
    rate = MEASURED_BATCH * macs / fastest
    estimate.keep_rate(context.home, rate, device_title(device))
    return {"macs_per_s": rate, "device": device_title(device)}


KINDS: dict[str, Callable[[Context], dict[str, Any]]] = {
    "advise": advise,
    "baseline": baseline,
    "bring_bundle": bring_bundle,
    "check": check,
    "choose_layers": choose_layers,
    "compare_heads": compare_heads,
    "control": control,
    "cross_validate": cross_validate,
    "learning_curve": learning_curve,
    "predict": predict,
    "familiar": learn_familiar,
    "predict_many": predict_many,
    "report": report,
    "preview": preview,
    "describe": describe,
    "explain": explain,
    "download": download,
    "check_weights": check_weights,
    "export": export,
    "measure": measure,
    "lr_find": find_rate,
    "judge": judge_again,
    "map": draw_map,
}
