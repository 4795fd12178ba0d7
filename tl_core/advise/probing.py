"""What a frozen network's features are worth on the pictures: linear head, neighbours, evidence.

All networks are judged on the same pictures in the same folds, what belongs together on one side,
so that differences between them can be told from chance. Imports torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import optimize, stats
from torch import Tensor

from tl_core.advise.advice import Measure, Scores
from tl_core.advise.evidence import logme
from tl_core.advise.neighbours import neighbour_answers
from tl_core.check.gap import REPEATS, accuracy_of, at_most, dealt, judgeable
from tl_core.intervals import LEVEL, fold_error, wilson
from tl_core.probe.pooling import Block
from tl_core.probe.repeated import Heads
from tl_core.probe.select import prepared_features

__all__ = [
    "MOST",
    "Arrangement",
    "Probed",
    "arranged",
    "corrected_error",
    "fold_means",
    "probe_rows",
    "probed",
]

MOST = 2000  # pictures judged; more hardly narrow the intervals, and take minutes
CHOOSING = 1000  # seed of the division on which strengths and sharpness are chosen
SHARPEST = 200.0  # of answers of about 0 and 1, before the softmax


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrangement:
    """Pictures to judge networks on: ``labels`` and ``units`` (N,), ``choosing`` the division for
    choices and ``divisions`` those that judge, each (N,) int64 folds.
    """

    labels: np.ndarray
    units: np.ndarray
    choosing: np.ndarray
    divisions: tuple[np.ndarray, ...]

    @property
    def folds(self) -> int:
        """Of each division."""
        return int(self.divisions[0].max()) + 1

    @property
    def n_units(self) -> int:
        """How many pictures are independent of each other."""
        return len(np.unique(self.units))

    @property
    def majority(self) -> float:
        """Share of the largest class."""
        return float(np.bincount(self.labels).max() / len(self.labels))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Probed:
    """Scores of a network, and per repeat and picture (R, N) whether its head was ``right`` and
    the ``losses`` in nats.
    """

    scores: Scores
    right: np.ndarray
    losses: np.ndarray


def probe_rows(labels: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Positions of the pictures to judge on, sorted; empty where there are too few.

    Whole units, of classes that have two or more of them.

    Args:
        labels: int (N,).
        units: int (N,), what each picture moves with.
    """
    rows = at_most(units, judgeable(labels, units, np.arange(len(labels))), MOST)
    return judgeable(labels, units, rows)


def arranged(labels: np.ndarray, units: np.ndarray, *, repeats: int = REPEATS) -> Arrangement:
    """Deal pictures out to folds.

    Args:
        labels: int (N,), class positions without gaps.
        units: int (N,).
        repeats: Divisions that judge.
    """
    return Arrangement(
        labels=labels,
        units=units,
        choosing=dealt(labels, units, seed=CHOOSING),
        divisions=tuple(dealt(labels, units, seed=seed) for seed in range(repeats)),
    )


def probed(features: Tensor, pictures: Arrangement) -> Probed:
    """Judge a network by its features.

    Args:
        features: (N, D) float, in the order of the pictures, on the device to compute on.
        pictures: Them.
    """
    labels = torch.from_numpy(pictures.labels)
    n_classes = int(labels.max()) + 1
    x = features.float()
    x = (x - x.mean(0)) / x.std(correction=0).clamp_min(1e-30)  # any network's features alike
    ready = prepared_features(x, (Block(group="features", placed=False, size=x.shape[1]),))
    heads = Heads(ready, labels, n_classes, torch.from_numpy(pictures.choosing))
    chosen_on = heads.answers(torch.from_numpy(pictures.choosing)).double().numpy()
    sharpness = _sharpness(chosen_on, pictures.labels)
    answers = [heads.answers(torch.from_numpy(one)).double().numpy() for one in pictures.divisions]
    right = np.stack([one.argmax(1) == pictures.labels for one in answers])
    losses = np.stack([_losses(one, pictures.labels, sharpness) for one in answers])
    judged = list(zip(pictures.divisions, right, strict=True))
    accuracy = accuracy_of(judged)
    near = [_neighbours(features, pictures, k) for k in (1, 5)]
    return Probed(
        scores=Scores(
            accuracy=Measure(value=accuracy.value, low=accuracy.low, high=accuracy.high),
            balanced=_balanced(right, pictures.labels),
            log_loss=_mean_over_folds(losses, pictures),
            nearest=near[0],
            nearest5=near[1],
            evidence=_evidence(features, pictures.labels),
        ),
        right=right,
        losses=losses,
    )


def fold_means(values: np.ndarray, divisions: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of every fold of every division, (J,), from values (R, N)."""
    return np.array(
        [
            one[fold == number].mean()
            for one, fold in zip(values, divisions, strict=True)
            for number in range(int(fold.max()) + 1)
        ],
        dtype=np.float64,
    )


def corrected_error(values: np.ndarray, folds: int) -> float:
    """``intervals.fold_error`` of fold means (J,), by the folds of one division."""
    return fold_error(values.tolist(), 1 / max(1, folds - 1))


# -- inside ----------------------------------------------------------------------------------------


def _neighbours(features: Tensor, pictures: Arrangement, k: int) -> Measure:
    """With Wilson's interval for as many pictures as are independent."""
    labels, units = torch.from_numpy(pictures.labels), torch.from_numpy(pictures.units)
    answers = neighbour_answers(
        features, labels.to(features.device), units.to(features.device), k
    ).cpu()
    share = float((answers == labels).double().mean())
    low, high = wilson(round(share * pictures.n_units), pictures.n_units)
    return Measure(value=share, low=min(low, share), high=max(high, share))


def _balanced(right: np.ndarray, labels: np.ndarray) -> float:
    return float(np.mean([right[:, labels == label].mean() for label in np.unique(labels)]))


def _mean_over_folds(losses: np.ndarray, pictures: Arrangement) -> Measure:
    values = fold_means(losses, pictures.divisions)
    mean = float(losses.mean())
    half = corrected_error(values, pictures.folds) * float(
        stats.t.ppf((1 + LEVEL) / 2, len(values) - 1)
    )
    return Measure(value=mean, low=max(0.0, mean - half), high=mean + half)


def _losses(answers: np.ndarray, labels: np.ndarray, sharpness: float) -> np.ndarray:
    """Of each picture, (N,) nats."""
    scores = sharpness * answers
    top = scores.max(1, keepdims=True)
    total = top[:, 0] + np.log(np.exp(scores - top).sum(1))
    found: np.ndarray = total - scores[np.arange(len(labels)), labels]
    return found


def _sharpness(answers: np.ndarray, labels: np.ndarray) -> float:
    """What turns a ridge head's answers into the most fitting probabilities."""
    found = optimize.minimize_scalar(
        lambda log: float(_losses(answers, labels, math.exp(log)).mean()),
        bounds=(math.log(0.1), math.log(SHARPEST)),
        method="bounded",
    )
    return math.exp(float(found.x))


def _evidence(features: Tensor, labels: np.ndarray) -> float | None:
    try:
        found = logme(features.double().cpu().numpy(), labels)
    except np.linalg.LinAlgError:  # a tie-break is no reason to lose the rest
        return None
    return found if math.isfinite(found) else None
