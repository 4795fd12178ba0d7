"""The reading of a range test names no rate where there is none, in the figures that are told."""

from __future__ import annotations

from benchmarks.rate_noise import false_alarms, found_where_there_is_one


def test_false_alarms_are_at_most_five_percent_and_real_falls_are_seen() -> None:
    assert max(share for *_, share in false_alarms(500, seed=1)) <= 0.05
    read = {drop: (counts, inside) for drop, counts, inside in found_where_there_is_one(200)}
    assert read[3][0]["found"] >= 190 and read[3][1] >= 0.95
