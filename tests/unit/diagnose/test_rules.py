from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmarks.simulate_findings import KINDS, rates, simulate
from tests.unit.diagnose.curves import row
from tl_core.config import AugmentConfig, RunSpec, changed
from tl_core.diagnose.rules import RULES, Coach
from tl_core.diagnose.verdicts import VERDICTS
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
    usual_lr: float | None = None,
) -> dict[str, FindingRaised]:
    coach = Coach(of or spec(), n_classes=2, val_labels=labels, usual_lr=usual_lr)
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


def test_remedies_against_overfitting_come_in_order() -> None:
    of = spec(**{"freeze.layers": "all"})
    found = coached(*overfitting(), end=None, of=of)["overfit"]
    assert [remedy.act for remedy in found.remedies] == ["stop", *["change"] * 7, "tell"]
    assert found.remedies[0].label == "Stop now and keep epoch 3"
    assert [next(iter(one.changes)) for one in found.remedies[1:8]] == [
        "train.lr",
        "freeze.layers",
        "augment.crop",
        "train.weight_decay",
        "augment.mixup",
        "train.dropout",
        "train.label_smoothing",
    ]
    assert found.remedies[2].changes["freeze.layers"] == "last:1"
    assert found.remedies[-1].label == "Bring more pictures"
    over = coached(*overfitting(), end="completed", of=of)["overfit"]
    assert "stop" not in {remedy.act for remedy in over.remedies}


def test_a_steady_accuracy_is_overconfidence_with_label_smoothing_first() -> None:
    found = coached(*overfitting(val_acc=0.8), end=None)
    assert "overfit" not in found
    assert found["overconfident"].sentence.startswith("It grows too sure of itself")
    assert found["overconfident"].remedies[0].changes == {"train.label_smoothing": 0.1}


def test_an_accuracy_that_may_have_fallen_by_chance_is_not_called_overfitting() -> None:
    found = coached(*overfitting(val_acc=0.78), end=None)
    assert "overconfident" in found and "overfit" not in found


def few(rise: float, val_acc: float, gap: float = 0.25) -> dict[str, FindingRaised]:
    """Twenty validation pictures, a fifth of which get much worse after epoch 5."""
    rng = np.random.default_rng(3)
    worse = np.arange(20) % 5 == 0
    after = np.clip(np.arange(16) - 4, 0, 6) / 6
    losses = 0.5 + rng.normal(0, 0.02, (16, 20)) + 4 * rise * 0.5 * np.outer(after, worse)
    losses -= 0.002 * np.minimum(np.arange(16), 4)[:, None]
    history = [
        row(
            e,
            n_val=20,
            train_loss=0.7 / e,
            val_loss=float(losses[e - 1].mean()),
            fit_acc=min(1.0, val_acc + gap),
            val_acc=0.8 if e < 8 else val_acc,
        )
        for e in range(1, 17)
    ]
    return coached(history, losses.astype(np.float32), end="completed")


def test_with_few_pictures_a_large_rise_counts_beside_a_gap_and_a_fall() -> None:
    found = few(rise=0.8, val_acc=0.7)
    assert "overfit" in found and "memorised" not in found
    assert "2.2 standard errors" in found["overfit"].evidence
    assert "overfit" not in few(rise=0.8, val_acc=0.7, gap=0.0), "no gap"
    # The accuracy may have fallen or not: with twenty pictures neither is claimed, nor "no harm".
    assert not {"overfit", "overconfident", "memorised"} & few(rise=0.8, val_acc=0.8).keys()


def test_a_sure_but_small_rise_is_no_harm() -> None:
    found = coached(*overfitting(rise=0.03), end=None)
    assert not {"overfit", "overconfident"} & found.keys()


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
    assert found["diverged"].remedies[-1].act == "tell"
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
        row(e, train_loss=0.69, val_loss=0.69 - 1e-4 * e, fit_acc=0.6, val_acc=0.6, n_val=400)
        for e in range(1, 11)
    ]
    losses = flat_losses(history, 400)
    found = coached(history, losses, usual_lr=0.01)  # the rate is the usual one: not to blame
    assert found["underfit"].remedies[0].changes == {"train.lr": 0.1}
    assert "guessing gives 0.69" in found["underfit"].evidence
    unsure = [replace(one, fit_acc=0.75) for one in history]
    assert "underfit" not in coached(unsure, losses, usual_lr=0.01), "right, though never sure"


def test_what_hardly_moved_and_shows_nothing_is_no_signal_with_the_remedies_of_both() -> None:
    history = [
        row(e, train_loss=0.69, val_loss=0.69 - 1e-4 * e, fit_acc=0.55, val_acc=0.55)
        for e in range(1, 11)
    ]
    found = coached(history, usual_lr=0.01)
    assert "underfit" not in found
    tried = [remedy.changes for remedy in found["no_signal"].remedies]
    assert tried[0] == {"train.lr": 0.1} and {"train.epochs": 40} in tried
    assert found["no_signal"].remedies[-1].label == "Bring more pictures"
    moved = [replace(one, train_loss=0.5) for one in history]
    assert {"train.lr": 0.1} not in [
        remedy.changes for remedy in coached(moved, usual_lr=0.01)["no_signal"].remedies
    ]


def test_a_falling_training_loss_alone_is_no_underfitting() -> None:
    # The validation loss has long settled: more epochs would only teach the training pictures.
    history = [
        row(e, train_loss=0.69 * 0.97**e, val_loss=0.4 - 1e-5 * e, fit_acc=0.85, val_acc=0.82)
        for e in range(1, 21)
    ]
    assert "underfit" not in coached(history)


def test_short_runs_are_judged_by_the_training_loss_alone() -> None:
    history = [
        row(e, train_loss=0.69 * 0.97**e, val_loss=0.69 * 0.97**e, fit_acc=0.8, val_acc=0.82)
        for e in range(1, 6)
    ]
    assert "validation loss" not in coached(history)["underfit"].evidence
    slow = [replace(one, train_loss=0.69 * 0.985**one.epoch) for one in history]
    assert "underfit" not in coached(slow)


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


def test_half_way_to_all_right_is_not_called_no_signal() -> None:
    # 14 of 20 are not shown to beat 10 of 20, and not shown to be worthless either
    history = [row(e, n_val=20, val_acc=0.7, fit_acc=0.7) for e in range(1, 6)]
    assert "no_signal" not in coached(history, np.full((5, 20), 0.5))


def test_too_few_validation_pictures_says_how_many_it_takes() -> None:
    history = [row(e, n_val=30, val_acc=0.9) for e in range(1, 21)]
    found = coached(history, np.full((20, 30), 0.5))["noisy_validation"]
    assert found.severity == "info" and "30 validation pictures" in found.sentence
    assert "about 140 validation" in found.evidence or "about 1" in found.evidence
    plenty = [row(e, n_val=400, val_acc=0.9) for e in range(1, 21)]
    assert "noisy_validation" not in coached(plenty, np.full((20, 400), 0.5))


def test_validation_that_jumps_is_noisy_with_many_pictures_too() -> None:
    rng = np.random.default_rng(0)
    jumpy = [row(e, n_val=400, val_acc=0.8 + rng.normal(0, 0.1)) for e in range(1, 21)]
    found = coached(jumpy, np.full((20, 400), 0.5))["noisy_validation"]
    assert "from epoch to epoch" in found.evidence and not found.remedies


def test_a_run_begun_before_a_verdict_was_renamed_is_not_told_it_twice() -> None:
    history = [row(e, n_val=30, val_acc=0.9) for e in range(1, 21)]
    told = coached(history, np.full((20, 30), 0.5))["noisy_validation"]
    old = replace(told, verdict="too_few_val")
    assert "noisy_validation" not in coached(history, np.full((20, 30), 0.5), raised=(old,))


def test_a_loss_that_jumps_to_and_fro_is_an_oscillation() -> None:
    def jumping(swing: float, lr: float = 0.01) -> dict[str, FindingRaised]:
        history = [row(e, val_loss=0.5 + swing * (-1) ** e, lr=lr) for e in range(1, 16)]
        return coached(history, flat_losses(history), end=None)

    found = jumping(0.1)["oscillating"]
    assert "by chance it turns in 67 %" in found.evidence
    assert found.remedies[0].changes == {"train.lr": pytest.approx(0.0033)}
    assert "oscillating" not in jumping(0.005), "under 5 % of the loss does no harm"


def test_chance_does_not_oscillate() -> None:
    rng = np.random.default_rng(0)
    false = 0
    for _ in range(60):
        history = [row(e, val_loss=0.5 + rng.normal(0, 0.1)) for e in range(1, 21)]
        false += "oscillating" in coached(history, end=None)
    assert false <= 2


def test_training_losses_that_alternate_with_the_versions_are_no_oscillation() -> None:
    history = [row(e, train_loss=0.5 + 0.1 * (-1) ** e) for e in range(1, 16)]
    assert "oscillating" not in coached(history, end=None)


def test_a_rate_is_called_too_low_only_where_a_larger_one_is_known_to_work() -> None:
    # the loss is well below guessing: it may have nothing left to learn, or go too slowly
    history = [row(e, train_loss=0.5 - 1e-4 * e, fit_acc=0.8) for e in range(1, 9)]
    low = spec(**{"train.lr": 1e-5})
    assert "rate_too_low" not in coached(history, of=low, end=None)
    found = coached(history, of=low, end=None, usual_lr=0.01)["rate_too_low"]
    assert "0.01 is known to work" in found.evidence
    assert found.remedies[0].changes == {"train.lr": 0.01}
    assert "rate_too_low" not in coached(history, end=None, usual_lr=0.01), "it is the usual one"
    assert "rate_too_low" not in coached(history[:3], of=low, end=None, usual_lr=0.01), "too early"


def test_a_low_rate_that_has_not_left_guessing_is_too_low_however_far_it_fell() -> None:
    history = [row(e, train_loss=0.75 - 0.01 * e, fit_acc=0.5) for e in range(1, 9)]  # 0.67
    low = spec(**{"train.lr": 1e-5})
    assert "rate_too_low" in coached(history, of=low, end=None, usual_lr=0.01)
    assert "rate_too_low" not in coached(history, end=None, usual_lr=0.01)


def test_without_a_known_rate_the_loss_of_guessing_tells() -> None:
    history = [row(e, train_loss=0.69 - 1e-4 * e, fit_acc=0.5) for e in range(1, 9)]
    assert "rate_too_low" in coached(history, end=None)
    learned = [row(e, train_loss=0.69 - 0.03 * e, fit_acc=0.5) for e in range(1, 9)]
    assert "rate_too_low" not in coached(learned, end=None)


def standing_still(schedule: str, *, n: int = 400, fall: float = 0.0) -> dict[str, FindingRaised]:
    rng = np.random.default_rng(1)
    history = [
        row(e, n_val=n, train_loss=0.5 - fall * e, val_loss=0.5 - fall * e, lr=0.01)
        for e in range(1, 21)
    ]
    base = rng.exponential(0.5, n)
    losses = np.array([base - fall * e + rng.normal(0, 0.05, n) for e in range(20)])
    return coached(history, losses, of=spec(**{"train.schedule": schedule}))


def test_a_standstill_at_a_high_rate_is_a_plateau() -> None:
    found = standing_still("constant")["plateau"]
    assert found.severity == "info" and "at most (95 %)" in found.evidence
    assert found.remedies[0].changes == {"train.schedule": "one-cycle"}
    assert "plateau" not in standing_still("constant", fall=0.01), "it still falls"


def test_coming_to_rest_under_a_falling_rate_is_no_plateau() -> None:
    history = [row(e, n_val=400, lr=0.01 if e < 12 else 1e-4) for e in range(1, 21)]
    assert "plateau" not in coached(history, np.full((20, 400), 0.5))


def test_too_few_pictures_cannot_show_a_standstill() -> None:
    rng = np.random.default_rng(2)
    history = [row(e, n_val=20) for e in range(1, 21)]
    losses = rng.exponential(0.5, (20, 20))
    assert "plateau" not in coached(history, losses, of=spec(**{"train.schedule": "constant"}))


def test_what_explains_the_others_is_said_alone() -> None:
    low = [row(e, train_loss=0.69, val_loss=0.69, fit_acc=0.5, val_acc=0.5) for e in range(1, 21)]
    found = coached(low, of=spec(**{"train.lr": 1e-5}), usual_lr=0.01)
    assert "rate_too_low" in found and not {"underfit", "no_signal"} & found.keys()


def test_rules_are_asked_in_the_order_of_the_verdicts() -> None:
    assert tuple(RULES) == VERDICTS


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
            assert (changed(one, remedy.changes) != one) == (remedy.act == "change"), remedy
            assert remedy.label and remedy.why.endswith(".")


def test_the_coach_remembers_nothing() -> None:
    coach = Coach(spec(), n_classes=2, val_labels=LABELS)
    history, losses = overfitting()
    assert coach(history, losses, [], None) == coach(history, losses, [], None)


def test_error_rates_on_made_up_runs() -> None:
    runs = 10
    for kind in ("healthy", "flat"):
        found = rates(kind, 150, runs)
        harm = ("diverged", "oscillating", "rate_too_low", "overfit", "overconfident")
        assert sum(found[verdict] for verdict in harm) <= 1 / runs, kind
    assert rates("overfitting", 150, runs)["overfit"] >= 9 / runs
    assert rates("overfitting", 20, 3 * runs)["overfit"] >= 18 / (3 * runs)
    assert rates("overconfident", 60, 3 * runs)["overconfident"] >= 12 / (3 * runs)
    assert rates("underfitting", 60, 2 * runs)["underfit"] >= 16 / (2 * runs)
    for kind, n_val in (("no signal", 20), ("plateau", 150), ("healthy", 60)):
        assert rates(kind, n_val, 2 * runs)["underfit"] <= 2 / (2 * runs), kind
    assert rates("oscillating", 60, runs)["oscillating"] >= 9 / runs
    assert rates("too low a rate", 60, runs)["rate_too_low"] >= 9 / runs
    assert rates("diverging", 60, runs)["diverged"] == 1.0


def test_made_up_runs_are_consistent() -> None:
    for kind in KINDS:
        history, losses = simulate(kind, 50, seed=1)
        assert np.allclose(losses.mean(axis=1), [one.val_loss for one in history], atol=1e-5)
        right = (losses < np.log(2)).mean(axis=1)
        assert np.allclose(right, [one.val_acc for one in history])
