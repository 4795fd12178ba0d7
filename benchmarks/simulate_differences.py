"""How often the interval of a difference of two classifiers holds, by the pictures there are.

Two classifiers (nearest class mean, on features of different worth) are trained on made-up
pictures and judged on the same five folds, as in the race of layers, the ranking of networks and
the control. The truth is the difference of their accuracies on many new pictures, over many draws.
Counted is how often the 95 % interval holds it: by the spread over folds alone (Nadeau and Bengio),
and with the least width that so few pictures allow (``intervals.fold_difference``). Near-alike and
nearly perfect classifiers are where folds agree exactly.

Run it with ``python -m benchmarks.simulate_differences [DRAWS]``; it prints a table.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from scipy import stats

from tl_core.intervals import LEVEL, fold_difference, fold_error

SIZES = (20, 60, 200)
FOLDS = 5
FEATURES = 12
NEW = 400  # pictures on which the classifiers of each fold show what they are really worth


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Two classes ``apart`` by so many standard deviations in all, and the ``first`` and
    ``second`` classifier's numbers of features; ``repeats`` divisions judge.
    """

    name: str
    apart: float
    first: int
    second: int
    repeats: int = 1


CASES = (
    Case(name="alike", apart=3.0, first=12, second=11),
    Case(name="alike, twice", apart=3.0, first=12, second=11, repeats=2),
    Case(name="nearly perfect", apart=5.0, first=12, second=8),
    Case(name="one better", apart=3.5, first=12, second=6),
    Case(name="one much better", apart=3.5, first=12, second=3),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Shares of draws: the interval held the truth ``before`` and ``after``, and had no ``width``
    before; half of the middle interval's width then and now, in points.
    """

    before: float
    after: float
    no_width: float
    half_before: float
    half_after: float


def held(case: Case, n: int, draws: int, *, seed: int = 0) -> Held:
    """Draw ``n`` pictures ``draws`` times."""
    rng = np.random.default_rng([seed, n, CASES.index(case)])
    share, freedom = 1 / (FOLDS - 1), FOLDS * case.repeats - 1
    found, truths = [], []
    for _ in range(draws):
        gaps, truth = _draw(case, n, rng)
        mean = fmean(gaps)
        half = fold_error(gaps, share) * float(stats.t.ppf((1 + LEVEL) / 2, freedom))
        now = fold_difference(gaps, pictures=n, test_share=share)
        found.append((mean - half, mean + half, now.low, now.high))
        truths.append(truth)
    low, high, low_now, high_now = np.array(found).T
    real, tiny = float(np.mean(truths)), 1e-12
    return Held(
        before=float(((low <= real) & (real <= high)).mean()),
        after=float(((low_now <= real) & (real <= high_now)).mean()),
        no_width=float((high - low < tiny).mean()),
        half_before=50 * float(np.median(high - low)),
        half_after=50 * float(np.median(high_now - low_now)),
    )


def _draw(case: Case, n: int, rng: np.random.Generator) -> tuple[list[float], float]:
    """Differences of every fold, and of the classifiers on new pictures."""
    x, y = _pictures(case, n, rng)
    new_x, new_y = _pictures(case, NEW, rng)
    gaps, truths = [], []
    for _ in range(case.repeats):
        fold = np.empty(n, dtype=np.int64)
        for label in (0, 1):
            mine = rng.permutation(np.flatnonzero(y == label))
            fold[mine] = (np.arange(len(mine)) + label * (n // 2 % FOLDS)) % FOLDS
        for number in range(FOLDS):
            out = fold == number
            right, new_right = [], []
            for size in (case.first, case.second):
                means = [x[~out & (y == label), :size].mean(0) for label in (0, 1)]
                right.append(_right(means, x[out, :size], y[out]))
                new_right.append(_right(means, new_x[:, :size], new_y))
            gaps.append(right[0] - right[1])
            truths.append(new_right[0] - new_right[1])
    return gaps, fmean(truths)


def _pictures(case: Case, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, FEATURES) and the two classes (n,), half of each."""
    y = np.arange(n) % 2
    shift = case.apart / np.sqrt(FEATURES)
    return rng.normal(0, 1, (n, FEATURES)) + shift * y[:, None], y


def _right(means: list[np.ndarray], x: np.ndarray, y: np.ndarray) -> float:
    """Share answered rightly."""
    far = [((x - mean) ** 2).sum(1) for mean in means]
    return float(((far[1] < far[0]) == y).mean())


def main() -> None:
    """Print the table."""
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print("| two classifiers | pictures | no width before | held before | held now | half width |")
    print("|---|---|---|---|---|---|")
    for case in CASES:
        for n in SIZES:
            one = held(case, n, draws)
            print(
                f"| {case.name} | {n} | {100 * one.no_width:.1f} % | {100 * one.before:.1f} % | "
                f"{100 * one.after:.1f} % | {one.half_before:.1f}, now {one.half_after:.1f} |"
            )


if __name__ == "__main__":
    main()
