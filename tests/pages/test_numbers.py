"""Numbers in words, as the pages say them."""

from __future__ import annotations

import pytest

from tl_ui.texts import numbers


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0"), (5130, "5,130"), (999_999, "999,999"), (5_025_088, "5.03 million"),
     (138_357_544, "138 million")],
)  # fmt: skip
def test_count(number: int, words: str) -> None:
    assert numbers.count(number) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 second"), (7.6, "8 seconds"), (42, "40 seconds"), (89, "90 seconds"),
     (95, "2 minutes"), (3540, "59 minutes"), (5400, "1.5 hours"), (36_000, "10 hours"),
     (260_000, "3 days")],
)  # fmt: skip
def test_duration(seconds: float, words: str) -> None:
    assert numbers.duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0:00"), (42.4, "0:42"), (725, "12:05"), (3729, "1:02:09")]
)
def test_clock(seconds: float, words: str) -> None:
    assert numbers.clock(seconds) == words


@pytest.mark.parametrize(
    ("megabytes", "words"), [(2, "5 MB"), (123, "120 MB"), (960, "1.0 GB"), (1440, "1.4 GB")]
)
def test_memory(megabytes: float, words: str) -> None:
    assert numbers.memory(megabytes) == words


@pytest.mark.parametrize(
    ("value", "words"), [(1.0, "1"), (0.01, "0.01"), (3e-5, "0.00003"), (1e-6, "0.000001")]
)
def test_rate_has_no_exponent(value: float, words: str) -> None:
    assert numbers.rate(value) == words


def test_interval_never_claims_certainty() -> None:
    assert numbers.interval((0.751, 0.93)) == "75 to 93 %"
    assert numbers.interval((0.9, 0.998)) == "90 to over 99 %"
    assert numbers.interval((0.001, 0.12)) == "under 1 to 12 %"
    assert numbers.interval((1.0, 1.0)) == "100 %"


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.004, "0.01 ms"), (0.314, "0.31 ms"), (1.0, "1 ms"), (12.4, "12 ms"), (1400, "1.4 s")],
)
def test_milliseconds(value: float, words: str) -> None:
    assert numbers.milliseconds(value) == words


@pytest.mark.parametrize(
    ("megabytes", "words"), [(0.01, "0.1 MB"), (3.53, "3.5 MB"), (38.2, "38 MB"), (1440, "1.4 GB")]
)
def test_storage(megabytes: float, words: str) -> None:
    assert numbers.storage(megabytes) == words
