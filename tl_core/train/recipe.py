"""What ``fit`` is given: pixels, and settings as flat, built values. No torch here.

Configs stop at ``recipe_for``; below it nobody knows a RunSpec.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from tl_core.config import AugmentConfig, RunSpec, block_parts
from tl_core.events import EpochDone, FindingRaised, FinishReason
from tl_core.models.plan import FreezePlan
from tl_core.train.blockrates import group_rates

__all__ = [
    "Control",
    "Go",
    "Judge",
    "PictureRows",
    "Recipe",
    "TrainData",
    "fit_subset",
    "keeps_norm_stats",
    "peak_rates",
    "recipe_digest",
    "recipe_for",
]

FIT_PICTURES = 200  # training pictures judged clean each epoch; the 95 % interval is then +-7 pts

Order = Literal["go", "pause", "stop"]


class PictureRows(Protocol):
    """Pictures by position: an array, or rows of a store (``tl_core.data.rows.Rows``)."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, 3, S, S)."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> np.ndarray: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainData:
    """Pictures at training size with their labels; the test pictures are not among them.

    ``*_x`` are uint8 (N, 3, S, S), memory maps welcome; ``*_y`` int64 (N,) class positions;
    ``fit_index`` positions in ``train_x`` judged as they are each epoch (``fit_subset``);
    ``*_keys`` the pictures' contents (digests) and ``resize`` how they were made square, without
    which nothing computed from them can be kept beyond the run.
    """

    train_x: PictureRows
    train_y: np.ndarray
    val_x: PictureRows
    val_y: np.ndarray
    fit_index: np.ndarray
    n_test: int = 0
    train_keys: tuple[str, ...] = ()
    val_keys: tuple[str, ...] = ()
    resize: str = "squash"

    @property
    def known(self) -> bool:
        """Whether the pictures' contents are named."""
        return len(self.train_keys) == len(self.train_y) and len(self.val_keys) == len(self.val_y)

    def keys(self, part: Literal["train", "val"]) -> tuple[str, ...]:
        """Content keys of a part; positions stand in for them when they are not known."""
        if self.known:
            return self.train_keys if part == "train" else self.val_keys
        n = len(self.train_y) if part == "train" else len(self.val_y)
        return tuple(f"{part}-{position}" for position in range(n))

    @property
    def majority(self) -> float:
        """Share of the largest class among the validation pictures, 0..1."""
        return float(np.bincount(self.val_y).max() / len(self.val_y))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A run's settings, all decided.

    Units as in ``TrainConfig``. ``mean`` and ``std`` belong to pictures in [0, 1].
    ``freeze_norm_stats`` None means by rule: batch statistics of the trainable groups are kept
    too when batches (< 32) or the set (< 500) are small, except from scratch.
    """

    epochs: int
    lr: float
    batch_size: int
    layers: str = "head"
    backbone_lr: float = 0.1
    block_decay: float = 0.4
    block_rates: str = ""
    schedule: str = "one-cycle"
    weight_decay: float = 0.01
    label_smoothing: float = 0.0
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    patience: int = 0
    seed: int = 0
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    device: str = "auto"
    freeze_norm_stats: bool | None = None
    views: int = 0
    cache: bool = False
    head_start: str = "random"


class Control(Protocol):
    """How a run is told to wait or end."""

    def poll(self) -> Order:
        """What to do now; asked after every step, so it must be cheap."""


class Go(Control):
    """Never stops anything: for runs that nobody watches."""

    def poll(self) -> Order:
        """Always "go"."""
        return "go"


class Judge(Protocol):
    """Looks at a run after each epoch (``tl_core.diagnose.rules.Coach``)."""

    def __call__(
        self,
        history: Sequence[EpochDone],
        val_losses: np.ndarray,
        raised: Sequence[FindingRaised],
        end: FinishReason | None,
    ) -> list[FindingRaised]:
        """Findings not yet among ``raised``.

        ``val_losses`` is float32 (epochs, n_val), one row per epoch of ``history``; ``end`` is
        set when no epoch follows.
        """


def recipe_for(
    spec: RunSpec, *, mean: Sequence[float], std: Sequence[float], device: str = "auto"
) -> Recipe:
    """Flatten a resolved RunSpec.

    Args:
        spec: From ``defaults.resolved``; epochs, lr and batch_size must be set.
        mean: Of the model's card.
        std: Of the model's card.
        device: As ``device.choose_device``.
    """
    train = spec.train
    assert train.epochs is not None and train.lr is not None and train.batch_size is not None
    return Recipe(
        epochs=train.epochs,
        lr=train.lr,
        batch_size=train.batch_size,
        layers=spec.freeze.layers,
        backbone_lr=train.backbone_lr,
        block_decay=train.block_decay,
        block_rates=train.block_rates,
        schedule=train.schedule,
        weight_decay=train.weight_decay,
        label_smoothing=train.label_smoothing,
        augment=spec.augment,
        patience=train.patience,
        seed=train.seed,
        mean=tuple(mean),
        std=tuple(std),
        device=device,
        views=train.views or 0,
        cache=train.cache,
        head_start="random" if spec.model.weights == "random" else train.head_start,
    )


def keeps_norm_stats(recipe: Recipe, plan: FreezePlan, n_train: int) -> bool:
    """Whether trainable pretrained groups keep their statistics, asked for or by rule."""
    if recipe.freeze_norm_stats is not None:
        return recipe.freeze_norm_stats
    return plan.freeze_norm_stats(batch_size=recipe.batch_size, n_train=n_train)


def peak_rates(recipe: Recipe, plan: FreezePlan, *, lr: float) -> tuple[float, ...]:
    """Peak learning rate of every layer group, stem -> head, when the head's is ``lr``."""
    return group_rates(
        plan,
        lr=lr,
        backbone_lr=recipe.backbone_lr,
        block_decay=recipe.block_decay,
        block_rates=block_parts(recipe.block_rates),
    )


def recipe_digest(recipe: Recipe, data: TrainData) -> str:
    """What a checkpoint must agree with: settings and labels, but not the device (hex)."""
    body = asdict(recipe)
    del body["device"]
    if not body["block_rates"]:  # checkpoints of earlier versions know nothing of it
        del body["block_rates"]
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode())
    for labels in (data.train_y, data.val_y, data.fit_index):
        digest.update(np.ascontiguousarray(labels, dtype=np.int64).tobytes())
    digest.update(str((data.train_x.shape, data.val_x.shape)).encode())
    return digest.hexdigest()


def fit_subset(labels: np.ndarray, *, limit: int = FIT_PICTURES, seed: int = 0) -> np.ndarray:
    """A fixed choice of training pictures with the classes in their proportions.

    Args:
        labels: int (N,), class positions.
        limit: Most pictures to take; all are taken when there are no more.
        seed: Same seed, same choice.

    Returns:
        Sorted positions, int64. Every class keeps at least one picture while ``limit`` allows.
    """
    n = len(labels)
    if n <= limit:
        return np.arange(n, dtype=np.int64)
    rng = np.random.default_rng(seed)
    order = rng.permutation(n)
    rank = np.empty(n, dtype=np.float64)
    for label in np.unique(labels):
        of_class = order[labels[order] == label]
        rank[of_class] = (np.arange(len(of_class)) + rng.random() * 1e-6) / len(of_class)
    return np.sort(np.argsort(rank, kind="stable")[:limit]).astype(np.int64)
