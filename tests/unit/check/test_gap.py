"""The gap between a random and a grouped division: dealt, measured, and told only when it is."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from tests.unit.check.sets import checked
from tl_core.check.copies import Copies
from tl_core.check.division import all_units, told_division
from tl_core.check.gap import dealt, has_groups, judged_rows, measured
from tl_core.check.honesty import Honesty, Share, honesty_from_dict
from tl_core.probe.pooling import Block
from tl_core.probe.repeated import Heads
from tl_core.probe.select import Prepared, prepared_features

NONE = Copies(groups=(), n_exact=0)


def ready(x: np.ndarray) -> Prepared:
    block = Block(group="all", size=x.shape[1], placed=False)
    return prepared_features(torch.from_numpy(x).float(), [block])


def test_folds_hold_whole_units_and_their_share_of_every_class() -> None:
    rng = np.random.default_rng(0)
    for seed in range(20):
        units = rng.integers(0, 60, 400)
        labels = np.where(rng.random(60)[units] < 0.3, 0, 1)
        fold = dealt(labels, units, seed=seed)
        assert set(fold) == set(range(5))
        assert all(len(set(fold[units == one])) == 1 for one in set(units))
        for label in (0, 1):
            shares = np.bincount(fold[labels == label], minlength=5) / (labels == label).sum()
            assert abs(shares - 0.2).max() < 0.09
    single = dealt(labels, np.arange(400), seed=1)
    assert np.ptp(np.bincount(single)) <= 2


def test_folds_follow_the_seed() -> None:
    labels, units = np.arange(100) % 2, np.arange(100) // 4
    assert (dealt(labels, units, seed=1) == dealt(labels, units, seed=1)).all()
    assert (dealt(labels, units, seed=1) != dealt(labels, units, seed=2)).any()


def test_the_only_unit_of_a_class_is_not_judged() -> None:
    labels = np.repeat([0, 1, 2], 20)
    units = np.concatenate([np.arange(40), np.full(20, 99)])
    assert judged_rows(labels, units, np.arange(60)).tolist() == list(range(40))
    assert len(judged_rows(labels, units, np.arange(18))) == 0  # too few
    assert len(judged_rows(labels[:20], units[:20], np.arange(20))) == 0  # one class


def test_many_pictures_without_groups_are_not_judged_and_many_with_are_sampled_whole() -> None:
    labels = np.arange(6000) % 3
    assert len(judged_rows(labels, np.arange(6000), np.arange(6000))) == 0
    units = np.arange(6000) // 5
    rows = judged_rows(labels, units, np.arange(6000))
    assert 1900 <= len(rows) <= 2000
    assert (np.bincount(units[rows])[np.unique(units[rows])] == 5).all()
    assert not has_groups(np.arange(100)) and has_groups(units)


def test_heads_give_exactly_what_a_ridge_regression_without_the_fold_gives() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 90))
    labels = (x[:, 0] + 0.5 * rng.normal(size=60) > 0).astype(np.int64)
    fold = dealt(labels, np.arange(60), seed=0)
    features = ready(x)
    heads = Heads(features, torch.from_numpy(labels), 2, torch.from_numpy(fold))
    right = heads.right(torch.from_numpy(fold)).numpy()
    known = np.hstack([features.scaled(features.shares[0]).double().numpy(), np.ones((60, 1))])
    agreed = []
    for strength in (3.0, 1.0, 0.3, 0.1, 0.03, 0.01):
        expected = np.empty(60, bool)
        for number in range(5):
            out = fold == number
            model = Ridge(alpha=strength, fit_intercept=False).fit(
                known[~out], np.eye(2)[labels[~out]]
            )
            expected[out] = model.predict(known[out]).argmax(1) == labels[out]
        agreed.append(bool((expected == right).all()))
    assert any(agreed)


def planted(n_groups: int, size: int, *, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures of groups that look alike and differ from all others, whatever their class."""
    rng = np.random.default_rng(seed)
    units = np.repeat(np.arange(n_groups), size)
    labels = (np.arange(n_groups) % 2)[units]
    own = rng.normal(size=(n_groups, 50))
    own[:, 0] += np.where(np.arange(n_groups) % 2, 0.8, -0.8)
    return own[units] + 0.2 * rng.normal(size=(len(units), 50)), labels, units


def measure(x: np.ndarray, labels: np.ndarray, units: np.ndarray) -> Honesty:
    heads = Heads(
        ready(x),
        torch.from_numpy(labels),
        2,
        torch.from_numpy(dealt(labels, units, seed=1000)),
    )

    def judged(of: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        fold = dealt(labels, of, seed=seed)
        return fold, heads.right(torch.from_numpy(fold)).numpy()

    return measured(
        units,
        [judged(units, seed) for seed in range(5)],
        [judged(np.arange(len(labels)), 100 + seed) for seed in range(5)],
    )


def test_a_planted_gap_is_shown_with_its_numbers() -> None:
    found = measure(*planted(40, 5, seed=0))
    assert found.shown and found.gap is not None and found.single is not None
    assert found.gap.value == pytest.approx(found.single.value - found.grouped.value)
    assert found.gap.low < found.gap.value < found.gap.high
    assert found.gap.value > 0.1
    assert (found.pictures, found.groups, found.in_groups) == (200, 40, 200)
    assert (found.folds, found.repeats) == (5, 5)
    assert honesty_from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_groups_without_meaning_show_no_gap() -> None:
    shown = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(160, 30))
        labels = (x[:, 0] + rng.normal(size=160) > 0).astype(np.int64)
        units = np.empty(160, np.int64)
        for label in (0, 1):
            mine = np.flatnonzero(labels == label)
            units[mine] = 1000 * label + np.arange(len(mine)) // 4
        shown += measure(x, labels, units).shown
    assert shown <= 1


def test_folds_that_are_all_right_do_not_make_a_certain_accuracy() -> None:
    fold = np.arange(50) % 5
    found = measured(np.arange(50), [(fold, np.ones(50, bool))] * 5, [])
    assert found.grouped.value == 1.0 and found.grouped.low < 0.95 and found.grouped.high == 1.0
    assert found.gap is None and not found.shown


def test_nothing_measured_is_read_as_nothing() -> None:
    assert honesty_from_dict(None) is None and honesty_from_dict({}) is None


# -- findings --------------------------------------------------------------------------------------

GAP = Honesty(
    pictures=40,
    groups=10,
    in_groups=20,
    folds=5,
    repeats=5,
    grouped=Share(value=0.82, low=0.7, high=0.9),
    single=Share(value=0.91, low=0.8, high=0.95),
    gap=Share(value=0.09, low=0.04, high=0.14),
)


def test_the_gap_is_told_with_what_to_do() -> None:
    labels = ["a", "b"] * 20
    copies = Copies(groups=((0, 2), (1, 3)), n_exact=0)
    torn = checked(labels, splits=["train"] * 2 + ["val"] * 38)
    (found,) = told_division(torn, copies, GAP)
    assert found.kind == "gap" and found.severity == "warning"
    assert found.sentence.startswith(
        "A random split would look 9 points better than it is: 91 of 100 right, against 82 of 100"
    )
    assert "4 to 14 points" in found.sentence
    assert found.repair.together == ((1, 3), (2, 4)) == found.groups
    (found,) = told_division(checked(labels), copies, GAP)  # nothing is torn apart
    assert found.severity == "info" and found.repair.nothing and "keeps them on one" in found.advice
    (found,) = told_division(replace(torn, given=True), copies, GAP)
    assert found.repair.nothing and "Your folders" in found.advice
    (found,) = told_division(replace(torn, units=(0, 1, 0, 1, *range(2, 38))), copies, GAP)
    assert found.repair.nothing and "bursts" in found.advice


def test_a_small_or_uncertain_gap_is_not_told() -> None:
    labels = ["a", "b"] * 20
    for gap in (Share(value=0.015, low=0.01, high=0.02), Share(value=0.05, low=-0.01, high=0.1)):
        assert told_division(checked(labels), NONE, replace(GAP, gap=gap)) == []
    assert told_division(checked(labels), NONE, None) == []


def test_a_class_of_one_group_cannot_be_judged() -> None:
    one = replace(
        checked(["a"] * 5 + ["b"] * 3),
        units=(0, 1, 2, 3, 4, 5, 5, 5),
        unit_names=("0", "1", "2", "3", "4", "patient 17"),
    )
    (found,) = told_division(one, NONE, None)
    assert found.kind == "one_group"
    assert found.sentence.startswith("All 3 pictures of b are of patient 17: nothing indep")
    (found,) = told_division(
        checked(["a"] * 5 + ["b"] * 3), Copies(groups=((5, 6, 7),), n_exact=0), None
    )
    assert found.sentence.startswith("All 3 pictures of b belong together")


def test_series_of_file_names_are_offered_and_not_again_once_they_are_kept() -> None:
    labels = ["a"] * 12 + ["b"] * 12
    paths = [f"{label}/vid{n // 3}_{n % 3}.jpg" for n, label in enumerate(labels)]
    one = replace(checked(labels), paths=tuple(paths))
    (found,) = told_division(one, NONE, None)
    assert found.kind == "series" and found.severity == "info"
    assert found.sentence.startswith("The names of 24 files look like 8 series (vid0, vid1, vid2")
    assert len(found.repair.together) == 8 and found.repair.together[0] == (1, 2, 3)
    kept = replace(one, units=tuple(n // 3 for n in range(24)), unit_names=("",) * 8)
    assert told_division(kept, NONE, None) == []
    assert told_division(replace(one, given=True), NONE, None) == []


def test_units_take_in_the_copies_that_the_check_finds() -> None:
    one = replace(checked(["a"] * 5), units=(0, 0, 1, 2, 3))
    assert all_units(one, Copies(groups=((1, 2),), n_exact=0)).tolist() == [0, 0, 0, 1, 2]
