from __future__ import annotations

from dataclasses import replace

import pytest

from tl_core.train.forecast import Cost, Work, probe_seconds, seconds, speed_up

WORK = Work(
    n_train=1000, n_val=100, n_test=0, n_fit=200, epochs=20, batch_size=20, views=2, kept=True
)


def told(work: Work, prefix: float, suffix: float) -> float:
    return seconds(work, Cost(prefix=prefix, suffix=suffix, suffix_forward=suffix / 3))


def test_kept_views_pay_for_the_frozen_blocks_once_per_view() -> None:
    kept = told(WORK, 0.01, 0.0)
    anew = told(replace(WORK, kept=False, views=0), 0.01, 0.0)
    assert anew - kept == pytest.approx(0.01 * (20 * 1300 - (2 * 1000 + 100)))


def test_more_views_than_epochs_cost_no_more_than_the_epochs() -> None:
    assert told(replace(WORK, views=50), 0.01, 0.001) == told(replace(WORK, views=20), 0.01, 0.001)


def test_time_grows_with_epochs_pictures_and_costs() -> None:
    usual = told(WORK, 0.001, 0.001)
    assert told(replace(WORK, epochs=40), 0.001, 0.001) > usual
    assert told(replace(WORK, n_train=2000), 0.001, 0.001) > usual
    assert told(WORK, 0.002, 0.001) > usual and told(WORK, 0.001, 0.002) > usual


def test_reading_is_paid_whenever_frozen_blocks_are_computed() -> None:
    cost = Cost(prefix=0.0, suffix=0.0, suffix_forward=0.0, reading=0.01)
    nothing = Cost(prefix=0.0, suffix=0.0, suffix_forward=0.0)
    kept = seconds(WORK, cost) - seconds(WORK, nothing)
    assert kept == pytest.approx(0.01 * (2 * 1000 + 100 + 100))  # views, validation, the end
    fresh = replace(WORK, kept=False, views=0)
    anew = seconds(fresh, cost) - seconds(fresh, nothing)
    assert anew == pytest.approx(0.01 * (20 * 1300 + 100))


def test_a_deep_probe_looks_twice_and_solves_longer() -> None:
    cost = Cost(prefix=0.001, suffix=0.0, suffix_forward=0.0)
    exact, deep = (
        probe_seconds(cost, n_train=1000, n_val=100, n_test=0, deep=one) for one in (False, True)
    )
    assert exact == pytest.approx(0.001 * (1000 + 100 + 2 * 100) + 1000 / 5000 + 0.6)
    assert deep == pytest.approx(2 * 0.001 * (1000 + 100 + 2 * 100) + 1000 / 500 + 0.6)


def test_the_gain_of_views_is_the_formula_of_the_cost_model() -> None:
    assert speed_up(30, 1, prefix=1.0, suffix=0.0) == pytest.approx(30)
    assert speed_up(30, 1, prefix=1.0, suffix=1.0) == pytest.approx(60 / 31)
    assert speed_up(5, 10, prefix=1.0, suffix=0.0) == pytest.approx(1)
