"""One class against all others: curves as scikit-learn draws them, thresholds that cost least."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from tests.unit.evaluate.test_scores import made_up
from tl_core.evaluate.answers import Answers
from tl_core.evaluate.thresholds import cheapest, counted, curves


def two_classes(given: list[float], positive: list[bool]) -> Answers:
    p = np.array(given)
    return Answers(
        images=tuple(map(str, range(len(p)))),
        pictures=(),
        labels=np.array(positive, dtype=np.int64),
        probabilities=np.column_stack([1 - p, p]),
        classes=("good", "broken"),
    )


def test_curves_are_those_of_scikit_learn() -> None:
    one = made_up()
    found = curves(one, 2)
    positive, given = one.labels == 2, one.probabilities[:, 2]
    alarms, hits, _ = roc_curve(positive, given, drop_intermediate=False)
    assert found.alarms == pytest.approx(alarms) and found.found == pytest.approx(hits)
    assert found.area.value == pytest.approx(roc_auc_score(positive, given))
    assert found.area.low < found.area.value < found.area.high
    assert found.average_precision == pytest.approx(average_precision_score(positive, given))
    assert found.thresholds[0] == np.inf and found.precision[0] == 1.0
    assert (found.n_class, found.n_others) == (15, 45)


def test_a_curve_needs_both_sides() -> None:
    with pytest.raises(ValueError, match="of the class and of others"):
        curves(two_classes([0.2, 0.3], [False, False]), 1)


def test_every_threshold_is_counted_in_pictures() -> None:
    one = two_classes([0.1, 0.4, 0.6, 0.9], [False, True, False, True])
    found = counted(one, 1, 0.5, miss=10, alarm=1)
    assert (found.hits, found.missed, found.alarms, found.passed) == (1, 1, 1, 1)
    assert found.cost == 11
    assert found.found is not None and found.found.value == 0.5
    nothing = counted(one, 1, 1.1)
    assert nothing.precision is None and nothing.missed == 2


@pytest.mark.parametrize("miss, alarm", [(1, 1), (10, 1), (1, 10), (100, 1), (1, 100)])
def test_no_other_threshold_costs_less(miss: float, alarm: float) -> None:
    one = made_up(n=80, seed=3)
    best = cheapest(one, 1, miss=miss, alarm=alarm)
    cost = counted(one, 1, best, miss=miss, alarm=alarm).cost
    others = [
        counted(one, 1, at, miss=miss, alarm=alarm).cost
        for at in [*np.unique(one.probabilities[:, 1]), 0.0, 1.1]
    ]
    assert cost == min(others)


def test_dear_misses_lower_the_threshold_and_dear_alarms_raise_it() -> None:
    one = made_up(n=200, seed=4)
    careful = cheapest(one, 0, miss=20, alarm=1)
    even = cheapest(one, 0, miss=1, alarm=1)
    strict = cheapest(one, 0, miss=1, alarm=20)
    assert careful < even < strict


def test_a_sure_answer_can_still_be_turned_down() -> None:
    one = two_classes([1.0, 1.0, 1.0], [False, False, True])
    best = cheapest(one, 1, miss=1, alarm=100)
    assert counted(one, 1, best).alarms == 0
