"""The measurement of taking pictures in: its photographs differ, and both sides read them all."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

from PIL import Image

from benchmarks.intake import PHOTO_PX, cut_out, decode_zip, take_all, told
from tests.unit.data import hostile


def test_every_photograph_is_another_one_of_the_size_asked_for() -> None:
    sources = [hostile.jpeg(hostile.photo((640, 480))), hostile.jpeg(hostile.photo((300, 900)))]
    made = [cut_out(number, sources, PHOTO_PX) for number in range(6)]
    assert len({hashlib.sha256(body).hexdigest() for body in made}) == 6
    assert {Image.open(io.BytesIO(body)).size for body in made} == {PHOTO_PX}
    assert cut_out(3, sources, PHOTO_PX) == made[3]


def test_both_sides_read_every_picture_of_the_zip(tmp_path: Path) -> None:
    path = hostile.zip_of(tmp_path / "a.zip", hostile.two_classes(4), zipfile.ZIP_STORED)
    bare, taken = decode_zip(path, tmp_path), take_all(path, tmp_path / "home")
    assert bare["pictures"] == taken["pictures"] == 8
    assert taken["stored"] > path.stat().st_size
    row = {**taken, "rate": 100.0, "peak": 2e8, "before": 1e8, "written": 3e6}
    assert "100 pictures/s" in told("zip", [row], 1_000_000)
