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
from tl_core.data.pixels import PAD_COLOR, fit_square, forget_pixels, open_pixels
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


def straightforward(body: bytes, size_px: int, resize: str) -> np.ndarray:
    """Everything decoded, one bicubic reduction with antialiasing; int (S, S, 3)."""
    image, bicubic = Image.open(io.BytesIO(body)).convert("RGB"), Image.Resampling.BICUBIC
    width, height = image.size
    if resize == "squash":
        return np.asarray(image.resize((size_px, size_px), bicubic), dtype=int)
    if resize == "crop":
        left, top = (width - min(image.size)) / 2, (height - min(image.size)) / 2
        box = (left, top, width - left, height - top)
        return np.asarray(image.resize((size_px, size_px), bicubic, box=box), dtype=int)
    scale = size_px / max(image.size)
    inner = (round(width * scale), round(height * scale))
    square = Image.new("RGB", (size_px, size_px), PAD_COLOR)
    corner = ((size_px - inner[0]) // 2, (size_px - inner[1]) // 2)
    square.paste(image.resize(inner, bicubic), corner)
    return np.asarray(square, dtype=int)


def prepared(body: bytes, size_px: int, resize: str) -> np.ndarray:
    """As ``open_pixels`` makes them; int (S, S, 3)."""
    image = open_rgb(io.BytesIO(body), max_side_px=2 * size_px)
    return np.asarray(fit_square(image, size_px, resize), dtype=int)


def grainy(size: tuple[int, int], seed: int) -> bytes:
    """A photo with some noise, as cameras make them."""
    rng = np.random.default_rng(seed)
    smooth = np.asarray(hostile.photo(size, seed=seed), dtype=int)
    noisy = smooth + rng.normal(0, 12, smooth.shape)
    return hostile.jpeg(Image.fromarray(noisy.clip(0, 255).astype(np.uint8)))


@pytest.mark.parametrize("resize", ["pad", "squash", "crop"])
@pytest.mark.parametrize("size_px", [64, 128])
def test_the_pictures_are_those_of_the_straightforward_path(size_px: int, resize: str) -> None:
    differences = []
    for seed, size in enumerate([(1600, 1200), (900, 1300), (640, 480), (500, 375), (96, 64)]):
        body = grainy(size, seed)
        found = prepared(body, size_px, resize)
        differences.append(np.abs(found - straightforward(body, size_px, resize)))
        if max(size) < 4 * size_px:  # decoded whole and reduced in one step
            assert not differences[-1].any()
    everything = np.stack(differences)
    assert everything.mean() < 1.0  # of 255, as the module promises
    assert np.percentile(everything, 99) <= 10


@pytest.mark.shared
@pytest.mark.parametrize("size_px", [64, 128])
def test_real_photographs_stay_within_the_tolerance(shared_dir: Path, size_px: int) -> None:
    differences = []
    with zipfile.ZipFile(shared_dir / "hymenoptera.zip") as archive:
        for name in [one for one in archive.namelist() if one.endswith(".jpg")][::8]:
            body = archive.read(name)
            found = prepared(body, size_px, "pad")
            differences.append(np.abs(found - straightforward(body, size_px, "pad")))
    everything = np.stack(differences)
    assert everything.mean() < 1.0
    assert np.percentile(everything, 99) <= 10


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
    assert steps == [(done, 20) for done in range(1, 21)]  # the copy is not decoded again


def nothing_decoded(done: int, total: int) -> None:
    raise AssertionError("decoded again")


def test_the_second_time_nothing_is_decoded_and_writing_stays_private(
    home: Home, tmp_path: Path
) -> None:
    digests = stored(home, tmp_path, [hostile.picture(seed=seed) for seed in range(3)])
    first = open_pixels(home, digests, size_px=16, resize="pad").images[:]
    before = first.copy()
    assert first.flags.writeable
    first[:] = 0
    again = open_pixels(home, digests, size_px=16, resize="pad", report=nothing_decoded).images
    assert (np.asarray(again) == before).all()


def test_sets_share_pictures_and_only_new_ones_are_decoded(home: Home, tmp_path: Path) -> None:
    digests = stored(home, tmp_path, [hostile.picture(seed=seed) for seed in range(5)])
    few = open_pixels(home, digests[:3], size_px=16, resize="pad").images
    steps: list[tuple[int, int]] = []
    order = [digests[i] for i in (4, 1, 0, 3, 2)]
    more = open_pixels(
        home, order, size_px=16, resize="pad", report=lambda *step: steps.append(step)
    ).images
    assert steps == [(1, 2), (2, 2)]
    assert (more[[2, 1, 4]] == few[:]).all()
    part = open_pixels(home, order[1:3], size_px=16, resize="pad", report=nothing_decoded).images
    assert (part[:] == few[[1, 0]]).all()


def test_size_mode_and_version_are_told_apart(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = stored(home, tmp_path, [hostile.picture((30, 20), seed=seed) for seed in range(2)])
    folder = home.folder("cache", "pixels")
    open_pixels(home, digests, size_px=16, resize="pad")
    for number, (size_px, resize) in enumerate([(17, "pad"), (16, "squash")], start=2):
        images = open_pixels(home, digests, size_px=size_px, resize=resize).images
        assert images.shape == (2, 3, size_px, size_px)
        assert len(list(folder.iterdir())) == number
    monkeypatch.setattr(pixels, "VERSION", 99)
    open_pixels(home, digests, size_px=16, resize="pad")
    assert len(list(folder.iterdir())) == 4


def test_a_half_written_array_is_made_again(home: Home, tmp_path: Path) -> None:
    digests = stored(home, tmp_path, [hostile.picture(seed=seed) for seed in range(3)])
    wanted = open_pixels(home, digests, size_px=16, resize="pad").images[:].copy()
    (path,) = home.folder("cache", "pixels").rglob("*.npy")
    path.write_bytes(path.read_bytes()[:-100])
    assert (open_pixels(home, digests, size_px=16, resize="pad").images[:] == wanted).all()


def test_an_interrupted_build_leaves_nothing_half_done(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = stored(home, tmp_path, [hostile.picture(seed=seed) for seed in range(9)])
    monkeypatch.setattr(pixels, "SEGMENT_BYTES", 2 * 3 * 16 * 16)

    def report(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_pixels(home, digests, size_px=16, resize="pad", report=report)
    assert len(list(home.folder("cache", "pixels").rglob("*.npy"))) == 2  # of two pictures each
    assert not [one for one in threading.enumerate() if one.name.startswith("thaw-decode")]
    steps: list[tuple[int, int]] = []
    open_pixels(home, digests, size_px=16, resize="pad", report=lambda *step: steps.append(step))
    assert steps == [(done, 5) for done in range(1, 6)]


def test_other_sizes_go_when_the_budget_or_the_disk_is_short(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = stored(home, tmp_path, [hostile.picture(seed=seed) for seed in range(2)])
    folder = home.folder("cache", "pixels")
    for size_px in (16, 24):
        open_pixels(home, digests[:1], size_px=size_px, resize="pad")
    monkeypatch.setattr(pixels, "LIMIT_BYTES", 1)
    open_pixels(home, digests[:1], size_px=16, resize="pad", report=nothing_decoded)
    assert len(list(folder.iterdir())) == 2  # nothing new, nothing to tidy
    open_pixels(home, digests, size_px=16, resize="pad")
    assert len(list(folder.iterdir())) == 1
    open_pixels(home, digests, size_px=16, resize="pad", report=nothing_decoded)
    monkeypatch.setattr(pixels, "LIMIT_BYTES", 1 << 30)
    free = iter([0, 10 << 30])
    monkeypatch.setattr(home, "free_bytes", lambda: next(free))
    images = open_pixels(home, digests, size_px=24, resize="pad").images
    assert len(images) == 2 and len(list(folder.iterdir())) == 1


def test_forgotten_pictures_are_gone_at_every_size(home: Home, tmp_path: Path) -> None:
    digests = stored(home, tmp_path, [hostile.picture(seed=seed) for seed in range(2)])
    for size_px in (16, 24):
        for digest in digests:
            open_pixels(home, [digest], size_px=size_px, resize="pad")
    forget_pixels(home, digests[:1])
    left = [path.read_text() for path in home.folder("cache", "pixels").rglob("*.json")]
    assert len(left) == 2 and all(digests[1] in text for text in left)
    open_pixels(home, digests[1:], size_px=24, resize="pad", report=nothing_decoded)


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
