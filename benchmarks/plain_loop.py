"""A plain PyTorch transfer loop, written as a careful person would, to compare Thaw with.

Same backbone, weights, picture size, epochs, batch, rates, schedule and strength of augmentation
as Thaw's run (its own resolved defaults); a DataLoader with two lasting workers decodes and
augments every picture every epoch. Frozen layers record no gradients, none flow back through them
and they stay in evaluation mode. No caching, no reduced precision. The best epoch by validation
loss counts.

Run it with ``python -m benchmarks.plain_loop FOLDER [--layers head] [--epochs 25]``, where FOLDER
holds train/ and val/ with one folder per class.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from benchmarks.settings import MODEL, SIZE_PX, held_out, layers_of, spec_for
from tl_core.config import RunSpec
from tl_core.data.pixels import PAD_COLOR
from tl_core.jobs.processes import keep_freed_memory
from tl_core.models.build import build
from tl_core.models.catalog import card as card_of
from tl_core.models.freezing import apply_plan, set_modes
from tl_core.models.groups import LayerGroup, layer_groups
from tl_core.models.plan import FreezePlan
from tl_core.train.optim import END, START, WARM_UP, build_optimizer, group_rates

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
WORKERS = 2
VAL_BATCH = 64
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


class Folder(Dataset[tuple[torch.Tensor, int]]):
    """Pictures of class folders, decoded when asked for."""

    def __init__(self, root: Path, transform: Any, *, size: int, resize: str) -> None:
        self.classes = sorted(one.name for one in root.iterdir() if one.is_dir())
        self.items = [
            (path, label)
            for label, name in enumerate(self.classes)
            for path in sorted((root / name).iterdir())
            if path.suffix.lower() in SUFFIXES
        ]
        self.transform, self.size, self.resize = transform, size, resize

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        path, label = self.items[index]
        with Image.open(path) as image:
            return self.transform(squared(image.convert("RGB"), self.size, self.resize)), label

    def only(self, positions: np.ndarray) -> None:
        """Keep these pictures."""
        self.items = [self.items[int(position)] for position in positions]

    @property
    def labels(self) -> np.ndarray:
        """Class positions, int64 (N,)."""
        return np.array([label for _, label in self.items], dtype=np.int64)


def squared(image: Image.Image, size: int, resize: str) -> Image.Image:
    """The whole picture as a square: padded with grey, or squashed."""
    bicubic = Image.Resampling.BICUBIC
    if resize == "squash":
        return image.resize((size, size), bicubic)
    return ImageOps.pad(image, (size, size), bicubic, color=PAD_COLOR)


def transforms(spec: RunSpec) -> tuple[Any, Any]:
    """For training and for validation; the same strength as Thaw's."""
    card, change, size = card_of(spec.model.name), spec.augment, spec.train.image_size
    end = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(card.mean, card.std)]
    train = [
        v2.RandomResizedCrop(size, scale=(change.crop, 1.0), ratio=(3 / 4, 4 / 3)),
        v2.RandomHorizontalFlip(),
        v2.RandomRotation(change.rotate, fill=PAD_COLOR),
        v2.ColorJitter(change.color, change.color, change.color),
    ]
    return v2.Compose([*train, *end]), v2.Compose(end)


def train_plain(root: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Train; returns seconds, median seconds of an epoch, accuracy and the settings used."""
    began = time.perf_counter()
    torch.manual_seed(args.seed)
    spec, train, val = _data(root, args)
    loader, val_loader = _loaders(train, val, spec)
    model = build(args.model, n_classes=len(train.classes), seed=args.seed).to(args.device)
    model.to(memory_format=LAYOUTS[args.layout])
    groups = layer_groups(model)
    plan = FreezePlan.from_layers(spec.freeze.layers, len(groups))
    apply_plan(model, groups, plan)
    optimizer, schedule = _optimizer(model, groups, plan, spec, steps=len(loader))
    keep = plan.freeze_norm_stats(batch_size=spec.train.batch_size or 0, n_train=len(train))
    best, ends = (float("inf"), 0.0), [time.perf_counter()]
    for _ in range(spec.train.epochs or 0):
        set_modes(model, groups, plan, training=True, freeze_norm_stats=keep)
        for images, labels in loader:
            logits = model(_fed(images, args))
            loss = nn.functional.cross_entropy(logits, labels.to(args.device))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        set_modes(model, groups, plan, training=False)
        best = min(best, _validate(model, val_loader, args), key=lambda pair: pair[0])
        ends.append(time.perf_counter())
    return {
        "seconds": ends[-1] - began,
        "epoch_s": statistics.median(np.diff(ends).tolist()),
        "val_accuracy": best[1],
        "n_val": len(val),
        "n_train": len(train),
        "epochs": spec.train.epochs,
        "batch": spec.train.batch_size,
        "lr": spec.train.lr,
    }


def _data(root: Path, args: argparse.Namespace) -> tuple[RunSpec, Folder, Folder]:
    """Settings and pictures; with folds, validation is a part of the training pictures."""
    same = {"size": args.size, "resize": args.resize}
    train = Folder(root / "train", None, **same)
    val = Folder(root / ("train" if args.folds else "val"), None, **same)
    if args.folds:
        out = held_out(train.labels, folds=args.folds, fold=args.fold)
        train.only(np.setdiff1d(np.arange(len(val)), out))
        val.only(out)
    spec = spec_for(
        n_train=len(train),
        n_classes=len(train.classes),
        model__name=args.model,
        freeze__layers=layers_of(args.layers, args.model),
        train__epochs=args.epochs,
        train__image_size=args.size,
        train__batch_size=args.batch,
        train__lr=args.lr,
    )
    train.transform, val.transform = transforms(spec)
    return spec, train, val


def _loaders(train: Folder, val: Folder, spec: RunSpec) -> tuple[DataLoader[Any], DataLoader[Any]]:
    workers: dict[str, Any] = {"num_workers": WORKERS, "persistent_workers": True}
    batch = min(spec.train.batch_size or 0, len(train))
    return DataLoader(train, batch, shuffle=True, **workers), DataLoader(val, VAL_BATCH, **workers)


def _optimizer(
    model: nn.Module, groups: tuple[LayerGroup, ...], plan: FreezePlan, spec: RunSpec, *, steps: int
) -> tuple[torch.optim.Optimizer, Any]:
    """AdamW with Thaw's rate for every group, and torch's one-cycle with Thaw's shape."""
    train = spec.train
    assert train.lr is not None and train.epochs is not None
    rates = group_rates(
        plan, lr=train.lr, backbone_lr=train.backbone_lr, block_decay=train.block_decay
    )
    optimizer = build_optimizer(model, groups, rates, weight_decay=train.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        [group["peak_lr"] for group in optimizer.param_groups],
        total_steps=train.epochs * steps + 1,
        pct_start=WARM_UP,
        div_factor=1 / START,
        final_div_factor=START / END,
        cycle_momentum=False,
    )
    return optimizer, schedule


def _fed(images: torch.Tensor, args: argparse.Namespace) -> torch.Tensor:
    return images.to(args.device, memory_format=LAYOUTS[args.layout])


@torch.inference_mode()
def _validate(
    model: nn.Module, loader: DataLoader[Any], args: argparse.Namespace
) -> tuple[float, float]:
    loss, right, n = 0.0, 0, 0
    for images, labels in loader:
        logits = model(_fed(images, args))
        target = labels.to(args.device)
        loss += float(nn.functional.cross_entropy(logits, target, reduction="sum"))
        right += int((logits.argmax(1) == target).sum())
        n += len(labels)
    return loss / n, right / n


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--layers", default="head", help="head, last:N, half, all")
    parser.add_argument("--epochs", type=int, help="default: Thaw's choice")
    parser.add_argument("--size", type=int, default=SIZE_PX)
    parser.add_argument("--batch", type=int, help="default: Thaw's choice")
    parser.add_argument("--lr", type=float, help="default: Thaw's choice")
    parser.add_argument("--resize", choices=("pad", "squash"), default="squash")
    parser.add_argument("--layout", choices=tuple(LAYOUTS), default="contiguous")
    parser.add_argument("--freed", choices=("given back", "kept"), default="given back")
    parser.add_argument("--folds", type=int, default=0, help="validate on a part of train/")
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    if args.freed == "kept":  # what Thaw does with memory, and a plain loop usually does not
        keep_freed_memory()
    print(json.dumps(train_plain(args.folder, args)))


if __name__ == "__main__":
    main()
