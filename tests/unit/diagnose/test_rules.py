from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.simulate_findings import SHAPES, rates, simulate
from tests.unit.diagnose.curves import row
from tl_core.config import AugmentConfig, RunSpec, changed
from tl_core.diagnose.rules import Coach
from tl_core.events import EpochDone, FindingRaised, FinishReason

LABELS = np.arange(100) % 2


def spec(**changes: Any) -> RunSpec:
    base = {"train.epochs": 20, "train.lr": 0.01, "train.batch_size": 16, "train.image_size": 128}
    return changed(RunSpec(), base | changes)


def flat_losses(history: list[EpochDone], n: int = 100) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.array([one.val_loss + rng.normal(0, 0.05, n) for one in history], np.float32)


def coached(
    history: list[EpochDone],
    losses: np.ndarray | None = None,
    *,
    end: FinishReason | None = "completed",
    of: RunSpec | None = None,
    raised: tuple[FindingRaised, ...] = (),
    labels: np.ndarray = LABELS,
) -> dict[str, FindingRaised]:
    coach = Coach(of or spec(), n_classes=2, val_labels=labels)
    losses = flat_losses(history) if losses is None else losses
    return {one.verdict: one for one in coach(history, losses, raised, end)}


def overfitting(rise: float = 0.5, val_acc: float = 0.7) -> tuple[list[EpochDone], np.ndarray]:
    val = [0.6, 0.5, 0.4, 0.4, 0.4] + [0.4 + rise * k / 10 for k in range(11)]
    history = [
        row(
            e,
            val_loss=v,
            train_loss=0.7 / e,
            fit_acc=0.99,
            val_acc=0.8 if e < 8 else val_acc,
            lr=0.001,
        )
        for e, v in enumerate(val, start=1)
    ]
    return history, flat_losses(history)


def test_overfitting_names_the_epoch_and_the_numbers() -> None:
    found = coached(*overfitting(), end=None, of=spec(**{"freeze.layers": "all"}))["overfit"]
    assert 4 <= found.since_epoch <= 7 and found.epoch == 16
    assert found.sentence.startswith("It is learning the training pictures by heart")
    for part in ("100 validation pictures", "standard errors", "gap 29 points", "is kept"):
        assert part in found.evidence
    labels = [remedy.label for remedy in found.remedies]
    assert labels[1] == "Train fewer layers (the head and the last block)"
    assert found.remedies[1].changes["freeze.layers"] == "last:1"


def test_a_steady_accuracy_is_called_overconfidence_with_label_smoothing_first() -> None:
    found = coached(*overfitting(val_acc=0.8), end=None)["overfit"]
    assert found.sentence.startswith("It grows too sure of itself")
    assert found.remedies[0].changes == {"train.label_smoothing": 0.1}


def test_a_gap_without_a_rise_is_no_overfitting() -> None:
    history = [row(e, train_loss=0.7 / e, fit_acc=1.0, val_acc=0.8) for e in range(1, 17)]
    found = coached(history)
    assert "overfit" not in found
    assert found["memorised"].severity == "info" and not found["memorised"].remedies


def test_memorising_is_not_called_harmless_beside_a_finding_of_harm() -> None:
    useless = [row(e, train_loss=0.7 / e, fit_acc=1.0, val_acc=0.5) for e in range(1, 17)]
    assert "memorised" not in coached(useless) and "no_signal" in coached(useless)
    earlier = coached(*overfitting(), end=None)["overfit"]
    benign = [row(e, train_loss=0.7 / e, fit_acc=1.0, val_acc=0.8) for e in range(1, 17)]
    assert "memorised" not in coached(benign, raised=(earlier,))


def test_a_rise_while_the_training_loss_rises_too_is_no_overfitting() -> None:
    history, losses = overfitting()
    worse = [row(one.epoch, train_loss=0.1 * one.epoch) for one in history]
    assert "overfit" not in coached(worse, losses, end=None)


def test_a_verdict_comes_once_and_again_when_it_gets_worse() -> None:
    mild = coached(*overfitting(rise=0.15), end=None)["overfit"]
    assert mild.severity == "warning"
    assert "overfit" not in coached(*overfitting(rise=0.15), end=None, raised=(mild,))
    again = coached(*overfitting(rise=0.8), end=None, raised=(mild,))["overfit"]
    assert again.severity == "problem"
    assert "overfit" not in coached(*overfitting(rise=0.8), end=None, raised=(again,))


def test_divergence_of_finite_losses() -> None:
    history = [row(e, train_loss=0.5 if e < 8 else 3.0) for e in range(1, 11)]
    found = coached(history, end=None)["diverged"]
    assert (found.severity, found.epoch) == ("problem", 10)
    assert "guessing would give 0.69" in found.evidence
    assert found.remedies[0].changes == {"train.lr": 0.001}
    assert "diverged" not in coached(history[:8], end=None), "one bad epoch is not a divergence"


def test_warm_up_is_not_divergence() -> None:
    history = [row(e, train_loss=1.2) for e in range(1, 4)]
    assert "diverged" not in coached(history, end=None)


def test_a_loss_that_is_no_number_even_before_any_epoch() -> None:
    found = coached([], np.zeros((0, 100), np.float32), end="diverged")
    assert list(found) == ["diverged"]
    assert "no longer a number" in found["diverged"].sentence
    assert found["diverged"].since_epoch == 1
    constant = coached(
        [], np.zeros((0, 100)), end="diverged", of=spec(**{"train.schedule": "constant"})
    )
    assert constant["diverged"].remedies[1].changes == {"train.schedule": "one-cycle"}


def test_underfitting_asks_for_more_epochs_when_it_was_still_moving() -> None:
    history = [
        row(e, train_loss=0.69 * 0.97**e, val_loss=0.69 * 0.97**e, fit_acc=0.8, val_acc=0.82)
        for e in range(1, 21)
    ]
    found = coached(history)["underfit"]
    assert "still falling by 3.0 % per epoch" in found.evidence
    changes = [remedy.changes for remedy in found.remedies]
    assert changes[0] == {"train.epochs": 40}
    assert changes[2]["freeze.layers"] == "last:1" and changes[2]["train.lr"] is None
    assert "underfit" not in coached(history, end=None), "too early to tell"
    assert "underfit" not in coached(history, end="stopped"), "the user wanted it short"


def test_underfitting_asks_for_a_higher_rate_when_nothing_moved() -> None:
    history = [
        row(e, train_loss=0.69, val_loss=0.69 - 1e-4 * e, fit_acc=0.55, val_acc=0.55)
        for e in range(1, 11)
    ]
    found = coached(history)
    assert found["underfit"].remedies[0].changes == {"train.lr": 0.1}
    assert "guessing gives 0.69" in found["underfit"].evidence
    assert "no_signal" in found


def test_a_network_that_fits_its_pictures_does_not_underfit() -> None:
    history = [row(e, train_loss=0.69 * 0.9**e, fit_acc=0.97, val_acc=0.95) for e in range(1, 21)]
    assert "underfit" not in coached(history)


@pytest.mark.parametrize(
    ("accuracy", "severity"), [(0.55, "warning"), (0.5, "problem"), (0.75, None)]
)
def test_no_signal_compares_with_the_largest_class(accuracy: float, severity: str | None) -> None:
    found = coached([row(e, val_acc=accuracy, fit_acc=accuracy) for e in range(1, 6)])
    assert (found["no_signal"].severity if severity else found.get("no_signal")) == severity


def test_a_majority_of_four_fifths_is_not_beaten_by_four_fifths() -> None:
    labels = np.array([0] * 80 + [1] * 20)
    found = coached([row(e, val_acc=0.82, fit_acc=0.82) for e in range(1, 6)], labels=labels)
    assert "gives 80 %" in found["no_signal"].evidence


def test_too_few_validation_pictures_says_how_many_it_takes() -> None:
    history = [row(e, n_val=30, val_acc=0.9) for e in range(1, 21)]
    found = coached(history, np.full((20, 30), 0.5))["too_few_val"]
    assert found.severity == "info" and "30 validation pictures" in found.sentence
    assert "about 140 validation" in found.evidence or "about 1" in found.evidence
    plenty = [row(e, n_val=400, val_acc=0.9) for e in range(1, 21)]
    assert "too_few_val" not in coached(plenty, np.full((20, 400), 0.5))


def test_every_remedy_changes_the_settings_and_can_be_applied() -> None:
    strange = [
        spec(),
        spec(**{"freeze.layers": "all", "train.patience": 3, "train.dropout": 0.5}),
        spec(**{"freeze.layers": "last:4", "train.epochs": 500, "train.lr": 1.0}),
        spec(**{"freeze.layers": "custom:0,2", "train.lr": 1e-6, "train.image_size": 512}),
        spec(augment=AugmentConfig(crop=0.2, rotate=180.0, color=0.8)),
        spec(**{"model.name": "no_such_network", "freeze.layers": "last:2"}),
    ]
    low = [row(e, train_loss=0.69, fit_acc=0.5, val_acc=0.5) for e in range(1, 21)]
    for one in strange:
        found = [
            *coached(*overfitting(), end=None, of=one).values(),
            *coached(low, of=one).values(),
            *coached([], np.zeros((0, 9)), end="diverged", of=one).values(),
        ]
        for remedy in [remedy for finding in found for remedy in finding.remedies]:
            assert changed(one, remedy.changes) != one, remedy
            assert remedy.label and remedy.why.endswith(".")


def test_the_coach_remembers_nothing() -> None:
    coach = Coach(spec(), n_classes=2, val_labels=LABELS)
    history, losses = overfitting()
    assert coach(history, losses, [], None) == coach(history, losses, [], None)


@pytest.mark.parametrize("wobble", ["calm", "restless"])
def test_error_rates_on_made_up_runs(wobble: str) -> None:
    runs = 12
    flat = rates("flat", 150, wobble, runs)
    assert flat["overfit"] <= 1 / runs and flat["diverged"] == 0
    assert rates("memorising", 150, wobble, runs)["overfit"] <= 1 / runs
    assert rates("strongly overfitting", 150, wobble, runs)["overfit"] >= 11 / runs
    assert rates("diverging", 60, wobble, runs)["diverged"] == 1.0


def test_made_up_runs_are_consistent() -> None:
    for shape in SHAPES:
        history, losses = simulate(shape, 50, wobble=(0.3, 0.03), seed=1)
        assert np.allclose(losses.mean(axis=1), [one.val_loss for one in history], atol=1e-5)
        right = (losses < np.log(2)).mean(axis=1)
        assert np.allclose(right, [one.val_acc for one in history])
