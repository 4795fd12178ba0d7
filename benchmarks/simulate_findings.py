"""How often the coach is right: its rules on runs whose truth is known because they are made up.

Every picture has a margin (log-odds of its true class) that moves with the epoch; its loss and
whether it is right follow from the margin, so losses and accuracies agree as in a real run. Each
picture wobbles from epoch to epoch and drifts, and whole epochs are a little better or worse
together, which is what makes real curves hard to read; how much is taken from real healthy runs
(``python -m benchmarks.planted_runs --noise``). How strong an effect is differs from run to run.
The coach looks after every epoch, as in a run; an alarm at any of them counts.

Run it with ``python -m benchmarks.simulate_findings [RUNS] [WORKERS]``; it prints the tables of
docs/findings.md: 500 runs per kind and number of validation pictures take a few minutes.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from tl_core.config import RunSpec, changed
from tl_core.diagnose.rules import Coach
from tl_core.diagnose.verdicts import VERDICTS, standing
from tl_core.events import EpochDone, FindingRaised

EPOCHS = 30
N_FIT, N_TRAIN = 200, 240
SIZES = (20, 60, 150, 400)
USUAL_LR = 0.01
MEAN, SPREAD = 2.3, 2.4  # of the margins of a settled run (hymenoptera, head)
WOBBLE = 0.4  # log-odds, of single pictures from epoch to epoch; real runs: 0.3 to 0.5
TOGETHER = 0.06  # log-odds, of whole epochs; real runs: 0.05 to 0.06
DRIFT, DRIFT_TOGETHER = 0.06, 0.025  # log-odds per epoch, of pictures and of all, adding up

RIGHT = {  # what has to come; "-" stands for nothing but remarks
    "healthy": "-",
    "flat": "-",
    "noisy": "-",
    "memorising": "memorised",
    "overfitting": "overfit",
    "overconfident": "overconfident",
    "underfitting": "underfit",
    "no signal": "no_signal",
    "plateau": "plateau",
    "oscillating": "oscillating",
    "too low a rate": "rate_too_low",
    "diverging": "diverged",
}
KINDS = tuple(RIGHT)
CONSTANT = {"plateau", "oscillating"}  # kinds that a falling rate would cure


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The truth of a run by epoch, float (EPOCHS,) each, in log-odds where it is not a factor.

    ``level`` is the mean margin of new pictures, ``scale`` how far all margins are spread out,
    ``gain`` what training pictures have on top, ``shake`` what whole epochs are off by.
    """

    level: np.ndarray
    scale: np.ndarray
    gain: np.ndarray
    shake: np.ndarray


def course(kind: str, rng: np.random.Generator) -> Course:
    """Draw the truth of one run of a kind."""
    t = np.arange(1, EPOCHS + 1) / EPOCHS
    ones, after = np.ones(EPOCHS), np.maximum(0.0, t - rng.uniform(0.25, 0.4))
    level = MEAN * (1 - np.exp(-t / rng.uniform(0.05, 0.12)))
    scale, gain, shake = ones, rng.uniform(0.3, 0.8) * t, 0 * ones
    begun = 1 - np.exp(-t / rng.uniform(0.03, 0.08))  # a new head begins with small margins
    if kind == "healthy":  # better to the end, on training pictures as on new ones
        level = MEAN * (1 - np.exp(-t / rng.uniform(0.08, 0.15)))
        gain = rng.uniform(0.2, 0.5) * t
    elif kind == "noisy":
        shake = rng.normal(0, rng.uniform(0.2, 0.4), EPOCHS)
    elif kind == "memorising":  # ever better on what it has seen, unchanged on new pictures
        gain = rng.uniform(4, 7) * after
    elif kind == "overfitting":  # surer and surer, and more often wrong
        level = level - rng.uniform(1.4, 2.4) * after
        scale, gain = 1 + rng.uniform(1.0, 2.5) * after, rng.uniform(4, 7) * after
    elif kind == "overconfident":  # surer and surer, also where it is wrong
        scale, gain = 1 + rng.uniform(2.5, 5.5) * after, rng.uniform(2, 5) * after
    elif kind == "underfitting":  # still on its way when the run ends
        level, scale, gain = rng.uniform(2.0, 3.0) * t, 0.1 + 0.7 * t, 0 * ones
    elif kind == "no signal":  # right answers are dealt out at random; some are learned by heart
        level, scale = 0 * ones, 0.05 + rng.uniform(0.1, 0.3) * t
        gain = rng.uniform(1, 4) * t
    elif kind == "plateau":  # settled early, though training pictures are still answered wrong
        level, gain, scale = rng.uniform(0.7, 1.0) * level, 0 * ones, 0.6 * ones
    elif kind == "oscillating":
        shake = rng.uniform(0.4, 1.2) * np.cos(np.pi * np.arange(EPOCHS))
        shake = shake * rng.uniform(0.7, 1.3, EPOCHS)
    elif kind == "too low a rate":
        level, scale, gain = rng.uniform(0.0, 0.1) * t, 0.02 * ones, 0 * ones
    elif kind == "diverging":
        level = level - rng.uniform(9, 20) * after
    return Course(level=level, scale=begun * scale, gain=gain, shake=shake)


def simulate(kind: str, n_val: int, *, seed: int) -> tuple[list[EpochDone], np.ndarray]:
    """One made-up run of two balanced classes.

    Args:
        kind: One of ``KINDS``.
        n_val: Validation pictures.
        seed: Same seed, same run.

    Returns:
        The history, and per-picture validation losses float32 (EPOCHS, n_val).
    """
    rng = np.random.default_rng([KINDS.index(kind), n_val, seed])
    truth = course(kind, rng)
    shape = "constant" if kind in CONSTANT else "one-cycle"
    rate = np.array([schedule(shape, (at + 1) / EPOCHS) for at in range(EPOCHS)])
    restless = 0.3 + 0.7 * rate  # real runs calm down as the rate falls, though not wholly
    walk = np.cumsum(restless * rng.normal(0, DRIFT_TOGETHER, EPOCHS))
    common = truth.shake + walk + restless * rng.normal(0, TOGETHER, EPOCHS)
    if kind == "no signal":
        common = 0 * common  # no epoch is better than chance
    val = _margins(truth, n_val, rng, common, restless, seen=False)
    train = _margins(truth, N_TRAIN, rng, common, restless, seen=True)
    return judged(val, train, truth.scale, (_spec(kind).train.lr or 0.0) * rate, rng)


def judged(
    val: np.ndarray,
    train: np.ndarray,
    scale: np.ndarray,
    rates: np.ndarray,
    rng: np.random.Generator,
) -> tuple[list[EpochDone], np.ndarray]:
    """What a run says of margins.

    Args:
        val: float (epochs, n_val), log-odds of the true class of validation pictures.
        train: float (epochs, n_train), those of training pictures as they are.
        scale: float (epochs,), how far margins are spread out, for what augmentation costs.
        rates: float (epochs,), learning rates.
        rng: Source of the augmentation.

    Returns:
        The history, and per-picture validation losses float32 (epochs, n_val).
    """
    n_val, fit = val.shape[1], train[:, :N_FIT]
    losses = np.logaddexp(0, -val).astype(np.float32)
    augmented = train - rng.exponential(0.3, train.shape) * scale[:, None]
    history: list[EpochDone] = []
    for at in range(len(rates)):
        val_loss = float(losses[at].mean())
        history.append(
            EpochDone(
                epoch=at + 1,
                train_loss=float(np.logaddexp(0, -augmented[at]).mean()),
                train_acc=float((augmented[at] > 0).mean()),
                fit_acc=float((fit[at] > 0).mean()),
                val_loss=val_loss,
                val_acc=float((val[at] > 0).mean()),
                n_fit=N_FIT,
                n_val=n_val,
                lr=float(rates[at]),
                is_best=all(val_loss < one.val_loss for one in history),
            )
        )
    return history, losses


def _margins(
    truth: Course,
    n: int,
    rng: np.random.Generator,
    common: np.ndarray,
    restless: np.ndarray,
    *,
    seen: bool,
) -> np.ndarray:
    """(EPOCHS, n) log-odds of the true class."""
    own = rng.normal(0, SPREAD, n)
    drift = np.cumsum(restless[:, None] * rng.normal(0, DRIFT, (EPOCHS, n)), axis=0)
    alone = restless[:, None] * rng.normal(0, WOBBLE, (EPOCHS, n))
    gain = truth.gain if seen else 0 * truth.gain
    clean = truth.scale[:, None] * ((truth.level + gain)[:, None] + own)
    moving = np.minimum(truth.scale, 1.0)[:, None]  # what has hardly moved wobbles as little
    wobble = moving * (common[:, None] + drift + alone)
    return np.asarray(clean + wobble)


def schedule(shape: str, t: float) -> float:
    """One cycle, or a constant rate; ``t`` is the part of the epochs that is done."""
    if shape == "constant":
        return 1.0
    if t < 0.25:
        return 0.04 + 0.96 * t / 0.25
    return 0.5 * (1 + math.cos(math.pi * (t - 0.25) / 0.75))


def _spec(kind: str) -> RunSpec:
    rate = USUAL_LR / 1000 if kind == "too low a rate" else USUAL_LR
    schedule = "constant" if kind in CONSTANT else "one-cycle"
    return changed(
        RunSpec(), {"train.epochs": EPOCHS, "train.lr": rate, "train.schedule": schedule}
    )


def verdicts(kind: str, history: list[EpochDone], losses: np.ndarray) -> set[str]:
    """What stands at the end of what the coach said over the run."""
    labels = np.arange(losses.shape[1]) % 2
    coach = Coach(_spec(kind), n_classes=2, val_labels=labels, usual_lr=USUAL_LR)
    raised: list[FindingRaised] = []
    for epoch in range(1, len(history) + 1):
        end = "completed" if epoch == len(history) else None
        raised += coach(history[:epoch], losses[:epoch], raised, end)  # type: ignore[arg-type]
    return {one.verdict for one in standing(raised)}


def rates(kind: str, n_val: int, runs: int) -> dict[str, float]:
    """Share of runs in which each verdict was given and stands at the end; "-": none at all."""
    said: Counter[str] = Counter()
    for seed in range(runs):
        found = verdicts(kind, *simulate(kind, n_val, seed=seed))
        said.update(found or {"-"})
    return {verdict: said[verdict] / runs for verdict in (*VERDICTS, "-")}


def _row(asked: tuple[str, int, int]) -> dict[str, float]:
    return rates(*asked)


def main() -> None:
    """Print a confusion matrix over all sizes, and one row per kind and size."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    workers = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    asked = [(kind, n_val, runs) for kind in KINDS for n_val in SIZES]
    with ProcessPoolExecutor(workers) as pool:
        found = dict(zip([one[:2] for one in asked], pool.map(_row, asked), strict=True))
    columns = (*VERDICTS, "-")
    head = " | ".join(f"`{one}`" if one != "-" else "nothing" for one in columns)
    for title, sizes in (("all", (SIZES,)), ("each", [(one,) for one in SIZES])):
        print(f"\n| truth | n_val | {head} |\n|---|---|{'---|' * len(columns)}")
        for kind in KINDS:
            for some in sizes:
                share = {c: np.mean([found[kind, n][c] for n in some]) for c in columns}
                cells = " | ".join(_cell(share[c], bold=c == RIGHT[kind]) for c in columns)
                shown = "20 to 400" if title == "all" else some[0]
                print(f"| {kind} | {shown} | {cells} |")


def _cell(share: float, *, bold: bool) -> str:
    told = "0" if share == 0 else f"{100 * share:.1f}" if share < 0.0995 else f"{100 * share:.0f}"
    return f"**{told}**" if bold else told


if __name__ == "__main__":
    main()
