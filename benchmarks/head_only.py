"""Head-only training: Thaw's engine and a plain PyTorch loop, one after the other on this machine.

Thaw's time includes taking the pictures in and decoding them to training size, from an empty home;
what it leaves out is starting Python. Each way is a process of its own, so neither profits from
what the other has warmed up.

Run it with ``python -m benchmarks.head_only DATA [--epochs 25] [--size 128]``; DATA is a zip or
folder with train/ and val/.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import torch

from tl_core.config import RunSpec, changed
from tl_core.data.intake import take_in
from tl_core.data.pixels import open_pixels
from tl_core.events import RunFinished
from tl_core.intervals import wilson
from tl_core.models.build import build
from tl_core.models.catalog import card as card_of
from tl_core.models.groups import layer_groups
from tl_core.models.plan import FreezePlan
from tl_core.storage import Home
from tl_core.train.defaults import resolved
from tl_core.train.loop import fit
from tl_core.train.recipe import TrainData, fit_subset, recipe_for

MODEL = "resnet10t.tiny_imagenet"


class _Go:
    def poll(self) -> str:
        return "go"


def train_thaw(source: Path, *, epochs: int, size: int) -> dict[str, float]:
    """Take the pictures in, decode them, train the head. Returns seconds, parts and accuracy."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Home(folder)
        records = take_in(source, home).records
        classes = sorted({one.label for one in records})
        taken = time.perf_counter()
        pixels, labels = {}, {}
        for split in ("train", "val"):
            rows = [one for one in records if one.split == split]
            images = open_pixels(home, [one.digest for one in rows], size_px=size, resize="pad")
            pixels[split] = images.images
            labels[split] = np.array([classes.index(one.label) for one in rows], dtype=np.int64)
        decoded = time.perf_counter()
        finished, batch, lr = _train(pixels, labels, classes, epochs=epochs, size=size)
    return {
        "seconds": time.perf_counter() - began,
        "intake_s": taken - began,
        "decode_s": decoded - taken,
        "val_accuracy": finished.val_accuracy,
        "n_val": len(labels["val"]),
        "batch": batch,
        "lr": lr,
    }


def _train(
    pixels: dict[str, np.ndarray],
    labels: dict[str, np.ndarray],
    classes: list[str],
    *,
    epochs: int,
    size: int,
) -> tuple[RunFinished, int, float]:
    card = card_of(MODEL)
    asked = changed(RunSpec(), {"train.epochs": epochs, "train.image_size": size})
    spec = resolved(asked, card=card, n_train=len(labels["train"]), n_classes=len(classes))
    model = build(MODEL, n_classes=len(classes))
    groups = layer_groups(model)
    data = TrainData(
        train_x=pixels["train"],
        train_y=labels["train"],
        val_x=pixels["val"],
        val_y=labels["val"],
        fit_index=fit_subset(labels["train"]),
    )
    *_, last = fit(
        model,
        groups,
        FreezePlan.from_layers("head", len(groups)),
        data,
        recipe_for(spec, mean=card.mean, std=card.std, device="cpu"),
        classes=classes,
        model_name=card.title,
        control=_Go(),  # type: ignore[arg-type]
    )
    assert isinstance(last, RunFinished)
    return last, spec.train.batch_size or 0, spec.train.lr or 0.0


def _told(result: dict[str, float]) -> str:
    n = int(result["n_val"])
    low, high = wilson(round(result["val_accuracy"] * n), n)
    return (
        f"{result['seconds']:7.1f} s   validation accuracy {result['val_accuracy']:.3f} "
        f"[{low:.3f}, {high:.3f}] of {n}"
    )


def _in_process(*arguments: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", *arguments], capture_output=True, text=True, check=True
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _split_root(folder: Path) -> Path:
    return next(path.parent for path in sorted(folder.rglob("train")) if path.is_dir())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--only-thaw", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only_thaw:
        print(json.dumps(train_thaw(args.data, epochs=args.epochs, size=args.size)))
        return
    same = ("--epochs", str(args.epochs), "--size", str(args.size))
    thaw = _in_process("benchmarks.head_only", str(args.data), *same, "--only-thaw")
    with tempfile.TemporaryDirectory() as folder:
        root = args.data
        if root.is_file():  # trusted input, named by whoever runs the measurement
            with zipfile.ZipFile(root) as archive:
                archive.extractall(folder)
            root = Path(folder)
        settings = ("--batch", str(int(thaw["batch"])), "--lr", str(thaw["lr"]))
        plain = _in_process("benchmarks.plain_loop", str(_split_root(root)), *same, *settings)
    print(f"{platform.platform()}, {os.cpu_count()} cores, torch {torch.__version__}")
    print(f"{MODEL}, head only, {args.epochs} epochs, {args.size} px, batch {int(thaw['batch'])}")
    print(f"plain  {_told(plain)}")
    print(
        f"thaw   {_told(thaw)}   (intake {thaw['intake_s']:.1f}, decoding {thaw['decode_s']:.1f})"
    )
    print(f"plain / thaw = {plain['seconds'] / thaw['seconds']:.2f}")


if __name__ == "__main__":
    main()
