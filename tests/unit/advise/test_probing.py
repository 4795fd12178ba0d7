"""Features are judged on pictures the head does not know, what belongs together on one side."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tl_core.advise.probing import MOST, arranged, fold_means, probe_rows, probed


def pictures(n: int = 90, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(n) % classes, np.arange(n)


def test_useful_features_are_told_from_noise() -> None:
    labels, units = pictures()
    rng = np.random.default_rng(0)
    told = torch.from_numpy(np.eye(3)[labels] * 2 + rng.normal(size=(90, 3))).float()
    found = probed(told, arranged(labels, units)).scores
    assert found.accuracy.low > 1 / 3
    assert found.nearest5.value > 0.6
    noise = torch.from_numpy(rng.normal(size=(90, 40))).float()
    blind = probed(noise, arranged(labels, units)).scores
    assert blind.accuracy.low < 1 / 3 < blind.accuracy.high + 0.15
    assert blind.log_loss.value == pytest.approx(math.log(3), abs=0.1)  # it does not bluff
    assert found.log_loss.high < blind.log_loss.low
    assert found.evidence is not None and blind.evidence is not None
    assert found.evidence > blind.evidence


def test_the_scale_of_the_features_does_not_count() -> None:
    labels, units = pictures()
    features = torch.from_numpy(np.random.default_rng(0).normal(size=(90, 8))).float()
    one = probed(features, arranged(labels, units)).scores
    other = probed(features * 1e-4, arranged(labels, units)).scores
    assert other.accuracy == one.accuracy
    assert other.nearest == one.nearest


def test_copies_do_not_flatter() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(rng.integers(0, 2, 40), 3)
    features = torch.from_numpy(np.repeat(rng.normal(size=(40, 30)), 3, axis=0)).float()
    alone = probed(features, arranged(labels, np.arange(120))).scores
    whole = probed(features, arranged(labels, np.repeat(np.arange(40), 3))).scores
    assert alone.accuracy.value > 0.9 and alone.nearest.value == 1.0
    assert whole.accuracy.value < 0.7 and whole.nearest.value < 0.7
    width = whole.nearest.high - whole.nearest.low
    assert width > 0.25  # as few as 40 independent pictures


def test_units_stay_in_one_fold() -> None:
    found = arranged(np.arange(60) % 2, np.arange(60) // 3)
    for fold in (found.choosing, *found.divisions):
        assert all(len(set(fold[found.units == unit])) == 1 for unit in range(20))
    assert (found.folds, found.n_units, found.majority) == (5, 20, 0.5)


def test_rows_that_nothing_could_judge_are_left_out() -> None:
    labels = np.array([0] * 15 + [1] * 15 + [2])
    assert probe_rows(labels, np.arange(31)).tolist() == list(range(30))
    one_patient = np.array([*range(15), *[99] * 15, 31])
    assert len(probe_rows(labels, one_patient)) == 0  # one class is left
    many = np.arange(3 * MOST)
    assert len(probe_rows(many % 4, many)) == MOST


def test_means_of_folds_are_in_order() -> None:
    values = np.array([[1.0, 0, 1, 1], [0.0, 0, 1, 1]])
    divisions = [np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])]
    assert fold_means(values, divisions).tolist() == [0.5, 1.0, 0.5, 0.5]
