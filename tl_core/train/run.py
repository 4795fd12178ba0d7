"""The state of one run while it trains: network, optimizer, history, best weights so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from tl_core.cache.shelf import Shelf
from tl_core.errors import CheckpointError, DeviceMemoryError, FrozenDriftError
from tl_core.events import (
    EpochDone,
    FindingRaised,
    FinishReason,
    RunFinished,
    RunStarted,
    Warned,
)
from tl_core.intervals import wilson
from tl_core.models.freezing import (
    frozen_digest,
    load_trainable_state,
    trainable_state,
)
from tl_core.models.groups import LayerGroup
from tl_core.models.plan import FreezePlan
from tl_core.train.checkpoint import Checkpoint
from tl_core.train.device import device_title
from tl_core.train.engine import Decided, build_engine
from tl_core.train.optim import build_optimizer, load_optimizer_state, optimizer_state
from tl_core.train.passes import EVAL_BATCH, Judged, Passes, batches
from tl_core.train.policies import best_epoch, is_best
from tl_core.train.recipe import (
    Judge,
    Recipe,
    TrainData,
    keeps_norm_stats,
    peak_rates,
    recipe_digest,
)

__all__ = ["Run"]

SMALLEST_BATCH = 2  # batch normalisation cannot learn from one picture


class Run:
    """Owned by ``loop.fit``; arguments as there."""

    def __init__(
        self,
        model: nn.Module,
        groups: Sequence[LayerGroup],
        plan: FreezePlan,
        data: TrainData,
        recipe: Recipe,
        *,
        judge: Judge,
        decided: Decided | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        self.model, self.groups, self.plan = model, groups, plan
        self.data, self.recipe = data, recipe
        self._judge = judge
        self.batch_size = min(recipe.batch_size, len(data.train_y))
        engine = build_engine(model, groups, plan, data, recipe, decided=decided, shelf=shelf)
        self.device = engine.device
        self.passes = Passes(
            engine,
            groups,
            plan,
            recipe,
            freeze_norm_stats=keeps_norm_stats(recipe, plan, len(data.train_y)),
        )
        self.targets = torch.from_numpy(np.ascontiguousarray(data.train_y)).to(self.device)
        self.rates = peak_rates(recipe, plan, lr=recipe.lr)
        self.optimizer = build_optimizer(
            model, groups, self.rates, weight_decay=recipe.weight_decay
        )
        self.history: list[EpochDone] = []
        self.findings: list[FindingRaised] = []
        self.val_losses: list[np.ndarray] = []
        self._frozen = frozen_digest(model, groups, plan)
        self._digest = recipe_digest(recipe, data)
        self.mark = self._capture({})

    # -- what is said ------------------------------------------------------------------------------

    def started(self, classes: Sequence[str], model_name: str) -> RunStarted:
        """The plan, for the first event."""
        sizes = [(p.numel(), p.requires_grad) for p in self.model.parameters()]
        return RunStarted(
            model=model_name,
            layers=self.recipe.layers,
            epochs=self.recipe.epochs,
            steps=self.steps,
            n_train=len(self.data.train_y),
            n_val=len(self.data.val_y),
            n_test=self.data.n_test,
            classes=list(classes),
            trainable=sum(size for size, trains in sizes if trains),
            parameters=sum(size for size, _ in sizes),
            lr=self.recipe.lr,
            batch_size=self.batch_size,
            image_size=int(self.data.train_x.shape[-1]),
            device=device_title(self.device),
            majority=self.data.majority,
            rates=list(self.rates),
        )

    def finished(self, reason: FinishReason) -> RunFinished:
        """The result, of the best epoch."""
        best = self.history[best_epoch(self.history) - 1]
        right = round(best.val_acc * best.n_val)
        return RunFinished(
            reason=reason,
            epochs=len(self.history),
            best_epoch=best.epoch,
            val_accuracy=best.val_acc,
            val_accuracy_ci=list(wilson(right, best.n_val)),
            findings=list(self.findings),
        )

    def new_findings(self, end: FinishReason | None) -> list[FindingRaised]:
        """What the judge sees now and has not said before."""
        found = self._judge(self.history, self._losses(), self.findings, end)
        self.findings.extend(found)
        return found

    # -- an epoch ----------------------------------------------------------------------------------

    @property
    def steps(self) -> int:
        """Optimizer steps per epoch at the present batch size."""
        return len(batches(np.arange(len(self.data.train_y)), self.batch_size))

    def score(self) -> tuple[Judged, Judged]:
        """Judge the clean training subset and the validation pictures with the present weights."""
        data, size = self.data, min(EVAL_BATCH, 4 * self.batch_size)
        everything = np.arange(len(data.val_y))
        return (
            self.passes.judge("fit", data.train_y, data.fit_index, size),
            self.passes.judge("val", data.val_y, everything, size),
        )

    def add(
        self, fit: Judged, val: Judged, *, train_loss: float, train_acc: float, lr: float
    ) -> EpochDone:
        """Enter an epoch into the history."""
        val_loss = float(val.losses.mean(dtype=np.float64))
        done = EpochDone(
            epoch=len(self.history) + 1,
            train_loss=train_loss,
            train_acc=train_acc,
            fit_acc=float(fit.right.mean()),
            val_loss=val_loss,
            val_acc=float(val.right.mean()),
            n_fit=len(fit.right),
            n_val=len(val.right),
            lr=lr,
            is_best=is_best(self.history, val_loss),
        )
        self.history.append(done)
        self.val_losses.append(val.losses)
        return done

    # -- going back --------------------------------------------------------------------------------

    def keep(self) -> Checkpoint:
        """Take the present state as the one to go back to; the best weights stay with it."""
        self.mark = self._capture(self.mark.best_state)
        return self.mark

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint.

        Raises:
            CheckpointError: It is from other settings, pictures or frozen weights.
        """
        if checkpoint.recipe_digest != self._digest:
            raise CheckpointError(
                "The checkpoint was written with other settings or pictures.",
                hint="Resume with the settings the run was started with, or start a new run.",
            )
        if checkpoint.frozen_digest != self._frozen:
            raise CheckpointError(
                "The pretrained weights are not those the run was started with.",
                hint="Put the original weights back, or start a new run.",
            )
        self._load(checkpoint)
        self.batch_size = checkpoint.batch_size
        self.history = list(checkpoint.history)
        self.findings = list(checkpoint.findings)
        self.val_losses = list(checkpoint.val_losses)
        self.mark = checkpoint

    def halve_batch(self) -> Warned:
        """Go back to the start of the epoch with half the batch.

        Raises:
            DeviceMemoryError: The batch cannot be halved any more.
        """
        size = int(self.data.train_x.shape[-1])
        if self.batch_size <= SMALLEST_BATCH:
            raise DeviceMemoryError(
                f"There is not enough memory, even for {SMALLEST_BATCH} pictures at a time.",
                hint=f"Choose fewer layers, a smaller model, or an image size below {size} px.",
            )
        before, self.batch_size = self.batch_size, max(SMALLEST_BATCH, self.batch_size // 2)
        self.optimizer.zero_grad(set_to_none=True)
        self.passes.forget()
        self._load(self.mark)
        return Warned(
            code="batch_halved",
            message=f"Memory ran out with {before} pictures at a time; "
            f"the epoch starts again with {self.batch_size}.",
            hint=f"A smaller image size than {size} px would need less memory.",
        )

    def load_best(self) -> None:
        """Put the best epoch's weights into the network, in evaluation mode."""
        load_trainable_state(self.model, self.groups, self.plan, self.mark.best_state)
        self.passes.finish()

    def check_frozen(self) -> None:
        """Compare the frozen groups with what they were.

        Raises:
            FrozenDriftError: They changed.
        """
        if frozen_digest(self.model, self.groups, self.plan) != self._frozen:
            raise FrozenDriftError(
                "A frozen block changed during training, so this run is not to be trusted.",
                hint="This is a fault in Thaw; please report it with the run's log.",
            )

    def _load(self, checkpoint: Checkpoint) -> None:
        load_trainable_state(self.model, self.groups, self.plan, checkpoint.state)
        load_optimizer_state(self.model, self.optimizer, checkpoint.optimizer)

    def _capture(self, best_state: Mapping[str, Tensor]) -> Checkpoint:
        state = trainable_state(self.model, self.groups, self.plan)
        newest_is_best = not self.history or self.history[-1].is_best
        return Checkpoint(
            epoch=len(self.history),
            best_epoch=best_epoch(self.history),
            batch_size=self.batch_size,
            state=state,
            best_state=state if newest_is_best else best_state,
            optimizer=optimizer_state(self.model, self.optimizer),
            history=tuple(self.history),
            findings=tuple(self.findings),
            val_losses=self._losses(),
            frozen_digest=self._frozen,
            recipe_digest=self._digest,
        )

    def _losses(self) -> np.ndarray:
        """float32 (epochs, n_val)."""
        rows = self.val_losses or [np.zeros((0, len(self.data.val_y)), np.float32)]
        return np.vstack(rows).astype(np.float32, copy=False)
