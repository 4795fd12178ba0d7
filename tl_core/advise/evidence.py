"""LogME, the log evidence of a Bayesian linear model of the labels, with its whole sum.

For each class, yes (1) and no (0) are taken as a linear function of the features plus noise; the
evidence is the density of the labels with the weights integrated out, at the strengths of prior and
noise that make it largest. The published code leaves a part of the sum out when there are fewer
pictures than features, which favours networks with many features (You and others,
arXiv:2102.11005, for the method). Here the sum is whole, and equals the Gaussian density.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["Evidence", "log_evidence", "logme"]

ROUNDS = 11  # of the fixed point, as published
SETTLED = 1e-3  # relative change of the ratio of the strengths
SILENT = 1e-12  # of the largest squared singular value; below it a direction is rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Of one target: ``per_picture`` (nats) at the precision ``prior`` of the weights and ``noise``
    of the labels.
    """

    per_picture: float
    prior: float
    noise: float


def logme(features: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the classes of the log evidence per picture, in nats; larger is better.

    Args:
        features: (N, D), as they are.
        labels: int (N,).
    """
    parts = _decomposed(features)
    yes = [(labels == label).astype(np.float64) for label in np.unique(labels)]
    return float(np.mean([_fitted(parts, one).per_picture for one in yes]))


def log_evidence(features: np.ndarray, target: np.ndarray) -> Evidence:
    """Of one target.

    Args:
        features: (N, D).
        target: (N,) float.
    """
    return _fitted(_decomposed(features), target.astype(np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """Squared singular values and left singular vectors (N, k) of (N, D) features."""

    squares: np.ndarray
    left: np.ndarray
    n: int
    d: int


def _decomposed(features: np.ndarray) -> _Parts:
    """By the smaller of the two product matrices, which is much faster than all of the SVD."""
    x = np.asarray(features, dtype=np.float64)
    n, d = x.shape
    squares, vectors = np.linalg.eigh(x @ x.T if n <= d else x.T @ x)
    squares = squares.clip(min=0.0)
    says = squares > SILENT * max(float(squares.max()), 1e-300)
    squares, vectors = squares[says], vectors[:, says]
    left = vectors if n <= d else (x @ vectors) / np.sqrt(squares)
    return _Parts(squares, left, n, d)


def _fitted(parts: _Parts, target: np.ndarray) -> Evidence:
    s, n, d = parts.squares, parts.n, parts.d
    x2 = (parts.left.T @ target) ** 2
    outside = max(0.0, float(target @ target - x2.sum()))
    prior = noise = 1.0
    for _ in range(ROUNDS):
        ratio = prior / noise
        known = float((s / (s + ratio)).sum())
        length = max(float((s * x2 / (s + ratio) ** 2).sum()), 1e-12)
        missed = max(outside + float((x2 / (1 + s / ratio) ** 2).sum()), 1e-12)
        prior, noise = max(known, 1e-12) / length, max(n - known, 1e-12) / missed
        if abs(prior / noise - ratio) <= SETTLED * ratio:
            break
    ratio = prior / noise
    length = float((s * x2 / (s + ratio) ** 2).sum())
    missed = outside + float((x2 / (1 + s / ratio) ** 2).sum())
    total = (
        d / 2 * math.log(prior)
        + n / 2 * math.log(noise)
        - 0.5 * float(np.log(prior + noise * s).sum())
        - (d - len(s)) / 2 * math.log(prior)  # directions that no picture shows
        - noise / 2 * missed
        - prior / 2 * length
        - n / 2 * math.log(2 * math.pi)
    )
    return Evidence(per_picture=total / n, prior=prior, noise=noise)
