"""LogME is what it says: the log of a Gaussian density, whole, also with fewer pictures."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from tl_core.advise.evidence import log_evidence, logme


@pytest.mark.parametrize(("n", "d"), [(200, 30), (60, 128), (100, 1280)])
def test_it_equals_the_gaussian_density(n: int, d: int) -> None:
    rng = np.random.default_rng(n)
    features = rng.normal(size=(n, d)) * rng.uniform(0.2, 3, d)
    target = (features[:, 0] + rng.normal(size=n) > 0).astype(float)
    found = log_evidence(features, target)
    spread = np.eye(n) / found.noise + features @ features.T / found.prior
    direct = multivariate_normal(np.zeros(n), spread, allow_singular=True).logpdf(target) / n
    assert found.per_picture == pytest.approx(direct, abs=1e-6)


def test_many_features_that_say_nothing_are_not_praised() -> None:
    # The published code leaves -(D - k)/2 ln(prior) out and gives 42 here, in place of about -0.7.
    rng = np.random.default_rng(0)
    labels = np.arange(100) % 2
    noise = rng.normal(size=(100, 1280))
    useful = np.column_stack([labels + rng.normal(0, 0.5, 100), rng.normal(size=(100, 19))])
    assert logme(noise, labels) < 0
    assert logme(useful, labels) > logme(noise, labels)


def test_equal_features_do_not_break_it() -> None:
    labels = np.arange(30) % 3
    assert np.isfinite(logme(np.ones((30, 5)), labels))
    assert np.isfinite(logme(np.eye(3)[labels], labels))  # the labels themselves
