"""The strength is chosen on pictures that were held out, and the walk ends when it gets worse."""

import math

import pytest
import torch
from torch.nn import functional as F

from tests.unit.probe.pictures import told_apart
from tl_core.probe import path as walk
from tl_core.probe.path import STRENGTHS, boldness, fold_of, parts_of, some_rows, strength_path
from tl_core.probe.solver import best_space


def even(x):
    """Standardised, mean squared length 1."""
    return (x - x.mean(0)) / x.std(0) / x.shape[1] ** 0.5


def test_folds_are_even_and_leave_every_class_behind():
    y = torch.tensor([0] * 23 + [1] * 9 + [2] * 2 + [3])
    fold = fold_of(y, 5, seed=3)
    assert sorted(set(fold.tolist())) == [-1, 0, 1, 2, 3, 4]
    assert fold[-1] == -1  # the only picture of its class
    for label in (0, 1, 2):
        sizes = torch.bincount(fold[y == label], minlength=5)
        assert sizes.max() - sizes.min() <= 1
        assert all(((y == label) & (fold != one)).any() for one in range(5))
    assert torch.equal(fold, fold_of(y, 5, seed=3))
    assert not torch.equal(fold, fold_of(y, 5, seed=4))


def test_folds_have_no_gaps():
    assert sorted(fold_of(torch.tensor([0, 0, 1]), 5).tolist()) == [-1, 0, 1]
    assert fold_of(torch.tensor([0, 1, 2]), 5).tolist() == [-1, -1, -1]


def test_noise_is_held_back_more_than_signal():
    chosen = []
    for apart in (0.0, 4.0):
        x, y = told_apart(200, 40, 3, apart=apart)
        x = even(x)
        found = strength_path(best_space(x), y, 3)
        assert found is not None
        chosen.append(found.best)
    assert chosen[0].strength > chosen[1].strength
    assert chosen[0].loss == pytest.approx(math.log(3), abs=0.05)
    assert chosen[1].accuracy > 0.95


def test_what_is_told_is_of_held_out_pictures():
    source = torch.Generator().manual_seed(0)
    x = even(torch.randn(120, 400, generator=source))  # can be learnt by heart, not understood
    y = torch.randint(0, 2, (120,), generator=source)
    told = []
    found = strength_path(best_space(x), y, 2, report=lambda *one: told.append(one))
    assert found is not None
    assert len(told) == len(found.tried) < len(STRENGTHS)
    assert [one[3] for one in told] == list(range(1, len(told) + 1))
    assert {one[4] for one in told} == {len(STRENGTHS)}
    assert all(0.3 < one.accuracy < 0.7 and one.loss > 0.6 for one in found.tried)
    assert found.best.loss == min(one.loss for one in found.tried)


def test_held_out_scores_are_those_of_fits_without_the_picture():
    x, y = told_apart(60, 10, 2, seed=2)
    x = even(x)
    found = strength_path(best_space(x), y, 2, strengths=(1e-3,), tolerance=1e-7, folds=3)
    assert found is not None
    fold = fold_of(y, 3)
    right = 0
    for one in range(3):
        inside = fold != one
        fit = walk_fit(x[inside], y[inside])
        right += int(((x[~inside] @ fit.weight.t() + fit.bias).argmax(1) == y[~inside]).sum())
    assert found.best.accuracy == pytest.approx(right / 60, abs=1e-6)


def walk_fit(x, y):
    from tl_core.probe.solver import fit_softmax

    return fit_softmax(x, y, 2, strength=1e-3)


def test_one_strength_is_enough_where_others_are_far_better():
    x, y = told_apart(100, 20, 2, apart=0.3)
    x = even(x)
    found = strength_path(best_space(x), y, 2, known=0.01)
    assert found is not None and len(found.tried) == 1


def test_nothing_can_be_held_out_of_classes_of_one():
    x, y = told_apart(3, 5, 3)
    assert strength_path(best_space(x), y, 3) is None


def test_boldness_mends_scores_that_are_too_loud():
    source = torch.Generator().manual_seed(0)
    truth = torch.randn(5000, 3, generator=source) * 2
    y = torch.multinomial(torch.softmax(truth, 1), 1, generator=source)[:, 0]
    factor, loss = boldness(truth * 4, y)
    assert factor == pytest.approx(0.25, rel=0.1)
    assert loss == pytest.approx(float(F.cross_entropy(truth, y)), abs=0.005)


def test_boldness_stays_finite_when_everything_is_right():
    factor, _ = boldness(torch.tensor([[2.0, -2.0], [-2.0, 2.0]]), torch.tensor([0, 1]))
    assert 1.0 < factor < walk.math.exp(walk.BOLDEST)


def test_a_large_set_is_represented_by_a_part(monkeypatch):
    monkeypatch.setattr(walk, "FULL_ROWS", 50)
    monkeypatch.setattr(walk, "FULL_CELLS", 100)
    y = torch.tensor([0] * 400 + [1] * 100)
    rows = some_rows(y, 10)
    assert rows is not None and len(rows) == 50
    assert torch.equal(rows, rows.sort().values) and len(set(rows.tolist())) == 50
    assert abs(int((y[rows] == 1).sum()) - 10) <= 1
    assert torch.equal(rows, some_rows(y, 10))
    assert some_rows(y[:50], 10) is None
    assert some_rows(y[:80], 1) is None  # narrow features are cheap


def test_parts_are_stratified_and_complete(monkeypatch):
    monkeypatch.setattr(walk, "FULL_ROWS", 50)
    monkeypatch.setattr(walk, "FULL_CELLS", 100)
    y = torch.tensor([0] * 80 + [1] * 40 + [2])
    parts = parts_of(y, 10)
    assert len(parts) == 3
    assert sorted(torch.cat(parts).tolist()) == list(range(121))
    for rows in parts:
        assert abs(int((y[rows] == 1).sum()) - 13) <= 1
    assert [len(rows) for rows in parts_of(y[:40], 10)] == [40]
    assert parts_of(y[:0], 10) == []
