from __future__ import annotations

import numpy as np
import pytest
import torch

from tl_core.config import NO_AUGMENT, AugmentConfig
from tl_core.train import augment
from tl_core.train.seed import generator

ONLY = {"flip": False, "flip_vertical": False, "crop": 1.0, "rotate": 0.0, "color": 0.0}


def pictures(n: int = 6, size: int = 12) -> torch.Tensor:
    return torch.from_numpy(
        np.random.default_rng(0).integers(0, 256, (n, 3, size, size), dtype=np.uint8)
    )


def smooth(n: int, size: int = 32) -> torch.Tensor:
    """Gradients: what interpolation does to them can be computed."""
    ramp = torch.linspace(0, 1, size)
    one = torch.stack([ramp.expand(size, size), ramp.view(-1, 1).expand(size, size)])
    return torch.cat([one, one[:1] * 0 + 0.5]).expand(n, 3, size, size).clone()


def test_everything_off_changes_nothing() -> None:
    images = pictures()
    out = augment.apply(images, augment.draw(6, generator(0)), NO_AUGMENT)
    assert torch.equal(out, images.float() / 255)


def test_flips_are_exact_and_hit_about_half() -> None:
    images, draws = pictures(200, 6), augment.draw(200, generator(0))
    out = augment.apply(images, draws, AugmentConfig(**{**ONLY, "flip": True}))
    unit = images.float() / 255
    flipped = [torch.equal(out[i], unit[i].flip(2)) for i in range(200)]
    kept = [torch.equal(out[i], unit[i]) for i in range(200)]
    assert all(a != b for a, b in zip(flipped, kept, strict=True))
    assert 70 < sum(flipped) < 130


def test_flip_inside_the_affine_map_equals_the_exact_one() -> None:
    draws = torch.full((2, augment.DRAWS), 0.5)
    draws[0, :2] = 0.0  # flipped both ways; the second picture not at all
    config = AugmentConfig(**{**ONLY, "flip": True, "flip_vertical": True, "rotate": 10.0})
    images = pictures(2)
    out = augment.apply(images, draws, config)
    unit = images.float() / 255
    assert torch.allclose(out[0], unit[0].flip(1, 2), atol=1e-4)
    assert torch.allclose(out[1], unit[1], atol=1e-4)


def test_rotation_turns_by_the_drawn_angle() -> None:
    draws = torch.full((1, augment.DRAWS), 0.5)
    draws[0, 6] = 1.0  # the full angle
    images = pictures(1)
    out = augment.apply(images, draws, AugmentConfig(**{**ONLY, "rotate": 90.0}))
    unit = images.float() / 255
    quarter = [torch.rot90(unit, k, (2, 3)) for k in (1, 3)]
    assert min(float((out - one).abs().max()) for one in quarter) < 1e-3


def test_crop_keeps_at_least_the_asked_share_of_the_area() -> None:
    draws = augment.draw(500, generator(1))
    config = AugmentConfig(**{**ONLY, "crop": 0.4})
    theta = augment._affine(draws, config)
    areas = (theta[:, 0, 0] * theta[:, 1, 1]).abs()
    assert 0.4 - 1e-5 <= float(areas.min()) < 0.42 and 0.98 < float(areas.max()) <= 1 + 1e-5
    for axis in (0, 1):  # nothing from outside the picture
        reach = theta[:, axis, axis].abs() + theta[:, axis, 2].abs()
        assert float(reach.max()) <= 1 + 1e-5


def test_cropping_a_gradient_gives_the_gradient_of_the_part() -> None:
    draws = torch.full((1, augment.DRAWS), 0.5)
    draws[0, 2] = 1.0  # the smallest area
    out = augment.apply(smooth(1), draws, AugmentConfig(**{**ONLY, "crop": 0.25}))
    row = out[0, 0, 16]
    assert row[0].item() == pytest.approx(0.25, abs=0.02)
    assert row[-1].item() == pytest.approx(0.75, abs=0.02)


def test_colour_changes_stay_in_range_and_leave_the_mean_to_brightness() -> None:
    images = smooth(50) * 0.4 + 0.3
    draws = augment.draw(50, generator(2))
    draws[:, 7] = 0.5  # brightness unchanged
    out = augment.apply(images, draws, AugmentConfig(**{**ONLY, "color": 0.3}))
    luma = torch.tensor(augment.GREY).view(1, 3, 1, 1)
    before, after = ((x * luma).sum(1).mean((1, 2)) for x in (images, out))
    assert torch.allclose(before, after, atol=1e-4)
    assert float((out - images).abs().max()) > 0.02
    wild = augment.apply(pictures(), augment.draw(6, generator(3)), AugmentConfig(color=0.8))
    assert float(wild.min()) >= 0.0 and float(wild.max()) <= 1.0


def test_a_picture_is_changed_alike_in_any_batch() -> None:
    images, draws, config = pictures(), augment.draw(6, generator(4)), AugmentConfig()
    whole = augment.apply(images, draws, config)
    pick = torch.tensor([4, 1])
    assert torch.allclose(augment.apply(images[pick], draws[pick], config), whole[pick], atol=1e-6)


def test_the_input_is_left_alone() -> None:
    images = pictures().float() / 255
    before = images.clone()
    augment.apply(images, augment.draw(6, generator(0)), AugmentConfig(color=0.5))
    augment.normalise(images, (0.5,) * 3, (0.2,) * 3)
    assert torch.equal(images, before)


def test_normalise() -> None:
    images = torch.full((1, 3, 2, 2), 255, dtype=torch.uint8)
    out = augment.normalise(images, (0.5, 0.25, 0.0), (0.5, 0.25, 2.0))
    assert out[0, :, 0, 0].tolist() == [1.0, 3.0, 0.5]


def test_preview_is_repeatable_and_read_only_pictures_do() -> None:
    pixels = pictures(2).numpy()
    pixels.setflags(write=False)
    one = augment.preview(pixels, AugmentConfig(), n=3, seed=5)
    assert one.shape == (2, 3, 3, 12, 12) and one.dtype == np.uint8
    assert np.array_equal(one, augment.preview(pixels, AugmentConfig(), n=3, seed=5))
    assert not np.array_equal(one, augment.preview(pixels, AugmentConfig(), n=3, seed=6))
    same = augment.preview(pixels, NO_AUGMENT, n=2)
    assert np.array_equal(same[:, 0], pixels) and np.array_equal(same[:, 1], pixels)
