"""The range test: a learning rate that rises with every step, and the loss it gives.

Runs of a few seeds start from the weights a real run would start from, on kept answers of the
frozen blocks, and their losses are averaged. A batch's loss is told as the change from what the
same pictures gave before anything was learned, or the curve would follow the luck of the batches:
behind an exact head that noise is larger than all there is to learn. The rates of the blocks keep
their proportions, so what is found is the rate of the head. Afterwards the network is as it was, to
the bit. What the curve means is said by ``raterules``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tl_core.cache.numerics import autocast
from tl_core.cache.shelf import Shelf
from tl_core.errors import DeviceMemoryError
from tl_core.models.freezing import apply_plan, load_trainable_state, set_modes, trainable_state
from tl_core.models.groups import LayerGroup
from tl_core.models.plan import FreezePlan
from tl_core.train.device import is_out_of_memory
from tl_core.train.engine import Decided, Engine, build_engine
from tl_core.train.heading import start_exactly
from tl_core.train.optim import build_optimizer, set_rates
from tl_core.train.passes import EVAL_BATCH, Passes, batches
from tl_core.train.raterules import Suggestion, suggest
from tl_core.train.recipe import Recipe, TrainData, fit_subset, keeps_norm_stats, peak_rates
from tl_core.train.seed import generator, mix, seed_network
from tl_core.train.trials import part_of

__all__ = ["HIGHEST", "LOWEST", "SEEDS", "RangeTest", "range_test", "steps_for"]

LOWEST, HIGHEST = 1e-5, 1.0  # AdamW moves a weight by about the rate per step: below, nothing
# moves in the steps of the test; above, every network here has diverged
STEPS, STEPS_LEAST = 100, 50  # 20 or 10 rates a decade; fastai has 12.5
PASSES = 10  # over the pictures, beyond which fewer steps are taken while there are STEPS_LEAST
SEEDS = (0, 1, 2)  # SCIENCE: one seed's curve follows the luck of its batches
VIEWS = 2  # versions of a picture that are made for the test alone
DIVERGED = 4.0  # times the lowest loss so far, as fastai
LOST = 0.5  # nats above the start: behind an exact head four times the lowest may be a hundredth
QUICK = 0.8  # share of the past in the running loss that is watched for divergence

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeTest:
    """A curve and what it suggests.

    Attributes:
        rates: Of the head, rising.
        losses: Nats, mean over the seeds that got so far; as long as ``rates``, shorter where the
            loss diverged.
        seeds: How many runs were averaged.
        n_train: Training pictures used.
        batch_size: Pictures per step.
        passes: How often one run looked at every picture.
        found: The suggestion.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    seeds: int
    n_train: int
    batch_size: int
    passes: float
    found: Suggestion

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            **asdict(self),
            "rates": list(self.rates),
            "losses": list(self.losses),
            "found": self.found.to_dict(),
        }


def steps_for(n_train: int, batch_size: int) -> int:
    """How many rates are tried: a hundred, or fewer where that would be many passes."""
    per_pass = max(1, math.ceil(n_train / max(1, batch_size)))
    return max(STEPS_LEAST, min(STEPS, PASSES * per_pass))


def range_test(
    model: nn.Module,
    groups: Sequence[LayerGroup],
    plan: FreezePlan,
    data: TrainData,
    recipe: Recipe,
    *,
    n_classes: int,
    decided: Decided | None = None,
    shelf: Shelf | None = None,
    seeds: Sequence[int] = SEEDS,
    progress: Progress = lambda done, total: None,
) -> RangeTest:
    """Try rising rates on the training pictures; validation pictures are not looked at.

    Args:
        model: Weights and random state are the same afterwards, whatever happens.
        groups: Its layer groups.
        plan: What trains.
        data: The pictures; of very many a part in the classes' proportions is used.
        recipe: Settings of the run the rate is for; its own ``lr`` does not matter.
        n_classes: Outputs.
        decided: From ``plan_engine``; None = exactly, in memory.
        shelf: Where what frozen blocks give is kept.
        seeds: One run each.
        progress: Told (steps done, all); may raise to cancel.

    Raises:
        DeviceMemoryError: A batch does not fit.
    """
    batch = min(recipe.batch_size, len(data.train_y))
    steps = steps_for(len(data.train_y), batch)
    if len(data.train_y) > (steps + 1) * batch:
        data = part_of(data, fit_subset(data.train_y, limit=(steps + 1) * batch))
    decided = decided or Decided(views=recipe.views, cached=recipe.cache)
    decided = replace(decided, views=_views(decided, recipe))
    rates = np.geomspace(LOWEST, HIGHEST, steps)
    apply_plan(model, groups, plan)
    before, random = trainable_state(model, groups, plan), torch.get_rng_state()
    try:
        if recipe.head_start == "exact":
            start_exactly(
                model, groups, plan, data, recipe,
                n_classes=n_classes, decided=decided, shelf=shelf,
            )  # fmt: skip
        engine = build_engine(model, groups, plan, data, recipe, decided=decided, shelf=shelf)
        test = _Test(engine, groups, plan, data, recipe, rates, batch)
        curves = [
            test.run(seed, lambda step, at=number: progress(at * steps + step, len(seeds) * steps))  # type: ignore[misc]
            for number, seed in enumerate(seeds)
        ]
    except RuntimeError as err:
        if not is_out_of_memory(err):
            raise
        raise DeviceMemoryError(
            f"There is not enough memory for {batch} pictures at a time.",
            hint="Choose a smaller batch size, fewer layers or a smaller picture size.",
        ) from err
    finally:
        model.zero_grad(set_to_none=True)
        apply_plan(model, groups, plan)
        load_trainable_state(model, groups, plan, before)
        set_modes(model, groups, plan, training=False)
        torch.set_rng_state(random)
    losses = np.mean([one[: min(map(len, curves))] for one in curves], axis=0)
    return RangeTest(
        rates=tuple(rates.tolist()),
        losses=tuple(losses.tolist()),
        seeds=len(seeds),
        n_train=len(data.train_y),
        batch_size=batch,
        passes=steps * batch / len(data.train_y),
        found=suggest(rates[: len(losses)], losses),
    )


def _views(decided: Decided, recipe: Recipe) -> int:
    """Versions of every picture; a few fixed ones also where a run draws anew every epoch."""
    if not recipe.augment.any:
        return 1
    return min(decided.views or VIEWS, VIEWS)


class _Test:
    """Runs of rising rates on one engine, each from the weights of the first."""

    def __init__(
        self,
        engine: Engine,
        groups: Sequence[LayerGroup],
        plan: FreezePlan,
        data: TrainData,
        recipe: Recipe,
        rates: np.ndarray,
        batch: int,
    ) -> None:
        self._engine, self._groups, self._plan = engine, groups, plan
        self._recipe, self._rates, self._batch = recipe, rates, batch
        self._labels = torch.from_numpy(np.ascontiguousarray(data.train_y)).to(engine.device)
        keep = keeps_norm_stats(recipe, plan, len(data.train_y))
        self._passes = Passes(engine, groups, plan, recipe, freeze_norm_stats=keep)
        self._start = trainable_state(engine.model, groups, plan)
        self._before = self._judged()

    def run(self, seed: int, told: Callable[[int], None]) -> np.ndarray:
        """Losses (up to len(rates),): the one at ``i`` is met after a step at rate ``i``."""
        model, groups, plan, recipe = self._engine.model, self._groups, self._plan, self._recipe
        load_trainable_state(model, groups, plan, self._start)
        parts = peak_rates(recipe, plan, lr=1.0)
        optimizer = build_optimizer(model, groups, parts, weight_decay=recipe.weight_decay)
        gen = generator(recipe.seed, seed, "range test")
        seed_network(mix(recipe.seed, seed), 0)
        self._passes.training()
        losses: list[float] = []
        watched = _Watch()
        for step, part in enumerate(self._batches(seed)):
            told(min(step, len(self._rates)))
            inputs, target, before = self._inputs(part)
            set_rates(optimizer, float(self._rates[min(step, len(self._rates) - 1)]))
            loss = float(self._passes.step(inputs, target, optimizer, gen).loss)
            compared = loss - before + float(self._before.mean())
            if step:
                losses.append(compared)
            if watched.diverged(compared) or step == len(self._rates):
                break
        found = np.array(losses)
        return found[np.isfinite(found)] if len(found) else found

    def _judged(self) -> np.ndarray:
        """Loss (views, N) of every version of every picture with the weights of the start."""
        rows = np.array_split(np.arange(len(self._labels)), -(-len(self._labels) // EVAL_BATCH))
        set_modes(self._engine.model, self._groups, self._plan, training=False)
        found = []
        with torch.no_grad():
            for view in range(self._engine.decided.views):
                for part, given in zip(rows, self._engine.training(view + 1, rows), strict=True):
                    with autocast(self._engine.decided.numerics, self._engine.device):
                        logits = self._engine.forward(given)
                    target = self._labels[torch.from_numpy(part).to(self._labels.device)]
                    found.append(F.cross_entropy(logits.float(), target, reduction="none").cpu())
        return torch.cat(found).numpy().reshape(self._engine.decided.views, -1)

    def _batches(self, seed: int) -> Iterator[np.ndarray]:
        """Positions without end; every pass over the pictures in an order of its own."""
        for number in count():
            rng = np.random.default_rng(mix(self._recipe.seed, seed, number, "range order"))
            yield from batches(rng.permutation(len(self._labels)), self._batch)

    def _inputs(self, part: np.ndarray) -> tuple[tuple[Tensor, ...], Tensor, float]:
        """A batch with every version in equal parts, its labels, and its loss at the start."""
        shares = {at: part[at :: self._engine.decided.views] for at in range(len(self._before))}
        shares = {view: share for view, share in shares.items() if len(share)}
        pieces = [
            next(iter([*self._engine.training(view + 1, [share])]))
            for view, share in shares.items()
        ]
        inputs = tuple(torch.cat(one) for one in zip(*pieces, strict=True))
        positions = torch.from_numpy(np.concatenate([*shares.values()]))
        before = np.concatenate([self._before[view, share] for view, share in shares.items()])
        return inputs, self._labels[positions.to(self._labels.device)], float(before.mean())


class _Watch:
    """Says when a running loss has left all it had reached."""

    def __init__(self) -> None:
        self._first = self._now = self._least = float("nan")

    def diverged(self, loss: float) -> bool:
        if not math.isfinite(loss):
            return True
        if math.isnan(self._first):
            self._first = self._now = self._least = loss
        self._now = QUICK * self._now + (1 - QUICK) * loss
        self._least = min(self._least, self._now)
        return self._now > DIVERGED * self._least and self._now > self._first + LOST
