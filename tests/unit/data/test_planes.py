"""Pictures of other than three channels are kept and read plane by plane."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tl_core.data.pixels import fit_square, open_pixels, shown, square_of
from tl_core.data.planes import open_planes, plane_file
from tl_core.errors import UnreadableImageError
from tl_core.storage import Home


def planes(channels: int, seed: int = 0, size: tuple[int, int] = (30, 40)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (channels, *size), dtype=np.uint8)


@pytest.mark.parametrize("channels", [2, 4, 5, 32])
def test_every_plane_comes_back_as_it_was(channels: int) -> None:
    values = planes(channels)
    found = open_planes(io.BytesIO(plane_file(values)), channels)
    assert [one.mode for one in found] == ["L"] * channels
    assert (np.stack([np.asarray(one) for one in found]) == values).all()


def test_another_number_of_channels_is_said() -> None:
    with pytest.raises(UnreadableImageError, match="has 4 channels where the others have 5"):
        open_planes(io.BytesIO(plane_file(planes(4))), 5)


@pytest.mark.parametrize("body", [b"", b"II*\x00garbage", b"not a picture at all" * 9])
def test_what_is_no_such_file_is_said(body: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.tif").write_bytes(body)
    with pytest.raises(UnreadableImageError, match="no picture of 5 channels"):
        open_planes(tmp_path / "x.tif", 5)


def test_cut_off_files_never_crash() -> None:
    body = plane_file(planes(5))
    for end in range(0, len(body), 97):
        with pytest.raises(UnreadableImageError):
            open_planes(io.BytesIO(body[:end]), 5)


def test_a_square_of_many_channels_is_that_of_each(tmp_path: Path) -> None:
    values = planes(5)
    found = square_of(io.BytesIO(plane_file(values)), 16, "pad", 5)
    assert found.shape == (5, 16, 16)
    for got, plane in zip(found, values, strict=True):
        assert (got == np.asarray(fit_square(Image.fromarray(plane), 16, "pad"))).all()


def test_working_copies_of_other_channels_are_kept_apart(home: Home, tmp_path: Path) -> None:
    digests = []
    for seed in range(3):
        path = tmp_path / f"{seed}"
        path.write_bytes(plane_file(planes(4, seed)))
        digests.append(home.put_blob(path))
    found = open_pixels(home, digests, size_px=16, resize="squash", channels=4).images
    assert found.shape == (3, 4, 16, 16)
    with pytest.raises(UnreadableImageError, match="4 channels where the others have 2"):
        open_pixels(home, digests, size_px=16, resize="squash", channels=2)
    assert np.asarray(shown(found[0])).shape == (16, 16, 3)


def test_grey_is_the_picture_without_its_colours(home: Home, tmp_path: Path) -> None:
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (30, 30, 3), np.uint8))
    image.save(tmp_path / "a.png")
    digest = home.put_blob(tmp_path / "a.png")
    found = open_pixels(home, [digest], size_px=30, resize="squash", channels=1).images
    assert found.shape == (1, 1, 30, 30)
    assert (found[0][0] == np.asarray(image.convert("L"))).all()
    assert shown(found[0]).mode == "RGB"
