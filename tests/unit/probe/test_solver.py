"""The solver finds what scikit-learn finds, in few steps, one fit or many at once."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from tests.unit.probe.pictures import told_apart
from tl_core.probe.solver import best_space, fit_softmax, minimise
from tl_core.probe.spaces import FeatureSpace, PictureSpace, gram

SHAPES = [(60, 200, 3), (200, 60, 2), (300, 40, 10), (80, 300, 2)]


def by_sklearn(x, y, n_classes, strength, weights=None):
    """Probabilities of the same objective, solved to the end in float64."""
    # two classes: scikit-learn keeps one row w, ours are w/2 and -w/2, half the squared length
    c = (2 if n_classes == 2 else 1) / (strength * len(x))
    if weights is not None:
        weights = weights.double().numpy() * len(x) / float(weights.sum())
    reference = LogisticRegression(C=c, tol=1e-9, max_iter=10_000)
    reference.fit(x.double().numpy(), y.numpy(), sample_weight=weights)
    return reference.predict_proba(x.double().numpy())


def probabilities(x, fit):
    return torch.softmax(x @ fit.weight.t() + fit.bias, 1).numpy()


@pytest.mark.parametrize("strength", [10.0, 0.1, 1e-3, 1e-5])
@pytest.mark.parametrize("shape", SHAPES)
def test_it_finds_what_scikit_learn_finds(shape, strength):
    x, y = told_apart(*shape)
    x[:, 2] = 0.0  # a feature that says nothing
    fit = fit_softmax(x, y, shape[2], strength=strength)
    np.testing.assert_allclose(
        probabilities(x, fit), by_sklearn(x, y, shape[2], strength), atol=1e-3
    )
    assert fit.rounds < 120
    assert float(fit.weight[:, 2].abs().max()) < 1e-6


def test_rare_classes_and_counts_of_pictures():
    x, y = told_apart(240, 30, 4)
    y[torch.arange(240) > 40] = 0
    counts = torch.linspace(0.0, 2.0, 240)
    fit = fit_softmax(x, y, 4, strength=0.01, sample_weight=counts)
    expected = by_sklearn(x, y, 4, 0.01, counts)
    np.testing.assert_allclose(probabilities(x, fit), expected, atol=1e-3)


@pytest.mark.parametrize("width", [50, 200])
def test_classes_far_apart_do_not_run_away(width):
    x, y = told_apart(100, width, 4, apart=6.0)
    fit = fit_softmax(x, y, 4, strength=1e-6)
    assert torch.isfinite(fit.weight).all()
    assert fit.rounds < 120
    np.testing.assert_allclose(probabilities(x, fit), by_sklearn(x, y, 4, 1e-6), atol=1e-3)


def test_both_spaces_give_the_same_head():
    x, y = told_apart(90, 120, 3)
    counts = torch.ones(1, 90)
    heads = []
    for space in (FeatureSpace(x), PictureSpace(gram(x), x)):
        found = minimise(space, y, counts, strength=0.02, start=space.zeros(1, 3), tolerance=1e-7)
        heads.append(space.weights(found.point))
    for one, two in zip(*heads, strict=True):
        torch.testing.assert_close(one, two, atol=5e-3, rtol=1e-2)


@pytest.mark.parametrize("width", [20, 150])
def test_many_fits_at_once_are_the_fits_one_by_one(width):
    x, y = told_apart(100, width, 3)
    counts = torch.ones(4, 100)
    for fold in range(3):
        counts[fold, fold::3] = 0.0
    space = best_space(x)
    found = minimise(space, y, counts, strength=0.05, start=space.zeros(4, 3), tolerance=1e-7)
    weights, biases = space.weights(found.point)
    for weight, bias, count in zip(weights, biases, counts, strict=True):
        alone = fit_softmax(x, y, 3, strength=0.05, sample_weight=count)
        torch.testing.assert_close(
            torch.softmax(x @ weight.t() + bias, 1),
            torch.softmax(x @ alone.weight.t() + alone.bias, 1),
            atol=5e-3,
            rtol=0,
        )


def test_starting_at_the_solution_takes_next_to_no_steps():
    x, y = told_apart(120, 30, 3)
    cold = fit_softmax(x, y, 3, strength=0.01)
    warm = fit_softmax(x, y, 3, strength=0.01, start=(cold.weight, cold.bias))
    assert warm.rounds <= 6 < cold.rounds
    assert warm.objective == pytest.approx(cold.objective, rel=1e-5)


def test_a_loose_tolerance_ends_early_and_near():
    x, y = told_apart(300, 100, 5)
    tight = fit_softmax(x, y, 5, strength=1e-3)
    loose = fit_softmax(x, y, 5, strength=1e-3, tolerance=1e-3)
    assert loose.rounds < tight.rounds
    assert loose.objective == pytest.approx(tight.objective, rel=0.02)


def test_a_class_without_pictures_gets_no_say():
    x, y = told_apart(80, 20, 3)
    fit = fit_softmax(x, y, 4, strength=0.1)
    assert torch.isfinite(fit.weight).all() and torch.isfinite(fit.bias).all()
    assert probabilities(x, fit)[:, 3].max() < 0.01


def test_features_of_very_different_scales_still_end():
    x, y = told_apart(200, 40, 3)
    x[:, :5] *= 1000
    fit = fit_softmax(x, y, 3, strength=1e-3, rounds=300)
    assert np.isfinite(fit.objective)
    assert fit.objective < np.log(3)
