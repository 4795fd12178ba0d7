"""The kernel distance: unbiased, whatever belongs together, and with an honest interval."""

from __future__ import annotations

import numpy as np
import pytest

from tl_core.advise import kid
from tl_core.advise.kid import kernel_distance

D = 16


def naive(x: np.ndarray, y: np.ndarray, units: np.ndarray | None = None) -> float:
    """Pair by pair, as the formula is written."""
    own = np.arange(len(x)) if units is None else units

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / len(a) + 1) ** 3)

    within = [k(x[i], x[j]) for i in range(len(x)) for j in range(len(x)) if own[i] != own[j]]
    theirs = [k(y[i], y[j]) for i in range(len(y)) for j in range(len(y)) if i != j]
    across = [k(a, b) for a in x for b in y]
    return float(np.mean(within) + np.mean(theirs) - 2 * np.mean(across))


def drawn(rng: np.random.Generator, n: int, shift: float = 0.0) -> np.ndarray:
    """Skewed and never negative, as features behind a ReLU are."""
    found: np.ndarray = rng.gamma(0.5, 0.5, (n, D)) + shift
    return found


@pytest.mark.parametrize("grouped", [False, True])
def test_it_is_the_formula_pair_by_pair(grouped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    x, y = drawn(rng, 23, 0.1), drawn(rng, 17)
    units = rng.integers(0, 9, 23) * 5 if grouped else None
    wanted = naive(x, y, units)
    assert kernel_distance(x, y, units).value == pytest.approx(wanted, rel=1e-9)
    monkeypatch.setattr(kid, "AT_ONCE", 7)
    assert kernel_distance(x, y, units).value == pytest.approx(wanted, rel=1e-9)


def test_the_error_is_that_of_leaving_out_one_unit_at_a_time() -> None:
    rng = np.random.default_rng(4)
    x, y = drawn(rng, 14, 0.2), drawn(rng, 9)
    units = rng.integers(0, 6, 14)
    mine = [naive(x[units != one], y, units[units != one]) for one in np.unique(units)]
    theirs = [naive(x, np.delete(y, one, axis=0), units) for one in range(9)]
    wanted = sum((len(one) - 1) * np.var(one) for one in (mine, theirs)) ** 0.5
    found = kernel_distance(x, y, units)
    assert found.error == pytest.approx(wanted, rel=1e-6)
    assert found.high - found.value == pytest.approx(found.value - found.low)
    assert found.high - found.value > 1.96 * found.error


def test_two_halves_of_one_kind_are_zero_on_average_and_rarely_told_apart() -> None:
    rng = np.random.default_rng(5)
    found = [kernel_distance(drawn(rng, 30), drawn(rng, 40)) for _ in range(400)]
    values = np.array([one.value for one in found])
    assert abs(values.mean()) < 3 * values.std() / 20
    assert values.min() < 0 < values.max()
    assert np.mean([one.low > 0 for one in found]) < 0.06
    assert np.mean([one.error for one in found]) > 0.9 * values.std()


def test_few_pictures_make_it_wider_and_no_larger() -> None:
    rng = np.random.default_rng(6)
    few = [kernel_distance(drawn(rng, 10), drawn(rng, 40)) for _ in range(300)]
    many = [kernel_distance(drawn(rng, 200), drawn(rng, 40)) for _ in range(50)]
    spread = np.std([one.value for one in few]) / 300**0.5
    assert abs(np.mean([one.value for one in few])) < 3 * spread
    assert np.mean([one.error for one in few]) > 1.5 * np.mean([one.error for one in many])


def test_it_grows_with_a_planted_shift_and_the_interval_holds_the_true_value() -> None:
    rng = np.random.default_rng(7)
    y = drawn(rng, 300)
    values = [
        kernel_distance(drawn(rng, 200, shift), y).value for shift in (0.0, 0.1, 0.2, 0.4, 0.8)
    ]
    assert values == sorted(values) and values[-1] > 10 * values[1]
    true = kernel_distance(drawn(rng, 4000, 0.3), drawn(rng, 4000)).value
    held = [kernel_distance(drawn(rng, 60, 0.3), drawn(rng, 60)) for _ in range(200)]
    assert 0.9 < np.mean([one.low <= true <= one.high for one in held]) <= 1.0


def test_copies_that_belong_together_do_not_make_it_larger() -> None:
    rng = np.random.default_rng(8)
    units = np.repeat(np.arange(10), 4)
    together, alone = [], []
    for _ in range(300):
        x, y = np.repeat(drawn(rng, 10), 4, axis=0), drawn(rng, 40)
        together.append(kernel_distance(x, y, units).value)
        alone.append(kernel_distance(x, y).value)
    assert abs(np.mean(together)) < 3 * np.std(together) / 300**0.5
    assert np.mean(alone) > 5 * np.std(alone) / 300**0.5


def test_what_cannot_be_compared_is_refused() -> None:
    rng = np.random.default_rng(9)
    with pytest.raises(ValueError, match="2 units are too few"):
        kernel_distance(drawn(rng, 6), drawn(rng, 6), np.array([0, 0, 0, 1, 1, 1]))
    with pytest.raises(ValueError, match="features of"):
        kernel_distance(drawn(rng, 6), drawn(rng, 6)[:, :5])
