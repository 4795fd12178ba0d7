"""How often runs on the same pictures are called different, when they are equal and when not.

Made-up runs answer the same pictures: each picture is as hard for all of them, and each run has its
own luck with it. Counted over many draws, with 2, 3 and 6 runs of equal worth: how often any run is
called worse than the one that came out best, by McNemar's test alone, corrected for the comparisons
shown, and corrected for every pair (``tl_core.evaluate.paired``, what the Compare page does on
validation). Then how often the interval of the log-loss holds the truth: by the bootstrap alone,
and as it is told (expanded, and at least Student's).
Last, how often a run that is really better is found.

Run it with ``python -m benchmarks.simulate_comparisons [DRAWS]``; it prints tables.
"""

from __future__ import annotations

import sys
from itertools import combinations

import numpy as np

from tl_core.evaluate.answers import Answers
from tl_core.evaluate.paired import LEVEL, Judged, Pair, compared, holm
from tl_core.intervals import mcnemar

SIZES = (20, 60, 200)
RUNS = (2, 3, 6)
SHARED, OWN = 2.0, 1.2  # spread of how hard pictures are, and of a run's own luck with them
SKILL = 2.0  # about 80 % right
GAINS = (0.0, 0.6, 1.2, 2.0)  # of the better of two runs
TRUTH = 400_000  # pictures that stand for all


def margins(rng: np.random.Generator, n: int, skills: list[float]) -> np.ndarray:
    """Float (runs, n): log-odds of the true class."""
    hard = rng.normal(0.0, SHARED, n)
    return np.array([skill + hard + rng.normal(0.0, OWN, n) for skill in skills])


def judged(rows: np.ndarray) -> list[Judged]:
    """Runs that answered so."""
    share = 1 / (1 + np.exp(-rows))
    n = rows.shape[1]
    return [
        Judged(
            run=str(i),
            answers=Answers(
                images=tuple(map(str, range(n))),
                pictures=tuple(map(str, range(n))),
                labels=np.zeros(n, dtype=np.int64),
                probabilities=np.stack([one, 1 - one], axis=1),
                classes=("a", "b"),
            ),
            seen=(),
        )
        for i, one in enumerate(share)
    ]


def alarms(n: int, runs: int, draws: int) -> list[float]:
    """Share of draws with any false alarm: uncorrected, for those shown, for every pair."""
    rng = np.random.default_rng(n * 100 + runs)
    found = np.zeros(3)
    for _ in range(draws):
        rows = margins(rng, n, [SKILL] * runs) > 0
        best = int(rows.sum(axis=1).argmax())
        raw = {
            pair: mcnemar(int((rows[pair[0]] & ~rows[pair[1]]).sum()),
                          int((rows[pair[1]] & ~rows[pair[0]]).sum()))
            for pair in combinations(range(runs), 2)
        }  # fmt: skip
        shown = [p for pair, p in raw.items() if best in pair]
        every = [
            p for (p, _), pair in zip(holm(list(raw.values())), raw, strict=True) if best in pair
        ]
        found += [
            min(shown) < LEVEL,
            min(p for p, _ in holm(shown)) < LEVEL,
            min(every) < LEVEL,
        ]
    return [float(one) for one in found / draws]


def coverage(n: int, gain: float, draws: int) -> list[float]:
    """Share of draws whose interval of the log-loss holds the truth: as drawn, as told."""
    rng = np.random.default_rng(n * 100 + round(gain * 10))
    far = np.logaddexp(0.0, -margins(rng, TRUTH, [SKILL + gain, SKILL]))
    truth, held = float((far[0] - far[1]).mean()), np.zeros(2)
    for _ in range(draws):
        rows = margins(rng, n, [SKILL + gain, SKILL])
        losses = np.logaddexp(0.0, -rows)
        change = losses[0] - losses[1]
        means = change[rng.integers(0, n, (2000, n))].mean(axis=1)
        low, high = np.quantile(means, [LEVEL / 2, 1 - LEVEL / 2])
        pair = told(rows)
        held += [low <= truth <= high, pair.loss.low <= truth <= pair.loss.high]
    return [float(one) for one in held / draws]


def power(n: int, gain: float, draws: int) -> list[float]:
    """Share of draws in which the better run is called right more often, and surer."""
    rng = np.random.default_rng(n * 100 + round(gain * 10) + 1)
    found = np.zeros(3)
    for _ in range(draws):
        pair = told(margins(rng, n, [SKILL + gain, SKILL]))
        found += [pair.verdict == "first", pair.surer == "first", pair.accuracy.value]
    return [float(one) for one in found / draws]


def told(rows: np.ndarray) -> Pair:
    """The comparison of two runs."""
    return compared(judged(rows), [(0, 1)])[0]


def main() -> None:
    """Print the tables."""
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print("| equal runs | pictures | uncorrected | for those shown | for every pair |")
    print("|---|---|---|---|---|")
    for runs in RUNS:
        for n in SIZES:
            cells = " | ".join(f"{one:.1%}" for one in alarms(n, runs, draws))
            print(f"| {runs} | {n} | {cells} |", flush=True)
    print("\n| better by | pictures | as drawn | as told |\n|---|---|---|---|")
    for gain in GAINS[:3]:
        for n in SIZES:
            cells = " | ".join(f"{one:.1%}" for one in coverage(n, gain, draws))
            print(f"| {gain} | {n} | {cells} |", flush=True)
    print("\n| points better | pictures | right more often | surer |\n|---|---|---|---|")
    for gain in GAINS[1:]:
        for n in SIZES:
            right, surer, points = power(n, gain, draws)
            print(f"| {100 * points:.1f} | {n} | {right:.1%} | {surer:.1%} |", flush=True)


if __name__ == "__main__":
    main()
