"""The look ahead: planted curves are found again, and nothing is said where nothing is known."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import curve_fit
from sklearn.linear_model import Ridge

from tl_core.probe.pooling import Block
from tl_core.probe.select import Prepared, prepared_features
from tl_core.probe.thinned import ThinnedHeads
from tl_core.worth import words
from tl_core.worth.families import FAMILIES, fitted
from tl_core.worth.growth import Growth, growth_from_dict
from tl_core.worth.outlook import Answers, outlook
from tl_core.worth.thinning import curve_rows, measured, part_sizes, thinned

SIZES = np.array([25, 35, 50, 71, 100, 141, 200, 283, 360], dtype=float)


def power(n: Any, floor: float = 0.06, drop: float = 1.1, fall: float = 0.5) -> Any:
    return floor + drop * n**-fall


def planted(error: Any, *, n: int = 400, seed: int = 0, classes: int = 2) -> Growth:
    """Answers that are wrong as often as ``error`` says, each picture with its own difficulty."""
    rng = np.random.default_rng(seed)
    hard = rng.random(n)  # wrong when the error exceeds it, up to a little luck of the part
    answers = []
    for size in SIZES:
        luck = np.clip(hard[None] + rng.normal(0, 0.05, size=(20, n)), 0, 1)
        right = (luck > error(size)).astype(float)
        right[rng.random((20, n)) < size / n] = np.nan
        answers.append(Answers(pictures=float(size), right=right))
    labels = np.arange(n) % classes
    names = [f"class {one}" for one in range(classes)]
    return outlook(answers, labels, np.arange(n), names, seed=seed)


def test_a_fit_is_the_one_that_scipy_finds() -> None:
    errors = power(SIZES)
    found = fitted("power", SIZES, errors[None], np.ones(len(SIZES)))
    theirs, _ = curve_fit(power, SIZES, errors, p0=(0.1, 1.0, 0.6))
    ahead = np.array([800.0, 1600.0])
    assert np.allclose(found.at(ahead)[0], power(ahead, *theirs), atol=0.002)
    assert np.allclose(found.at(SIZES)[0], errors, atol=0.002)


@pytest.mark.parametrize(
    ("family", "curve"),
    [
        ("mmf", lambda n: 0.05 + 0.6 / (1 + (n / 60) ** 1.2)),
        ("weibull", lambda n: 0.05 + 0.6 * np.exp(-((n / 80) ** 0.8))),
    ],
)
def test_the_other_families_find_their_own(family: str, curve: Any) -> None:
    found = fitted(family, SIZES, curve(SIZES)[None], np.ones(len(SIZES)))
    assert np.allclose(found.at(SIZES)[0], curve(SIZES), atol=0.01)


def test_no_fit_rises_or_goes_below_nothing() -> None:
    rng = np.random.default_rng(0)
    errors = rng.random((200, len(SIZES)))
    for family in FAMILIES:
        found = fitted(family, SIZES, errors, np.ones(len(SIZES)))
        told = found.at(np.geomspace(10, 4000, 40))
        assert (np.diff(told, axis=1) <= 1e-9).all() and (told >= 0).all()
        assert (found.floor >= 0).all() and (found.drop >= 0).all()


def test_a_planted_power_law_is_found_within_its_interval() -> None:
    held, said = 0, 0
    for seed in range(12):
        found = planted(power, seed=seed).overall
        if found.twice is not None:
            said += 1
            held += found.twice.low <= 1 - power(800.0) <= found.twice.high
    assert said >= 10 and held >= 0.9 * said


def test_of_noise_nothing_is_said() -> None:
    for seed in range(6):
        rng = np.random.default_rng(seed)
        answers = [Answers(pictures=n, right=(rng.random((20, 300)) < 0.5) * 1.0) for n in SIZES]
        found = outlook(answers, np.arange(300) % 2, np.arange(300), ["a", "b"], seed=seed)
        assert found.overall.reason == "chance" and found.overall.twice is None
        assert "Cannot say" in words.growth_sentences(found)[0]


def test_a_curve_that_bends_after_half_of_the_pictures_is_not_followed() -> None:
    found = planted(lambda n: 0.4 if n < 200 else 0.05)
    assert found.overall.reason in ("back_cast", "families")


def test_few_sizes_or_pictures_say_nothing() -> None:
    right = np.ones((20, 60))
    few = [Answers(pictures=n, right=right) for n in (20, 30, 40)]
    found = outlook(few, np.arange(60) % 2, np.arange(60), ["a", "b"])
    assert found.overall.reason == "few" and found.overall.points
    assert words.growth_sentences(found)[0].startswith("Cannot say whether more pictures")


def test_the_class_that_gains_most_is_named() -> None:
    rng = np.random.default_rng(0)
    n, classes = 600, 3
    labels = np.arange(n) % classes
    answers = []
    for size in SIZES:
        error = np.where(labels == 1, power(size, 0.05, 2.2), 0.03)
        right = (rng.random((20, n)) > error[None]).astype(float)
        answers.append(Answers(pictures=float(size), right=right))
    found = outlook(answers, labels, np.arange(n), ["ants", "bees", "wasps"])
    assert found.most == ("bees",)
    assert "More pictures of bees would help most" in words.class_sentence(found)


def test_a_result_survives_its_storage() -> None:
    found = planted(power)
    assert growth_from_dict(json.loads(json.dumps(found.to_dict()))) == found


# -- parts -----------------------------------------------------------------------------------------


def test_parts_hold_whole_units_and_the_classes_in_proportion() -> None:
    rng = np.random.default_rng(1)
    units = np.repeat(np.arange(150), 4)
    labels = (np.arange(150) % 3 == 0).astype(np.int64)[units]
    for share in (0.7, 0.5, 0.25):
        part = thinned(labels, units, share, rng)
        assert not set(units[part]) & set(units[np.setdiff1d(np.arange(600), part)])
        for label in (0, 1):
            mine = (labels[part] == label).sum() / (labels == label).sum()
            assert abs(mine - share) < 0.04
    assert part_sizes(400, 2)[0] == pytest.approx(2**-0.5)
    assert min(part_sizes(400, 2)) * 400 >= 16 and min(part_sizes(400, 20)) * 400 >= 60


def test_only_units_of_classes_with_two_take_part_and_test_pictures_never() -> None:
    labels = np.repeat([0, 1, 2], 40)
    units = np.concatenate([np.arange(80), np.full(40, 99)])
    free = np.arange(10, 120)
    rows = curve_rows(labels, units, free)
    assert set(labels[rows]) == {0, 1} and rows.min() == 10
    assert len(curve_rows(labels, units, np.arange(20))) == 0
    many = np.arange(9000)
    assert abs(len(curve_rows(many % 3, many, many)) - 3000) <= 3


def features(x: np.ndarray) -> Prepared:
    block = Block(group="all", size=x.shape[1], placed=False)
    return prepared_features(torch.from_numpy(x).float(), [block])


def test_a_head_on_a_part_is_the_ridge_regression_of_that_part() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 60))
    labels = (x[:, 0] + 0.5 * rng.normal(size=80) > 0).astype(np.int64)
    ready = features(x)
    heads = ThinnedHeads(ready, torch.from_numpy(labels), 2)
    part = np.arange(0, 80, 2)
    right = heads.right(torch.from_numpy(part), (0, 0.3)).numpy()
    known = np.hstack([ready.scaled(ready.shares[0]).double().numpy(), np.ones((80, 1))])
    ridge = Ridge(alpha=0.3, fit_intercept=False).fit(known[part], np.eye(2)[labels[part]])
    assert (right == (ridge.predict(known).argmax(1) == labels)).all()


def test_heads_are_measured_from_few_pictures_to_all() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(240) % 2
    x = rng.normal(size=(240, 80))
    x[:, :6] += np.where(labels, 0.7, -0.7)[:, None]
    told: list[tuple[int, int]] = []
    found = measured(
        features(x), labels, np.arange(240), 2, report=lambda done, of: told.append((done, of))
    )
    assert told[0][0] == 0 and told[-1][0] == told[-1][1] == len(found)
    sizes = [one.pictures for one in found]
    assert sizes[0] == pytest.approx(216) and sizes[1] == 170 and sizes == sorted(sizes)[::-1]
    shares = [float(np.nanmean(one.right)) for one in found]
    assert shares[0] > shares[-1] + 0.1
    assert all(np.isnan(one.right).sum() == round(one.pictures * 20) for one in found[1:])
