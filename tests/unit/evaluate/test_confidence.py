"""Temperature and conformal sets: fitted on one part, judged on another."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.evaluate.test_scores import made_up
from tl_core.evaluate.answers import Answers
from tl_core.evaluate.confidence import (
    believed,
    conformal_limit,
    fitted_temperature,
    judged_sets,
    reliability,
    sets_of,
    tempered,
)


def calibrated(n: int, seed: int, *, sharper: float = 1.0) -> Answers:
    """Labels drawn from the probabilities themselves, then made ``sharper``."""
    rng = np.random.default_rng(seed)
    truth = rng.dirichlet(np.full(5, 0.4), size=n)
    labels = np.array([rng.choice(5, p=row) for row in truth])
    return Answers(
        images=tuple(map(str, range(n))),
        pictures=(),
        labels=labels,
        probabilities=tempered(truth, 1 / sharper),
        classes=tuple("abcde"),
    )


def test_a_temperature_leaves_answers_and_sums_alone() -> None:
    one = made_up()
    warm = tempered(one.probabilities, 2.5)
    assert warm.sum(axis=1) == pytest.approx(np.ones(60))
    assert (warm.argmax(axis=1) == one.given).all()
    assert warm.max() < one.probabilities.max()
    assert tempered(one.probabilities, 1.0) == pytest.approx(one.probabilities)


def test_calibrated_answers_keep_their_temperature_and_sharp_ones_are_brought_back() -> None:
    assert fitted_temperature(calibrated(3000, 1)) == pytest.approx(1.0, abs=0.08)
    assert fitted_temperature(calibrated(3000, 2, sharper=2.0)) == pytest.approx(2.0, abs=0.2)
    assert fitted_temperature(calibrated(19, 3)) is None, "too few pictures to fit anything"


def test_what_a_temperature_gains_is_judged_on_other_pictures() -> None:
    found = believed(calibrated(1500, 5, sharper=2.5), 2.5)
    assert found.gain == pytest.approx(found.before - found.after)
    assert 0 < found.low < found.gain < found.high
    same = believed(calibrated(300, 6), 1.0)
    assert same.gain == pytest.approx(0.0) and same.low <= 0.0 <= same.high


def test_sets_hold_the_truth_as_often_as_promised() -> None:
    shares = []
    for seed in range(200):
        found = judged_sets(calibrated(60, seed), calibrated(60, 1000 + seed), 0.9)
        assert found is not None
        shares.append(found.covered / found.n)
        assert found.expected[0] < 0.9 < found.expected[1]
    assert np.mean(shares) == pytest.approx(0.905, abs=0.015)


def test_a_promise_that_the_pictures_cannot_keep_is_not_made() -> None:
    assert conformal_limit(made_up(n=8), 0.9) is None
    assert conformal_limit(made_up(n=12), 0.9) is not None
    assert judged_sets(made_up(n=8), made_up(n=40), 0.9) is None


def test_sets_are_counted_by_size() -> None:
    found = judged_sets(made_up(seed=1), made_up(seed=2), 0.9)
    assert found is not None and sum(found.sizes) == 60
    chosen = sets_of(made_up(seed=2).probabilities, found.limit)
    assert found.mean_size == pytest.approx(chosen.sum(axis=1).mean())
    assert found.covered == chosen[np.arange(60), made_up().labels].sum()


def test_reliability_steps_hold_every_picture_once() -> None:
    one = made_up()
    found = reliability(one)
    assert sum(step.n for step in found) == 60 and len(found) == 10
    assert [step.confidence for step in found] == sorted(step.confidence for step in found)
    mean = sum(step.right * step.n for step in found) / 60
    assert mean == pytest.approx(one.right.mean())
    assert len(reliability(made_up(n=4))) == 1
