"""fastai on the same pictures, in an environment of its own, to compare Thaw with.

What its documentation shows: ``vision_learner`` with the backbone from timm (here with Thaw's
embedded weights), images made square the same way, ``aug_transforms()``, ImageNet's normalisation,
its own default rates and head. It runs where Thaw is not installed, so it imports nothing of it.
fastai keeps the scale and shift of frozen batch normalisation trainable; that is its default and
is left so. The best epoch by validation loss counts.

Run it with the other Python: ``python benchmarks/fastai_loop.py FOLDER --weights FILE``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from fastai.callback.core import Callback
from fastai.callback.schedule import Learner  # with fit_one_cycle and fine_tune
from fastai.learner import defaults
from fastai.metrics import accuracy
from fastai.torch_core import default_device, params, set_seed
from fastai.vision.augment import Resize, ResizeMethod, aug_transforms
from fastai.vision.core import imagenet_stats
from fastai.vision.data import ImageDataLoaders, Normalize
from fastai.vision.learner import TimmBody, add_head
from safetensors.torch import load_file
from torch import nn

WORKERS = 2
METHODS = {"pad": ResizeMethod.Pad, "squash": ResizeMethod.Squish}


class Stopwatch(Callback):
    """Notes when epochs end."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def before_fit(self) -> None:
        """The first epoch begins."""
        self.ends = [time.perf_counter()]

    def after_epoch(self) -> None:
        """An epoch is done, validation included."""
        self.ends.append(time.perf_counter())


def backbone(name: str, weights: Path) -> nn.Module:
    """The timm network without classifier, with weights kept in half precision."""
    model: nn.Module = timm.create_model(name, num_classes=0)
    state = {key: _full(value) for key, value in load_file(weights).items()}
    own = model.state_dict()
    model.load_state_dict({key: state[key] for key in own})
    return model


def splitter(modules: list[str]) -> Any:
    """Parameter groups for fastai: the frozen blocks, those of ``modules``, the head."""

    def split(model: nn.Sequential) -> list[list[nn.Parameter]]:
        early, late = [], []
        for name, value in model[0].model.named_parameters():
            owned = any(name == one or name.startswith(f"{one}.") for one in modules)
            (late if owned else early).append(value)
        return [early, late, params(model[1])] if late else [early, params(model[1])]

    return split


def train_fastai(root: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Train; returns seconds, median seconds of an epoch and accuracy."""
    began = time.perf_counter()
    set_seed(args.seed)
    dls = ImageDataLoaders.from_folder(
        root,
        train="train",
        valid="val",
        bs=args.batch,
        seed=args.seed,
        num_workers=WORKERS,
        item_tfms=Resize(args.size, method=METHODS[args.resize]),
        batch_tfms=[*aug_transforms(), Normalize.from_stats(*imagenet_stats)],
    )
    body = TimmBody(backbone(args.model, args.weights))
    model = add_head(body, body.model.num_features, dls.c, pool=body.needs_pool)
    modules = [one["module"] for one in body.model.feature_info[-args.last :]] if args.last else []
    watch = Stopwatch()
    learn = Learner(
        dls, model, lr=defaults.lr, splitter=splitter(modules), metrics=[accuracy], cbs=[watch]
    )
    learn.freeze()
    with learn.no_bar(), learn.no_logging():
        if args.way == "fine_tune":
            learn.fine_tune(args.epochs)
        else:
            if args.way == "all":
                learn.unfreeze()
            elif args.way == "last":
                learn.freeze_to(-2)
            learn.fit_one_cycle(args.epochs)
    seconds = time.perf_counter() - began
    rows = [[float(value) for value in row] for row in learn.recorder.values]
    return {
        "seconds": seconds,
        "epoch_s": statistics.median(np.diff(watch.ends).tolist()),
        "val_accuracy": min(rows, key=lambda row: row[1])[2],
        "last_accuracy": rows[-1][2],
        "n_val": len(dls.valid_ds),
        "n_train": len(dls.train_ds),
        "epochs": args.epochs,
        "batch": args.batch,
    }


def _full(value: torch.Tensor) -> torch.Tensor:
    return value.float() if value.is_floating_point() else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--model", default="resnet10t", help="timm architecture")
    parser.add_argument("--way", choices=("frozen", "fine_tune", "last", "all"), default="frozen")
    parser.add_argument("--last", type=int, default=0, help="stages that train with --way last")
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--resize", choices=tuple(METHODS), default="squash")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    default_device(args.device != "cpu")
    print(json.dumps(train_fastai(args.folder, args)))


if __name__ == "__main__":
    main()
