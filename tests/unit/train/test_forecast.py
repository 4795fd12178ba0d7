from __future__ import annotations

from dataclasses import replace

import pytest

from tl_core.train.forecast import Work, seconds, speed_up

WORK = Work(
    n_train=1000, n_val=100, n_test=0, n_fit=200, epochs=20, batch_size=20, views=2, kept=True
)


def told(work: Work, prefix: float, suffix: float) -> float:
    return seconds(work, prefix=prefix, suffix=suffix, suffix_forward=suffix / 3)


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


def test_the_gain_of_views_is_the_formula_of_the_cost_model() -> None:
    assert speed_up(30, 1, prefix=1.0, suffix=0.0) == pytest.approx(30)
    assert speed_up(30, 1, prefix=1.0, suffix=1.0) == pytest.approx(60 / 31)
    assert speed_up(5, 10, prefix=1.0, suffix=0.0) == pytest.approx(1)
