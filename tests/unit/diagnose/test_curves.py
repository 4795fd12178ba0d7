from __future__ import annotations

import math

import numpy as np
import pytest

from tests.unit.diagnose.curves import row
from tl_core.diagnose.curves import (
    fall_per_epoch,
    generalisation_gap,
    half_width,
    needed_pictures,
    rise_since_best,
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
