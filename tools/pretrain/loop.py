"""The training itself: phases of epochs, averaged weights, a checkpoint after each epoch."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tl_core.storage import atomic_path
from tools.pretrain.augment import cropped, mixed, normalised, resized
from tools.pretrain.pictures import Pictures
from tools.pretrain.quick import quickened
from tools.pretrain.recipes import Phase, Recipe

__all__ = ["Epoch", "Trainer", "judged", "recalibrated"]

JUDGED_AT_ONCE = 500
TRIED_STEPS = 6  # of which the first is not timed
CALIBRATED = 20_000  # pictures for the statistics of the finished network
CLIP = 5.0  # of the gradient's norm; a step beyond it is an accident


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """What an epoch came to; ``accuracy`` of the averaged weights on the validation pictures."""

    epoch: int
    size: int
    loss: float
    accuracy: float
    lr: float
    seconds: float


class Trainer:
    """A network in training.

    Args:
        recipe: What and how.
        train: Pictures to learn from.
        valid: Pictures to judge by; they choose nothing.
        device: Where.
        seed: Of weights, order and changes; the same seed and machine give the same network.
        dtype: Of what is computed; weights stay float32.
    """

    def __init__(
        self,
        recipe: Recipe,
        train: Pictures,
        valid: Pictures,
        device: torch.device,
        seed: int,
        *,
        dtype: torch.dtype = torch.bfloat16,
    ) -> None:
        self.recipe, self.train, self.valid = recipe, train, valid
        self.device, self.seed, self.dtype, self.done = device, seed, dtype, 0
        torch.manual_seed(seed)
        model = timm.create_model(recipe.model, num_classes=len(train.classes), **recipe.options)
        self.model: nn.Module = model.to(device).to(memory_format=torch.channels_last)
        if device.type == "cpu":
            quickened(self.model)
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.optimizer = _optimizer(self.model, recipe)
        self.steps = 0
        self.per_epoch = len(train) // recipe.batch

    @property
    def all_steps(self) -> int:
        """Of the whole training."""
        return self.recipe.epochs * self.per_epoch

    def epochs(self) -> Iterator[Epoch]:
        """Train what is left to do; state is whole between epochs."""
        for number, phase in enumerate(_each(self.recipe)):
            if number >= self.done:
                yield self._epoch(number, phase)

    def begin(self, weights: dict[str, Tensor]) -> None:
        """Start from a network's weights instead of random ones."""
        for model in (self.model, self.average):
            model.load_state_dict(weights)

    def save(self, path: Path) -> None:
        """Everything that is needed to go on."""
        state = {
            "done": self.done,
            "steps": self.steps,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "recipe": self.recipe.to_dict(),
            "seed": self.seed,
        }
        with atomic_path(path) as part:
            torch.save(state, part)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint of the same recipe."""
        state: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.done, self.steps = state["done"], state["steps"]

    def seconds_an_epoch(self, phase: Phase) -> float:
        """Measured on a copy, so that nothing is learned."""
        probe = Trainer(
            self.recipe, self.train, self.valid, self.device, self.seed, dtype=self.dtype
        )
        times = []
        for _ in range(TRIED_STEPS):
            begun = time.perf_counter()
            probe._step(np.arange(self.recipe.batch), phase)
            _wait(self.device)
            times.append(time.perf_counter() - begun)
        return sorted(times[1:])[(TRIED_STEPS - 1) // 2] * self.per_epoch

    # -- inside ------------------------------------------------------------------------------------

    def _epoch(self, number: int, phase: Phase) -> Epoch:
        begun, total = time.perf_counter(), torch.zeros((), device=self.device)
        order = np.random.default_rng([self.seed, number]).permutation(len(self.train))
        for at in range(self.per_epoch):
            rows = np.sort(order[at * self.recipe.batch : (at + 1) * self.recipe.batch])
            total += self._step(rows, phase)
        self.done = number + 1
        accuracy = judged(self.average, self.valid, phase.size, self.device, dtype=self.dtype)
        return Epoch(
            epoch=self.done,
            size=phase.size,
            loss=float(total) / max(1, self.per_epoch),
            accuracy=accuracy,
            lr=self.optimizer.param_groups[0]["lr"],
            seconds=time.perf_counter() - begun,
        )

    def _step(self, rows: np.ndarray, phase: Phase) -> Tensor:
        chance = torch.Generator().manual_seed(self.seed * 1_000_003 + self.steps)
        on_device = chance
        if self.device.type != "cpu":
            on_device = torch.Generator(self.device).manual_seed(chance.initial_seed())
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.lr * _share(self.steps / self.all_steps, self.recipe.warmup)
        images = torch.from_numpy(self.train.images[rows]).to(self.device, non_blocking=True)
        labels = torch.from_numpy(self.train.labels[rows]).to(self.device, non_blocking=True)
        seen = normalised(cropped(images, phase.size, on_device, area=phase.area))
        blend = None
        if float(torch.rand((), generator=chance)) < phase.mix:
            blend = mixed(seen, chance)
            seen = blend.images
        self.model.train()
        with _autocast(self.device, self.dtype):
            logits = self.model(seen.contiguous(memory_format=torch.channels_last))
        logits = logits.float()
        loss = F.cross_entropy(logits, labels)
        if blend is not None:
            other = F.cross_entropy(logits, labels[blend.other.to(self.device)])
            loss = torch.lerp(other, loss, blend.share.to(self.device))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimizer.step()
        self.steps += 1
        self._average()
        return loss.detach()

    @torch.no_grad()
    def _average(self) -> None:
        keep = min(self.recipe.ema, (1 + self.steps) / (10 + self.steps))
        mine, theirs = self.average.state_dict(), self.model.state_dict()
        floats = [name for name, value in mine.items() if value.is_floating_point()]
        torch._foreach_lerp_(
            [mine[name] for name in floats], [theirs[name] for name in floats], 1 - keep
        )
        for name in mine.keys() - set(floats):
            mine[name].copy_(theirs[name])


@torch.inference_mode()
def judged(
    model: nn.Module,
    pictures: Pictures,
    size: int,
    device: torch.device,
    *,
    dtype: torch.dtype = torch.float32,
) -> float:
    """Accuracy on whole pictures, 0..1."""
    model.eval()
    right = 0
    for images, labels in _batches(pictures, device):
        with _autocast(device, dtype):
            logits = model(normalised(resized(images, size)))
        right += int((logits.argmax(1) == labels).sum())
    return right / len(pictures)


@torch.no_grad()
def recalibrated(
    model: nn.Module,
    pictures: Pictures,
    size: int,
    device: torch.device,
    report: Callable[[int], None] = lambda done: None,
) -> nn.Module:
    """A copy whose normalisation statistics are those of whole pictures at the size of use.

    Training saw crops at other sizes; the distance of a user's pictures to the source is told by
    these statistics, so they must be those of pictures as users' are looked at.

    Args:
        model: With averaged weights.
        pictures: To learn from; some of them are looked at.
        size: Pixels.
        device: Of the model.
        report: Called with pictures done.
    """
    found = copy.deepcopy(model).train()
    norms = [one for one in found.modules() if isinstance(one, nn.BatchNorm2d)]
    for one in norms:
        one.reset_running_stats()
        one.momentum = None  # the plain mean over batches
    for other in found.modules():
        if not isinstance(other, nn.BatchNorm2d):
            other.training = False
    for at, (images, _) in enumerate(_batches(pictures, device, most=CALIBRATED) if norms else ()):
        found(normalised(resized(images, size)))
        report((at + 1) * JUDGED_AT_ONCE)
    return found.eval()


def _batches(
    pictures: Pictures, device: torch.device, most: int = 0
) -> Iterator[tuple[Tensor, Tensor]]:
    n = len(pictures)
    rows = np.arange(n)
    if most and most < n:
        rows = np.linspace(0, n - 1, most).round().astype(int)
    for part in np.array_split(rows, -(-len(rows) // JUDGED_AT_ONCE)):
        images = torch.from_numpy(np.ascontiguousarray(pictures.images[part])).to(device)
        yield images, torch.from_numpy(pictures.labels[part]).to(device)


def _each(recipe: Recipe) -> Iterator[Phase]:
    for phase in recipe.phases:
        for _ in range(phase.epochs):
            yield phase


def _share(at: float, warmup: float) -> float:
    """Of the peak rate: up in a line, down by a cosine."""
    if at < warmup:
        return (at + 1e-4) / warmup
    return 0.5 * (1 + math.cos(math.pi * (at - warmup) / (1 - warmup)))


def _optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Scales, shifts and biases are not pulled towards zero."""
    decayed = [one for one in model.parameters() if one.ndim > 1]
    free = [one for one in model.parameters() if one.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.lr, fused=True)
    return torch.optim.SGD(
        groups, lr=recipe.lr, momentum=recipe.momentum, nesterov=True, fused=True
    )


def _autocast(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    return torch.autocast(device.type, dtype, enabled=dtype != torch.float32)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
