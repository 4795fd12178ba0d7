"""Taking in what is no plain picture: one rule for deep grey, pages, patients, and what is told."""

from __future__ import annotations

import hashlib
import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.unit.data import hostile
from tests.unit.data.deep import dicom, pages_of, ramp, tiff
from tl_core.data import parallel
from tl_core.data.intake import Intake, IntakeLimits, take_in
from tl_core.data.pixels import open_pixels
from tl_core.data.reading import Reading
from tl_core.errors import CancelledError, UnsafeArchiveError
from tl_core.storage import Home

pytestmark = pytest.mark.filterwarnings("ignore")  # pydicom about values outside the standard


def scratch_files(home: Home) -> list[Path]:
    return list(home.folder("cache", "intake").iterdir())


def blobs(home: Home) -> set[str]:
    return {path.name for path in (home.root / "blobs").rglob("*") if path.is_file()}


def taken(tmp_path: Path, home: Home, members: dict[str, bytes], **options: Any) -> Intake:
    found = take_in(hostile.zip_of(tmp_path / "a.zip", members), home, **options)
    assert not scratch_files(home)
    assert blobs(home) == {record.digest for record in found.records}
    return found


def pixels_of(home: Home, digest: str) -> np.ndarray:
    with home.open_blob(digest) as stream, Image.open(stream) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def deep_set(n: int = 4) -> dict[str, bytes]:
    """Two classes that differ in how bright they are, in a small part of the range."""
    return {
        f"{label}/{number}.tif": tiff(ramp(low + number, low + 1000 + number))
        for label, low in (("dark", 2000), ("light", 6000))
        for number in range(n)
    }


def test_one_rule_for_the_whole_set(tmp_path: Path, home: Home) -> None:
    found = taken(tmp_path, home, deep_set())
    rule = Reading.from_dict(found.reading)
    assert rule is not None
    everything = np.concatenate(
        [
            ramp(low + n, low + 1000 + n).ravel()[i % 2 :: 1]
            for i, low in enumerate((2000, 6000))
            for n in range(4)
        ]
    )
    wanted = np.quantile(everything, (0.005, 0.995))
    assert abs(rule.low - wanted[0]) < 5
    assert abs(rule.high - wanted[1]) < 5
    assert rule.pictures == 8
    shown = {one.path: pixels_of(home, one.digest) for one in found.records}
    scaled = (ramp(2000, 3000).astype(float) - rule.low) / (rule.high - rule.low) * 255
    assert (shown["dark/0.tif"] == np.rint(scaled).clip(0, 255)).all()
    assert shown["dark/0.tif"].max() < 60
    assert shown["light/0.tif"].min() > 190  # how bright they are is kept
    for one in found.records:
        assert (one.format, one.width, one.height, one.group) == ("TIFF", 32, 24, "")
        assert home.thumb(one.digest, 160).exists()
    assert found.notes == (
        "8 pictures have more than 8 bits of grey. One rule for the whole set makes 8 bits of "
        f"them: {rule.in_words()} (the 0.5 % and the 99.5 % point of all values).",
        "8 pictures are kept as 8-bit PNG (8 TIFF).",
    )


def test_the_same_set_becomes_the_same_pictures(tmp_path: Path, home: Home) -> None:
    members = {**deep_set(), "dark/copy.tif": deep_set()["dark/0.tif"]}
    first = taken(tmp_path, home, members)
    assert taken(tmp_path, home, members) == first
    by_path = {one.path: one.digest for one in first.records}
    assert by_path["dark/copy.tif"] == by_path["dark/0.tif"]
    assert "1 picture is an exact copy of another." in first.notes


@pytest.mark.parametrize("working", [(16, "pad"), (200, "squash")])
def test_working_copies_are_those_of_what_is_stored(
    tmp_path: Path, home: Home, working: tuple[int, str]
) -> None:
    members = {**deep_set(2), "dark/p.tif": pages_of(3), "light/d.dcm": dicom(ramp(0, 8000))}
    found = taken(tmp_path, home, members, working=working)
    digests = [record.digest for record in found.records]
    size_px, resize = working

    def report(done: int, total: int) -> None:
        raise AssertionError("decoded again")

    made = open_pixels(home, digests, size_px=size_px, resize=resize, report=report).images[:]
    other = Home(tmp_path / "other")
    take_in(tmp_path / "a.zip", other)
    assert (open_pixels(other, digests, size_px=size_px, resize=resize).images[:] == made).all()


def test_pages_are_pictures_that_stay_together(tmp_path: Path, home: Home) -> None:
    stack = pages_of(3)
    members = {
        **hostile.two_classes(2),
        "ants/scan.tif": stack,
        "ants/scan.tif (page 2)": hostile.picture(seed=77),  # named by somebody with humour
        "bees/other.tif": pages_of(2, "RGB", seed=1),
    }
    found = taken(tmp_path, home, members)
    group = f"file {hashlib.sha256(stack).hexdigest()[:12]}"
    paged = {one.path: one.group for one in found.records if one.format == "TIFF"}
    assert {path for path, own in paged.items() if own == group} == {
        "ants/scan.tif (page 1)",
        "ants/scan.tif (page 2)*",
        "ants/scan.tif (page 3)",
    }
    assert len(set(paged.values())) == 2
    assert len({one.path for one in found.records}) == len(found.records) == 10
    assert found.notes == (
        "5 pictures are kept as 8-bit PNG (5 TIFF).",
        "2 files have several pages: each of the 5 is a picture of its own, and the pages of a "
        "file stay on one side of the division.",
    )
    assert found.reading == {}


def test_a_damaged_page_is_set_aside_alone(tmp_path: Path, home: Home) -> None:
    whole = bytearray(pages_of(3))
    with Image.open(io.BytesIO(bytes(whole))) as image:
        image.seek(1)
        place = image.tag_v2._tagdata if hasattr(image.tag_v2, "_tagdata") else None
        offset = image.tag_v2[273][0]
    assert place is not None
    at = whole.index(offset.to_bytes(4, "little"))
    whole[at : at + 4] = (2**31 - 1).to_bytes(4, "little")  # its pixels lie behind the end
    found = taken(tmp_path, home, {**hostile.two_classes(), "ants/scan.tif": bytes(whole)})
    assert [one.path for one in found.records if one.format == "TIFF"] == [
        "ants/scan.tif (page 1)",
        "ants/scan.tif (page 3)",
    ]
    assert [(one.file, one.reason) for one in found.quarantine] == [
        ("ants/scan.tif (page 2)", "is damaged or cut off")
    ]


def test_patients_are_held_together_and_nothing_of_them_is_stored(
    tmp_path: Path, home: Home
) -> None:
    members = {
        f"{label}/{patient}-{n}.dcm": dicom(ramp(n, 900 + n), PatientID=patient, Modality="CT")
        for label, patients in (("ill", ("P1", "P2")), ("well", ("P3",)))
        for patient in patients
        for n in range(2)
    }
    members["well/frames.dcm"] = dicom(np.stack([ramp(0, 900)] * 3), PatientID="P3")
    members["well/nobody.dcm"] = dicom(np.stack([ramp(0, 901)] * 2), PatientID="")
    found = taken(tmp_path, home, members)
    groups = {one.path: one.group for one in found.records}
    third = f"patient {hashlib.sha256(b'P3').hexdigest()[:12]}"
    assert {path for path, group in groups.items() if group == third} == {
        "well/P3-0.dcm",
        "well/P3-1.dcm",
        *(f"well/frames.dcm (page {n})" for n in (1, 2, 3)),
    }
    assert groups["well/nobody.dcm (page 1)"].startswith("file ")
    assert len(set(groups.values())) == 4
    for path in home.root.rglob("*"):
        if path.is_file():
            body = path.read_bytes()
            assert b"Doe^Jane" not in body
            assert b"P3" not in body[:200]
    assert "The pictures of each of 3 patients stay on one side of the division." in found.notes[-1]
    assert any("kept as 8-bit PNG (11 DICOM); of the DICOM headers" in note for note in found.notes)
    assert {one.format for one in found.records} == {"DICOM"}


def test_one_number_for_everybody_holds_nothing_together(tmp_path: Path, home: Home) -> None:
    members = {f"{label}/{n}.dcm": dicom(ramp(n, 900)) for label in "ab" for n in range(2)}
    members["a/stack.dcm"] = dicom(np.stack([ramp(0, 900)] * 2))
    members["b/photo.jpg"] = hostile.picture()
    found = taken(tmp_path, home, members)
    assert {one.group.split(" ")[0] for one in found.records} == {"", "file"}
    assert found.notes[-1] == (
        "All DICOM pictures bear the same patient number, so they are not held together by it."
    )


def test_hounsfield_units_are_named(tmp_path: Path, home: Home) -> None:
    members = {
        f"{label}/{n}.dcm": dicom(
            ramp(0, 2000), Modality="CT", RescaleSlope="1", RescaleIntercept="-1024", PatientID=""
        )
        for label in "ab"
        for n in range(2)
    }
    found = taken(tmp_path, home, members)
    assert found.reading["unit"] == "HU"
    assert "HU are black and from" in found.notes[-2]


def test_animations_and_formats_are_told(tmp_path: Path, home: Home) -> None:
    frames = [hostile.photo((20, 20), seed=seed) for seed in range(2)]
    members = hostile.two_classes()
    for kind in ("GIF", "WEBP", "PNG"):
        sink = io.BytesIO()
        frames[0].save(sink, kind, save_all=True, append_images=frames[1:])
        members[f"ants/x.{kind.lower()}"] = sink.getvalue()
    found = taken(tmp_path, home, members)
    assert found.notes == ("3 animated pictures count as their first frame.",)
    by_path = {one.path: one for one in found.records}
    digest = hashlib.sha256(members["ants/x.gif"]).hexdigest()
    assert by_path["ants/x.gif"].digest == digest  # kept as it came


@pytest.mark.parametrize(("clear", "warned"), [((10, 0), True), ((4, 3), False), ((10, 10), False)])
def test_transparency_that_goes_with_the_class_is_a_warning(
    tmp_path: Path, home: Home, clear: tuple[int, int], warned: bool
) -> None:
    members = {}
    for label, n_clear in zip(("ants", "bees"), clear, strict=True):
        for n in range(10):
            image = hostile.photo((20, 20), seed=n).convert("RGBA")
            if n < n_clear:
                image.putpixel((0, 0), (0, 0, 0, 0))
            sink = io.BytesIO()
            image.save(sink, "PNG")
            members[f"{label}/{n}.png"] = sink.getvalue() + label.encode()
    notes = taken(tmp_path, home, members).notes
    assert notes[0].endswith("pictures have see-through parts; white lies behind them now.")
    assert (len(notes) == 2) is warned
    if warned:
        assert notes[1].startswith(
            "Transparency goes with the class: 10 of 10 pictures of ants have it, and 0 of 10 of "
            "the others."
        )


def test_time_and_camera_come_with_the_picture(tmp_path: Path, home: Home) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Acme", "X 100"
    exif.get_ifd(0x8769)[0x9003] = "2024:05:06 12:00:00"
    members = hostile.two_classes(1)
    members["ants/photo.jpg"] = hostile.jpeg(hostile.photo((40, 30)), exif=exif)
    by_path = {one.path: one for one in taken(tmp_path, home, members).records}
    photo = by_path["ants/photo.jpg"]
    assert (photo.taken, photo.camera) == (1_714_996_800.0, "Acme X 100")
    assert (by_path["ants/0.jpg"].taken, by_path["ants/0.jpg"].camera) == (None, "")


# -- pictures that are added later -----------------------------------------------------------------


def test_a_rule_that_is_given_is_used(tmp_path: Path, home: Home) -> None:
    rule = Reading(low=1000, high=9000, pictures=99)
    found = taken(tmp_path, home, deep_set(), reading=rule)
    assert Reading.from_dict(found.reading) == rule
    assert found.notes[0] == (
        "8 pictures have more than 8 bits of grey. The rule of the set makes 8 bits of them: "
        "values up to 1,000 are black and from 9,000 on white."
    )
    shown = pixels_of(home, found.records[0].digest)
    assert shown[0, 0] == round((2000 - 1000) / 8000 * 255)
    assert not any("outside" in note for note in found.notes)
    plain = taken(tmp_path, Home(tmp_path / "plain"), hostile.two_classes(), reading=rule)
    assert Reading.from_dict(plain.reading) == rule  # it is not lost with plain pictures
    assert plain.notes == ()


def test_values_beyond_a_given_rule_are_told(tmp_path: Path, home: Home) -> None:
    found = taken(tmp_path, home, deep_set(), reading=Reading(low=0, high=5000))
    place = [note.startswith("8 pictures have") for note in found.notes].index(True)
    assert found.notes[place + 1] == (
        "50 % of the new values lie outside of that rule and are lost. To make a rule for all "
        "pictures, bring the whole set again."
    )
    assert found.notes[place + 2].startswith("4 of them look nearly even by this rule")


# -- bounds, and ends before the end ---------------------------------------------------------------


def test_progress_goes_up_to_all_once(tmp_path: Path, home: Home) -> None:
    steps: list[tuple[int, int]] = []
    members = {**deep_set(), **hostile.two_classes(), "ants/bad.tif": b"<html>"}
    taken(tmp_path, home, members, report=lambda done, total: steps.append((done, total)))
    assert {total for _, total in steps} == {15}
    done = [one for one, _ in steps]
    assert done == sorted(done)
    assert done[-1] == 15
    assert len(steps) == 15 + 8 + 1


@pytest.mark.parametrize("after", [0, 3, 8, 9, 12, 15])
def test_cancelling_in_either_pass_leaves_nothing_behind(
    tmp_path: Path, home: Home, after: int
) -> None:
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > after

    with pytest.raises(CancelledError, match="was cancelled"):
        taken(tmp_path, home, deep_set(), cancelled=cancelled, working=(16, "pad"))
    assert asked == after + 1
    assert not scratch_files(home)
    assert not list(home.root.rglob("*.part"))
    assert not list(home.folder("cache", "pixels").rglob("*.npy"))


@pytest.mark.parametrize("after", [3, 12])
def test_a_crash_in_either_pass_leaves_nothing_behind(
    tmp_path: Path, home: Home, after: int
) -> None:
    calls = iter(range(100))

    def report(done: int, total: int) -> None:
        if next(calls) == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        taken(tmp_path, home, deep_set(), report=report)
    assert not scratch_files(home)


def test_only_what_waits_for_the_rule_stays_in_the_scratch_folder(
    tmp_path: Path, home: Home
) -> None:
    members = {
        f"{label}/{n}.dcm": dicom(ramp(0, 255, dtype=np.uint8) + n)
        for label in "ab"
        for n in range(30)
    }
    most = 0

    def report(done: int, total: int) -> None:
        nonlocal most
        most = max(most, sum(1 for _ in home.folder("cache", "intake").rglob("*.*")))

    taken(tmp_path, home, members, report=report)
    assert most <= parallel.AHEAD * parallel.MAX_THREADS


def shared_pages(n: int) -> bytes:
    """A small TIFF file whose pages all show the same bytes, turned differently."""
    side = 64
    data = np.random.default_rng(0).integers(0, 255, side * side, dtype=np.uint8).tobytes()
    body, size = b"II*\0" + struct.pack("<I", 8 + len(data)) + data, 2 + 12 * 9 + 4
    for number in range(n):
        tags = {256: side, 257: side, 258: 8, 259: 1, 262: 1, 273: 8, 274: 1 + number % 4}
        tags |= {278: side, 279: len(data)}
        after = len(body) + size if number < n - 1 else 0
        body += struct.pack("<H", len(tags))
        body += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
        body += struct.pack("<I", after)
    return body


def test_pages_count_against_the_limit_of_bytes(tmp_path: Path, home: Home) -> None:
    body = shared_pages(40)
    assert len(body) < 10_000
    members = {"a/1.tif": body, "b/1.jpg": hostile.picture()}
    assert len(taken(tmp_path, home, members).records) == 41
    limits = IntakeLimits(total_bytes=100_000)
    with pytest.raises(UnsafeArchiveError, match=r"The pages in it take more than 0.0001 GB"):
        taken(tmp_path, home, members, limits=limits)
    assert not scratch_files(home)
