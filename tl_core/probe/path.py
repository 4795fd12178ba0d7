"""How strongly a linear head is held back: chosen by cross-validation on the training pictures.

From strong to weak, each strength starts where the last one ended, all folds and the fit of all
pictures together. Held-out scores may be too bold or too timid as a whole, which one number mends
(a temperature): strengths are judged after it, so that the choice is about what a head knows and
not about how loudly it says it, and the number itself makes the head's probabilities honest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from tl_core.probe.solver import minimise
from tl_core.probe.spaces import Space

__all__ = [
    "STRENGTHS",
    "Path",
    "Report",
    "Tried",
    "boldness",
    "fold_of",
    "parts_of",
    "some_rows",
    "strength_path",
]

Report = Callable[[float, float, float, int, int], None]  # strength, loss, accuracy, done, total

# Relative to the pictures' mean squared length, so that they suit any number of features.
STRENGTHS = tuple(2e-3 / 4**step for step in range(8))  # 2e-3 ... 1.2e-7
FOLDS = 5
CHOOSING = 1e-3  # tolerance: thirty times less changes the choice hardly (decision 0011)
MANY = 1000  # pictures from which fewer folds tell as much
FEW_FOLDS = 3
GAIN = 0.003  # share of the loss that a strength must save for the next one to be tried
HOPELESS = 1.02  # times the loss known from elsewhere ends it at once
BOLDEST = math.log(20)  # of the one number, either way
FULL_ROWS = 4000  # pictures strengths are always tried on; more only while it is cheap
FULL_CELLS = 1 << 24  # rows x features that count as cheap


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One strength: loss (nats, after ``boldness``) and accuracy (0..1) on held-out pictures."""

    strength: float
    loss: float
    accuracy: float
    boldness: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Path:
    """All strengths tried, the best of them, and the points at it: one fit per fold, which does
    not know the pictures held out, and last the fit of all pictures. ``held_out`` (N, C) are the
    scores of each picture by the fit that does not know it, made as bold as they should be; NaN for
    pictures that were never held out.
    """

    tried: tuple[Tried, ...]
    best: Tried
    points: Tensor
    held_out: Tensor

    @property
    def point(self) -> Tensor:
        """The fit of all pictures."""
        return self.points[-1:]


def strength_path(
    space: Space,
    y: Tensor,
    n_classes: int,
    *,
    strengths: Sequence[float] = STRENGTHS,
    start: Tensor | None = None,
    seed: int = 0,
    folds: int | None = None,
    tolerance: float = CHOOSING,
    known: float = math.inf,
    report: Report = lambda strength, loss, accuracy, done, total: None,
) -> Path | None:
    """Try strengths from strong to weak and stop where it gets worse.

    Args:
        space: Features whose pictures have mean squared length 1 (or give scaled strengths).
        y: (N,) int64.
        n_classes: Outputs.
        strengths: Falling.
        start: Points of an earlier path with the same pictures, seed and folds; a fit that
            knows a fold's held-out pictures must not be that fold's start. None = zeros.
        seed: Of the folds.
        folds: At most; None = 5, or 3 for a thousand pictures and more.
        tolerance: Of each fit.
        known: The loss other features reached; far from it, one strength is enough.
        report: Told of each strength.

    Returns:
        None when no class has two pictures: nothing can be held out.
    """
    fold = fold_of(y, folds or (FOLDS if len(y) < MANY else FEW_FOLDS), seed=seed)
    judged = fold >= 0
    if not bool(judged.any()):
        return None
    used = int(fold.max()) + 1
    counts = torch.ones(used + 1, len(y), device=y.device)  # the last fit has all pictures
    counts[:used] = (fold[None] != torch.arange(used, device=y.device)[:, None]).float()
    point = space.zeros(used + 1, n_classes) if start is None else start
    rows = judged.nonzero()[:, 0]
    tried: list[Tried] = []
    best: tuple[Tried, Tensor, Tensor] | None = None
    for strength in strengths:
        found = minimise(space, y, counts, strength=strength, start=point, tolerance=tolerance)
        point = found.point
        held_out = found.scores[fold[rows], :, rows]
        one = _judged(strength, held_out, y[rows])
        tried.append(one)
        report(strength, one.loss, one.accuracy, len(tried), len(strengths))
        gained = best is None or one.loss < (1 - GAIN) * best[0].loss
        if best is None or one.loss < best[0].loss:
            best = one, point, held_out * one.boldness
        if not gained or one.loss > HOPELESS * known:
            break
    assert best is not None
    scores = torch.full((len(y), n_classes), math.nan, device=y.device)
    scores[rows] = best[2].float()
    return Path(tried=tuple(tried), best=best[0], points=best[1], held_out=scores)


def _judged(strength: float, scores: Tensor, y: Tensor) -> Tried:
    factor, loss = boldness(scores, y)
    right = (scores.argmax(1) == y).float().mean()
    return Tried(strength=strength, loss=loss, accuracy=float(right), boldness=factor)


def boldness(scores: Tensor, y: Tensor) -> tuple[float, float]:
    """The factor on held-out scores that makes their probabilities fit best, and the loss then.

    A mild preference for 1 keeps it finite when few pictures are all right.

    Args:
        scores: (N, C).
        y: (N,).
    """

    def cost(log: float) -> float:
        loss = float(F.cross_entropy(scores * math.exp(log), y))
        return loss + log * log / (2 * len(y))

    low, high = -BOLDEST, BOLDEST
    golden = (math.sqrt(5) - 1) / 2
    left, right = high - golden * (high - low), low + golden * (high - low)
    at_left, at_right = cost(left), cost(right)
    for _ in range(16):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - golden * (high - low)
            at_left = cost(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + golden * (high - low)
            at_right = cost(right)
    log = (low + high) / 2
    return math.exp(log), float(F.cross_entropy(scores * math.exp(log), y))


def fold_of(y: Tensor, folds: int = FOLDS, *, seed: int = 0) -> Tensor:
    """Deal the pictures of each class out to folds as evenly as can be.

    However small a class is, every other fold keeps at least one picture of it. The only picture
    of a class is never held out: nobody could know it.

    Returns:
        (N,) int64: the fold that holds the picture out, -1 for none; folds are 0, 1, ... without
        gaps.
    """
    source = torch.Generator().manual_seed(seed)
    found = torch.full((len(y),), -1, dtype=torch.int64)
    labels = y.cpu()
    dealt = 0
    for label in torch.bincount(labels).nonzero()[:, 0].tolist():
        of_class = (labels == label).nonzero()[:, 0]
        if len(of_class) > 1:
            mixed = of_class[torch.randperm(len(of_class), generator=source)]
            found[mixed] = (torch.arange(len(mixed)) + dealt) % folds
            dealt += len(mixed)
    held = found >= 0
    used = torch.bincount(found[held], minlength=folds) > 0
    found[held] = (used.cumsum(0) - 1)[found[held]]
    return found.to(y.device)


def some_rows(y: Tensor, width: int, *, seed: int = 0) -> Tensor | None:
    """Pictures to choose the strength on: a fixed stratified part of a large set.

    Args:
        y: (N,) int64.
        width: Features per picture.
        seed: Same seed, same part.

    Returns:
        Sorted positions, or None for all of them.
    """
    most = max(FULL_ROWS, FULL_CELLS // max(width, 1))
    if len(y) <= most:
        return None
    source = torch.Generator().manual_seed(seed)
    labels = y.cpu()
    rank = torch.empty(len(y), dtype=torch.float64)
    for label in torch.bincount(labels).nonzero()[:, 0].tolist():
        of_class = (labels == label).nonzero()[:, 0]
        order = torch.randperm(len(of_class), generator=source).double()
        rank[of_class] = (order + 1e-6 * torch.rand(1, generator=source).double()) / len(of_class)
    return rank.argsort(stable=True)[:most].sort().values.to(y.device)


def parts_of(y: Tensor, width: int, *, seed: int = 0) -> list[Tensor]:
    """A set in stratified parts of as many pictures as strengths are tried on at a time.

    Args:
        y: (N,) int64.
        width: Features per picture.
        seed: Same seed, same parts.

    Returns:
        Sorted positions of each part, together all of them.
    """
    most = max(FULL_ROWS, FULL_CELLS // max(width, 1))
    n_parts = -(-len(y) // most)
    if n_parts <= 1:
        return [torch.arange(len(y), device=y.device)] if len(y) else []
    part = fold_of(y, n_parts, seed=seed)
    part[part < 0] = 0  # the only picture of a class: nobody can judge it in any part
    found = [(part == number).nonzero()[:, 0] for number in range(n_parts)]
    return [rows for rows in found if len(rows)]
