"""Photos handed over in memory: stored as the pictures of a set are, read by the rule of a run."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests.unit.data import hostile
from tests.unit.data.deep import dicom, pages_of, ramp, tiff
from tl_core.data.pixels import square_of
from tl_core.data.reading import Reading
from tl_core.errors import UnreadableImageError
from tl_core.jobs.incoming import keep_picture
from tl_core.storage import Home

RULE = Reading(low=100, high=200)


def stored(home: Home, digest: str) -> np.ndarray:
    with home.open_blob(digest) as stream, Image.open(stream) as image:
        return np.asarray(image)


def never() -> dict[str, object]:
    raise AssertionError("a plain photo needs no rule")


def test_a_plain_photo_is_kept_as_it_came(home: Home) -> None:
    body = hostile.picture()
    kept = keep_picture(home, "a.jpg", body, reading=never)
    with home.open_blob(kept.digest) as stream:
        assert stream.read() == body
    assert kept.name == "a.jpg"
    assert not list(home.folder("tmp").iterdir())


def test_deep_grey_is_kept_as_the_run_reads_it(home: Home) -> None:
    row = np.array([[0, 100, 150, 200, 65_535]], np.uint16)
    sink = io.BytesIO()
    Image.fromarray(row).save(sink, "PNG")
    for body in (sink.getvalue(), tiff(row), dicom(row)):
        kept = keep_picture(home, "a", body, reading=RULE.to_dict)
        assert stored(home, kept.digest)[0].tolist() == [0, 0, 128, 255, 255]
    without = keep_picture(home, "a", tiff(row))
    assert stored(home, without.digest)[0].tolist() == [0, 0, 1, 1, 255]
    assert not list(home.folder("tmp").iterdir())


def test_of_several_pages_the_first_is_kept_and_named(home: Home) -> None:
    kept = keep_picture(home, "scan.tif", pages_of(3), reading=never)
    assert kept.name == "scan.tif (page 1)"
    frames = dicom(np.stack([ramp(100, 200), ramp(0, 9)]))
    kept = keep_picture(home, "ct.dcm", frames, reading=RULE.to_dict)
    assert kept.name == "ct.dcm (page 1)"
    assert stored(home, kept.digest).max() == 255


@pytest.mark.parametrize("body", [b"Dear all", b"", dicom(ramp(0, 9))[:600]])
def test_what_is_no_picture_is_refused_by_name(home: Home, body: bytes) -> None:
    with pytest.raises(UnreadableImageError, match=r"^a\.dcm: The file is "):
        keep_picture(home, "a.dcm", body)
    assert not list(home.folder("tmp").iterdir())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_channels_that_are_no_colours_stay_what_they_are(home: Home, dtype: type) -> None:
    values = (np.arange(5) * np.ones((6, 8, 5)) * 50).astype(dtype)
    body = tiff(values, photometric="minisblack", planarconfig="contig")
    rule = Reading(low=0, high=0, planes=(((0, 200),) * 5,))
    kept = keep_picture(home, "a.tif", body, reading=rule.to_dict)
    with home.open_blob(kept.digest) as stream:
        found = square_of(stream, 8, "squash", 5)
    wanted = [0, 50, 100, 150, 200] if dtype == np.uint8 else [0, 64, 128, 191, 255]
    assert [int(one.max()) for one in found] == wanted
