"""When and with what a photo was taken; rubbish in the camera's notes says nothing."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from tests.unit.data import hostile
from tl_core.data.camera import LONGEST_NAME, camera_name
from tl_core.data.decode import decode

pytestmark = pytest.mark.filterwarnings("ignore")

NOON = 1_714_996_800.0  # 2024-05-06 12:00:00


def taken(moment: object, fraction: object = None) -> float | None:
    exif = Image.Exif()
    details = exif.get_ifd(0x8769)
    details[0x9003] = moment
    if fraction is not None:
        details[0x9291] = fraction
    return decode(io.BytesIO(hostile.jpeg(hostile.photo((20, 20)), exif=exif))).taken


@pytest.mark.parametrize(
    ("moment", "fraction", "wanted"),
    [
        ("2024:05:06 12:00:00", None, NOON),
        ("2024:05:06 12:00:00\0", "25", NOON + 0.25),
        ("2024:05:06 12:00:00", "007", NOON + 0.007),
        ("2024:05:06 12:00:00", "  ", NOON),
        ("2024:05:06 12:00:00", "x", NOON),
        ("0000:00:00 00:00:00", None, None),
        ("2024:13:06 12:00:00", None, None),
        ("1970:01:01 00:00:00", None, None),
        ("    :  :     :  :  ", None, None),
        ("yesterday", None, None),
        ("", None, None),
    ],
)
def test_the_clock_of_the_camera(moment: str, fraction: str | None, wanted: float | None) -> None:
    assert taken(moment, fraction) == wanted


def test_a_photo_without_notes_says_nothing() -> None:
    for kind in ("JPEG", "PNG", "TIFF"):
        found = decode(io.BytesIO(hostile.picture(kind=kind)))
        assert (found.taken, found.camera) == (None, "")
    broken = hostile.jpeg(
        hostile.photo((40, 30)), exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7frubbish"
    )
    found = decode(io.BytesIO(broken))
    assert (found.taken, found.camera, found.image.size) == (None, "", (40, 30))


@pytest.mark.parametrize(
    ("make", "model", "wanted"),
    [
        ("Acme", "X 100", "Acme X 100"),
        ("Acme", "ACME X 100", "ACME X 100"),
        (" Acme\0\0", b"X\x00 \n100", "Acme X 100"),
        (None, "X 100", "X 100"),
        ("Acme", None, "Acme"),
        (None, None, ""),
        (b"\xff\xfe", "\x07", "\ufffd\ufffd"),
    ],
)
def test_the_name_of_the_camera(make: object, model: object, wanted: str) -> None:
    assert camera_name(make, model) == wanted


def test_a_long_name_is_cut() -> None:
    assert len(camera_name("A" * 50, "B" * 50)) == LONGEST_NAME
