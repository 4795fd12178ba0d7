"""How often the coach is right: its rules on runs whose truth is known because they are made up.

Every picture has a margin (log-odds of its true class) that moves with the epoch; its loss and
whether it is right follow from the margin, so losses and accuracies agree as in a real run. Each
picture wobbles from epoch to epoch, and whole epochs are a little better or worse together, which
is what makes real curves hard to read. The coach looks after every epoch, as in a run; an alarm
at any of them counts.

Run it with ``python -m benchmarks.simulate_findings [RUNS]``; it prints the table of
docs/findings.md.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace

import numpy as np

from tl_core.config import RunSpec, changed
from tl_core.diagnose.rules import VERDICTS, Coach
from tl_core.events import EpochDone, FindingRaised

EPOCHS = 40
N_FIT = 200
SIZES = (20, 60, 150, 400)
SHAPES = ("flat", "memorising", "overfitting", "strongly overfitting", "underfitting", "diverging")
WOBBLES = {"calm": (0.3, 0.03), "restless": (0.5, 0.15)}  # per picture, whole epoch; in log-odds


def simulate(
    shape: str, n_val: int, *, wobble: tuple[float, float], seed: int
) -> tuple[list[EpochDone], np.ndarray]:
    """One made-up run of two balanced classes.

    Args:
        shape: One of ``SHAPES``.
        n_val: Validation pictures.
        wobble: Standard deviations from epoch to epoch, of single pictures and of whole epochs.
        seed: Same seed, same run.

    Returns:
        The history, and per-picture validation losses float32 (EPOCHS, n_val).
    """
    rng = np.random.default_rng(seed)
    val, fit = rng.normal(0, 2.0, n_val), rng.normal(0, 2.0, N_FIT)
    history: list[EpochDone] = []
    rows = []
    for epoch in range(1, EPOCHS + 1):
        t = epoch / EPOCHS
        level, spread, gain = _truth(shape, t)
        common = rng.normal(0, wobble[1])
        margins = spread * (level + val) + common + rng.normal(0, wobble[0], n_val)
        fits = spread * (level + gain + fit) + rng.normal(0, wobble[0], N_FIT)
        losses = np.logaddexp(0, -margins).astype(np.float32)
        rows.append(losses)
        train_loss = float(np.logaddexp(0, -fits).mean())
        val_loss = float(losses.mean())
        history.append(
            EpochDone(
                epoch=epoch,
                train_loss=train_loss,
                train_acc=float((fits > 0).mean()),
                fit_acc=float((fits > 0).mean()),
                val_loss=val_loss,
                val_acc=float((margins > 0).mean()),
                n_fit=N_FIT,
                n_val=n_val,
                lr=0.001,
                is_best=all(val_loss < one.val_loss for one in history),
            )
        )
    return history, np.stack(rows)


def verdicts(history: list[EpochDone], losses: np.ndarray) -> set[str]:
    """What the coach says over the whole run."""
    coach = Coach(_spec(), n_classes=2, val_labels=np.arange(losses.shape[1]) % 2)
    raised: list[FindingRaised] = []
    for epoch in range(1, len(history) + 1):
        end = "completed" if epoch == len(history) else None
        raised += coach(history[:epoch], losses[:epoch], raised, end)  # type: ignore[arg-type]
    return {one.verdict for one in raised}


def rates(shape: str, n_val: int, wobble: str, runs: int) -> dict[str, float]:
    """Share of runs in which each verdict was given at any time."""
    said: Counter[str] = Counter()
    for seed in range(runs):
        said.update(verdicts(*simulate(shape, n_val, wobble=WOBBLES[wobble], seed=seed)))
    return {verdict: said[verdict] / runs for verdict in VERDICTS}


def _truth(shape: str, t: float) -> tuple[float, float, float]:
    """Mean margin of validation pictures, its scale, and what training pictures have on top."""
    learned = 2.5 * (1 - np.exp(-t / 0.06))
    after = max(0.0, t - 0.3)
    if shape == "memorising":  # ever better on what it has seen, unchanged on new pictures
        return learned, 1.0, 6.0 * after
    if shape == "overfitting":  # surer and surer, also where it is wrong
        return learned - 0.7 * after, 1.0 + 1.0 * after, 6.0 * after
    if shape == "strongly overfitting":
        return learned - 1.5 * after, 1.0 + 2.5 * after, 6.0 * after
    if shape == "underfitting":  # still on its way when the run ends
        return 1.6 * t, 0.1 + 0.8 * t, 0.0
    if shape == "diverging":
        return learned - 12.0 * after, 1.0, 0.0
    return learned, 1.0, 0.0


def _spec() -> RunSpec:
    spec = RunSpec()
    return replace(changed(spec, {"train.epochs": EPOCHS, "train.lr": 1e-3}))


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    print(f"| truth | epochs are | n_val | {' | '.join(VERDICTS)} |")
    print("|---|---|---|" + "---|" * len(VERDICTS))
    for shape in SHAPES:
        for wobble in WOBBLES:
            for n_val in SIZES:
                share = rates(shape, n_val, wobble, runs)
                cells = " | ".join(f"{100 * share[verdict]:.0f} %" for verdict in VERDICTS)
                print(f"| {shape} | {wobble} | {n_val} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
