"""A plain PyTorch transfer loop, written as a careful person would, to compare Thaw with.

Same backbone, weights, picture size, batch, rate, schedule and augmentation as Thaw's run; a
DataLoader with two workers decodes and augments every picture every epoch, frozen layers record no
gradients and stay in evaluation mode. No Thaw training code is used.

Run it with ``python -m benchmarks.plain_loop FOLDER [--epochs 25] [--size 128]``, where FOLDER
holds train/ and val/ with one folder per class.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageFile
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from tl_core.models.build import build

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Folder(Dataset[tuple[torch.Tensor, int]]):
    """Pictures of class folders, decoded when asked for."""

    def __init__(self, root: Path, transform: Any) -> None:
        self.classes = sorted(one.name for one in root.iterdir() if one.is_dir())
        self.items = [
            (path, label)
            for label, name in enumerate(self.classes)
            for path in sorted((root / name).iterdir())
            if path.suffix.lower() in SUFFIXES
        ]
        self.transform = transform

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        path, label = self.items[index]
        with Image.open(path) as image:
            return self.transform(image.convert("RGB")), label


def transforms(size: int) -> tuple[Any, Any]:
    """For training and for validation; the same strength as Thaw's defaults."""
    end = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
    train = [
        v2.RandomResizedCrop(size, scale=(0.7, 1.0), ratio=(3 / 4, 4 / 3)),
        v2.RandomHorizontalFlip(),
        v2.RandomRotation(10),
        v2.ColorJitter(0.15, 0.15, 0.15),
    ]
    return v2.Compose([*train, *end]), v2.Compose([v2.Resize((size, size)), *end])


def train_plain(
    root: Path, *, model_name: str, epochs: int, size: int, batch: int, lr: float, seed: int = 0
) -> dict[str, float]:
    """Train the head; the best epoch by validation loss counts. Returns seconds and accuracy."""
    began = time.perf_counter()
    torch.manual_seed(seed)
    for_train, for_val = transforms(size)
    train, val = Folder(root / "train", for_train), Folder(root / "val", for_val)
    loader = DataLoader(
        train, batch, shuffle=True, num_workers=2, drop_last=False, persistent_workers=True
    )
    val_loader = DataLoader(val, 64, num_workers=2, persistent_workers=True)
    model: Any = build(model_name, n_classes=len(train.classes), seed=seed).eval()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    head = model.get_classifier()
    head.requires_grad_(True)
    optimizer = torch.optim.AdamW(head.parameters(), lr=lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, total_steps=epochs * len(loader), pct_start=0.25, cycle_momentum=False
    )
    best = (float("inf"), 0.0)
    for _ in range(epochs):
        for images, labels in loader:
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        best = min(best, _validate(model, val_loader), key=lambda pair: pair[0])
    return {"seconds": time.perf_counter() - began, "val_accuracy": best[1], "n_val": len(val)}


@torch.inference_mode()
def _validate(model: nn.Module, loader: DataLoader[Any]) -> tuple[float, float]:
    loss, right, n = 0.0, 0, 0
    for images, labels in loader:
        logits = model(images)
        loss += float(nn.functional.cross_entropy(logits, labels, reduction="sum"))
        right += int((logits.argmax(1) == labels).sum())
        n += len(labels)
    return loss / n, right / n


def main() -> None:
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="resnet10t.tiny_imagenet")
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=0.01)
    args = parser.parse_args()
    result = train_plain(
        args.folder,
        model_name=args.model,
        epochs=args.epochs,
        size=args.size,
        batch=args.batch,
        lr=args.lr,
    )
    print(json.dumps(result))


if __name__ == "__main__":
    main()
