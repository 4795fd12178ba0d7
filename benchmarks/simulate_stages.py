"""How often the coach is right in runs in stages, whose curves jump where a block is opened.

Made up as in ``simulate_findings``: a head stage that settles, then stages with open blocks.
Opening one may make new pictures worse for some epochs (it jumps and comes back, or stays up while
the rate is high), while training pictures get better: the hardest case for a rule that looks for
learning by heart. In the other kinds one stage goes wrong, and its own verdict has to come.

Run it with ``python -m benchmarks.simulate_stages [RUNS] [WORKERS] [whole]``; it prints the table
of docs/findings.md, with ``whole`` as if all epochs were those of one run, for comparison.
"""

from __future__ import annotations

import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from benchmarks.simulate_findings import (
    DRIFT,
    DRIFT_TOGETHER,
    MEAN,
    N_TRAIN,
    SIZES,
    SPREAD,
    TOGETHER,
    WOBBLE,
    Course,
    judged,
    schedule,
)
from tl_core.config import RunSpec, changed
from tl_core.diagnose.rules import Coach
from tl_core.diagnose.verdicts import VERDICTS, standing
from tl_core.events import EpochDone, FindingRaised

LENGTHS = (25, 20, 20)  # epochs of the head stage and of two blocks, as by default
HEAD_LR, BLOCK_LR = 0.01, 0.003  # usual rates of the head in the first and in later stages
REMARKS = {"noisy_validation", "memorised"}  # no alarms: arithmetic, and a gap that is there
ALARMS = tuple(one for one in VERDICTS if one not in REMARKS)

RIGHT = {  # what has to come; "-" stands for no alarm
    "helps": "-",
    "brings nothing": "-",
    "jumps": "-",
    "rises with the rate": "-",
    "helps, constant rate": "-",
    "brings nothing, constant rate": "-",
    "jumps, constant rate": "-",
    "overfits at once": "overfit",
    "overfits later": "overfit",
    "unfinished": "underfit",
    "standstill": "plateau",
    "oscillates": "oscillating",
    "too low a rate": "rate_too_low",
    "runs away": "diverged",
}
KINDS = tuple(RIGHT)
CONSTANT = {"standstill", "oscillates"}  # beside those that say so
NOT_FALSE = {"plateau"}  # at a constant rate a stage that has settled stands still indeed


def begins(kind: str) -> tuple[int, ...]:
    """Epochs done when each stage begins; where one goes wrong it is the second and last."""
    return (0, 25, 45) if RIGHT[kind] == "-" else (0, 25)


def simulate(kind: str, n_val: int, *, seed: int) -> tuple[list[EpochDone], np.ndarray]:
    """One made-up run of two balanced classes, in stages.

    Args:
        kind: One of ``KINDS``.
        n_val: Validation pictures.
        seed: Same seed, same run.

    Returns:
        The history, and per-picture validation losses float32 (epochs, n_val).
    """
    rng = np.random.default_rng([KINDS.index(kind), n_val, seed, 24])
    made = _Made(n_val, rng)
    for stage in range(len(begins(kind))):
        n = LENGTHS[stage]
        factor = np.array([schedule(_shape(kind), (at + 1) / n) for at in range(n)])
        restless = 0.3 + 0.7 * factor
        if stage and kind == "too low a rate":
            restless *= 0.05  # a block that hardly moves hardly wobbles
        truth = _opened(kind, n, rng, factor) if stage else _head(kind, n, rng)
        made.train(truth, restless, factor * _stage_lr(kind, stage))
    return judged(made.val.margins, made.seen.margins, made.scale, made.rates, rng)


class _Made:
    """A run that is made up stage by stage, each from the best epoch so far, as a real one."""

    def __init__(self, n_val: int, rng: np.random.Generator) -> None:
        self._rng = rng
        self.val, self.seen = _Pictures(n_val, rng), _Pictures(N_TRAIN, rng)
        self.scale, self.rates, self._level, self._gain, self._walk = (np.zeros(0),) * 5

    def train(self, truth: Course, restless: np.ndarray, rates: np.ndarray) -> None:
        """One stage; ``truth`` is what it adds to where it begins (``scale`` multiplies)."""
        n, rng, best = len(rates), self._rng, self._best()
        level, gain, scale, walk = truth.level, truth.gain, truth.scale, np.zeros(n)
        if best is not None:
            level, gain = level + self._level[best], gain + self._gain[best]
            scale, walk = scale * self.scale[best], walk + self._walk[best]
        walk = walk + np.cumsum(restless * rng.normal(0, DRIFT_TOGETHER, n))
        common = truth.shake + walk + restless * rng.normal(0, TOGETHER, n)
        self.val.train(level, scale, common, restless, best)
        self.seen.train(level + gain, scale, common, restless, best)
        self.rates = np.concatenate([self.rates, rates])
        self.scale = np.concatenate([self.scale, scale])
        self._level = np.concatenate([self._level, level])
        self._gain = np.concatenate([self._gain, gain])
        self._walk = np.concatenate([self._walk, walk])

    def _best(self) -> int | None:
        margins = self.val.margins
        return int(np.logaddexp(0, -margins).mean(axis=1).argmin()) if len(margins) else None


class _Pictures:
    """Pictures of one part: their margins by epoch, (epochs, n), and how each has drifted."""

    def __init__(self, n: int, rng: np.random.Generator) -> None:
        self._rng, self._own = rng, rng.normal(0, SPREAD, n)
        self._drift = self.margins = np.zeros((0, n))

    def train(
        self,
        level: np.ndarray,
        scale: np.ndarray,
        common: np.ndarray,
        restless: np.ndarray,
        best: int | None,
    ) -> None:
        """Enter one stage; drifting goes on from epoch ``best``."""
        shape, move = (len(level), len(self._own)), restless[:, None]
        drift = np.cumsum(move * self._rng.normal(0, DRIFT, shape), axis=0)
        if best is not None:
            drift += self._drift[best]
        alone = move * self._rng.normal(0, WOBBLE, shape)
        wobble = np.minimum(scale, 1.0)[:, None] * (common[:, None] + drift + alone)
        self.margins = np.vstack(
            [self.margins, scale[:, None] * (level[:, None] + self._own) + wobble]
        )
        self._drift = np.vstack([self._drift, drift])


def _head(kind: str, n: int, rng: np.random.Generator) -> Course:
    """The head stage, which settles."""
    t = np.arange(1, n + 1) / n
    low = kind == "unfinished"  # the frozen network knows little, and nothing is learned by heart
    level = (0.4 if low else 1.0) * MEAN * (1 - np.exp(-t / rng.uniform(0.05, 0.12)))
    gain = 0 * t if low else rng.uniform(0.2, 0.6) * t
    scale = (0.4 if low else 1.0) * (1 - np.exp(-t / rng.uniform(0.03, 0.08)))
    return Course(level=level, scale=scale, gain=gain, shake=0 * t)


def _opened(kind: str, n: int, rng: np.random.Generator, factor: np.ndarray) -> Course:
    """What a stage in which a block was opened changes, by epoch (n,), against the one before."""
    t = np.arange(1, n + 1) / n
    ones, after = np.ones(n), np.maximum(0.0, t - rng.uniform(0.3, 0.45))
    level = rng.uniform(0.2, 0.6) * (1 - np.exp(-t / 0.2))
    gain, scale, shake = rng.uniform(0.5, 1.5) * t, ones, 0 * ones
    if kind.startswith("brings nothing"):
        level = 0 * ones
    elif kind.startswith("jumps"):  # new pictures first suffer, training pictures do not
        level = level - rng.uniform(0.5, 1.5) * np.exp(-np.arange(n) / rng.uniform(1.5, 4.0))
    elif kind == "rises with the rate":
        level = level - rng.uniform(0.3, 1.0) * factor
    elif kind == "overfits at once":  # surer and surer from the first epoch on, and worse
        level = -rng.uniform(1.2, 2.0) * t
        scale, gain = 1 + rng.uniform(1.0, 2.0) * t, rng.uniform(4, 7) * t
    elif kind == "overfits later":
        level = level - rng.uniform(1.8, 2.8) * after
        scale, gain = 1 + rng.uniform(1.0, 2.5) * after, rng.uniform(4, 7) * after
    elif kind == "unfinished":
        level, gain, scale = rng.uniform(2.0, 3.0) * t, 0.3 * t, 1 + t
    elif kind == "standstill":
        level, gain = 0 * ones, 0 * ones
    elif kind == "oscillates":
        shake = rng.uniform(0.4, 1.2) * np.cos(np.pi * np.arange(n)) * rng.uniform(0.7, 1.3, n)
    elif kind == "too low a rate":
        level, gain = 0 * ones, 0 * ones
    elif kind == "runs away":
        level = level - rng.uniform(9, 20) * after
    return Course(level=level, scale=scale, gain=gain, shake=shake)


def _shape(kind: str) -> str:
    return "constant" if kind in CONSTANT or "constant" in kind else "one-cycle"


def _stage_lr(kind: str, stage: int) -> float:
    if stage == 0:
        return HEAD_LR
    return BLOCK_LR / 1000 if kind == "too low a rate" else BLOCK_LR


def coach_of(kind: str, stage: int, labels: np.ndarray, *, whole: bool = False) -> Coach:
    """The coach of a stage; ``whole`` for one that takes all epochs for those of one run."""
    starts = begins(kind)[: stage + 1]
    own = {
        "train.epochs": LENGTHS[stage] + (starts[-1] if whole else 0),
        "train.lr": _stage_lr(kind, stage),
        "train.schedule": _shape(kind),
        "freeze.layers": f"last:{stage}" if stage else "head",
    }
    return Coach(
        changed(RunSpec(), own),
        n_classes=2,
        val_labels=labels,
        usual_lr=BLOCK_LR if stage else HEAD_LR,
        begins=(0,) if whole else starts,
    )


def said(
    kind: str, history: list[EpochDone], losses: np.ndarray, *, whole: bool = False
) -> list[FindingRaised]:
    """All that the coach says over the run, looking after every epoch."""
    labels = np.arange(losses.shape[1]) % 2
    raised: list[FindingRaised] = []
    for stage, begun in enumerate(begins(kind)):
        coach = coach_of(kind, stage, labels, whole=whole)
        for epoch in range(begun + 1, begun + LENGTHS[stage] + 1):
            end = "completed" if epoch == len(history) else None
            raised += coach(history[:epoch], losses[:epoch], raised, end)  # type: ignore[arg-type]
    return raised


def rates(kind: str, n_val: int, runs: int, *, whole: bool = False) -> dict[str, float]:
    """Share of runs in which each verdict stands at the end; "-": no alarm."""
    counted: Counter[str] = Counter()
    for seed in range(runs):
        raised = said(kind, *simulate(kind, n_val, seed=seed), whole=whole)
        found = {one.verdict for one in standing(raised)}
        counted.update(found)
        alarms = found & set(ALARMS) - (NOT_FALSE if _shape(kind) == "constant" else set())
        counted["-"] += not alarms
    return {verdict: counted[verdict] / runs for verdict in (*VERDICTS, "-")}


def _row(asked: tuple[str, int, int, bool]) -> dict[str, float]:
    kind, n_val, runs, whole = asked
    return rates(kind, n_val, runs, whole=whole)


def main() -> None:
    """Print one row per kind and size."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    workers = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    whole = "whole" in sys.argv
    asked = [(kind, n, runs, whole) for kind in KINDS for n in SIZES]
    with ProcessPoolExecutor(workers) as pool:
        found = dict(zip(asked, pool.map(_row, asked), strict=True))
    columns = (*VERDICTS, "-")
    print(f"| truth | n_val | {' | '.join(columns)} |\n|---|---|{'---|' * len(columns)}")
    for kind in KINDS:
        for n in SIZES:
            row = found[kind, n, runs, whole]
            cells = " | ".join(_cell(row[c], bold=c == RIGHT[kind]) for c in columns)
            print(f"| {kind} | {n} | {cells} |")


def _cell(share: float, *, bold: bool) -> str:
    told = "0" if share == 0 else f"{100 * share:.1f}" if share < 0.0995 else f"{100 * share:.0f}"
    return f"**{told}**" if bold else told


if __name__ == "__main__":
    main()
