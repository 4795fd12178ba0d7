"""Does fine-tuning on top of a deep probe beat it? The last block is opened behind a solved head.

``python -m benchmarks.deep_tuning [--rates 3e-5 1e-4] [--epochs 8] [--seeds 3]`` solves the deep
probe on clothing, then trains the last block and the head together (mild augmentation, both looks
at a picture, statistics kept) and prints accuracy on validation and test pictures before and after,
beside fine-tuning the last block from the exact head, which is what ``--layers last:1`` does.
The epoch with the lowest validation loss counts, so validation flatters tuning; test does not.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.settings import MODEL, SIZE_PX
from benchmarks.views import SETS, SHARED
from tl_core.cache.shelf import Shelf
from tl_core.config import RunSpec, TrainConfig, changed
from tl_core.data.intake import take_in
from tl_core.data.pixels import open_pixels
from tl_core.events import RunFinished
from tl_core.models.build import build
from tl_core.models.catalog import card
from tl_core.models.freezing import apply_plan
from tl_core.models.groups import layer_groups
from tl_core.models.plan import FreezePlan
from tl_core.probe.deep import fit_deep_probe
from tl_core.probe.features import BlockFeatures
from tl_core.storage import Home
from tl_core.train.defaults import resolved
from tl_core.train.feeding import Feed
from tl_core.train.loop import fit
from tl_core.train.measuring import plan_engine
from tl_core.train.optim import schedule_factor
from tl_core.train.recipe import Go, Recipe, TrainData, fit_subset, recipe_for

SOFT = 1e-4  # below it a root is bent, or its slope would have no end
BATCH, JUDGED = 32, 64
HEAD_RATE = 0.1  # of the block's: the head is solved already
PARTS = ("train", "val", "test")


class Tuned(nn.Module):
    """A deep probe with roots that have a slope everywhere."""

    def __init__(self, network: nn.Module, head: nn.Linear) -> None:
        super().__init__()
        self.network, self.head = network, head

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        seen = [self.network(one) for one in (images, images.flip(3))]
        rooted = [one.sign() * ((one.abs() + SOFT).sqrt() - SOFT**0.5) for one in seen]
        logits: Tensor = self.head((rooted[0] + rooted[1]) / 2)
        return logits


class Set:
    """The pictures of one archive with their parts, and Thaw's settings for them."""

    def __init__(self, archive: Path, home: Home) -> None:
        self.home, self.card = home, card(MODEL)
        records = take_in(archive, home, working=(SIZE_PX, TrainConfig().resize)).records
        self.classes = sorted({one.label for one in records})
        rows = {part: [one for one in records if one.split == part] for part in PARTS}
        self.keys = {part: tuple(one.digest for one in rows[part]) for part in PARTS}
        self.y = {
            part: np.array([self.classes.index(one.label) for one in rows[part]]) for part in PARTS
        }
        self.x: dict[str, Any] = {
            part: open_pixels(home, keys, size_px=SIZE_PX, resize=TrainConfig().resize).images
            for part, keys in self.keys.items()
        }
        asked = changed(RunSpec(), {"freeze.layers": "last:1"})
        n = len(self.y["train"])
        self.spec = resolved(asked, card=self.card, n_train=n, n_classes=len(self.classes))

    def recipe(self, seed: int) -> Recipe:
        """Settings of the last block's fine-tuning."""
        spec = changed(self.spec, {"train.seed": seed})
        return recipe_for(spec, mean=self.card.mean, std=self.card.std)

    def feed(self, part: str, recipe: Recipe) -> Feed:
        """Pictures as the network takes them."""
        return Feed(self.x[part], self.keys[part], recipe, torch.device("cpu"))

    def judged(self, model: nn.Module, part: str) -> tuple[float, float]:
        """Loss and accuracy in float32."""
        feed, y = self.feed(part, self.recipe(0)), torch.from_numpy(self.y[part])
        rows = np.array_split(np.arange(len(y)), -(-len(y) // JUDGED))
        with torch.inference_mode():
            logits = torch.cat([model(feed.view(0, one)) for one in rows])
        return float(F.cross_entropy(logits, y)), float((logits.argmax(1) == y).float().mean())


def tuned(pictures: Set, probe: nn.Module, block: list[nn.Parameter], **options: Any) -> list[str]:
    """Train and return one row of the table."""
    rate, epochs, seed = options["rate"], options["epochs"], options["seed"]
    model = Tuned(probe.network, probe.head).to(memory_format=torch.channels_last).eval()
    head = list(model.head.parameters())
    for one in (*block, *head):
        one.requires_grad_(True)
    recipe = pictures.recipe(seed)
    feed, y = pictures.feed("train", recipe), torch.from_numpy(pictures.y["train"])
    groups = [{"params": block, "peak": rate}, {"params": head, "peak": rate * HEAD_RATE}]
    optimizer = torch.optim.AdamW(groups, lr=rate, weight_decay=0.0, fused=True)
    best = (*pictures.judged(model, "val"), pictures.judged(model, "test")[1], 0)
    began, steps = time.perf_counter(), epochs * -(-len(y) // BATCH)
    for number, (epoch, images, rows) in enumerate(_batches(feed, len(y), epochs, seed)):
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * schedule_factor("one-cycle", number / steps)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(images.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(logits.float(), y[torch.from_numpy(rows)])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if (number + 1) % (steps // epochs) == 0:
            now = (*pictures.judged(model, "val"), pictures.judged(model, "test")[1], epoch)
            best = min(best, now)
    seconds = time.perf_counter() - began
    return [
        f"{rate:g}",
        str(seed),
        f"{best[1]:.3f}",
        f"{best[2]:.3f}",
        str(best[3]),
        f"{seconds:.0f}",
    ]


def _batches(
    feed: Feed, n: int, epochs: int, seed: int
) -> Iterator[tuple[int, Tensor, np.ndarray]]:
    for epoch in range(1, epochs + 1):
        order = np.random.default_rng([seed, epoch]).permutation(n)
        for rows in np.array_split(order, -(-n // BATCH)):
            yield epoch, feed.epoch(epoch, rows), rows


def last_block(pictures: Set, seed: int) -> list[str]:
    """``--layers last:1`` as Thaw trains it, from the exact head; a row of the table."""
    model = build(MODEL, n_classes=len(pictures.classes), seed=seed)
    groups = layer_groups(model)
    plan = FreezePlan.from_layers("last:1", len(groups))
    data = TrainData(
        train_x=pictures.x["train"],
        train_y=pictures.y["train"],
        val_x=pictures.x["val"],
        val_y=pictures.y["val"],
        fit_index=fit_subset(pictures.y["train"]),
        train_keys=pictures.keys["train"],
        val_keys=pictures.keys["val"],
    )
    recipe, shelf = pictures.recipe(seed), Shelf(pictures.home)
    began = time.perf_counter()
    decided, _, _ = plan_engine(
        model, groups, plan, data, recipe, home=pictures.home, shelf=shelf, name=MODEL
    )
    *_, end = fit(
        model,
        groups,
        plan,
        data,
        recipe,
        classes=pictures.classes,
        model_name=MODEL,
        control=Go(),
        decided=decided,
        shelf=shelf,
    )
    assert isinstance(end, RunFinished)
    seconds = time.perf_counter() - began
    scores = [pictures.judged(model, part)[1] for part in ("val", "test")]
    told = [f"{one:.3f}" for one in scores]
    return ["last:1", str(seed), *told, str(end.best_epoch), f"{seconds:.0f}"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", nargs="*", type=float, default=[3e-5, 1e-4])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        pictures = Set(SHARED / SETS["clothing"], Home(Path(folder)))
        model = build(MODEL, n_classes=len(pictures.classes))
        groups = layer_groups(model)
        looked = BlockFeatures(
            model,
            groups,
            image_size=SIZE_PX,
            mean=pictures.card.mean,
            std=pictures.card.std,
            n_pictures=len(pictures.y["train"]),
        )
        began = time.perf_counter()
        probe, _ = fit_deep_probe(
            looked,
            looked.of(pictures.x["train"]),
            torch.from_numpy(pictures.y["train"]),
            n_classes=len(pictures.classes),
        )
        seconds = time.perf_counter() - began
        print("| rate of the block | seed | validation | test | best epoch | seconds |")
        print("|---|---|---|---|---|---|")
        told = [f"{pictures.judged(probe, part)[1]:.3f}" for part in ("val", "test")]
        print(_row(["deep probe", "", *told, "", f"{seconds:.0f}"]), flush=True)
        plan = FreezePlan.from_layers("last:1", len(groups))
        for seed in range(options.seeds):
            print(_row(last_block(pictures, seed)), flush=True)
        for rate in options.rates:
            for seed in range(options.seeds):
                mine = copy.deepcopy(probe)
                apply_plan(model, groups, plan)
                names = {n for n, p in model.named_parameters() if p.requires_grad}
                block = [p for n, p in mine.network.named_parameters() if n in names]
                row = tuned(pictures, mine, block, rate=rate, epochs=options.epochs, seed=seed)
                print(_row(row), flush=True)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
