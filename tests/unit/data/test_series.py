"""Series told from file names, and names that look alike and are none."""

from __future__ import annotations

import pytest

from tl_core.data.series import series_of


def names(pattern: str, series: range, shots: range, folder: str = "a") -> list[str]:
    return [f"{folder}/" + pattern.format(one, shot) for one in series for shot in shots]


@pytest.mark.parametrize(
    "pattern",
    [
        "patient{:03}_img{}.jpg",
        "P{}-{}.png",
        "vid{}_frame{:04}.jpg",
        "plant_{}_{}.tif",
        "{}_{:02}.jpeg",
        "scan{} {}.png",
    ],
)
def test_two_numbers_make_series(pattern: str) -> None:
    paths = names(pattern, range(1, 6), range(3)) + names(pattern, range(11, 16), range(3), "b")
    found = series_of(paths, ["a"] * 15 + ["b"] * 15)
    assert len(found) == 10 and all(len(one) == 3 for one in found.values())


@pytest.mark.parametrize(
    "pattern",
    [
        "IMG_{1:04}{0:02}.jpg",  # a camera's counter
        "IMG_202401{0:02}_1200{1:02}.jpg",  # a telephone's clock
        "IMG-202301{0:02}-WA{1:04}.jpg",
        "200{0}_{1:06}.jpg",  # a year and a counter
        "{0}ab{1}-4c3d.jpg",
        "photo {0} ({1}).jpg",
        "cat.{0}{1}.jpg",
    ],
)
def test_cameras_and_counters_make_none(pattern: str) -> None:
    paths = names(pattern, range(1, 9), range(4)) + names(pattern, range(11, 19), range(4), "b")
    assert series_of(paths, ["a"] * 32 + ["b"] * 32) == {}


def test_a_series_per_class_is_the_class() -> None:
    paths = [f"{one}/class{one}_{shot}.jpg" for one in range(6) for shot in range(9)]
    assert series_of(paths, [path[0] for path in paths]) == {}


def test_numbers_that_begin_anew_in_each_class_are_of_that_class() -> None:
    paths = names("p{}_{}.jpg", range(4), range(2)) + names("p{}_{}.jpg", range(4), range(2), "b")
    found = series_of(paths, ["a"] * 8 + ["b"] * 8)
    assert len(found) == 8 and found["p0 of a"] == (0, 1)


def test_one_series_may_hold_several_classes() -> None:
    paths = [f"{'ab'[shot % 2]}/p{one}_{shot}.jpg" for one in range(5) for shot in range(4)]
    found = series_of(paths, [path[0] for path in paths])
    assert len(found) == 5 and found["p0"] == (0, 1, 2, 3)


def test_a_few_names_that_fit_are_chance() -> None:
    paths = names("v{}_{}.jpg", range(4), range(3)) + [f"a/holiday {'x' * n}.jpg" for n in range(9)]
    assert series_of(paths, ["a"] * len(paths)) == {}
    assert series_of([], []) == {}
