"""Balanced accuracy, top-k, McNemar and calibration."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, top_k_accuracy_score
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar

from tl_core.evaluate.metrics import (
    balanced_accuracy,
    calibration,
    confidence_histogram,
    mcnemar,
    top_k_right,
)


def test_balanced_accuracy_equals_scikit_learn():
    y = np.array([0] * 8 + [1] * 4 + [2] * 2)
    answer = np.array([0] * 6 + [1] * 2 + [1] * 1 + [2] * 3 + [2] * 2)
    value, (low, high) = balanced_accuracy([6, 1, 2], [8, 4, 2])
    assert value == pytest.approx(balanced_accuracy_score(y, answer))
    assert low < value < high


def test_balanced_accuracy_keeps_a_width_when_all_is_right():
    value, (low, high) = balanced_accuracy([5, 5], [5, 5])
    assert value == 1.0
    assert high == 1.0
    assert low < 0.8


def test_balanced_accuracy_skips_absent_classes_and_refuses_none():
    assert balanced_accuracy([3, 0], [4, 0])[0] == 0.75
    with pytest.raises(ValueError, match="no class"):
        balanced_accuracy([0], [0])


def test_balanced_accuracy_interval_covers_the_truth():
    rng = np.random.default_rng(1)
    support, truth = np.array([30, 12, 8]), np.array([0.95, 0.8, 0.6])
    hits = 0
    for _ in range(400):
        low, high = balanced_accuracy(rng.binomial(support, truth).tolist(), support.tolist())[1]
        hits += low <= truth.mean() <= high
    assert hits / 400 > 0.92


def test_top_k_equals_scikit_learn():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(6), size=50)
    y = rng.integers(0, 6, 50)
    for k in (1, 3, 5):
        reference = top_k_accuracy_score(y, p, k=k, labels=list(range(6)), normalize=False)
        assert top_k_right(y, p, k) == reference


@pytest.mark.parametrize(("b", "c"), [(0, 6), (1, 8), (3, 12), (5, 5), (0, 0), (40, 7)])
def test_mcnemar_equals_statsmodels(b, c):
    reference = reference_mcnemar([[3, b], [c, 4]], exact=True).pvalue if b + c else 1.0
    assert mcnemar(b, c) == pytest.approx(reference)


def test_mcnemar_needs_six_pictures_at_least():
    assert mcnemar(0, 5) > 0.05 > mcnemar(0, 6)


def test_a_calibrated_model_raises_no_alarm_and_an_overconfident_one_does():
    rng = np.random.default_rng(2)
    confidence = rng.uniform(0.5, 1.0, 300)
    honest = calibration(confidence, rng.random(300) < confidence)
    assert not honest["alarm"]
    assert honest["ece"] < honest["null_p95"]
    boasting = calibration(np.full(300, 0.97), rng.random(300) < 0.7)
    assert boasting["alarm"]
    assert boasting["ece"] == pytest.approx(abs(boasting["accuracy"] - boasting["mean_confidence"]))


def test_calibration_null_shrinks_with_pictures_and_is_repeatable():
    rng = np.random.default_rng(3)
    nulls = []
    for n in (30, 100, 500):
        confidence = rng.uniform(0.4, 1.0, n)
        found = calibration(confidence, rng.random(n) < confidence)
        assert found == calibration(confidence, np.array([True] * n)) | {
            key: found[key] for key in ("ece", "alarm", "accuracy")
        }
        nulls.append(found["null_p95"])
    assert nulls[0] > nulls[1] > nulls[2] > 0.02


def test_histogram_counts_every_picture_once_ends_included():
    confidence = np.array([0.0, 0.5, 0.51, 1.0])
    found = confidence_histogram(confidence, np.array([True, False, True, True]), bins=2)
    assert found == {"edges": [0.0, 0.5, 1.0], "right": [1, 2], "wrong": [0, 1]}
