"""Pictures in groups: McNemar where all stand alone, and copies are no further witnesses."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tl_core.evaluate.answers import Answers
from tl_core.evaluate.grouped import design_effect, scaled_mcnemar, sign_flips, summed
from tl_core.evaluate.paired import Judged, Pair, compared
from tl_core.intervals import mcnemar


def judged(name: str, right: NDArray[np.bool_], units: NDArray[np.int64] | None) -> Judged:
    n = len(right)
    labels = np.zeros(n, dtype=np.int64)
    sure = np.where(right, 0.8, 0.3)
    return Judged(
        run=name,
        answers=Answers(
            images=tuple(map(str, range(n))),
            pictures=tuple(f"d{at}" for at in range(n)),
            labels=labels,
            probabilities=np.column_stack([sure, 1 - sure]),
            classes=("a", "b"),
            units=units,
        ),
        seen=(),
    )


def pair_of(
    one: NDArray[np.bool_], other: NDArray[np.bool_], units: NDArray[np.int64] | None
) -> Pair:
    (found,) = compared([judged("A", one, units), judged("B", other, units)], [(0, 1)])
    return found


def fates(n: int, seed: int, share: float = 0.8) -> NDArray[np.bool_]:
    return np.random.default_rng(seed).random(n) < share


@pytest.mark.parametrize(("b", "c"), [(0, 6), (3, 9), (5, 5), (0, 0), (14, 2)])
def test_groups_of_one_are_mcnemars_test(b: int, c: int) -> None:
    ahead = np.array([1] * b + [-1] * c + [0] * 7)
    assert sign_flips(ahead) == pytest.approx(mcnemar(b, c))
    assert scaled_mcnemar(b, c) == pytest.approx(mcnemar(b, c))
    assert design_effect(ahead, b + c) == 1.0


def test_signs_of_groups_by_hand() -> None:
    # sums of +-3 +-1: 4, 2, -2, -4, each a quarter
    assert sign_flips(np.array([3, 1])) == pytest.approx(0.5)
    assert sign_flips(np.array([3, -1])) == pytest.approx(1.0)


def test_values_are_summed_by_group() -> None:
    found = summed(np.array([1.0, 2.0, 4.0, 8.0]), np.array([7, 3, 7, 3]))
    assert found.tolist() == [10.0, 5.0]


def test_pictures_that_stand_alone_are_compared_as_before() -> None:
    one, other = fates(60, 1), fates(60, 2, 0.6)
    plain, alone = pair_of(one, other, None), pair_of(one, other, np.arange(60))
    assert plain == alone
    assert plain.groups == plain.n == 60


def test_copies_are_no_further_witnesses() -> None:
    one, other = fates(60, 3, 0.9), fates(60, 4, 0.75)
    units = np.repeat(np.arange(60), 4)
    once = pair_of(one, other, None)
    copied = pair_of(np.repeat(one, 4), np.repeat(other, 4), units)
    believed = pair_of(np.repeat(one, 4), np.repeat(other, 4), None)
    assert copied.groups == 60 and copied.n == 240
    assert copied.accuracy.value == pytest.approx(once.accuracy.value)
    assert copied.p_accuracy == pytest.approx(once.p_accuracy, rel=1e-6)
    assert copied.p_loss == pytest.approx(once.p_loss, rel=0.05, abs=0.002)
    for name in ("accuracy", "loss"):
        wide, narrow = getattr(copied, name), getattr(believed, name)
        plain = getattr(once, name)
        assert wide.high - wide.low == pytest.approx(plain.high - plain.low, rel=0.05), name
        assert narrow.high - narrow.low < 0.65 * (wide.high - wide.low), name
    assert believed.p_accuracy < copied.p_accuracy


def test_the_interval_agrees_with_the_verdict() -> None:
    for seed in range(40):
        rng = np.random.default_rng(seed)
        units = np.repeat(np.arange(30), 5)
        one = np.repeat(rng.random(30) < 0.85, 5) ^ (rng.random(150) < 0.1)
        other = np.repeat(rng.random(30) < 0.6, 5) ^ (rng.random(150) < 0.1)
        found = pair_of(one, other, units)
        inside = found.accuracy.low <= 0.0 <= found.accuracy.high
        assert inside == (found.verdict == "cannot tell"), seed


def test_equal_runs_on_few_large_groups_are_seldom_told_apart() -> None:
    told, plainly = 0, 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        units = np.repeat(np.arange(20), 10)
        hard = np.repeat(rng.normal(1.0, 1.0, 20), 10)  # a patient's pictures share their fate
        each = [
            hard + np.repeat(rng.normal(0, 0.8, 20), 10) + rng.normal(0, 0.5, 200) > 0
            for _ in range(2)
        ]
        told += pair_of(*each, units).verdict != "cannot tell"
        plainly += pair_of(*each, None).verdict != "cannot tell"
    assert told / 300 <= 0.06
    assert plainly / 300 > 0.25, "what believing every picture would say"


def test_too_few_groups_tell_nothing() -> None:
    units = np.repeat(np.arange(5), 20)
    found = pair_of(fates(100, 5, 1.1), fates(100, 6, 0.2), units)
    assert found.verdict == "too few" and (found.n, found.groups) == (100, 5)
