"""One training step, and judging pictures as they are without gradients.

What comes in is what the engine gives: images, or what frozen blocks made of them. Mixing and
noise act on whichever it is, so behind frozen blocks they cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tl_core.cache.numerics import autocast
from tl_core.config import AugmentConfig
from tl_core.models.freezing import Modes
from tl_core.models.groups import LayerGroup
from tl_core.models.plan import FreezePlan
from tl_core.train.engine import Engine
from tl_core.train.recipe import Recipe

__all__ = ["Judged", "Passes", "batches", "disturbed"]

EVAL_BATCH = 64  # pictures judged at a time; larger gains nothing on a CPU


class Judged(NamedTuple):
    """One row per picture, in the order of the pictures: loss in nats (float32), right or not."""

    losses: np.ndarray
    right: np.ndarray


class Stepped(NamedTuple):
    """What a step came to, still on the device: reading it waits for the step to be done."""

    loss: Tensor
    right: Tensor


def batches(order: np.ndarray, size: int) -> list[np.ndarray]:
    """Cut an order into batches of ``size``; a last single picture joins the batch before it.

    Batch normalisation cannot learn from one picture.
    """
    cuts = list(range(size, len(order), size))
    if cuts and size > 1 and len(order) - cuts[-1] == 1:
        cuts.pop()
    return np.split(order, cuts)


def disturbed(
    inputs: tuple[Tensor, ...], config: AugmentConfig, gen: torch.Generator
) -> tuple[tuple[Tensor, ...], Tensor, float]:
    """Add noise and brightness, and blend every picture with another one of its batch.

    Args:
        inputs: (B, ...) each; left as they are.
        config: ``mixup``, ``feature_noise`` and ``feature_brightness`` count.
        gen: On the CPU.

    Returns:
        The inputs, the partner of every picture (B,), and the share of the picture itself, 1 when
        nothing is blended. Manifold mixup of Verma and others (2019), one share per batch.
    """
    b = len(inputs[0])
    partner, share = torch.arange(b), 1.0
    if config.feature_noise > 0 or config.feature_brightness > 0:
        inputs = tuple(_noisy(one, config, gen) for one in inputs)
    if config.mixup > 0:
        seed = int(torch.randint(2**62, (1,), generator=gen))
        share = float(np.random.default_rng(seed).beta(config.mixup, config.mixup))
        partner = torch.randperm(b, generator=gen)
        inputs = tuple(share * one + (1 - share) * one[partner.to(one.device)] for one in inputs)
    return inputs, partner, share


def _noisy(one: Tensor, config: AugmentConfig, gen: torch.Generator) -> Tensor:
    spread = one.std()
    if config.feature_noise > 0:
        noise = torch.randn(one.shape, generator=gen).to(one.device)
        one = one + config.feature_noise * spread * noise
    if config.feature_brightness > 0:
        shift = torch.randn((len(one), *[1] * (one.ndim - 1)), generator=gen).to(one.device)
        one = one + config.feature_brightness * spread * shift
    return one


class Passes:
    """A network on its device, with how it is trained and judged.

    Args:
        engine: Gives the inputs and computes the logits.
        groups: The network's layer groups.
        plan: What trains.
        recipe: Settings.
        freeze_norm_stats: Keep the batch statistics of trainable pretrained groups.
    """

    def __init__(
        self,
        engine: Engine,
        groups: Sequence[LayerGroup],
        plan: FreezePlan,
        recipe: Recipe,
        *,
        freeze_norm_stats: bool,
    ) -> None:
        self.engine = engine
        self.recipe = recipe
        self._modes = Modes(engine.model, groups, plan, freeze_norm_stats=freeze_norm_stats)

    @property
    def model(self) -> nn.Module:
        """The network being trained."""
        return self.engine.model

    def training(self) -> None:
        """Put the trainable groups in training mode, the frozen ones in evaluation mode.

        Raises:
            FrozenDriftError: A block whose answers are kept would train.
        """
        self._modes.set(training=True)
        self.engine.check()

    def step(
        self,
        inputs: tuple[Tensor, ...],
        target: Tensor,
        optimizer: torch.optim.Optimizer,
        gen: torch.Generator,
    ) -> Stepped:
        """Train on one batch.

        Args:
            inputs: Of the engine, (B, ...) each.
            target: (B,) int64 on the device.
            optimizer: Its rates already set.
            gen: For mixing and noise.

        Returns:
            Mean loss (label smoothing included) and how many were right.
        """
        config = self.recipe.augment
        inputs, partner, share = disturbed(inputs, config, gen)
        smoothing = self.recipe.label_smoothing
        with autocast(self.engine.decided.numerics, self.engine.device):
            logits = self.engine.forward(inputs)
        logits = logits.float()
        loss = F.cross_entropy(logits, target, label_smoothing=smoothing)
        if share < 1:
            other = target[partner.to(target.device)]
            blended = F.cross_entropy(logits, other, label_smoothing=smoothing)
            loss = share * loss + (1 - share) * blended
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return Stepped(loss.detach(), (logits.detach().argmax(1) == target).sum())

    def judge(self, name: str, labels: np.ndarray, index: np.ndarray, size: int) -> Judged:
        """Judge clean pictures in evaluation mode; the plain cross-entropy, without smoothing.

        In the precision in which it trains: on a processor with fast bfloat16, full precision would
        take a fifth of the run. The result is judged once more in full precision at the end.

        Args:
            name: "fit" (training pictures) or "val".
            labels: int64 (N,).
            index: Which of them, in order.
            size: Pictures at a time.
        """
        self._modes.set(training=False)
        rows = [index[start : start + size] for start in range(0, len(index), size)]
        inputs: Iterable[tuple[Tensor, ...]] = self.engine.clean(name, rows)
        losses, right = [], []
        with torch.no_grad():
            for mine, given in zip(rows, inputs, strict=True):
                # the inputs are computed on the way, and by their own rules
                with autocast(self.engine.decided.numerics, self.engine.device):
                    logits = self.engine.forward(given)
                logits = logits.float()
                target = torch.from_numpy(labels[mine]).to(logits.device)
                losses.append(F.cross_entropy(logits, target, reduction="none"))
                right.append(logits.argmax(1) == target)
        return Judged(torch.cat(losses).cpu().numpy(), torch.cat(right).cpu().numpy())

    def finish(self) -> None:
        """Give the network its usual memory layout back, in evaluation mode."""
        self._modes.set(training=False)
        self.model.to(memory_format=torch.contiguous_format)

    def forget(self) -> None:
        """Drop kept features, as when memory ran out."""
        self.engine.forget()
