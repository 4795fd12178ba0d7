"""The order of networks, and which of them cannot be told apart."""

from __future__ import annotations

import numpy as np
import pytest

from tl_core.advise.ranking import Entry, difference, ranking

FOLDS, REPEATS, PICTURES = 5, 5, 2000


def entry(
    mean: float,
    seed: int,
    *,
    ms: float = 10.0,
    work: float = 0.0,
    evidence: float | None = 0.0,
    spread: float = 0.02,
) -> Entry:
    noise = np.random.default_rng(seed).normal(0, spread, FOLDS * REPEATS)
    folds = mean + noise - noise.mean()
    return Entry(folds=folds, accuracy=mean, ms=ms, work=work, evidence=evidence)


def test_what_is_far_behind_is_in_a_group_of_its_own() -> None:
    places, because = ranking({"low": entry(0.6, 0, ms=1), "high": entry(0.9, 1)}, FOLDS, PICTURES)
    assert [(one.name, one.group) for one in places] == [("high", 1), ("low", 2)]
    assert because == "better"
    assert places[0].behind is None
    behind = places[1].behind
    assert behind is not None
    assert behind.value == pytest.approx(0.3)
    assert behind.low < 0.3 < behind.high
    assert behind.chance < 0.001


def test_of_what_cannot_be_told_apart_the_faster_comes_first() -> None:
    entries = {"slow": entry(0.81, 0, ms=40), "fast": entry(0.80, 1, ms=5), "far": entry(0.4, 2)}
    places, because = ranking(entries, FOLDS, PICTURES)
    assert [(one.name, one.group) for one in places] == [("fast", 1), ("slow", 1), ("far", 2)]
    assert because == "faster"
    assert places[0].behind is not None and places[0].behind.chance > 0.05
    assert places[1].behind is None  # the most accurate one is what others are compared with


def test_speed_is_not_bought_with_more_than_two_points() -> None:
    # Few pictures: nothing can be told apart, and the fastest is probably much worse.
    entries = {
        "slow": entry(0.81, 0, ms=40, spread=0.1),
        "fast": entry(0.74, 1, ms=5, spread=0.1),
    }
    places, because = ranking(entries, FOLDS, PICTURES)
    assert [(one.name, one.group) for one in places] == [("slow", 1), ("fast", 1)]
    assert because == "likelier"


def test_a_network_that_is_no_lighter_only_seems_faster() -> None:
    entries = {
        "a": entry(0.80, 0, ms=26, work=4e8, evidence=-0.5),
        "b": entry(0.80, 1, ms=2, work=4e8, evidence=-0.6),
        "c": entry(0.80, 2, ms=30, work=8e8, evidence=-0.4),
    }
    places, because = ranking(entries, FOLDS, PICTURES)
    assert [one.name for one in places] == ["a", "b", "c"]
    assert because == "evidence"


def test_of_equally_fast_ones_the_evidence_decides() -> None:
    entries = {
        "a": entry(0.80, 0, ms=10, evidence=-0.6),
        "b": entry(0.79, 1, ms=12, evidence=-0.4),
        "c": entry(0.80, 2, ms=11, evidence=None),
    }
    places, because = ranking(entries, FOLDS, PICTURES)
    assert [one.name for one in places] == ["b", "a", "c"]
    assert because == "evidence"


def test_one_alone() -> None:
    places, because = ranking({"only": entry(0.7, 0)}, FOLDS, PICTURES)
    assert (places[0].name, places[0].group, because) == ("only", 1, "alone")


def test_the_error_counts_that_folds_share_their_training_pictures() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(0.8, 0.05, 25), rng.normal(0.8, 0.05, 25)
    found = difference(one, other, FOLDS, PICTURES)
    naive = 2.0639 * float(np.std(one - other, ddof=1)) / 5
    corrected = naive * np.sqrt(1 + 25 / 4)
    assert (found.high - found.low) / 2 == pytest.approx(corrected, rel=1e-3)


def test_the_same_network_twice_is_no_difference() -> None:
    one = entry(0.8, 0)
    found = difference(one.folds, one.folds, FOLDS, PICTURES)
    assert (found.value, found.chance) == (0.0, 1.0)
    assert found.low == -found.high and 0.001 < found.high < 0.002


def test_folds_that_agree_exactly_do_not_make_a_small_difference_certain() -> None:
    # One picture more in each fold of four: five of twenty-five in all, and no spread at all.
    folds = np.tile([0.8], FOLDS * REPEATS)
    ahead = Entry(folds=folds, accuracy=0.8, ms=1.0, work=0.0, evidence=None)
    near = Entry(folds=folds - 0.04, accuracy=0.76, ms=1.0, work=0.0, evidence=None)
    places, because = ranking({"ahead": ahead, "near": near}, FOLDS, 25)
    assert [one.group for one in places] == [1, 1] and because == "likelier"
    behind = difference(ahead.folds, near.folds, FOLDS, 25)
    assert behind.low < 0 < behind.high and behind.chance > 0.05
    many = difference(ahead.folds, near.folds, FOLDS, 2000)
    assert 0 < many.low < 0.04 < many.high and many.chance < 0.05


def test_many_equal_networks_are_seldom_told_apart() -> None:
    # Accuracies of 200 pictures in the same folds, right or wrong by the same chance.
    rng = np.random.default_rng(0)
    told = 0
    for _ in range(200):
        entries = {}
        for number in range(5):
            right = rng.random(200) < 0.8
            folds = np.concatenate(
                [right[rng.permutation(200)].reshape(FOLDS, 40).mean(1) for _ in range(REPEATS)]
            )
            entries[str(number)] = Entry(
                folds=folds, accuracy=float(right.mean()), ms=1.0, work=0.0, evidence=None
            )
        places, _ = ranking(entries, FOLDS, 200)
        told += any(one.group > 1 for one in places)
    assert told <= 10  # 5 %
