"""Wilson and Newcombe intervals against statsmodels, and at the ends of the scale."""

import subprocess
import sys

import pytest
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from tl_core.intervals import newcombe, wilson


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


def test_intervals_import_is_light():
    code = "import sys, tl_core.intervals; print([m for m in sys.modules if m.split('.')[0] in"
    code += " ('numpy', 'scipy', 'statsmodels', 'torch', 'sklearn')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
