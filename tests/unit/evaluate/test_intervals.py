"""Intervals against statsmodels and published tables, and at the ends of the scale."""

import math
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from tl_core.intervals import fold_difference, fold_error, newcombe, paired_shares, wilson


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 20), (18, 20), (49, 57), (250, 500)])
def test_wilson_equals_statsmodels(k, n):
    for level in (0.8, 0.95, 0.99):
        reference = proportion_confint(k, n, alpha=1 - level, method="wilson")
        assert wilson(k, n, level) == pytest.approx(reference, abs=1e-12)


def test_wilson_ends_are_exact():
    assert wilson(0, 30)[0] == 0.0
    assert wilson(30, 30)[1] == 1.0
    assert wilson(0, 0) == (0.0, 1.0)


def test_wilson_known_table_at_ninety_percent():
    table = {20: (0.70, 0.97), 50: (0.79, 0.96), 100: (0.83, 0.95), 200: (0.85, 0.93)}
    for n, expected in table.items():
        assert wilson(round(0.9 * n), n) == pytest.approx(expected, abs=0.006)


@pytest.mark.parametrize(("k", "n", "level"), [(-1, 5, 0.95), (6, 5, 0.95), (1, 5, 1.0)])
def test_wilson_refuses_nonsense(k, n, level):
    with pytest.raises(ValueError, match="outside"):
        wilson(k, n, level)


@pytest.mark.parametrize(
    ("k1", "n1", "k2", "n2"), [(9, 10, 3, 12), (56, 70, 48, 80), (10, 10, 0, 10), (0, 9, 0, 7)]
)
def test_newcombe_equals_statsmodels(k1, n1, k2, n2):
    reference = confint_proportions_2indep(k1, n1, k2, n2, method="newcomb", compare="diff")
    assert newcombe(k1, n1, k2, n2) == pytest.approx(reference, abs=1e-9)


def test_newcombe_knows_nothing_from_no_pictures():
    assert newcombe(0, 0, 0, 0) == (-1.0, 1.0)
    low, high = newcombe(5, 10, 0, 0)
    assert low < -0.5 < 0.5 < high


@pytest.mark.parametrize(
    ("only_first", "only_second", "n"),
    [(12, 2, 44), (4, 0, 50), (0, 0, 20), (3, 9, 30), (10, 10, 20), (6, 0, 6)],
)
def test_the_paired_interval_ends_where_the_score_reaches_its_limit(only_first, only_second, n):
    # The most likely table given the difference, found by trying them all, gives the same score.
    for bound in paired_shares(only_first, only_second, n):
        if abs(bound) > 1 - 1e-9:
            continue
        least = max(0.0, -bound)
        shares = np.linspace(least, (1 - bound) / 2, 400_001)[1:-1]  # of what only the second has
        fit = only_first * np.log(shares + bound) + only_second * np.log(shares)
        fit += (n - only_first - only_second) * np.log(1 - 2 * shares - bound)
        share = float(shares[np.argmax(fit)])
        spread = n * (2 * share + bound * (1 - bound))
        score = (only_first - only_second - n * bound) / math.sqrt(spread)
        assert abs(score) == pytest.approx(1.96, abs=0.01)


def test_the_paired_interval_has_a_width_where_nothing_differs():
    z = stats.norm.ppf(0.975)
    for n in (5, 20, 200):
        assert paired_shares(0, 0, n) == pytest.approx((-(z**2) / (n + z**2), z**2 / (n + z**2)))
    assert paired_shares(7, 7, 7 * 2) == pytest.approx(
        tuple(-x for x in paired_shares(7, 7, 14)[::-1])
    )
    assert paired_shares(9, 0, 9)[1] == pytest.approx(1.0)


def test_the_paired_interval_leaves_zero_out_where_mcnemar_does():
    for only_first, only_second in [(4, 0), (3, 0), (9, 2), (8, 2), (20, 9), (20, 10)]:
        table = [[30, only_first], [only_second, 10]]
        chance = reference_mcnemar(table, exact=False, correction=False).pvalue
        low, _ = paired_shares(only_first, only_second, 40 + only_first + only_second)
        assert (low > 0) == (chance < 0.05)


def test_the_paired_interval_refuses_nonsense():
    for asked in [(3, 3, 5), (-1, 0, 5), (0, 0, 0)]:
        with pytest.raises(ValueError, match="pictures"):
            paired_shares(*asked)


def test_a_fold_difference_is_that_of_nadeau_and_bengio_where_folds_differ():
    gaps = [0.1, 0.3, 0.2, 0.4, 0.0]
    found = fold_difference(gaps, pictures=1000, test_share=0.25)
    half = stats.t.ppf(0.975, 4) * fold_error(gaps, 0.25)
    assert found.value == pytest.approx(0.2) and found.error == pytest.approx(
        fold_error(gaps, 0.25)
    )
    assert (found.low, found.high) == pytest.approx((0.2 - half, 0.2 + half))
    assert found.chance == pytest.approx(2 * stats.t.sf(0.2 / found.error, 4))


def test_a_fold_difference_is_never_certain():
    for gap in (0.0, 0.05, -0.25, 1.0):
        found = fold_difference([gap] * 5, pictures=20, test_share=0.25)
        assert found.low < found.value < found.high or abs(gap) == 1.0
        assert found.error > 0 and found.high - found.low > 0.1
        assert (found.chance < 0.05) == (found.low > 0 or found.high < 0)


@pytest.mark.parametrize(("n", "apart"), [(20, 0.05), (20, 0.1), (60, 0.05), (200, 0.02)])
def test_the_interval_of_a_fold_difference_holds_the_truth(n, apart):
    # One way has a few more pictures right than the other and none fewer, on five folds.
    rng = np.random.default_rng(n)
    held = {"folds": 0, "now": 0}
    draws = 400
    for _ in range(draws):
        gaps = [float(fold.mean()) for fold in np.array_split(rng.random(n) < apart, 5)]
        half = stats.t.ppf(0.975, 4) * fold_error(gaps, 0.25)
        held["folds"] += abs(np.mean(gaps) - apart) <= half
        found = fold_difference(gaps, pictures=n, test_share=0.25)
        held["now"] += found.low <= apart <= found.high
    assert held["now"] >= 0.95 * draws
    assert held["now"] >= held["folds"]
    if n == 20:
        assert held["folds"] < 0.9 * draws  # without the pictures' own doubt it is too narrow


def test_intervals_import_is_light():
    code = "import sys, tl_core.intervals; print([m for m in sys.modules if m.split('.')[0] in"
    code += " ('numpy', 'scipy', 'statsmodels', 'torch', 'sklearn')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
