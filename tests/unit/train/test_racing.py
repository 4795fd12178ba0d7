"""A race between choices of layers: who leaves early, who is taken, and with what interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy import stats

from tl_core.train.racing import Raced, difference, race


@dataclass(kw_only=True)
class Known:
    """A choice whose folds are known beforehand."""

    layers: str
    right: list[int]
    of: int = 50
    solved: bool = False
    asked: list[int] = field(default_factory=list)

    def judged(self, fold: int) -> tuple[int, int, float]:
        self.asked.append(fold)
        return self.right[fold], self.of, 2.0


def test_a_dearer_choice_that_is_clearly_behind_leaves_after_one_fold() -> None:
    cheap, dear = Known(layers="head", right=[45] * 5), Known(layers="all", right=[30] * 5)
    found = race([cheap, dear], 5)
    assert dear.asked == [0] and cheap.asked == [0, 1, 2, 3, 4]
    assert found.of("all").left and not found.of("head").left
    assert found.chosen == found.best == "head"
    assert found.gains == {"all": None}


def test_a_dearer_choice_without_any_gain_leaves_after_two() -> None:
    cheap, dear = (
        Known(layers="head", right=[40] * 5),
        Known(layers="all", right=[41, 39, 50, 50, 50]),
    )
    race([cheap, dear], 5)
    assert dear.asked == [0, 1]


def test_a_cheaper_choice_never_leaves_for_a_dearer_one() -> None:
    cheap, dear = Known(layers="head", right=[20] * 5), Known(layers="all", right=[45] * 5)
    found = race([cheap, dear], 5)
    assert cheap.asked == dear.asked == [0, 1, 2, 3, 4]
    assert found.chosen == "all"
    gain = found.gains["head"]
    assert gain is not None and gain.value == pytest.approx(-0.5)


def test_a_gain_within_one_standard_error_is_not_paid_for() -> None:
    cheap = Known(layers="head", right=[40, 42, 38, 44, 36])
    dear = Known(layers="last:1", right=[43, 40, 42, 42, 37])
    found = race([cheap, dear], 5)
    assert found.best == "last:1" and found.chosen == "head"


def test_of_choices_that_are_solved_the_better_one_is_taken() -> None:
    simple = Known(layers="exact-head", right=[40, 42, 38, 44, 36], solved=True)
    deep = Known(layers="deep-probe", right=[43, 40, 42, 42, 37], solved=True)
    assert race([simple, deep], 5).chosen == "deep-probe"
    dear = Known(layers="all", right=[43, 41, 42, 43, 38])  # a little ahead: not paid for
    found = race([simple, deep, dear], 5)
    assert found.best == "all" and found.chosen == "deep-probe"


def test_all_are_trained_on_all_folds_when_asked_and_when_solved() -> None:
    cheap, dear = Known(layers="head", right=[45] * 5), Known(layers="all", right=[10] * 5)
    race([cheap, dear], 5, exhaustive=True)
    assert len(dear.asked) == 5
    solved = Known(layers="deep-probe", right=[10] * 5, solved=True)
    race([cheap, solved], 5)
    assert len(solved.asked) == 5


def test_the_difference_follows_nadeau_and_bengio() -> None:
    one = Raced(layers="a", right=(40, 45, 41, 44, 42), judged=(50,) * 5, seconds=1.0)
    other = Raced(layers="b", right=(38, 40, 42, 40, 41), judged=(50,) * 5, seconds=1.0)
    gaps = np.array([2, 5, -1, 4, 1]) / 50
    error = math.sqrt((1 / 5 + 0.25) * gaps.var(ddof=1))  # a fold tests on a quarter of the rest
    reach = stats.t.ppf(0.975, 4) * error
    found = difference(one, other, folds=5)
    assert found is not None
    assert found[0] == pytest.approx(gaps.mean()) and found[1] == pytest.approx(error)
    assert found[2].low == pytest.approx(gaps.mean() - reach)
    assert found[2].high == pytest.approx(gaps.mean() + reach)
    assert (
        difference(one, Raced(layers="c", right=(1,), judged=(50,), seconds=1.0), folds=5) is None
    )


def test_folds_that_agree_exactly_leave_a_doubt() -> None:
    one = Raced(layers="a", right=(9,) * 5, judged=(10,) * 5, seconds=1.0)
    same = difference(
        one, Raced(layers="b", right=(9,) * 5, judged=(10,) * 5, seconds=1.0), folds=5
    )
    assert same is not None
    assert same[0] == 0.0 and same[1] > 0.0
    assert same[2].low == pytest.approx(-same[2].high) and same[2].high == pytest.approx(
        0.071, abs=1e-3
    )
    few = Raced(layers="b", right=(3,) * 5, judged=(4,) * 5, seconds=1.0)
    more = difference(Raced(layers="a", right=(4,) * 5, judged=(4,) * 5, seconds=1.0), few, folds=5)
    assert more is not None  # five of twenty, one in each fold
    assert more[0] == pytest.approx(0.25)
    assert more[2].low < 0.1 < 0.45 < more[2].high


def test_the_progress_counts_what_is_left_to_do() -> None:
    told: list[tuple[int, int]] = []
    cheap, dear = Known(layers="head", right=[45] * 5), Known(layers="all", right=[30] * 5)
    race([cheap, dear], 5, report=lambda done, total: told.append((done, total)))
    assert told[0] == (0, 10) and told[-1] == (6, 6)
    assert all(done <= total for done, total in told)
