"""TIFF of every depth, layout, packing and number of pages."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.unit.data.deep import damaged, pages_of, ramp, tiff, tiff_of
from tl_core.data import decoded as decoded_module
from tl_core.data.decode import decode, pages
from tl_core.data.deep_tiff import turned
from tl_core.data.quarantine import CODES, reason_of
from tl_core.data.reading import Reading
from tl_core.errors import UnreadableImageError

# Pillow and tifffile warn about some of the damage below before they give up
pytestmark = pytest.mark.filterwarnings("ignore")


def grey(body: bytes, reading: Reading | None = None) -> np.ndarray:
    found = decode(io.BytesIO(body), reading=reading)
    assert (found.image.mode, found.format) == ("RGB", "TIFF")
    return np.asarray(found.image)[:, :, 0]


def why(body: bytes, **options: Any) -> tuple[str, str]:
    with pytest.raises(UnreadableImageError) as caught:
        decode(io.BytesIO(body), **options)
    assert caught.value.code in CODES
    return caught.value.code, reason_of(caught.value)


@pytest.mark.parametrize(
    "kind", ["u2", ">u2", "i2", "u4", ">u4", "i4", "f4", ">f4", "f8", "u8", "i8", "f2"]
)
def test_every_depth_follows_the_rule(kind: str) -> None:
    values = np.array([[0, 100, 150, 200, 1000]], kind)
    body = tiff(values, byteorder=">" if kind.startswith(">") else "<")
    found = decode(io.BytesIO(body))
    assert found.sample is not None
    assert (sorted(found.sample.tolist()), found.native) == ([0, 100, 150, 200, 1000], False)
    assert grey(body, Reading(low=100, high=200))[0].tolist() == [0, 0, 128, 255, 255]


def test_large_unsigned_numbers_are_not_taken_as_negative() -> None:
    values = np.array([[0, 2**31, 2**32 - 1]], np.uint32)
    assert grey(tiff(values), Reading(low=0, high=2**32 - 1))[0].tolist() == [0, 128, 255]


def test_white_may_be_zero() -> None:
    for kind in ("u2", "f4", "f8"):
        body = tiff(np.array([[0, 50, 200]], kind), photometric="miniswhite")
        assert grey(body, Reading(low=0, high=200))[0].tolist() == [255, 191, 0]
    body = tiff(np.array([[0, 50, 255]], np.uint8), photometric="miniswhite")
    assert grey(body)[0].tolist() == [255, 205, 0]


@pytest.mark.parametrize("packing", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_packed_pixels_are_the_same(packing: str) -> None:
    values = ramp(0, 60_000)
    sink = io.BytesIO()
    Image.fromarray(values).save(sink, "TIFF", compression=packing)
    rule = Reading(low=0, high=60_000)
    assert (grey(sink.getvalue(), rule) == grey(tiff(values), rule)).all()


def test_jpeg_in_tiff_tiles_and_bigtiff() -> None:
    photo = np.kron(np.arange(48, dtype=np.uint8).reshape(6, 8) * 5, np.ones((16, 16), "u1"))
    sink = io.BytesIO()
    Image.fromarray(photo).convert("RGB").save(sink, "TIFF", compression="jpeg")
    assert np.abs(grey(sink.getvalue()).astype(int) - photo).mean() < 2
    assert (grey(tiff(photo, tile=(32, 32))) == photo).all()
    big = tiff(ramp(0, 60_000), bigtiff=True)
    assert big.startswith(b"II+\x00")
    rule = Reading(low=0, high=60_000)
    assert (grey(big, rule) == grey(tiff(ramp(0, 60_000)), rule)).all()
    strange = tiff(ramp(0, 9, dtype="f8"), compression="zlib")
    assert grey(strange, Reading(low=0, high=9))[-1, -1] == 255


def test_of_deep_colour_the_upper_eight_bits_count() -> None:
    pixels = np.random.default_rng(0).integers(0, 65_535, (6, 8, 3), dtype=np.uint16)
    wanted = (pixels >> 8).astype(np.uint8)
    for options in ({}, {"planarconfig": "separate"}):
        data = np.moveaxis(pixels, 2, 0) if options else pixels
        found = decode(io.BytesIO(tiff(data, photometric="rgb", **options)))
        assert (np.asarray(found.image) == wanted).all()
        assert found.sample is None
    clear = np.dstack([pixels, np.zeros((6, 8), np.uint16)])
    found = decode(
        io.BytesIO(
            tiff(
                np.moveaxis(clear, 2, 0),
                photometric="rgb",
                planarconfig="separate",
                extrasamples=["unassalpha"],
            )
        )
    )
    assert (np.asarray(found.image).min(), found.transparent) == (255, True)


@pytest.mark.parametrize("channels", [2, 5, 8])
def test_other_channels_are_planes(channels: int) -> None:
    pixels = np.zeros((6, 8, channels), np.uint16)
    pixels[..., -1] = 60_000
    found = decode(io.BytesIO(tiff(pixels, photometric="minisblack", planarconfig="contig")))
    assert found.planes is not None
    assert found.planes.shape == (6, 8, channels)
    assert found.planes[..., -1].min() == round(60_000 / 257)
    assert len(found.plane_samples) == channels


def test_kinds_of_colour_that_are_not_known_are_named() -> None:
    pixels = np.zeros((4, 6, 8), np.uint16)
    body = tiff(pixels, photometric="separated", planarconfig="separate")
    assert why(body)[1].startswith("has 4 channels of a kind of colour that is not supported")


def test_kinds_of_numbers_without_a_way_to_grey_are_named() -> None:
    assert why(tiff(ramp(0, 1, dtype="c8")))[0] == "unsupported"
    floats = np.zeros((4, 4, 3), np.float32)
    assert why(tiff(floats, photometric="rgb"))[1] == (
        "holds colours of more than 16 bits: save it with 8 or 16 bits per colour"
    )


def test_every_page_is_a_picture() -> None:
    found = list(pages(io.BytesIO(pages_of(3))))
    assert [number for number, _ in found] == [1, 2, 3]
    shown = []
    for _, one in found:
        assert not isinstance(one, UnreadableImageError)
        assert (one.native, one.n_pages, one.sample) == (False, 3, None)
        shown.append(np.asarray(one.image))
    assert not (shown[0] == shown[1]).all()
    first = decode(io.BytesIO(pages_of(3)))
    assert (np.asarray(first.image)[:, :, 0] == shown[0][..., 0]).all()


def test_smaller_copies_and_masks_are_no_pages() -> None:
    whole, small = np.full((32, 32), 9, np.uint8), np.full((16, 16), 9, np.uint8)
    body = tiff_of(
        [
            (whole, {}),
            (small, {"subfiletype": 1}),
            (whole > 0, {"subfiletype": 4}),
            (whole + 1, {}),
            (small, {"subfiletype": 1}),
        ]
    )
    sizes = [one.width for _, one in pages(io.BytesIO(body)) if hasattr(one, "width")]
    assert sizes == [32, 32]
    alone = decode(io.BytesIO(tiff_of([(whole, {}), (small, {"subfiletype": 1})])))
    assert (alone.native, alone.n_pages) == (True, 1)


def test_pages_of_different_kinds() -> None:
    body = tiff_of(
        [
            (np.zeros((8, 8, 3), np.uint8), {"photometric": "rgb"}),
            (ramp(0, 60_000), {}),
            (ramp(0, 1, dtype="f8"), {}),
            (
                np.zeros((8, 8, 5), np.uint8),
                {"photometric": "minisblack", "planarconfig": "contig"},
            ),
        ]
    )
    found = [one for _, one in pages(io.BytesIO(body), reading=Reading(low=0, high=60_000))]
    colour, deep, strange, channels = found
    assert not isinstance(colour, UnreadableImageError)
    assert not isinstance(deep, UnreadableImageError)
    assert not isinstance(strange, UnreadableImageError)
    assert (colour.image.mode, colour.sample, colour.n_pages) == ("RGB", None, 4)
    assert deep.sample is not None
    assert np.asarray(deep.image).max() == 255
    assert (strange.format, strange.n_pages) == ("TIFF", 4)
    assert not isinstance(channels, UnreadableImageError)
    assert channels.planes is not None
    assert (channels.native, channels.n_pages) == (False, 4)


def test_too_many_pages_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    body = pages_of(6)
    monkeypatch.setattr(decoded_module, "MAX_FILE_PIXELS", 5 * 480)
    assert why(body)[1].endswith("pixels in its 6 pages: divide it into smaller files")
    many = tiff_of([(np.zeros((1, 1), np.uint8), {})] * 501)
    monkeypatch.undo()
    assert why(many)[1] == "holds more than 500 pages: divide it into smaller files"
    strange = tiff_of([(np.zeros((1, 1)), {})] * 501)
    assert why(strange)[1] == "holds more than 500 pages: divide it into smaller files"


def test_a_page_that_unpacks_to_anything_is_refused_before_it_is_unpacked() -> None:
    body = tiff(np.zeros((4000, 400)), compression="zlib", rowsperstrip=4000)
    with tifffile.TiffFile(io.BytesIO(body)) as file:
        place = file.pages[0].tags["ImageLength"].valueoffset  # type: ignore[union-attr]
    small = bytearray(body)
    small[place : place + 4] = (4).to_bytes(4, "little")  # 12.8 MB come out, 12.8 KB are expected
    assert why(bytes(small))[0] == "damaged"
    assert why(tiff(np.zeros((400, 400))), max_pixels=1000)[0] == "too_large"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pages_are_turned_upright(orientation: int) -> None:
    upright = np.zeros((4, 6))
    upright[0, 0] = 9
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    assert (turned(stored, orientation) == upright).all()
    for kind in ("f8", "u2"):  # through tifffile and through Pillow
        body = tiff(
            np.ascontiguousarray(stored).astype(kind),
            extratags=[(274, "H", 1, orientation, True)],
        )
        assert grey(body, Reading(low=0, high=9))[0].tolist() == [255, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("seed", range(6))
def test_damaged_bytes_are_a_picture_or_an_error_with_a_reason(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bodies = [
        tiff(ramp(0, 9, dtype="f8")),
        tiff(ramp(0, 9, dtype="f8"), compression="zlib"),
        tiff(ramp(0, 900)),
        pages_of(3),
        tiff(np.zeros((3, 8, 8), np.uint16), photometric="rgb", planarconfig="separate"),
    ]
    for broken in damaged(bodies, rng):
        try:
            for _, one in pages(broken, max_pixels=10_000):
                if isinstance(one, UnreadableImageError):
                    assert one.code in CODES
                else:
                    assert one.width * one.height <= 10_000
        except UnreadableImageError as err:
            assert err.code in CODES


@pytest.mark.parametrize(
    ("tag", "kind", "value"),
    [(262, 2, b"ab\0\0"), (262, 7, b"ab\0\0"), (262, 11, b"\0\0\xc0\x7f"), (258, 7, b"\xff\0\0\0")],
)
def test_tags_of_a_strange_type_damage_one_file_only(tag: int, kind: int, value: bytes) -> None:
    """Of a second page: Pillow opens the file by its first."""
    body = bytearray(pages_of(2))
    second = int.from_bytes(body[4:8], "little")
    n = int.from_bytes(body[second : second + 2], "little")
    second = int.from_bytes(body[second + 2 + 12 * n :][:4], "little")
    for at in range(second + 2, second + 2 + 12 * n, 12):
        if int.from_bytes(body[at : at + 2], "little") == tag:
            body[at + 2 : at + 12] = kind.to_bytes(2, "little") + (1).to_bytes(4, "little") + value
    try:
        found = list(pages(io.BytesIO(bytes(body))))
    except UnreadableImageError:
        return
    assert found
