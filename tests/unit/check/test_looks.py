"""The numbers of a picture: CleanVision's, kept per content, silent about broken headers."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.unit.check.sets import scene
from tl_core.check import looks as module
from tl_core.check.looks import LOOK, look_at, looks_of
from tl_core.storage import Home, atomic_path


def stored(home: Home, body: bytes) -> str:
    with atomic_path(home.folder("tmp") / "one") as part:
        part.write_bytes(body)
        return home.put_blob(part)


def jpeg(image: Image.Image, *, quality: int = 90, **exif: str) -> bytes:
    sink, notes = io.BytesIO(), Image.Exif()
    for name, value in exif.items():
        notes[{"make": 0x010F, "model": 0x0110, "when": 0x0132}[name]] = value
    image.save(sink, "JPEG", quality=quality, exif=notes)
    return sink.getvalue()


def test_white_and_black_are_at_the_ends() -> None:
    white = look_at(Image.new("RGB", (60, 40), "white"))[0]
    black = look_at(Image.new("RGB", (60, 40), "black"))[0]
    assert white["brightness"] == pytest.approx(1, abs=1e-3) and black["brightness"] == 0
    assert white["light_end"] == pytest.approx(1, abs=1e-3) and black["dark_end"] == 0
    assert black["edges"] == 0 and (white["color"][:3] == 255).all()


def test_border_and_corners_are_where_they_are() -> None:
    image = Image.new("RGB", (100, 100), (10, 20, 30))
    image.paste((200, 100, 0), (20, 20, 80, 80))
    image.paste((255, 255, 255), (0, 0, 12, 12))
    found = look_at(image)[0]
    assert found["rim"][2] < 60 and found["color"][0] > 60
    assert (found["corners"][:3] == 255).all() and (found["corners"][3:6] == (10, 20, 30)).all()


def test_what_the_header_says_is_read(home: Home) -> None:
    digests = [
        stored(home, jpeg(scene(1), make="Canon", model="A1", when="2024:05:06 07:08:09")),
        stored(home, jpeg(scene(2), make="Canon", model="A2")),
        stored(home, jpeg(scene(3), quality=50)),
    ]
    found = looks_of(home, digests)
    assert found["taken"][0] == 1714979289 and np.isnan(found["taken"][1:]).all()
    assert len(set(found["camera"].tolist())) == 3 and found["camera"][2] == 0
    assert found["quality"][2] > found["quality"][1] > 0  # coarser tables, larger numbers


@pytest.mark.parametrize("when", ["", "yesterday", "0000:00:00 00:00:00", "2024:99:01 00:00:00"])
def test_a_time_that_is_none_is_not_known(when: str) -> None:
    assert np.isnan(module._seconds(when))


def test_a_picture_is_looked_at_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = [stored(home, jpeg(scene(i))) for i in range(3)]
    told: list[tuple[int, int]] = []
    first = looks_of(home, digests, report=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    monkeypatch.setattr(module, "look_at", lambda image: pytest.fail("looked at again"))
    again = looks_of(home, [digests[2], digests[0], digests[2]])
    assert again.dtype == LOOK
    assert again.tobytes() == first[[2, 0, 2]].tobytes()


def test_no_picture_gives_no_look(tmp_path: Path) -> None:
    assert looks_of(Home(tmp_path), []).shape == (0,)
