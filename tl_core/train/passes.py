"""One pass over pictures: a training step, and judging clean pictures without gradients.

Clean pictures through a wholly frozen backbone give the same features every epoch. Where the
network lets its head be run apart, they are computed once per run and kept in memory: the same
batches, the same operations, hence exactly the numbers that would be computed anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tl_core.models.freezing import set_modes
from tl_core.models.groups import LayerGroup
from tl_core.models.plan import FreezePlan
from tl_core.train import augment
from tl_core.train.recipe import Recipe

__all__ = ["Judged", "Passes", "batches"]

EVAL_BATCH = 64  # pictures judged at a time; larger gains nothing on a CPU
KEEP_MB = 256.0  # most memory spent on features kept for judging, per set of pictures


class Judged(NamedTuple):
    """One row per picture, in the order of the pictures: loss in nats (float32), right or not."""

    losses: np.ndarray
    right: np.ndarray


def batches(order: np.ndarray, size: int) -> list[np.ndarray]:
    """Cut an order into batches of ``size``; a last single picture joins the batch before it.

    Batch normalisation cannot learn from one picture.
    """
    cuts = list(range(size, len(order), size))
    if cuts and size > 1 and len(order) - cuts[-1] == 1:
        cuts.pop()
    return np.split(order, cuts)


class Passes:
    """A network on its device, with how it is fed.

    Args:
        model: Moved to ``device``; ``apply_plan`` done.
        groups: Its layer groups.
        plan: What trains.
        recipe: Settings.
        device: Where to compute.
        freeze_norm_stats: Keep the batch statistics of trainable pretrained groups.
    """

    def __init__(
        self,
        model: nn.Module,
        groups: Sequence[LayerGroup],
        plan: FreezePlan,
        recipe: Recipe,
        *,
        device: torch.device,
        freeze_norm_stats: bool,
    ) -> None:
        # On the CPU convolutions are about 1.4 times faster with the channels innermost.
        self._layout = torch.channels_last if device.type == "cpu" else torch.contiguous_format
        self.model = model.to(device).to(memory_format=self._layout)
        self.groups = groups
        self.plan = plan
        self.recipe = recipe
        self.device = device
        self.freeze_norm_stats = freeze_norm_stats
        self._apart: bool | None = None
        self._kept: dict[str, list[Tensor]] = {}

    def training(self) -> None:
        """Put the trainable groups in training mode, the frozen ones in evaluation mode."""
        set_modes(
            self.model,
            self.groups,
            self.plan,
            training=True,
            freeze_norm_stats=self.freeze_norm_stats,
        )

    def step(
        self,
        pixels: np.ndarray,
        labels: np.ndarray,
        draws: Tensor,
        optimizer: torch.optim.Optimizer,
    ) -> tuple[float, int]:
        """Train on one batch.

        Args:
            pixels: uint8 (B, 3, S, S).
            labels: int64 (B,).
            draws: (B, augment.DRAWS), the pictures' rows of this epoch.
            optimizer: Its rates already set.

        Returns:
            Mean loss (label smoothing included) and how many were right. The step is not taken
            when the loss is not finite.
        """
        images = torch.from_numpy(np.ascontiguousarray(pixels)).to(self.device)
        images = augment.apply(images, draws.to(self.device), self.recipe.augment)
        target = torch.from_numpy(labels).to(self.device)
        logits = self.model(self._fed(images))
        loss = F.cross_entropy(logits, target, label_smoothing=self.recipe.label_smoothing)
        value = float(loss.detach())
        if np.isfinite(value):
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return value, int((logits.detach().argmax(1) == target).sum())

    def judge(
        self, name: str, pixels: np.ndarray, labels: np.ndarray, index: np.ndarray, size: int
    ) -> Judged:
        """Judge clean pictures in evaluation mode; the plain cross-entropy, without smoothing.

        Args:
            name: Of this set of pictures, under which features may be kept.
            pixels: uint8 (N, 3, S, S).
            labels: int64 (N,).
            index: Which of them, in order.
            size: Pictures at a time.
        """
        set_modes(self.model, self.groups, self.plan, training=False)
        losses, right = [], []
        rows = [index[start : start + size] for start in range(0, len(index), size)]
        with torch.inference_mode():
            for mine, logits in zip(rows, self._logits(name, pixels, rows), strict=True):
                target = torch.from_numpy(labels[mine]).to(self.device)
                losses.append(F.cross_entropy(logits, target, reduction="none").cpu().numpy())
                right.append((logits.argmax(1) == target).cpu().numpy())
        return Judged(np.concatenate(losses), np.concatenate(right))

    def finish(self) -> None:
        """Give the network its usual memory layout back, in evaluation mode."""
        set_modes(self.model, self.groups, self.plan, training=False)
        self.model.to(memory_format=torch.contiguous_format)

    def _fed(self, images: Tensor) -> Tensor:
        images = augment.normalise(images, self.recipe.mean, self.recipe.std)
        return images.contiguous(memory_format=self._layout)

    def forget(self) -> None:
        """Drop kept features, as when memory ran out."""
        self._kept.clear()

    def _logits(
        self, name: str, pixels: np.ndarray, rows: Sequence[np.ndarray]
    ) -> Iterator[Tensor]:
        model: Any = self.model
        if name in self._kept:
            yield from (model.forward_head(features) for features in self._kept[name])
            return
        kept: list[Tensor] = []
        for mine in rows:
            images = torch.from_numpy(np.ascontiguousarray(pixels[mine])).to(self.device)
            images = self._fed(images)
            if not self._head_apart(images[:2]):
                yield model(images)
                continue
            features = model.forward_features(images)
            if len(kept) * features.numel() * features.element_size() < KEEP_MB * 1e6:
                kept.append(features)
            yield model.forward_head(features)
        if len(kept) == len(rows):
            self._kept[name] = kept

    def _head_apart(self, images: Tensor) -> bool:
        """Whether everything up to ``forward_head`` is frozen and the two halves are the whole."""
        if self._apart is None:
            self._apart = self._only_head_trains() and self._halves_agree(images)
        return self._apart

    def _only_head_trains(self) -> bool:
        halves = hasattr(self.model, "forward_features") and hasattr(self.model, "forward_head")
        return halves and self.plan.first_trainable == len(self.groups) - 1

    def _halves_agree(self, images: Tensor) -> bool:
        """Run both ways, watching that no trainable module works before the head."""
        model: Any = self.model
        seen: list[nn.Module] = []
        hooks = [
            module.register_forward_pre_hook(lambda module, args: seen.append(module))
            for module in model.modules()
            if any(p.requires_grad for p in module.parameters(recurse=False))
        ]
        try:
            features = model.forward_features(images)
            early = bool(seen) or not isinstance(features, Tensor)
            return not early and torch.equal(model.forward_head(features), model(images))
        finally:
            for hook in hooks:
                hook.remove()
