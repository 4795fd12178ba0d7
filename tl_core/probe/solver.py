"""Multinomial logistic regression with a squared penalty, many fits at once, by L-BFGS.

All fits (the folds of a cross-validation, say) have the same features and differ only in how much
each picture counts, so their weights lie side by side and every step is one wide matrix product.
Along a direction the scores change linearly: the line search needs no product at all. Each fit has
its own step lengths and ends on its own. Float32, on whatever device the features are.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from tl_core.probe.spaces import FeatureSpace, PictureSpace, Space, gram, inner, penalty

__all__ = ["Fit", "Solution", "best_space", "fit_softmax", "minimise"]

MEMORY = 10  # pairs of steps and gradient changes kept
ROUNDS = 500  # most steps; a fit that needs them all is badly scaled
TRIES = 12  # of a step length; one or two are usual
FLAT = 0.5  # a step ends where the slope is this share of what it was; more exact is no faster
SMALL = 2  # steps in a row without progress that end a fit
NOISE = 3e-7  # relative; below it two objectives in float32 cannot be told apart


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """Where several fits ended: ``point`` of the space, ``scores`` (fits, classes, N),
    ``objective`` (fits,) and the ``rounds`` (steps) it took.
    """

    point: Tensor
    scores: Tensor
    objective: Tensor
    rounds: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """One linear head: ``weight`` (C, D), ``bias`` (C,), its objective and the steps it took."""

    weight: Tensor
    bias: Tensor
    objective: float
    rounds: int


def fit_softmax(
    x: Tensor,
    y: Tensor,
    n_classes: int,
    *,
    strength: float,
    sample_weight: Tensor | None = None,
    start: tuple[Tensor, Tensor] | None = None,
    tolerance: float = 1e-7,
    rounds: int = ROUNDS,
) -> Fit:
    """Minimise mean cross-entropy + strength / 2 * |W|^2; the intercepts are not penalised.

    The same as scikit-learn's ``LogisticRegression(C=1 / (strength * N))``.

    Args:
        x: (N, D) float32.
        y: (N,) int64, class positions.
        n_classes: Outputs; a class may have no picture.
        strength: Above 0.
        sample_weight: (N,) how much each picture counts, at least 0; only ratios matter.
        start: Weights (C, D) and intercepts (C,) to begin at; then the features are worked on
            themselves, whatever their number.
        tolerance: Relative decrease of the objective per step below which it ends.
        rounds: Most steps.
    """
    space: Space = best_space(x) if start is None else FeatureSpace(x)
    point = space.zeros(1, n_classes)
    if start is not None:
        point[0, 0, :, :-1], point[0, 0, :, -1] = start
    counts = torch.ones(1, len(x), device=x.device)
    if sample_weight is not None:
        counts = sample_weight.to(counts)[None]
    found = minimise(
        space, y, counts, strength=strength, start=point, tolerance=tolerance, rounds=rounds
    )
    weight, bias = space.weights(found.point)
    return Fit(
        weight=weight[0],
        bias=bias[0],
        objective=float(found.objective[0]),
        rounds=found.rounds,
    )


def best_space(x: Tensor) -> Space:
    """The cheaper of the two spaces for features (N, D)."""
    return PictureSpace(gram(x), x) if len(x) <= x.shape[1] else FeatureSpace(x)


def minimise(
    space: Space,
    y: Tensor,
    counts: Tensor,
    *,
    strength: float,
    start: Tensor,
    tolerance: float,
    rounds: int = ROUNDS,
) -> Solution:
    """Solve several fits together.

    Args:
        space: The features.
        y: (N,) int64.
        counts: (fits, N) how much each picture counts in each fit, at least 0; only ratios matter.
        strength: Of the penalty, above 0.
        start: A point of the space; not changed.
        tolerance: Relative decrease per step below which a fit ends.
        rounds: Most steps.
    """
    loss = _Loss(y, counts / counts.sum(1, keepdim=True), start.shape[2])
    point, scores = start, space.scores(start)
    at = loss(scores)
    value = at.value + strength / 2 * penalty(point, point)
    slope = space.gradient(at.residual, point, strength)
    memory = _Memory()
    idle = torch.zeros(len(start), dtype=torch.int64, device=start.device)
    done = 0
    while done < rounds and not bool((idle >= SMALL).all()):
        done += 1
        way = memory.direction(slope)
        step, scores_step = _step(loss, scores, point, way, slope, space, strength, value, at)
        step = torch.where(idle < SMALL, step, 0.0)
        moved = step[:, None, None, None] * way
        point, scores = point + moved, scores + step[:, None, None] * scores_step
        at = loss(scores)
        before, value = value, at.value + strength / 2 * penalty(point, point)
        slope_before, slope = slope, space.gradient(at.residual, point, strength)
        memory.add(moved, slope - slope_before)
        small = before - value <= max(tolerance, NOISE / 10) * value.abs()
        idle = torch.where(small, idle + 1, torch.where(idle < SMALL, 0, idle))
    return Solution(point=point, scores=scores, objective=value, rounds=done)


@dataclass(frozen=True, slots=True, eq=False)
class _At:
    """The loss at some scores: value (fits,), probabilities and residual (fits, C, N)."""

    value: Tensor
    probabilities: Tensor
    residual: Tensor


class _Loss:
    """Weighted mean cross-entropy of scores (fits, C, N)."""

    def __init__(self, y: Tensor, weights: Tensor, classes: int) -> None:
        self.weights = weights
        self.truth = F.one_hot(y, classes).t().to(weights)

    def __call__(self, scores: Tensor) -> _At:
        logs = torch.logsumexp(scores, 1)
        given = (scores * self.truth).sum(1)
        probabilities = torch.exp(scores - logs[:, None])
        return _At(
            value=(self.weights * (logs - given)).sum(1),
            probabilities=probabilities,
            residual=(probabilities - self.truth) * self.weights[:, None],
        )

    def curvature(self, at: _At, way: Tensor) -> Tensor:
        """Second derivative along ``way`` (fits, C, N), per fit."""
        mean = (at.probabilities * way).sum(1)
        square = (at.probabilities * way * way).sum(1)
        return (self.weights * (square - mean * mean)).sum(1)


def _step(
    loss: _Loss,
    scores: Tensor,
    point: Tensor,
    way: Tensor,
    slope: Tensor,
    space: Space,
    strength: float,
    value: Tensor,
    at: _At,
) -> tuple[Tensor, Tensor]:
    """How far to go along ``way``, per fit (0 where it leads nowhere), and the scores' change.

    The objective is convex along a line, so the lowest point lies between the last place where it
    fell and the first where it rose; Newton's steps are kept between them.
    """
    change = space.scores(way)
    linear, square = penalty(point, way), penalty(way, way)
    falling = inner(slope, way)
    bend = loss.curvature(at, change) + strength * square
    step = torch.where(bend > 0, -falling / bend.clamp_min(1e-30), 1.0)
    low, high = torch.zeros_like(step), torch.full_like(step, torch.inf)
    best = torch.zeros_like(step)
    settled = falling >= 0
    for _ in range(TRIES):
        at = loss(scores + step[:, None, None] * change)
        now = at.value + strength / 2 * (
            penalty(point, point) + 2 * step * linear + step * step * square
        )
        rise = (at.residual * change).sum((1, 2)) + strength * (linear + step * square)
        fine = now <= value + NOISE * value.abs()
        best = torch.where(fine & ~settled, step, best)
        settled = settled | (fine & (rise.abs() <= FLAT * falling.abs()))
        if bool(settled.all()):
            break
        low, high = torch.where(rise < 0, step, low), torch.where(rise < 0, high, step)
        bend = loss.curvature(at, change) + strength * square
        newton = step - rise / bend.clamp_min(1e-30)
        middle = torch.where(high.isinf(), 4 * step, (low + high) / 2)
        inside = (newton > low) & (newton < high) & (newton < 10 * step)
        step = torch.where(settled, step, torch.where(inside, newton, middle))
    return best, change


class _Memory:
    """The last steps and how they changed the gradient: what L-BFGS knows of the curvature."""

    def __init__(self) -> None:
        self.pairs: list[tuple[Tensor, Tensor, Tensor]] = []

    def add(self, moved: Tensor, changed: Tensor) -> None:
        """Note a step; a fit that did not move, or against the curvature, keeps weight 0."""
        product = inner(moved, changed)
        sound = product > 1e-12 * inner(changed, changed)
        weight = torch.where(sound, 1 / product.clamp_min(1e-30), 0.0)
        self.pairs = [*self.pairs, (moved, changed, weight)][-MEMORY:]

    def direction(self, slope: Tensor) -> Tensor:
        """Downhill, (fits, ...) as the gradient; the two-loop recursion of Nocedal (1980)."""
        found = slope.clone()
        parts: list[Tensor] = []
        for moved, changed, weight in reversed(self.pairs):
            part = weight * inner(moved, found)
            parts.append(part)
            found -= part[:, None, None, None] * changed
        if self.pairs:
            _, changed, weight = self.pairs[-1]
            ratio = 1 / (weight * inner(changed, changed)).clamp_min(1e-30)
            found *= torch.where(weight > 0, ratio, 1.0)[:, None, None, None]
        for (moved, changed, weight), part in zip(self.pairs, reversed(parts), strict=True):
            found += (part - weight * inner(changed, found))[:, None, None, None] * moved
        uphill = inner(slope, found) <= 0
        return -torch.where(uphill[:, None, None, None], slope, found)
