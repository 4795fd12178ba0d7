"""Every kind of picture to RGB by the stated rules; everything else with its reason."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.unit.data import heic, hostile
from tests.unit.data.deep import damaged
from tl_core.data import decoded as decoded_module
from tl_core.data import plain
from tl_core.data.decode import decode, open_rgb
from tl_core.data.quarantine import CODES, reason_of
from tl_core.data.reading import Reading
from tl_core.errors import UnreadableImageError

# Pillow also warns about some of the damage below before it gives up
pytestmark = pytest.mark.filterwarnings("ignore")


def saved(image: Image.Image, kind: str, **options: Any) -> io.BytesIO:
    sink = io.BytesIO()
    image.save(sink, kind, **options)
    sink.seek(0)
    return sink


def why(body: bytes, **options: Any) -> tuple[str, str]:
    with pytest.raises(UnreadableImageError) as caught:
        open_rgb(io.BytesIO(body), **options)
    assert caught.value.code in CODES
    assert caught.value.message == f"The file {reason_of(caught.value)}."
    return caught.value.code, reason_of(caught.value)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "TIFF", "WEBP", "JPEG", "AVIF"])
def test_formats(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "named.wrong"
    hostile.photo((40, 30)).save(path, kind)
    found = decode(path)
    assert (found.format, found.width, found.height) == (kind, 40, 30)
    assert (found.image.mode, found.image.size, found.image.info) == ("RGB", (40, 30), {})


def test_a_stereo_photo_is_its_first_picture() -> None:
    first, second = hostile.photo((40, 30)), hostile.photo((40, 30), seed=1)
    body = saved(first, "MPO", save_all=True, append_images=[second])
    found = decode(body)
    assert found.format == "JPEG"
    pixels = np.asarray(found.image, int)
    assert np.abs(pixels - np.asarray(first, int)).mean() < 20
    assert np.abs(pixels - np.asarray(second, int)).mean() > 40


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_orientation_is_applied_once(orientation: int, kind: str) -> None:
    upright = Image.new("RGB", (48, 32), "black")
    upright.paste("white", (0, 0, 16, 16))  # a mark in the upper left corner
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    held = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = decode(saved(held, kind, exif=exif))
    assert (found.width, found.height) == found.image.size == (48, 32)
    assert np.abs(np.asarray(found.image, int) - np.asarray(upright, int)).mean() < 6


def test_size_of_a_turned_and_reduced_photo_is_its_own() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    body = hostile.jpeg(hostile.photo((1600, 1200)), exif=exif)
    found = decode(io.BytesIO(body), max_side_px=320)
    assert (found.width, found.height) == (1200, 1600)
    assert found.image.size == (400, 533) or found.image.size == (600, 800)
    assert min(found.image.size) >= 320


def test_broken_exif_does_not_lose_the_picture() -> None:
    body = hostile.jpeg(hostile.photo((40, 30)), exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7frubbish")
    assert open_rgb(io.BytesIO(body)).size == (40, 30)


def test_transparency_lies_on_white() -> None:
    half = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    half.putpixel((0, 0), (255, 0, 0, 255))
    half.putpixel((1, 0), (0, 0, 0, 128))
    for kind in ("PNG", "WEBP"):
        pixels = np.asarray(
            open_rgb(saved(half, kind, **({"lossless": True} if kind == "WEBP" else {})))
        )
        assert pixels[0, 0].tolist() == [255, 0, 0]
        assert pixels[0, 1].tolist() == [127, 127, 127]
        assert pixels[3, 3].tolist() == [255, 255, 255]
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putpixel((0, 0), 0)
    for kind in ("PNG", "GIF"):
        pixels = np.asarray(open_rgb(saved(palette, kind, transparency=1)))
        assert pixels[0, 0].tolist() == [255, 0, 0]
        assert pixels[3, 3].tolist() == [255, 255, 255]
    grey = Image.new("LA", (2, 2), (0, 0))
    assert np.asarray(open_rgb(saved(grey, "PNG"))).min() == 255
    keyed = Image.new("RGB", (2, 2), (1, 2, 3))
    assert np.asarray(open_rgb(saved(keyed, "PNG", transparency=(1, 2, 3)))).min() == 255
    bits = Image.new("1", (2, 2), 0)
    assert np.asarray(open_rgb(saved(bits, "PNG", transparency=0))).min() == 255


def test_grey_and_bits() -> None:
    row = np.array([[0, 100, 255]], dtype=np.uint8)
    assert np.asarray(open_rgb(saved(Image.fromarray(row), "PNG")))[0, :, 2].tolist() == [
        0,
        100,
        255,
    ]
    bits = Image.fromarray(row).convert("1", dither=Image.Dither.NONE)
    assert np.asarray(open_rgb(saved(bits, "PNG")))[0, :, 0].tolist() == [0, 0, 255]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_keep_their_full_range(kind: str) -> None:
    row = np.array([[0, 257, 25700, 65535]], dtype=np.uint16)
    found = open_rgb(saved(Image.fromarray(row), kind))
    assert np.asarray(found)[0, :, 1].tolist() == [0, 1, 100, 255]


def test_sixteen_bits_big_endian() -> None:
    row = np.array([[0, 257, 25700, 65535]], dtype=">u2")
    tags = {256: 4, 257: 1, 258: 16, 259: 1, 262: 1, 273: 8, 277: 1, 278: 1, 279: 8}
    entries = b"".join(
        struct.pack(">HHI", tag, 4, 1) + struct.pack(">I", value) for tag, value in tags.items()
    )
    body = b"MM\x00*" + struct.pack(">I", 16) + row.tobytes()
    body += struct.pack(">H", len(tags)) + entries + bytes(4)
    assert np.asarray(open_rgb(io.BytesIO(body)))[0, :, 0].tolist() == [0, 1, 100, 255]


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_thirty_two_bits_are_stretched_over_the_picture(kind: type) -> None:
    row: np.ndarray = np.array([[-100, 0, 100]], dtype=kind)
    assert np.asarray(open_rgb(saved(Image.fromarray(row), "TIFF")))[0, :, 0].tolist() == [
        0,
        128,
        255,
    ]
    flat: np.ndarray = np.full((2, 2), 7, dtype=kind)
    assert np.asarray(open_rgb(saved(Image.fromarray(flat), "TIFF"))).max() == 0


def test_numbers_that_are_none_become_the_smallest() -> None:
    row = np.array([[np.nan, 0.0, 1.0, np.inf]], dtype=np.float32)
    assert np.asarray(open_rgb(saved(Image.fromarray(row), "TIFF")))[0, :, 0].tolist() == [
        0,
        0,
        255,
        0,
    ]
    none = saved(Image.fromarray(np.full((2, 2), np.nan, np.float32)), "TIFF").read()
    assert why(none) == ("damaged", "holds no numbers that can be shown")


def test_cmyk_is_converted() -> None:
    pixels = np.asarray(
        open_rgb(saved(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=95))
    )
    assert np.abs(pixels[4, 4].astype(int) - [255, 0, 0]).max() < 8


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_an_animation_is_its_first_frame(kind: str) -> None:
    frames = [hostile.photo((20, 20), seed=seed) for seed in range(3)]
    found = decode(saved(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert (found.format, found.animated, found.native, found.n_pages) == (kind, True, True, 1)
    pixels = np.asarray(found.image, int)
    differences = [np.abs(pixels - np.asarray(frame, int)).mean() for frame in frames]
    assert differences[0] < 25 < 40 < min(differences[1:])  # lossy, and made for larger ones
    assert not decode(saved(frames[0], kind)).animated


def test_of_sixteen_bit_colour_in_png_the_upper_eight_bits_count() -> None:
    pixels = np.random.default_rng(0).integers(0, 65_535, (5, 7, 3)).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", 7, 5, 16, 2, 0, 0, 0)
    body = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    body += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    found = decode(io.BytesIO(body))
    assert (np.asarray(found.image) == (pixels >> 8)).all()
    assert (found.sample, found.native) == (None, True)


def test_sixteen_bit_png_follows_the_rule_of_its_set() -> None:
    row = np.array([[0, 100, 150, 200, 65_535]], dtype=np.uint16)
    found = decode(saved(Image.fromarray(row), "PNG"), reading=Reading(low=100, high=200))
    assert (found.format, found.native) == ("PNG", False)
    assert np.asarray(found.image)[0, :, 1].tolist() == [0, 0, 128, 255, 255]


def test_transparency_is_told_only_where_it_is() -> None:
    for kind in ("PNG", "WEBP", "AVIF"):
        solid = Image.new("RGBA", (8, 8), (9, 9, 9, 255))
        assert not decode(saved(solid, kind)).transparent
        solid.putpixel((3, 3), (9, 9, 9, 0))
        assert decode(saved(solid, kind)).transparent
    assert not decode(saved(hostile.photo((8, 8)), "PNG")).transparent


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "LAB"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    image = hostile.photo((40, 30))
    image = image.convert("RGBA") if mode in ("LA", "RGBA") else image
    found = decode(saved(image.convert(mode), "TIFF"))
    assert (found.image.mode, found.native) == ("RGB", True)
    difference = np.abs(np.asarray(found.image, int) - np.asarray(hostile.photo((40, 30)), int))
    assert difference.mean() < {"1": 130, "L": 60, "LA": 60, "P": 20}.get(mode, 8)


def test_inverted_cmyk_of_a_photo_program_is_turned_back() -> None:
    body = saved(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=95).read()
    marker = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"  # its values are inverted
    at = body.index(b"\xff\xee") if b"\xff\xee" in body else 2
    length = struct.unpack(">H", body[at + 2 : at + 4])[0] + 2 if b"\xff\xee" in body else 0
    body = body[:at] + marker + body[at + length :]
    pixels = np.asarray(open_rgb(io.BytesIO(body)))
    assert np.abs(pixels[4, 4].astype(int) - [255, 0, 0]).max() < 8


# -- photos of telephones --------------------------------------------------------------------------


def exif_of(orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F], exif[0x0110] = "Acme", "Phone 5"
    exif.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    return exif.tobytes().removeprefix(b"Exif\0\0")


def test_a_photo_of_a_telephone_is_read() -> None:
    photo = hostile.photo((48, 32))
    found = decode(io.BytesIO(heic.heic(photo, exif=exif_of())))
    assert (found.format, found.native, found.animated) == ("HEIF", True, False)
    assert (found.width, found.height) == found.image.size == (48, 32)
    difference = np.abs(np.asarray(found.image, int) - np.asarray(photo, int))
    assert difference.mean() < 14  # half of the colours, at this size
    assert (found.taken, found.camera) == (1_714_979_289.0, "Acme Phone 5")


@pytest.mark.parametrize("quarter_turns", [0, 1, 2, 3])
def test_a_photo_of_a_telephone_is_turned_once(quarter_turns: int) -> None:
    upright = Image.new("RGB", (48, 32), "black")
    upright.paste("white", (0, 0, 16, 16))
    back = {1: Image.Transpose.ROTATE_270, 2: Image.Transpose.ROTATE_180}
    back[3] = Image.Transpose.ROTATE_90
    held = upright.transpose(back[quarter_turns]) if quarter_turns else upright
    # the camera's note says the same as the container, as telephones write it
    exif = exif_of({0: 1, 1: 8, 2: 3, 3: 6}[quarter_turns])
    body = heic.heic(held, quarter_turns=quarter_turns, exif=exif)
    found = decode(io.BytesIO(body))
    assert (found.width, found.height) == found.image.size == (48, 32)
    assert np.abs(np.asarray(found.image, int) - np.asarray(upright, int)).mean() < 5


def test_without_the_library_a_heic_photo_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "_heif_state", {"opens": False})
    code, reason = why(heic.heic(hostile.photo((48, 32))))
    assert code == "unsupported"
    assert reason == (
        "is a HEIC photo, and pi-heif, which reads them, is not installed here: install it, or "
        "save the photo as JPEG"
    )


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 0.95])
def test_a_cut_off_heic_photo_is_noticed(share: float) -> None:
    body = heic.heic(hostile.photo((48, 32)))
    assert why(body[: int(len(body) * share)]) == ("damaged", "is damaged or cut off")


@pytest.mark.parametrize("seed", range(6))
def test_a_damaged_photo_is_rgb_or_an_error_with_a_reason(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bodies = [heic.heic(hostile.photo((48, 32)), exif=exif_of()), hostile.picture(kind="AVIF")]
    for broken in damaged(bodies, rng, least=0.5):
        try:
            found = decode(broken, max_pixels=10_000)
        except UnreadableImageError as err:
            assert err.code in CODES
        else:
            assert (found.image.mode, found.image.size) == ("RGB", (found.width, found.height))


# -- sizes and damage ------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [60_000, 2**31 - 1, 11_000])
def test_a_huge_header_is_refused_before_decoding(side: int) -> None:
    code, reason = why(hostile.png_header(side, side))
    assert code == "too_large"
    assert reason.endswith("at most 100 million pixels are decoded")


def test_the_size_is_named_where_it_is_known() -> None:
    code, reason = why(hostile.png_header(101, 100), max_pixels=10_000)
    assert reason == "is too large (101 x 100 pixels): at most 0.01 million pixels are decoded"
    assert code == "too_large"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF"])
@pytest.mark.parametrize("max_side_px", [None, 100])
@pytest.mark.parametrize("share", [0.15, 0.5, 0.9, 0.98])
def test_a_cut_off_picture_is_noticed(kind: str, max_side_px: int | None, share: float) -> None:
    body = saved(hostile.photo((400, 300)), kind).read()
    code, reason = why(body[: int(len(body) * share)], max_side_px=max_side_px)
    assert (code, reason) == ("damaged", "is damaged or cut off")


@pytest.mark.parametrize("share", [0.5, 0.9, 0.98])
def test_a_cut_off_progressive_photo_is_noticed_at_reduced_size(share: float) -> None:
    body = hostile.jpeg(hostile.photo((1600, 1200)), progressive=True)
    assert why(body[: int(len(body) * share)], max_side_px=100)[0] == "damaged"


@pytest.mark.parametrize(
    ("body", "code", "reason"),
    [
        (b"", "empty", "is empty (0 bytes)"),
        (
            b"<!DOCTYPE html><html>404",
            "not_a_picture",
            "is not a picture Thaw can read (it starts like a web page)",
        ),
        (
            b"\xef\xbb\xbf\n<HTML>",
            "not_a_picture",
            "is not a picture Thaw can read (it starts like a web page)",
        ),
        (
            b"ants,12,14\n",
            "not_a_picture",
            "is not a picture Thaw can read (it starts like a text file)",
        ),
        (
            b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>',
            "unsupported",
            "is a drawing (SVG), not a photo: save it as JPEG or PNG",
        ),
        (
            b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
            "damaged",
            "is damaged or cut off",
        ),
        (
            b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00",
            "damaged",
            "is damaged or cut off",
        ),
        (b"\x00\x00\x00\x18ftypisom", "not_a_picture", "is a film, not a picture"),
        (b"%PDF-1.7\n", "unsupported", "is a PDF document: save it as JPEG or PNG"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid",
            "not_a_picture",
            "is only a Git LFS pointer, not the picture",
        ),
        (
            b"PK\x03\x04\x14\x00",
            "not_a_picture",
            "is an archive (zip); archives inside are not opened",
        ),
        (b"\x00\x01\x02" * 99, "not_a_picture", "is not a picture Thaw can read"),
        (b"\xff\xd8\xff\xe0", "damaged", "is damaged or cut off"),
    ],
)
def test_what_a_file_is_instead(body: bytes, code: str, reason: str) -> None:
    assert why(body) == (code, reason)


def test_formats_pillow_knows_but_nobody_asked_for_stay_closed() -> None:
    for kind in ("PPM", "TGA", "ICO", "EPS", "PCX"):
        body = saved(hostile.photo((32, 32)), kind).read()
        assert why(body)[0] in ("not_a_picture", "unsupported")


def test_a_picture_with_something_behind_it_is_a_picture(tmp_path: Path) -> None:
    packed = hostile.zip_of(tmp_path / "a.zip", {"x": b"y"}).read_bytes()
    assert open_rgb(io.BytesIO(hostile.picture((24, 16)) + packed)).size == (24, 16)


def test_a_missing_file_has_a_reason(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match=r"could not be read \(No such file"):
        open_rgb(tmp_path / "gone.jpg")


@pytest.mark.skipif(os.name == "nt", reason="deleting an open file works there differently")
def test_the_file_is_closed_and_a_stream_left_open(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    hostile.photo((20, 20)).save(path)
    before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0
    open_rgb(path)
    if before:
        assert len(list(Path("/proc/self/fd").iterdir())) == before
    stream = io.BytesIO(path.read_bytes())
    open_rgb(stream)
    assert not stream.closed


def test_a_large_picture_comes_back_reduced(monkeypatch: pytest.MonkeyPatch) -> None:
    body = hostile.picture((60, 45), "PNG")
    monkeypatch.setattr(decoded_module, "LARGE_PIXELS", 1000)
    found = decode(io.BytesIO(body), max_side_px=20)
    assert (found.image.size, found.width, found.height) == ((30, 23), 60, 45)
    assert decode(io.BytesIO(body)).image.size == (60, 45)
    assert decode(io.BytesIO(body), max_side_px=30).image.size == (60, 45)
