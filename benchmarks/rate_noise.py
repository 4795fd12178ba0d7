"""How often the reading of a range test finds a rate where there is none, and misses one there is.

``python -m benchmarks.rate_noise [--curves 1000]`` makes up curves whose truth is known, reads each
as the studio would, and prints the tables of docs/decisions/0020-learning-rate.md. Noise is that of
an average over seeds, as a share of the loss at the start.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator

import numpy as np

from tl_core.train.rangetest import HIGHEST, LOWEST, STEPS, STEPS_LEAST
from tl_core.train.raterules import suggest

__all__ = ["false_alarms", "found_where_there_is_one", "main"]

START = 0.69
NOISES = ("normal", "heavy tails")
SHAPES = ("flat", "flat, then exploding", "rising")
SD = 0.05
DROPS = (1, 2, 3, 5, 8)  # standard deviations of one point


def false_alarms(curves: int, seed: int = 0) -> Iterator[tuple[str, str, int, float]]:
    """(shape, noise, steps, share of the curves that got a rate), of curves without any fall."""
    for shape in SHAPES:
        for noise in NOISES:
            for steps in (STEPS, STEPS_LEAST):
                rng = np.random.default_rng(seed)
                rates = np.geomspace(LOWEST, HIGHEST, steps)
                told = [
                    suggest(rates, _level(shape, rates) + _noise(rng, noise, steps)).rate
                    for _ in range(curves)
                ]
                yield shape, noise, steps, sum(one is not None for one in told) / curves


def found_where_there_is_one(
    curves: int, seed: int = 0
) -> Iterator[tuple[int, Counter[str], float]]:
    """(fall in sd, how the curves were read, share of rates inside the fall), of real falls."""
    rates = np.geomspace(LOWEST, HIGHEST, STEPS)
    decades = np.log10(rates)
    fall = 1 / (1 + np.exp(-4 * (decades + 2.5)))
    rise = np.maximum(0, decades + 1) ** 2
    for drop in DROPS:
        rng = np.random.default_rng(seed)
        read = [
            suggest(rates, START - drop * SD * fall + rise + _noise(rng, "normal", STEPS))
            for _ in range(curves)
        ]
        named = [one.rate for one in read if one.rate is not None]
        inside = [10**-3.5 <= rate <= 0.1 for rate in named]
        yield drop, Counter(one.reason for one in read), sum(inside) / max(1, len(inside))


def _level(shape: str, rates: np.ndarray) -> np.ndarray:
    decades = np.log10(rates)
    if shape == "rising":
        return np.asarray(START + SD * (decades + 5))
    end = 3 * np.maximum(0, decades + 1) ** 2 if shape != "flat" else 0.0
    return np.asarray(START + end + np.zeros(len(rates)))


def _noise(rng: np.random.Generator, kind: str, n: int) -> np.ndarray:
    """Sd of one point ``SD``; heavy tails are Student's with three degrees of freedom."""
    if kind == "normal":
        return rng.normal(0, SD, n)
    return np.asarray(SD * rng.standard_t(3, n) / np.sqrt(3))


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--curves", type=int, default=1000)
    curves = parser.parse_args().curves
    print("| curve | noise | steps | a rate was named |\n|---|---|---|---|")
    for shape, noise, steps, share in false_alarms(curves):
        print(f"| {shape} | {noise} | {steps} | {share:.1%} |")
    print("\n| fall, in sd of a point | found | no fall | rules differ | inside the fall |")
    print("|---|---|---|---|---|")
    for drop, read, inside in found_where_there_is_one(curves):
        shares = [read[reason] / curves for reason in ("found", "no_drop", "disagree")]
        print(f"| {drop} | {' | '.join(f'{one:.0%}' for one in shares)} | {inside:.0%} |")


if __name__ == "__main__":
    main()
