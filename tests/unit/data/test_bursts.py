"""Bursts by the camera's clock, and clocks that tell nothing."""

from __future__ import annotations

from collections.abc import Sequence

from tl_core.data.bursts import FASTEST, FEW, bursts_of
from tl_core.data.records import ImageRecord


def shots(
    times: Sequence[float | None], *, label: str = "a", camera: str = "Canon", start: int = 0
) -> list[ImageRecord]:
    return [
        ImageRecord(
            path=f"{label}/{start + number}.jpg",
            label=label,
            split=None,
            digest=f"{label}{start + number}",
            width=1,
            height=1,
            bytes=1,
            format="JPEG",
            taken=taken,
            camera=camera,
        )
        for number, taken in enumerate(times)
    ]


def far_apart(n: int, *, label: str = "a", start: int = 1000) -> list[ImageRecord]:
    return shots([60.0 * (1000 * start + at) for at in range(n)], label=label, start=start)


def test_pictures_less_than_two_seconds_apart_are_a_burst_and_others_are_not() -> None:
    found = bursts_of(shots([0, 1, 2, 4, 10, 11.9, 13.9]) + far_apart(20))
    assert found.groups == ((0, 1, 2), (4, 5))
    assert found.notes == ()


def test_order_does_not_matter() -> None:
    records = shots([11, 0, 1, 10]) + far_apart(20)
    assert bursts_of(records).groups == ((1, 2), (0, 3))


def test_each_camera_has_its_own_bursts_and_unknown_ones_count_as_one() -> None:
    records = shots([0, 1], camera="A") + shots([0.5], camera="B", start=5) + far_apart(20)
    assert bursts_of(records).groups == ((0, 1),)
    records = shots([0], camera="") + shots([1], camera="", start=5) + far_apart(20)
    assert bursts_of(records).groups == ((0, 1),)


def test_pictures_without_a_time_are_in_none() -> None:
    assert bursts_of(shots([None, None, 3.0, None])).groups == ()


def test_a_burst_may_hold_several_classes() -> None:
    records = (
        shots([0, 1]) + shots([2], label="b") + far_apart(9) + far_apart(9, label="b", start=2000)
    )
    assert bursts_of(records).groups == ((0, 1, 2),)


def test_more_pictures_in_one_second_than_a_camera_takes_are_a_clock_that_stands_still() -> None:
    many = shots([5.0] * (FASTEST + 1)) + far_apart(200)
    found = bursts_of(many)
    assert found.groups == ()
    assert found.notes[0].startswith("31 pictures carry one and the same second")
    assert bursts_of(shots([5.0] * FASTEST) + far_apart(200)).groups == (tuple(range(FASTEST)),)


def test_rows_that_hold_most_of_a_class_are_not_believed() -> None:
    machine = shots([float(number) for number in range(40)])  # one picture a second
    found = bursts_of(machine + far_apart(20) + far_apart(30, label="b", start=2000))
    assert found.groups == ()
    assert "40 pictures follow each other by less than 2 seconds" in found.notes[0]
    one_of_many = machine + far_apart(100)
    assert bursts_of(one_of_many).groups == (tuple(range(40)),)  # long, but most stands alone


def test_short_bursts_are_believed_however_small_the_class() -> None:
    assert bursts_of(shots([float(number) for number in range(FEW)])).groups == ((0, 1, 2, 3, 4),)


def test_nothing_has_no_bursts() -> None:
    assert bursts_of([]).groups == ()
