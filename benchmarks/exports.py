"""Do the exported forms answer as the app does, for every family, and how fast.

``python -m benchmarks.exports families [--only ARCHITECTURE...]`` writes every network of the
catalogue, one of each architecture, with RANDOM weights at a small size, as a whole bundle:
certified on pictures of noise, in 8-bit numbers too, brought again as another machine would, and
its weights loaded. Random weights say whether the form is right, not what 8 bits cost a trained
network. ``python -m benchmarks.exports runs HOME RUN...`` exports finished runs, asks app, ONNX and
8-bit ONNX about all their held-out pictures, and times the app's own predict (files in, one at a
time), the bundle's script's code and bare onnxruntime on ready pixels, in turn, in one process. A
JSON object per line.
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from PIL import Image
from sqlalchemy import Engine

from tl_core.config import ModelConfig, RunSpec
from tl_core.errors import TLError
from tl_core.evaluate.predict import predict_files, probabilities
from tl_core.export.bring import WEIGHTS, bring
from tl_core.export.bundle import write_bundle, zip_of
from tl_core.export.extras import Extras, HeldOut
from tl_core.export.load import Bundle
from tl_core.export.predict_template import pixels_and_note
from tl_core.jobs.exporting import write_run_bundle
from tl_core.jobs.loading import load_classifier
from tl_core.jobs.schema import open_engine
from tl_core.models.build import build
from tl_core.models.catalog import cards, valid_image_size
from tl_core.models.facts import ModelCard
from tl_core.storage import Home

SMALL_PX, NOISE, WARM, TIMED = 64, 16, 5, 60
LARGEST = 40_000_000  # parameters up to which 8 bits are tried too


def main() -> None:
    """Print one JSON object per family or run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("families", "runs"))
    parser.add_argument("given", nargs="*", metavar="HOME RUN")
    parser.add_argument("--only", nargs="+", default=[], metavar="ARCHITECTURE")
    given = parser.parse_args()
    if given.what == "families":
        rows = families(given.only)
    else:
        home = Home(Path(given.given[0]))
        engine = open_engine(home)
        rows = (judged(home, engine, run_id) for run_id in given.given[1:])
    for row in rows:
        print(json.dumps(row), flush=True)


def families(only: Sequence[str]) -> Iterator[dict[str, Any]]:
    """One row per architecture of the catalogue (or of those named), the smallest first."""
    seen = {one.architecture for one in cards() if only and one.architecture not in only}
    for card in sorted(cards(), key=lambda one: one.parameters):
        if card.architecture not in seen:
            seen.add(card.architecture)
            begun = time.perf_counter()
            try:
                row = _family(card)
            except (TLError, RuntimeError) as err:
                row = {"failed": f"{type(err).__name__}: {err}"[:200]}
            seconds = round(time.perf_counter() - begun, 1)
            yield {"architecture": card.architecture, "weights": "random", **row, "s": seconds}


def _family(card: ModelCard) -> dict[str, Any]:
    size = valid_image_size(card, SMALL_PX)
    model = build(card.name, n_classes=3, weights="random", image_size=size)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (NOISE, 3, size, size), dtype=np.uint8)
    labels = probabilities(model, pixels, mean=card.mean, std=card.std).argmax(1)
    facts = asdict(card)
    facts.pop("groups")
    spec = RunSpec(model=ModelConfig(name=card.name, weights="random"))
    with tempfile.TemporaryDirectory() as scratch:
        folder = write_bundle(
            model,
            classes=["a", "b", "c"],
            card_facts=facts,
            preprocessing={
                "size_px": size,
                "resize": "squash",
                "mean": list(card.mean),
                "std": list(card.std),
            },
            report=None,
            spec=spec.to_dict(),
            sample_images=[(f"{at}.png", _png(one)) for at, one in enumerate(pixels)],
            target=Path(scratch) / "bundle",
            date="2026-01-01",
            extras=Extras(int8=card.parameters <= LARGEST),
            held_out=HeldOut(
                calibration=pixels,
                split="test",
                labels=labels.astype(np.int64),
                pictures=tuple(str(at) for at in range(NOISE)),
                batches=lambda: iter([pixels]),
            ),
        )
        certificate = json.loads((folder / "certificate.json").read_text("utf-8"))
        there = Path(scratch) / "there"
        there.mkdir()
        brought = bring(zip_of(folder), there)
        build(card.name, n_classes=3, weights="file", weights_path=there / WEIGHTS)
        kept = ("pictures", "same_answers", "largest_difference")
        row = {"size_px": size, **{key: certificate[key] for key in kept}}
        row |= {"megabytes": (folder / "model.onnx").stat().st_size / 1e6}
        row["brought"] = brought.certified
        if "int8" in certificate:
            kept = ("way", "agree", "largest_difference", "megabytes", "median_ms")
            row["int8"] = {key: certificate["int8"][key] for key in kept}
    return row


def _png(pixels: NDArray[np.uint8]) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(np.moveaxis(pixels, 0, -1)).save(sink, "PNG")
    return sink.getvalue()


def judged(home: Home, engine: Engine, run_id: str) -> dict[str, Any]:
    """One finished run: agreement on all held-out pictures, and latencies."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "bundle"
        write_run_bundle(home, engine, run_id, folder, extras=Extras(int8=True))
        one = load_classifier(home, engine, run_id)
        split = "test" if one.snapshot.part("test") else "val"
        files = [home.local_blob(row.digest) for row in one.snapshot.part(split)]
        reading: dict[str, Any] = {
            "size_px": one.size_px,
            "resize": one.spec.train.resize,
            "mean": one.card.mean,
            "std": one.card.std,
        }
        ours = predict_files(one.model, [(file.name, file) for file in files], **reading)
        app = np.stack([row.probabilities for row in ours if row.probabilities is not None])
        theirs = list(Bundle.open(folder).predict(files))
        bundle = np.array([[row["probabilities"][name] for name in one.classes] for row in theirs])
        certificate = json.loads((folder / "certificate.json").read_text("utf-8"))
        int8 = {key: value for key, value in certificate["int8"].items() if key != "sha256"}
        speed = _speed(folder, files[:TIMED], lambda file: predict_files(
            one.model, [(file.name, file)], **reading
        ))  # fmt: skip
    return {
        "run": run_id,
        "layers": one.spec.freeze.layers,
        "split": split,
        "pictures": len(app),
        "same": int((app.argmax(1) == bundle.argmax(1)).sum()),
        "largest_difference": float(np.abs(app - bundle).max()),
        "int8": int8,
        "threads": torch.get_num_threads(),
        "ms": speed,
        "model": asdict(one.spec.model)["name"],
    }


def _speed(folder: Path, files: Sequence[Path], app: Callable[[Path], Any]) -> dict[str, Any]:
    """Median and 95th percentile in milliseconds, the ways asked in turn about each picture."""
    opened = Bundle.open(folder)
    options = onnxruntime.SessionOptions()
    bare = onnxruntime.InferenceSession(
        str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    how = json.loads((folder / "preprocessing.json").read_text("utf-8"))
    ready = {file: pixels_and_note(file, how)[0][None] for file in files}
    ways: dict[str, Callable[[Path], Any]] = {
        "app": app,
        "bundle": lambda file: list(opened.predict([file])),
        "bare": lambda file: bare.run(None, {"image": ready[file]}),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for file in [*files[:WARM], *files]:
        for name, call in ways.items():
            begun = time.perf_counter()
            call(file)
            taken[name].append(1e3 * (time.perf_counter() - begun))
    found: dict[str, Any] = {
        name: {"median": float(np.median(t[WARM:])), "p95": float(np.quantile(t[WARM:], 0.95))}
        for name, t in taken.items()
    }
    middle = {name: found[name]["median"] for name in ways}
    found["bundle_over_app"] = middle["bundle"] / middle["app"]
    found["bundle_over_bare"] = middle["bundle"] / middle["bare"]
    return found


if __name__ == "__main__":
    main()
