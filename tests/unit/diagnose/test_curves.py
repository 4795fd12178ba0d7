from __future__ import annotations

import math

import numpy as np
import pytest

from tests.unit.diagnose.curves import row
from tl_core.diagnose.curves import (
    accuracy_fall,
    alternation,
    fall_per_epoch,
    generalisation_gap,
    half_width,
    needed_pictures,
    restlessness,
    rise_since_best,
    standstill,
)


def losses(curve: list[float], n: int = 100, spread: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.asarray(curve)[:, None] + rng.normal(0, spread, (len(curve), n))


def test_a_rise_is_measured_from_the_epochs_around_the_best() -> None:
    curve = [0.6, 0.52, 0.5, 0.5, 0.5, 0.6, 0.7, 0.8, 0.9, 0.9, 0.9, 0.9, 0.9]
    rise = rise_since_best(losses(curve, spread=0.001))
    assert rise is not None
    assert 3 <= rise.best <= 5 and rise.n == 100
    assert 0.34 < rise.mean <= 0.4
    assert rise.z > 3


def test_nothing_is_said_too_early_or_of_one_picture() -> None:
    assert rise_since_best(losses([0.5, 0.6, 0.7, 0.8, 0.9])) is None
    assert rise_since_best(losses([0.9, 0.8, 0.7, 0.6, 0.5, 0.6, 0.7, 0.8])) is None
    assert rise_since_best(losses([0.5] + [0.9] * 10, n=1)) is None


def test_few_pictures_make_a_rise_uncertain() -> None:
    rng = np.random.default_rng(1)
    base, grows = rng.exponential(0.5, 400), rng.normal(0.2, 0.5, 400)
    curve = np.array([base + grows * max(0, epoch - 5) / 10 for epoch in range(25)])
    few, many = rise_since_best(curve[:, :20]), rise_since_best(curve)
    assert many is not None and many.z > 3
    assert few is None or few.z < many.z


def test_restless_epochs_make_a_rise_uncertain() -> None:
    rng = np.random.default_rng(2)
    calm = np.concatenate([np.linspace(0.6, 0.5, 6), np.linspace(0.5, 0.9, 20)])
    restless = calm + rng.normal(0, 0.1, 26)
    steady, shaken = (rise_since_best(losses(list(c), spread=0.01)) for c in (calm, restless))
    assert steady is not None and steady.z > 3
    assert shaken is None or shaken.z < steady.z


def test_a_flat_curve_without_any_noise_has_not_risen() -> None:
    rise = rise_since_best(np.full((12, 30), 0.5))
    assert rise is not None and (rise.mean, rise.z) == (0.0, 0.0)


def test_gap() -> None:
    gap = generalisation_gap(row(1, fit_acc=0.95, val_acc=0.85, n_fit=100, n_val=60))
    assert gap.value == pytest.approx(0.10)
    assert gap.low < 0.10 < gap.high and gap.low == pytest.approx(0.003, abs=0.01)


def test_fall_per_epoch_looks_where_the_rate_is_high() -> None:
    falling = [row(e, train_loss=0.9**e, lr=1.0) for e in range(1, 8)]
    assert fall_per_epoch(falling) == pytest.approx(0.1)
    cooled = falling + [row(e, train_loss=0.9**7, lr=0.01) for e in range(8, 14)]
    assert fall_per_epoch(cooled) == pytest.approx(0.1)
    assert fall_per_epoch(falling[:2]) == 0.0 and fall_per_epoch([]) == 0.0


@pytest.mark.parametrize("accuracy", [0.5, 0.8, 0.95])
def test_needed_pictures_are_enough_and_not_many_too_many(accuracy: float) -> None:
    n = needed_pictures(accuracy, 0.05)
    assert half_width(round(accuracy * n), n) <= 0.05
    fewer = int(0.9 * n)
    assert half_width(round(accuracy * fewer), fewer) > 0.05


def test_half_width_agrees_with_the_textbook_for_many_pictures() -> None:
    assert half_width(5000, 10_000) == pytest.approx(1.96 * math.sqrt(0.25 / 10_000), rel=1e-3)


def test_alternation_tells_jumping_from_chance_and_from_a_trend() -> None:
    rng = np.random.default_rng(3)
    time = np.arange(20)
    jumping = alternation(0.5 - 0.01 * time + 0.1 * (-1.0) ** time + rng.normal(0, 0.005, 20))
    assert jumping is not None and jumping.turns == 1.0 and jumping.z > 10
    assert jumping.share == pytest.approx(0.5, abs=0.15)
    trend = alternation(0.5 - 0.01 * time)
    assert trend is not None and trend.turns == 0.0
    turns = [alternation(rng.normal(1, 0.1, 20)) for _ in range(200)]
    assert np.mean([one.turns for one in turns if one]) == pytest.approx(2 / 3, abs=0.02)
    assert np.mean([one.z > 4 for one in turns if one]) < 0.01
    assert alternation(np.ones(11)) is None, "too short"


def test_an_accuracy_falls_by_more_than_restless_epochs_explain() -> None:
    fallen = [row(e, val_acc=0.9 if e < 10 else 0.8, n_val=400) for e in range(1, 21)]
    fall = accuracy_fall(fallen, 5)
    assert fall.value == pytest.approx(0.1) and fall.value > 3 * fall.error
    few = accuracy_fall([row(e, val_acc=one.val_acc, n_val=20) for e, one in enumerate(fallen)], 5)
    assert few.error > fall.error, "a picture more or less weighs more among twenty"


def test_restlessness_is_that_of_the_noise_and_not_of_the_trend() -> None:
    rng = np.random.default_rng(4)
    trend = np.linspace(0.5, 0.9, 400)
    assert restlessness(list(trend)) == pytest.approx(0.0, abs=1e-9)
    assert restlessness(list(trend + rng.normal(0, 0.05, 400))) == pytest.approx(0.05, rel=0.2)
    assert restlessness([0.5, 0.9]) == 0.0


def test_a_standstill_bounds_what_a_loss_can_have_fallen_by() -> None:
    rng = np.random.default_rng(5)
    base = rng.exponential(0.5, 300)
    still = standstill(np.array([base + rng.normal(0, 0.1, 300) for _ in range(20)]), 6)
    assert still.level == pytest.approx(base.mean(), rel=0.05)
    assert 0 < still.most < 0.02
    falling = standstill(np.array([base - 0.01 * e for e in range(20)]), 6)
    assert falling.most >= 0.06
