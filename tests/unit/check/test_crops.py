"""Cut-outs are found wherever they were cut, and pictures that are only alike are not paired."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from tests.unit.check.sets import checked, looks, scene
from tl_core.check.copies import copies_of
from tl_core.check.crops import FINE_PX, crop_pairs, fitted, through
from tl_core.check.duplicates import near_pairs

CUTS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "a tenth all around": lambda one: part_of(one, 0.05, 0.05, 0.9, 0.9),
    "a fifth all around": lambda one: part_of(one, 0.1, 0.1, 0.8, 0.8),
    "the upper left": lambda one: part_of(one, 0.0, 0.0, 0.86, 0.86),
    "the lower right": lambda one: part_of(one, 0.13, 0.13, 0.87, 0.87),
    "without the top": lambda one: part_of(one, 0.0, 0.15, 1.0, 0.85),
    "without the right": lambda one: part_of(one, 0.0, 0.0, 0.88, 1.0),
}


def part_of(image: Image.Image, x: float, y: float, w: float, h: float) -> Image.Image:
    width, height = image.size
    box = (x * width, y * height, (x + w) * width, (y + h) * height)
    return image.crop(tuple(round(one) for one in box))


def square(image: Image.Image) -> np.ndarray:
    small = image.convert("L").resize((FINE_PX, FINE_PX), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32)


def pairs(images: list[Image.Image], **more: object) -> list[tuple[int, int]]:
    found = crop_pairs(looks(images)["grey"], lambda at: square(images[at]), **more)
    return [(one.first, one.second) for one in found]


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
def test_a_cut_out_is_found(cut: Callable[[Image.Image], Image.Image]) -> None:
    images = [scene(i) for i in range(12)] + [cut(scene(3))]
    assert pairs(images) == [(3, 12)]


def test_the_whole_picture_may_come_second() -> None:
    images = [part_of(scene(3), 0.05, 0.05, 0.9, 0.9), *[scene(i) for i in range(6)]]
    assert pairs(images) == [(0, 4)]


def test_different_pictures_are_not_paired() -> None:
    assert pairs([scene(i) for i in range(150)]) == []


def test_flat_pictures_are_no_parts_of_each_other() -> None:
    assert pairs([Image.new("RGB", (90, 90), (i, i, i)) for i in range(0, 200, 20)]) == []


def test_pairs_known_already_are_not_looked_at_again() -> None:
    images = [scene(0), scene(1), part_of(scene(0), 0.05, 0.05, 0.9, 0.9)]

    def never(position: int) -> np.ndarray:
        raise AssertionError(position)

    assert crop_pairs(looks(images)["grey"], never, known={(0, 2)}) == []


def test_the_same_outline_with_other_detail_is_no_cut_out() -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:160, :160]
    shirt = np.where((abs(x - 80) < 45) & (abs(y - 80) < 60), 60.0, 230.0)
    images = [
        Image.fromarray((shirt + rng.normal(0, 60, shirt.shape)).clip(0, 255).astype(np.uint8))
        for _ in range(2)
    ]
    alike, detail = fitted(square(images[0]), square(images[1]), (0.0, 0.0, 1.0, 1.0))
    assert alike > 0.9
    assert detail < 0.5
    assert pairs([one.convert("RGB") for one in images]) == []


def test_a_window_of_everything_changes_nothing() -> None:
    picture = np.random.default_rng(0).uniform(0, 255, (2, 32, 32)).astype(np.float32)
    np.testing.assert_allclose(through(picture, (0.0, 0.0, 1.0, 1.0)), picture, atol=0.5)


def test_fitting_finds_the_place_that_was_cut() -> None:
    whole = scene(5)
    cut = part_of(whole, 0.06, 0.11, 0.84, 0.84)
    alike, detail = fitted(square(whole), square(cut), (0.1, 0.1, 0.8, 0.8))
    assert alike > 0.98
    assert detail > 0.8


def test_the_check_puts_cut_outs_with_the_other_copies() -> None:
    images = [scene(i) for i in range(10)]
    images.append(part_of(scene(2), 0.1, 0.0, 0.88, 0.88))
    one = checked(["a", "b"] * 5 + ["a"])
    grey = looks(images)["grey"]
    assert near_pairs(grey) == []
    assert copies_of(one, grey).groups == ()
    found = copies_of(one, grey, lambda at: square(images[at]))
    assert found.groups == ((2, 10),)
