"""The rules that read the curve of a range test, on a curve whose shape is known."""

from __future__ import annotations

import numpy as np
import pytest

from tl_core.train.raterules import (
    RULES,
    minimum,
    running,
    slide,
    smoothed,
    steep,
    suggest,
    valley,
)

WIDE = np.geomspace(1e-7, 10, 161)  # 20 points a decade
RATES = np.geomspace(1e-5, 1, 100)


def known(rates: np.ndarray) -> np.ndarray:
    """L(lr) = 1 - 0.5 sigmoid(log10 lr + 3) + max(0, log10 lr)^2."""
    decades = np.log10(rates)
    fall = 1 / (1 + np.exp(-(decades + 3)))
    return np.asarray(1 - 0.5 * fall + np.maximum(0, decades) ** 2)


def noisy(rates: np.ndarray, sd: float, seed: int = 0) -> np.ndarray:
    return known(rates) + np.random.default_rng(seed).normal(0, sd, len(rates))


def flat(sd: float, seed: int = 0, n: int = 100) -> np.ndarray:
    return np.asarray(0.7 + np.random.default_rng(seed).normal(0, sd, n))


def test_steep_is_where_the_known_curve_falls_fastest() -> None:
    assert steep(WIDE, known(WIDE)) == pytest.approx(1e-3, rel=0.13)
    curve = smoothed(noisy(WIDE, 0.002))
    assert 1e-4 < steep(WIDE, curve) < 1e-2


def test_minimum_is_a_tenth_of_the_lowest_point() -> None:
    assert minimum(WIDE, known(WIDE)) == pytest.approx(0.1, rel=0.13)
    assert minimum(WIDE, smoothed(noisy(WIDE, 0.01))) == pytest.approx(0.1, rel=1.0)


def test_valley_is_the_middle_of_the_longest_fall() -> None:
    # falls from 1e-7 to 1.03, 7 decades: the middle is 3.5 below its end
    assert np.log10(valley(WIDE, known(WIDE))) == pytest.approx(-3.5, abs=0.15)
    assert -4.5 < np.log10(valley(WIDE, smoothed(noisy(WIDE, 0.01)))) < -1


def test_valley_takes_the_longest_fall_and_not_the_deepest() -> None:
    curve = np.array([5.0, 1.0, 4.0, 3.9, 3.8, 3.7, 3.6, 3.5, 3.4])
    rates = np.geomspace(1e-4, 1, len(curve))
    # 5, 4, 3.9 ... 3.4: a point that is passed over breaks nothing; length 8, so start is 0
    assert valley(rates, curve) == pytest.approx(rates[3])


def test_slide_stops_where_the_slopes_are_alike() -> None:
    found = slide(WIDE, known(WIDE))
    decades = np.log10(WIDE)
    slope = np.gradient(known(WIDE), decades)
    left = int(np.flatnonzero(found == WIDE)[0])
    right = left + round(1.2 * 160 / 8)
    assert abs(slope[right] - slope[left]) <= 0.0625 or left == 0
    assert 1e-3 < found < 1  # before it rises
    assert 1e-4 < slide(WIDE, running(WIDE, noisy(WIDE, 0.01))) < 1


@pytest.mark.parametrize("sd", [0.0, 0.01, 0.05])
def test_the_known_curve_gets_an_answer_between_its_steepest_and_its_lowest_point(
    sd: float,
) -> None:
    found = suggest(WIDE, noisy(WIDE, sd))
    assert found.reason == "found" and set(found.rules) == set(RULES)
    assert found.rate is not None and 1e-4 < found.rate < 0.5
    assert found.rate <= found.rules["minimum"] * 1.05
    assert len(found.agreed) >= 2
    mine = [found.rules[name] for name in found.agreed]
    assert max(mine) <= 10.001 * min(mine)
    assert found.drop == pytest.approx(0.5, abs=0.15)


def test_noise_alone_gets_no_answer() -> None:
    told = [suggest(RATES, flat(0.05, seed)).reason for seed in range(200)]
    assert told.count("no_drop") >= 190


def test_a_curve_that_only_rises_gets_no_answer() -> None:
    rising = flat(0.01) + 0.1 * (np.log10(RATES) + 5)
    assert suggest(RATES, rising).reason == "no_drop"


def test_noise_that_explodes_at_the_end_gets_no_answer() -> None:
    exploding = flat(0.02) + 1e3 * np.maximum(0, np.log10(RATES) + 0.5) ** 2
    found = suggest(RATES, exploding)
    assert (found.rate, found.reason, found.rules) == (None, "no_drop", {})


def test_what_follows_a_value_that_is_no_number_is_left_out() -> None:
    curve = known(RATES)
    curve[80:] = np.nan
    curve[90:] = 0.0
    found = suggest(RATES, curve)
    assert len(found.smooth) == 80
    assert found.lowest is not None and found.lowest <= RATES[79]


def test_a_curve_that_diverges_at_once_says_so() -> None:
    curve = known(RATES)
    curve[5:] = np.inf
    found = suggest(RATES, curve)
    assert (found.rate, found.reason) == (None, "short")
    assert suggest(RATES, np.full(100, np.nan)).reason == "short"


def test_rules_that_say_different_things_give_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    from tl_core.train import raterules

    monkeypatch.setattr(raterules, "valley", lambda rates, curve: 1e-5)
    monkeypatch.setattr(raterules, "steep", lambda rates, curve: 2e-4)
    monkeypatch.setattr(raterules, "slide", lambda rates, curve: 1.0)
    found = raterules.suggest(RATES, known(RATES))
    if found.reason == "disagree":
        assert found.rate is None and found.agreed == ()
    else:
        assert found.agreed == ("minimum", "slide")
        assert found.rate is not None and found.rate <= found.rules["minimum"] * 1.05


def test_the_centred_average_shifts_nothing_and_the_running_one_lags() -> None:
    step = np.where(RATES < 1e-2, 1.0, 0.0)
    middle = float(np.log10(RATES[int(np.abs(smoothed(step) - 0.5).argmin())]))
    assert middle == pytest.approx(-2, abs=0.06)
    assert running(RATES, step)[60] > 0.9
    assert running(RATES, np.ones(100)) == pytest.approx(np.ones(100))


def test_the_answer_has_two_digits_and_is_plain() -> None:
    import json

    found = suggest(RATES, known(RATES))
    assert found.rate == float(f"{found.rate:.1e}")
    assert json.loads(json.dumps(found.to_dict()))["agreed"] == list(found.agreed)
