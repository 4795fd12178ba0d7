"""Pictures of other than three channels: read by one rule, kept plane by plane, one kind a set."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from tl_core.data.decode import decode
from tl_core.data.intake import Intake, take_in
from tl_core.data.pixels import fit_square, open_pixels, planes_of, shown, square_of
from tl_core.data.planes import plane_file
from tl_core.data.reading import Reading
from tl_core.errors import UnreadableImageError
from tl_core.storage import Home


def planes(channels: int, seed: int = 0, size: tuple[int, int] = (30, 40)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, channels), dtype=np.uint8)


def tiff(values: np.ndarray, *, separate: bool = False) -> bytes:
    """As a microscope's program writes it: (H, W, C)."""
    sink = io.BytesIO()
    tifffile.imwrite(
        sink,
        np.moveaxis(values, -1, 0) if separate else values,
        photometric="minisblack",
        planarconfig="separate" if separate else "contig",
        metadata=None,
    )
    return sink.getvalue()


def folder(root: Path, make: object, n: int = 4) -> Path:
    for label in ("a", "b"):
        (root / label).mkdir(parents=True)
        for i in range(n):
            (root / label / f"{i}.tif").write_bytes(make(label, i))  # type: ignore[operator]
    return root


@pytest.mark.parametrize("channels", [2, 4, 5, 32])
def test_every_plane_comes_back_as_it_was(channels: int) -> None:
    values = planes(channels)
    body = plane_file(values)
    found = planes_of(decode(io.BytesIO(body)), channels)
    assert [one.mode for one in found] == ["L"] * channels
    assert (np.stack([np.asarray(one) for one in found], -1) == values).all()
    assert decode(io.BytesIO(body)).native


@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("channels", [2, 4, 5])
def test_files_of_other_programs_are_read(channels: int, separate: bool) -> None:
    values = planes(channels)
    found = decode(io.BytesIO(tiff(values, separate=separate)))
    assert found.planes is not None
    assert (found.planes == values).all()
    assert not found.native
    assert found.image.mode == "RGB"


def test_three_channels_that_are_no_colours_by_name_are_shown_as_colours() -> None:
    values = planes(3)
    found = decode(io.BytesIO(tiff(values, separate=True)))
    assert found.planes is None
    assert (np.asarray(found.image) == values).all()


def test_another_number_of_channels_is_said() -> None:
    with pytest.raises(UnreadableImageError, match="has 4 channels, and 5 are needed"):
        planes_of(decode(io.BytesIO(plane_file(planes(4)))), 5)


def test_too_many_channels_are_refused_before_they_are_read() -> None:
    with pytest.raises(UnreadableImageError, match="at most 32 channels"):
        decode(io.BytesIO(tiff(planes(40, size=(8, 8)))))


def test_cut_off_files_never_crash() -> None:
    body = plane_file(planes(5))
    for end in range(0, len(body), 97):
        with pytest.raises(UnreadableImageError):
            planes_of(decode(io.BytesIO(body[:end])), 5)


def test_a_square_of_many_channels_is_that_of_each() -> None:
    values = planes(5)
    found = square_of(io.BytesIO(plane_file(values)), 16, "pad", 5)
    assert found.shape == (5, 16, 16)
    for place, got in enumerate(found):
        plane = Image.fromarray(np.ascontiguousarray(values[..., place]))
        assert (got == np.asarray(fit_square(plane, 16, "pad"))).all()


def test_working_copies_of_other_channels_are_kept_apart(home: Home, tmp_path: Path) -> None:
    digests = []
    for seed in range(3):
        path = tmp_path / f"{seed}"
        path.write_bytes(plane_file(planes(4, seed)))
        digests.append(home.put_blob(path))
    found = open_pixels(home, digests, size_px=16, resize="squash", channels=4).images
    assert found.shape == (3, 4, 16, 16)
    with pytest.raises(UnreadableImageError, match="4 channels, and 2 are needed"):
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


# -- a whole set -----------------------------------------------------------------------------------


def deep(label: str, i: int) -> bytes:
    """Five channels of 16 bits, each with a range of its own."""
    rng = np.random.default_rng(ord(label) * 100 + i)
    top = np.array([200, 1000, 4000, 20_000, 60_000])
    return tiff((rng.uniform(0, 1, (24, 24, 5)) * top).astype(np.uint16))


def taken(tmp_path: Path, home: Home, make: object) -> Intake:
    return take_in(folder(tmp_path / "set", make), home, working=(16, "squash"))


def test_every_channel_has_its_own_ends_over_the_set(tmp_path: Path, home: Home) -> None:
    found = taken(tmp_path, home, deep)
    assert len(found.records) == 8
    assert found.reading["channels"] == 5
    (ends,) = found.reading["planes"]
    highs = [high for _, high in ends]
    np.testing.assert_allclose(highs, [199, 995, 3980, 19_900, 59_700], rtol=0.02)
    assert any("have 5 channels" in note for note in found.notes)
    assert any("Each channel becomes 8 bits" in note for note in found.notes)
    stored = open_pixels(
        home, [one.digest for one in found.records], size_px=24, resize="squash", channels=5
    ).images[:]
    means = np.asarray(stored).mean(axis=(0, 2, 3))
    assert (abs(means - 127) < 12).all()  # no channel is dark for another's sake


def test_a_new_picture_is_read_by_the_rule_of_the_set(tmp_path: Path, home: Home) -> None:
    found = taken(tmp_path, home, deep)
    rule = Reading.from_dict(found.reading)
    record = next(one for one in found.records if one.path.endswith("a/0.tif"))
    with home.open_blob(record.digest) as stream:
        kept = square_of(stream, 24, "squash", 5)
    again = square_of(io.BytesIO(deep("a", 0)), 24, "squash", 5, reading=rule)
    assert (again == kept).all()


def test_pictures_of_another_kind_are_set_aside(tmp_path: Path, home: Home) -> None:
    def mixed(label: str, i: int) -> bytes:
        return tiff(planes(3 if i == 0 and label == "a" else 5, seed=i + ord(label)))

    found = taken(tmp_path, home, mixed)
    assert len(found.records) == 7
    (out,) = found.quarantine
    assert out.file.endswith("a/0.tif")
    assert out.reason == "is grey or in colour where most pictures have 5 channels"


def test_few_of_many_channels_are_set_aside_in_a_colour_set(tmp_path: Path, home: Home) -> None:
    def mixed(label: str, i: int) -> bytes:
        return tiff(planes(5 if i == 0 else 3, seed=i + ord(label)))

    found = taken(tmp_path, home, mixed)
    assert "channels" not in found.reading
    assert {one.reason for one in found.quarantine} == {
        "has 5 channels where most pictures are grey or in colour"
    }
