"""How far a confidence can be believed, and what makes it believable: temperature and sets.

What is fitted here is fitted on validation answers and judged on test answers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from tl_core.evaluate.answers import TINY, Answers, Floats
from tl_core.intervals import paired_mean, wilson

__all__ = [
    "Believed",
    "Sets",
    "Step",
    "at_temperature",
    "believed",
    "conformal_limit",
    "fitted_temperature",
    "judged_sets",
    "reliability",
    "sets_of",
    "tempered",
]

STEPS = 10  # of the reliability diagram
FEWEST = 20  # validation pictures from which a temperature is fitted
COLDEST, HOTTEST = 0.1, 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Answers of similar confidence: mean confidence, share right, its 95 % interval, pictures."""

    confidence: float
    right: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Believed:
    """What a temperature does to answers that it was not fitted on.

    ``gain`` is the drop of the log loss in nats a picture, ``low`` and ``high`` its 95 % interval.
    """

    temperature: float
    before: float
    after: float
    gain: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sets:
    """Sets of classes that hold the true one with a promised probability.

    ``covered`` of ``n`` pictures have their class in their set; ``expected`` are the shares between
    which 95 of 100 such sets of pictures lie if the promise holds; ``sizes`` counts sets by size,
    from 0.
    """

    promised: float
    limit: float
    n: int
    covered: int
    low: float
    high: float
    expected: tuple[float, float]
    mean_size: float
    sizes: tuple[int, ...]


def reliability(answers: Answers) -> list[Step]:
    """Confidence beside how often it is right, in steps of as many pictures each."""
    order = np.argsort(answers.confidence, kind="stable")
    found = []
    for part in np.array_split(order, min(STEPS, max(1, len(answers) // 5))):
        right = int(answers.right[part].sum())
        low, high = wilson(right, len(part))
        found.append(
            Step(
                confidence=float(answers.confidence[part].mean()),
                right=right / len(part),
                low=low,
                high=high,
                n=len(part),
            )
        )
    return found


def tempered(probabilities: Floats, temperature: float) -> Floats:
    """Probabilities of the same answers with more (below 1) or less (above 1) confidence.

    The same as dividing the network's outputs before the softmax; answers stay as they are.

    Source:
        Guo and others 2017, arXiv:1706.04599.
    """
    logits = np.log(np.maximum(probabilities, TINY)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: Floats = powers / powers.sum(axis=1, keepdims=True)
    return found


def at_temperature(answers: Answers, temperature: float) -> Answers:
    """The same answers with the confidence of a temperature."""
    return replace(answers, probabilities=tempered(answers.probabilities, temperature))


def fitted_temperature(answers: Answers) -> float | None:
    """The temperature of the lowest log loss; None for too few pictures to fit one."""
    if len(answers) < FEWEST:
        return None

    def loss(log_temperature: float) -> float:
        return float(at_temperature(answers, math.exp(log_temperature)).losses.mean())

    bounds = (math.log(COLDEST), math.log(HOTTEST))
    return float(math.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def believed(answers: Answers, temperature: float) -> Believed:
    """What a temperature does to these answers; they must not be those it was fitted on."""
    after = at_temperature(answers, temperature).losses
    gain, low, high = paired_mean((answers.losses - after).tolist())
    return Believed(
        temperature=temperature,
        before=float(answers.losses.mean()),
        after=float(after.mean()),
        gain=gain,
        low=low,
        high=high,
    )


def conformal_limit(answers: Answers, promised: float = 0.9) -> float | None:
    """The lowest probability that a class needs to be in the set, fitted on validation answers.

    None where there are too few pictures for the promise: it takes at least
    ``promised / (1 - promised)``.

    Source:
        Split conformal prediction with score 1 - p: Sadinle and others 2019, J. Am. Stat. Assoc.
        114, 223-234.
    """
    n = len(answers)
    rank = math.ceil((n + 1) * promised)
    if rank > n:
        return None
    return float(np.sort(answers.of_truth)[n - rank])


def sets_of(probabilities: Floats, limit: float) -> NDArray[np.bool_]:
    """(N, C) which classes are in each picture's set; none may be."""
    found: NDArray[np.bool_] = probabilities >= limit
    return found


def judged_sets(fitted_on: Answers, judged: Answers, promised: float = 0.9) -> Sets | None:
    """Sets fitted on one part and counted on another; None where the first is too small."""
    limit = conformal_limit(fitted_on, promised)
    if limit is None or not len(judged):
        return None
    in_set = sets_of(judged.probabilities, limit).sum(axis=1)
    n, covered = len(judged), int(sets_of(judged.of_truth, limit).sum())
    sizes = np.bincount(in_set, minlength=2)
    low, high = wilson(covered, n)
    return Sets(
        promised=promised,
        limit=limit,
        n=n,
        covered=covered,
        low=low,
        high=high,
        expected=_expected(len(fitted_on), n, promised),
        mean_size=float(in_set.mean()),
        sizes=tuple(int(one) for one in sizes),
    )


def _expected(fitted: int, judged: int, promised: float) -> tuple[float, float]:
    """Where the share covered lies in 95 of 100 cases when the promise holds.

    Both parts are finite: the true coverage of a limit is Beta(rank, fitted + 1 - rank), and the
    count on the other part binomial around it.

    Source:
        Vovk 2012, arXiv:1209.2673, Proposition 2a.
    """
    rng = np.random.default_rng(0)
    rank = math.ceil((fitted + 1) * promised)
    shares = rng.binomial(judged, rng.beta(rank, fitted + 1 - rank, 20_000)) / judged
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(low), float(high)
