"""McNemar and calibration."""

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar

from tl_core.evaluate.metrics import (
    calibration,
    confidence_histogram,
    mcnemar,
)


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
