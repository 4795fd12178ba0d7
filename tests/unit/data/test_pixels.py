"""The geometry a network sees, the cached array, thumbnails."""

from __future__ import annotations

import io
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.unit.data import hostile
from tl_core.data import pixels
from tl_core.data.decode import open_rgb
from tl_core.data.pixels import PAD_COLOR, fit_square, open_pixels
from tl_core.data.thumbs import THUMB_SIZES, ensure_thumb
from tl_core.errors import ConfigError, StorageError, UnreadableImageError
from tl_core.storage import Home


def stored(home: Home, tmp_path: Path, bodies: list[bytes]) -> list[str]:
    digests = []
    for body in bodies:
        path = tmp_path / "one"
        path.write_bytes(body)
        digests.append(home.put_blob(path))
    return digests


def halves(width: int, height: int) -> Image.Image:
    """Left half red, right half blue."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("blue", (width // 2, 0, width, height))
    return image


def test_pad_keeps_the_proportions_and_fills_with_grey() -> None:
    out = np.asarray(fit_square(halves(80, 40), 40, "pad"))
    assert out.shape == (40, 40, 3)
    assert (out[:10] == PAD_COLOR).all()
    assert (out[30:] == PAD_COLOR).all()
    assert (out[10:30, :18] == (255, 0, 0)).all()
    assert (out[10:30, 22:] == (0, 0, 255)).all()
    tall = np.asarray(fit_square(halves(40, 80), 40, "pad"))
    assert (tall[:, :10] == PAD_COLOR).all()
    assert (tall[:, 30:] == PAD_COLOR).all()


def test_squash_keeps_everything() -> None:
    out = np.asarray(fit_square(halves(80, 40), 40, "squash"))
    assert (out[:, :18] == (255, 0, 0)).all()
    assert (out[:, 22:] == (0, 0, 255)).all()


def test_crop_takes_the_middle() -> None:
    image = Image.new("RGB", (120, 40), "red")
    image.paste("green", (40, 0, 80, 40))
    wide = np.asarray(fit_square(image, 20, "crop"))
    tall = np.asarray(fit_square(image.transpose(Image.Transpose.ROTATE_90), 20, "crop"))
    assert (wide[:, 2:-2] == (0, 128, 0)).all()  # the filter mixes in a little at the edges
    assert (tall[2:-2] == (0, 128, 0)).all()


@pytest.mark.parametrize("resize", ["pad", "squash", "crop"])
@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (7, 3), (33, 32), (32, 32)])
def test_every_proportion_fits(resize: str, size: tuple[int, int]) -> None:
    assert fit_square(Image.new("RGB", size, "red"), 32, resize).size == (32, 32)


def test_a_picture_of_the_right_size_stays_as_it_is() -> None:
    image = hostile.photo((32, 32))
    for resize in ("pad", "squash", "crop"):
        assert (np.asarray(fit_square(image, 32, resize)) == np.asarray(image)).all()


@pytest.mark.parametrize("resize", ["pad", "squash", "crop"])
@pytest.mark.parametrize("size", [(1600, 1200), (900, 1300), (640, 480)])
def test_reduced_decoding_changes_next_to_nothing(resize: str, size: tuple[int, int]) -> None:
    body = hostile.jpeg(hostile.photo(size))
    full = np.asarray(fit_square(open_rgb(io.BytesIO(body)), 96, resize), dtype=int)
    small = open_rgb(io.BytesIO(body), max_side_px=192)
    assert small.width < size[0]
    fast = np.asarray(fit_square(small, 96, resize), dtype=int)
    assert np.abs(full - fast).mean() < 0.5  # of 255; measured 0.1 to 0.3


@pytest.mark.shared
def test_reduced_decoding_on_real_photographs(shared_dir: Path) -> None:
    differences = []
    with zipfile.ZipFile(shared_dir / "hymenoptera.zip") as archive:
        for name in [one for one in archive.namelist() if one.endswith(".jpg")][::20]:
            body = archive.read(name)
            full = fit_square(open_rgb(io.BytesIO(body)), 96, "pad")
            fast = fit_square(open_rgb(io.BytesIO(body), max_side_px=192), 96, "pad")
            differences.append(np.abs(np.asarray(full, int) - np.asarray(fast, int)).mean())
    assert max(differences) < 4.0  # of 255; measured up to 2.9 over all three modes
    assert np.mean(differences) < 1.0  # measured 0.2 to 0.3


def test_pixels_are_in_order_and_equal_to_fit_square(home: Home, tmp_path: Path) -> None:
    bodies = [hostile.picture((40, 20), "PNG", seed=seed) for seed in range(20)]
    digests = stored(home, tmp_path, bodies)
    digests.append(digests[3])  # a copy
    steps: list[tuple[int, int]] = []
    found = open_pixels(
        home, digests, size_px=32, resize="pad", report=lambda *step: steps.append(step)
    )
    assert found.images.shape == (21, 3, 32, 32)
    assert found.images.dtype == np.uint8
    for image, body in zip(found.images, [*bodies, bodies[3]], strict=True):
        wanted = np.asarray(fit_square(open_rgb(io.BytesIO(body)), 32, "pad"))
        assert (image.transpose(1, 2, 0) == wanted).all()
    assert steps == [(done, 21) for done in range(1, 22)]


def test_the_second_time_nothing_is_decoded_and_writing_stays_private(
    home: Home, tmp_path: Path
) -> None:
    digests = stored(home, tmp_path, [hostile.picture(seed=seed) for seed in range(3)])
    first = open_pixels(home, digests, size_px=16, resize="pad").images
    before = first.copy()
    assert first.flags.writeable
    first[:] = 0

    def report(done: int, total: int) -> None:
        raise AssertionError("decoded again")

    again = open_pixels(home, digests, size_px=16, resize="pad", report=report).images
    assert (again == before).all()


def test_the_key_knows_order_size_mode_and_version(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = stored(home, tmp_path, [hostile.picture((30, 20), seed=seed) for seed in range(2)])
    folder = home.folder("cache", "pixels")
    open_pixels(home, digests, size_px=16, resize="pad")
    for number, (order, size_px, resize) in enumerate(
        [(digests[::-1], 16, "pad"), (digests, 17, "pad"), (digests, 16, "squash")], start=2
    ):
        open_pixels(home, order, size_px=size_px, resize=resize)
        assert len(list(folder.glob("*.npy"))) == number
    monkeypatch.setattr(pixels, "VERSION", 99)
    open_pixels(home, digests, size_px=16, resize="pad")
    assert len(list(folder.glob("*.npy"))) == 5


@pytest.mark.parametrize("harm", ["no sidecar", "cut", "rubbish sidecar", "other shape"])
def test_a_half_written_array_is_made_again(home: Home, tmp_path: Path, harm: str) -> None:
    digests = stored(home, tmp_path, [hostile.picture(seed=seed) for seed in range(3)])
    wanted = open_pixels(home, digests, size_px=16, resize="pad").images.copy()
    (path,) = home.folder("cache", "pixels").glob("*.npy")
    sidecar = path.with_suffix(".json")
    if harm == "no sidecar":
        sidecar.unlink()
    elif harm == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif harm == "rubbish sidecar":
        sidecar.write_text("[1,")
    else:
        sidecar.write_text(sidecar.read_text().replace("16", "15"))
    assert (open_pixels(home, digests, size_px=16, resize="pad").images == wanted).all()


def test_an_interrupted_build_leaves_nothing(home: Home, tmp_path: Path) -> None:
    digests = stored(home, tmp_path, [hostile.picture(seed=seed) for seed in range(9)])

    def report(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_pixels(home, digests, size_px=16, resize="pad", report=report)
    assert not list(home.folder("cache", "pixels").iterdir())
    assert not [one for one in threading.enumerate() if one.name.startswith("thaw-decode")]


def test_errors(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (digest, broken) = stored(home, tmp_path, [hostile.picture(), b"no picture"])
    with pytest.raises(ConfigError, match="resize cannot be 'zoom'") as caught:
        open_pixels(home, [digest], size_px=16, resize="zoom")
    assert caught.value.field == "resize"
    with pytest.raises(StorageError, match=r"A stored file \(aaaa\) is missing"):
        open_pixels(home, ["aaaa"], size_px=16, resize="pad")
    with pytest.raises(UnreadableImageError):
        open_pixels(home, [digest, broken], size_px=16, resize="pad")
    assert open_pixels(home, [], size_px=16, resize="pad").images.shape == (0, 3, 16, 16)
    monkeypatch.setattr(home, "free_bytes", lambda: 0)
    with pytest.raises(StorageError, match="working copy of the pictures needs 0.0 GB"):
        open_pixels(home, [digest], size_px=16, resize="pad")


def test_thumbnails_are_made_once_small_and_without_metadata(home: Home, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret"
    body = hostile.jpeg(hostile.photo((1200, 900)), exif=exif, icc_profile=b"profile" * 9)
    (digest,) = stored(home, tmp_path, [body])
    for size_px in THUMB_SIZES:
        path = ensure_thumb(home, digest, size_px)
        with Image.open(path) as thumb:
            assert thumb.size == (size_px, size_px * 3 // 4)
            assert not {"exif", "icc_profile"} & thumb.info.keys()
        path.write_bytes(b"mine")
        assert ensure_thumb(home, digest, size_px).read_bytes() == b"mine"


def test_thumbnail_errors(home: Home) -> None:
    with pytest.raises(ConfigError, match="no thumbnails of 5000 pixels") as caught:
        ensure_thumb(home, "aa", 5000)
    assert caught.value.hint == "Ask for one of: 160, 320."
    with pytest.raises(StorageError, match="is missing"):
        ensure_thumb(home, "aa", 160)
