"""The rule that makes 8 bits of deeper grey: its ends, its bounds, and what it is applied to."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from tl_core.data.reading import SIXTEEN_BITS, Deep, Reading, ValueSample
from tl_core.errors import UnreadableImageError


def test_the_ends_are_those_of_all_values() -> None:
    sample = ValueSample()
    for start in range(0, 10_000, 1000):
        sample.add(np.arange(start, start + 1000, dtype=float))
    found = sample.reading()
    assert (found.low, found.high) == pytest.approx((0.005 * 9999, 0.995 * 9999))
    assert (found.pictures, found.unit) == (10, "")


def test_the_sample_stays_small_and_even() -> None:
    rng = np.random.default_rng(0)
    sample, whole = ValueSample(at_most=20_000), []
    for number in range(300):
        values = rng.normal(number, 50, 1900)
        whole.append(values)
        sample.add(values)
        assert sample._held <= 20_000
    wanted = np.quantile(np.concatenate(whole), (0.005, 0.995))
    found = sample.reading()
    assert abs(found.low - wanted[0]) < 6
    assert abs(found.high - wanted[1]) < 6
    held = np.concatenate(sample._parts)
    assert np.ptp(held) > 250  # the first and the last pictures are in it


def test_a_unit_is_told_when_all_have_it() -> None:
    sample = ValueSample()
    sample.add(np.array([1.0, 2.0]), "HU")
    assert sample.reading().unit == "HU"
    sample.add(np.array([1.0, 2.0]))
    assert sample.reading().unit == ""


def test_a_set_of_nearly_one_value_keeps_its_ends() -> None:
    sample = ValueSample()
    sample.add(np.concatenate([np.zeros(9999), [7.0]]))
    assert (sample.reading().low, sample.reading().high) == (0.0, 7.0)
    assert (ValueSample().reading().low, ValueSample().reading().high) == (0.0, 0.0)
    flat = Deep(stored=np.full((2, 2), 5, np.uint16)).shown(Reading(low=5, high=5))
    assert np.asarray(flat).max() == 0


def test_the_rule_goes_through_json() -> None:
    rule = Reading(low=-160.5, high=240.0, unit="HU", pictures=12)
    assert Reading.from_dict(json.loads(json.dumps(rule.to_dict()))) == rule
    assert Reading.from_dict({}) is None
    assert Reading.from_dict(None) is None
    assert rule.in_words() == "values up to -160.5 HU are black and from 240 HU on white"
    assert "12,345" in Reading(low=0.001234567, high=12345.4).in_words()


def test_grey_is_rounded_to_even_and_cut_at_the_ends() -> None:
    deep = Deep(stored=np.array([[-5, 0, 1, 100, 200, 999]], np.int32))
    assert np.asarray(deep.between(0, 200))[0].tolist() == [0, 0, 1, 128, 255, 255]


def test_what_is_no_number_is_black_in_either_direction() -> None:
    stored = np.array([[np.nan, np.inf, -np.inf, 0.0, 1.0]])
    assert np.asarray(Deep(stored=stored).between(0, 1))[0].tolist() == [0, 0, 0, 0, 255]
    turned = Deep(stored=stored, inverted=True)
    assert np.asarray(turned.between(0, 1))[0].tolist() == [0, 0, 0, 255, 0]
    assert sorted(Deep(stored=stored).sample().tolist()) == [0.0, 1.0]
    with pytest.raises(UnreadableImageError, match="no numbers that can be shown"):
        Deep(stored=np.full((2, 2), np.nan)).shown(None)


def test_numbers_too_large_to_subtract_do_not_break_it() -> None:
    stored = np.array([[-1.7e308, 0.0, 1.7e308]])
    shown = np.asarray(Deep(stored=stored).shown(None))
    assert shown.dtype == np.uint8
    assert math.isfinite(ValueSample().reading().low)


def test_without_a_rule_sixteen_bits_keep_their_range_and_others_their_own_ends() -> None:
    stored = np.array([[0, 257, 25_700]], np.uint16)
    assert np.asarray(Deep(stored=stored, full=SIXTEEN_BITS).shown(None))[0].tolist() == [0, 1, 100]
    assert np.asarray(Deep(stored=stored).shown(None))[0].tolist() == [0, 3, 255]


def test_a_large_picture_is_sampled_on_a_grid_and_done_in_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored = np.arange(900 * 700, dtype=np.int32).reshape(900, 700)
    deep = Deep(stored=stored)
    sample = deep.sample()
    assert 1500 < len(sample) < 2500
    assert abs(sample.mean() - stored.mean()) < 0.02 * stored.max()
    whole = np.asarray(deep.shown(None))
    monkeypatch.setattr("tl_core.data.reading.AT_ONCE", 7001)
    assert (np.asarray(deep.shown(None)) == whole).all()
    assert Deep(stored=stored[:1]).sample().size > 100


@pytest.mark.parametrize("kind", ["u2", ">u2", "i2", ">i2"])
def test_the_table_of_sixteen_bits_says_the_same(kind: str) -> None:
    rng = np.random.default_rng(0)
    stored = rng.integers(0, 65_536, (300, 400)).astype(np.uint16).view("i2").astype(kind)
    for inverted in (False, True):
        deep = Deep(stored=stored, slope=0.3, intercept=7, missing=(5, 900), inverted=inverted)
        whole = np.asarray(deep.between(-500.0, 6000.0))
        assert (deep._grey(stored, -500.0, 6000.0) == whole).all()
        assert len(np.unique(whole)) > 200


def test_values_beyond_a_rule_are_counted() -> None:
    sample = ValueSample()
    sample.add(np.arange(100.0))
    assert sample.outside(Reading(low=10, high=89)) == pytest.approx(0.2)
    assert ValueSample().outside(Reading(low=0, high=1)) == 0.0
