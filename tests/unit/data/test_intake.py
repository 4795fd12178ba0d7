"""Taking pictures in, end to end: records, quarantine, notes, errors, cancelling."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from tests.unit.data import hostile
from tl_core.data import parallel
from tl_core.data.intake import Intake, IntakeLimits, take_in
from tl_core.data.pixels import open_pixels
from tl_core.data.quarantine import CODES
from tl_core.data.segments import RowWriter, disk_told
from tl_core.errors import (
    CancelledError,
    ConfigError,
    EmptyDatasetError,
    StorageError,
    UnreadableArchiveError,
    UnsafeArchiveError,
)
from tl_core.storage import Home


def blobs(home: Home) -> set[str]:
    return {path.name for path in (home.root / "blobs").rglob("*") if path.is_file()}


def scratch_files(home: Home) -> list[Path]:
    return list(home.folder("cache", "intake").iterdir())


def test_records_blobs_and_thumbnails(tmp_path: Path, home: Home) -> None:
    members = hostile.two_classes()
    found = take_in(hostile.zip_of(tmp_path / "a.zip", members), home)
    assert [record.path for record in found.records] == sorted(members)
    for record in found.records:
        body = members[record.path]
        assert record.digest == hashlib.sha256(body).hexdigest()
        assert (record.width, record.height) == (24, 16)
        assert (record.bytes, record.format, record.split) == (len(body), "JPEG", None)
        assert record.label == record.path.split("/")[0]
        with home.open_blob(record.digest) as stream:
            assert stream.read() == body
        with Image.open(home.thumb(record.digest, 160)) as thumb:
            assert (thumb.format, thumb.size) == ("JPEG", (24, 16))
    assert blobs(home) == {record.digest for record in found.records}
    assert (found.quarantine, found.given_splits, found.notes) == ((), (), ())
    assert not scratch_files(home)


@pytest.mark.parametrize("kind", ["zip", "folder", "tar.gz"])
def test_the_container_makes_no_difference(tmp_path: Path, home: Home, kind: str) -> None:
    members = dict(reversed(hostile.two_classes().items()))
    reference = take_in(hostile.zip_of(tmp_path / "a.zip", hostile.two_classes()), home)
    path = tmp_path / "other"
    if kind == "zip":
        hostile.zip_of(path, {f"wrapped/{name}": body for name, body in members.items()})
    elif kind == "folder":
        hostile.folder_of(path, members)
    else:
        hostile.tar_of(path, members, "w:gz")
    found = take_in(path, home)
    assert [(one.label, one.digest) for one in found.records] == [
        (one.label, one.digest) for one in reference.records
    ]


def test_bad_files_are_listed_and_the_good_ones_come_in(tmp_path: Path, home: Home) -> None:
    good = hostile.two_classes()
    bad = {
        "ants/empty.jpg": (b"", "empty", "is empty (0 bytes)"),
        "ants/page.jpg": (
            b"<html>404</html>",
            "not_a_picture",
            "is not a picture Thaw can read (it starts like a web page)",
        ),
        "ants/cut.jpg": (
            hostile.jpeg(hostile.photo())[:3000],
            "damaged",
            "is damaged or cut off",
        ),
        "bees/bomb.png": (
            hostile.png_header(60_000, 60_000),
            "too_large",
            "is too large: at most 100 million pixels are decoded",
        ),
        "loose.jpg": (hostile.picture(), "no_class_folder", "is not inside a class folder"),
        "bees/list.csv": (b"a,b", "not_a_picture", "is a table or a list, not a picture"),
        "../climb.jpg": (
            hostile.picture(),
            "unsafe_name",
            'has a name that points outside the archive (it contains "..")',
        ),
    }
    junk = {"__MACOSX/ants/._1.jpg": b"x", ".DS_Store": b"x"}
    members = {**good, **{name: body for name, (body, _, _) in bad.items()}, **junk}
    steps: list[tuple[int, int]] = []
    found = take_in(
        hostile.zip_of(tmp_path / "a.zip", members),
        home,
        report=lambda done, total: steps.append((done, total)),
    )
    assert [record.path for record in found.records] == sorted(good)
    listed = {one.file: (one.code, one.reason) for one in found.quarantine}
    assert listed == {name: (code, reason) for name, (_, code, reason) in bad.items()}
    assert {one.code for one in found.quarantine} <= CODES.keys()
    assert [one.file for one in found.quarantine] == sorted(bad)
    assert found.notes == ("7 files were left out.", "2 system files were ignored.")
    assert steps[-1] == (10, 10)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert blobs(home) == {record.digest for record in found.records}
    assert not list(tmp_path.rglob("climb.jpg"))


def test_a_damaged_member_is_set_aside(tmp_path: Path, home: Home) -> None:
    members = hostile.two_classes()
    path = hostile.zip_of(tmp_path / "a.zip", members, 0)
    raw = path.read_bytes()
    at = raw.index(members["ants/1.jpg"]) + 300
    path.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
    found = take_in(path, home)
    assert len(found.records) == 5
    assert [(one.file, one.reason) for one in found.quarantine] == [
        ("ants/1.jpg", "is damaged inside the archive")
    ]
    assert not scratch_files(home)


def parts(*, train: str = "train", leak: bool = False) -> dict[str, bytes]:
    members = {}
    for number, part in enumerate((train, "val")):
        for seed, label in enumerate(("ants", "bees")):
            members[f"{part}/{label}/{number}.jpg"] = hostile.picture(seed=10 * number + seed)
    if leak:
        members["val/ants/again.jpg"] = members[f"{train}/ants/0.jpg"]
    return members


def test_given_parts_and_a_leak_between_them(tmp_path: Path, home: Home) -> None:
    found = take_in(hostile.zip_of(tmp_path / "a.zip", parts(leak=True)), home)
    assert found.given_splits == ("train", "val")
    assert found.notes == (
        "The folders give a training and a validation part; no test part.",
        "1 picture is an exact copy of another.",
        "1 picture is in more than one part, so results will look better than they are: "
        "train/ants/0.jpg is val/ants/again.jpg.",
    )
    assert len(found.records) == 5  # copies stay
    assert len(blobs(home)) == 4


def test_a_copy_under_another_label_and_a_class_missing_in_a_part(
    tmp_path: Path, home: Home
) -> None:
    members = {**parts(), "train/wasps/x.jpg": hostile.picture(seed=0)}
    found = take_in(hostile.zip_of(tmp_path / "a.zip", members), home)
    assert found.notes == (
        "The folders give a training and a validation part; no test part.",
        "1 class has no validation pictures: wasps.",
        "1 picture is an exact copy of another.",
        "1 picture is in more than one class: train/ants/0.jpg is train/wasps/x.jpg.",
    )


def test_one_class_is_taken_in_with_a_note(tmp_path: Path, home: Home) -> None:
    members = {f"ants/{n}.jpg": hostile.picture(seed=n) for n in range(2)}
    found = take_in(hostile.zip_of(tmp_path / "a.zip", members), home)
    assert found.notes == (
        "All pictures are in one class, ants. Training needs at least two classes.",
    )


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "a.zip is empty."),
        ({"1.jpg": hostile.picture()}, "No picture of a.zip is inside a class folder: 1 file"),
        (
            {"ants/1.jpg": b"<html>", "bees/2.jpg": b""},
            "a.zip holds no picture Thaw can use. The first one, ants/1.jpg, is not a picture",
        ),
        ({"__MACOSX/ants/1.jpg": b"x"}, "a.zip holds no picture Thaw can use."),
    ],
)
def test_nothing_usable_shows_the_layout_that_is_expected(
    tmp_path: Path, home: Home, members: dict[str, bytes], message: str
) -> None:
    with pytest.raises(EmptyDatasetError) as caught:
        take_in(hostile.zip_of(tmp_path / "a.zip", members), home)
    assert caught.value.message.startswith(message)
    assert "Put the pictures of each class into a folder named after it" in caught.value.hint
    assert "ants/" in caught.value.hint


@pytest.mark.parametrize("after", [0, 1, 4])
def test_cancelling_leaves_no_files_behind(tmp_path: Path, home: Home, after: int) -> None:
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > after

    with pytest.raises(CancelledError, match="was cancelled") as caught:
        take_in(
            hostile.zip_of(tmp_path / "a.zip", hostile.two_classes()), home, cancelled=cancelled
        )
    assert caught.value.hint == "Nothing was changed."
    assert not scratch_files(home)
    assert not list(home.root.rglob("*.part"))


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        (IntakeLimits(entries=3), UnsafeArchiveError),
        (IntakeLimits(total_bytes=1500), UnsafeArchiveError),
        (IntakeLimits(file_bytes=500), UnsafeArchiveError),
    ],
)
def test_limits_end_it(
    tmp_path: Path, home: Home, limits: IntakeLimits, error: type[Exception]
) -> None:
    with pytest.raises(error):
        take_in(hostile.zip_of(tmp_path / "a.zip", hostile.two_classes()), home, limits=limits)
    assert not scratch_files(home)


def test_a_pixel_limit_sets_single_pictures_aside(tmp_path: Path, home: Home) -> None:
    members = {**hostile.two_classes(), "ants/big.png": hostile.png_header(40, 40)}
    path = hostile.zip_of(tmp_path / "a.zip", members)
    found = take_in(path, home, limits=IntakeLimits(pixels=1000))
    assert [one.reason for one in found.quarantine] == [
        "is too large (40 x 40 pixels): at most 0.001 million pixels are decoded"
    ]


def test_a_full_disk_is_told_before_it_is_full(
    tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = hostile.zip_of(tmp_path / "a.zip", hostile.two_classes())
    monkeypatch.setattr(home, "free_bytes", lambda: 100 << 20)
    with pytest.raises(StorageError, match=r"The pictures need 0.0 GB of disk, 0.0 GB are free"):
        take_in(path, home)
    monkeypatch.setattr(home, "free_bytes", lambda: 10 << 30)

    def full(path: Path, **options: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(home, "put_blob", full)
    with pytest.raises(StorageError, match="could not be stored .No space left on device"):
        take_in(path, home)
    assert not scratch_files(home)


def test_what_the_report_raises_ends_it_cleanly(tmp_path: Path, home: Home) -> None:
    def report(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_in(hostile.zip_of(tmp_path / "a.zip", hostile.two_classes()), home, report=report)
    assert not scratch_files(home)
    assert not [one for one in threading.enumerate() if one.name.startswith("thaw-decode")]


def test_only_a_few_pictures_are_held_at_a_time(
    tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = {f"{label}/{n}.jpg": hostile.picture(seed=n) for label in "ab" for n in range(40)}
    most = 0

    def report(done: int, total: int) -> None:
        nonlocal most
        most = max(most, sum(len(files) for _, _, files in os.walk(home.folder("cache", "intake"))))

    take_in(hostile.zip_of(tmp_path / "a.zip", members), home, report=report)
    assert most <= parallel.AHEAD * parallel.MAX_THREADS


def test_taking_the_same_set_in_again_changes_nothing(tmp_path: Path, home: Home) -> None:
    path = hostile.zip_of(tmp_path / "a.zip", hostile.two_classes())
    first = take_in(path, home)
    stored = blobs(home)
    assert take_in(path, home) == first
    assert blobs(home) == stored


# -- working copies --------------------------------------------------------------------------------


def varied() -> dict[str, bytes]:
    """Two classes: a copy, photos that are decoded at reduced scale, a turned one, other kinds."""
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    big = hostile.photo((1600, 1100))
    return {
        **hostile.two_classes(),
        "ants/again.jpg": hostile.two_classes()["bees/0.jpg"],
        "ants/big.jpg": hostile.jpeg(big),
        "ants/middle.jpg": hostile.jpeg(hostile.photo((500, 375), seed=1)),
        "bees/turned.jpg": hostile.jpeg(hostile.photo((900, 700), seed=2), exif=exif),
        "bees/see-through.png": hostile.picture((70, 30), "PNG", "RGBA"),
        "bees/grey.png": hostile.picture((70, 30), "PNG", "L", seed=3),
    }


def nothing_decoded(done: int, total: int) -> None:
    raise AssertionError("decoded again")


@pytest.mark.parametrize("working", [(128, "pad"), (64, "crop"), (32, "squash")])
def test_working_copies_are_what_training_would_make(
    tmp_path: Path, working: tuple[int, str]
) -> None:
    path = hostile.zip_of(tmp_path / "a.zip", {**varied(), "ants/bad.jpg": b"<html>"})
    with_copies, without = Home(tmp_path / "with"), Home(tmp_path / "without")
    size_px, resize = working
    found = take_in(path, with_copies, working=working)
    assert take_in(path, without) == found
    digests = [record.digest for record in found.records]
    made = open_pixels(with_copies, digests, size_px=size_px, resize=resize, report=nothing_decoded)
    wanted = open_pixels(without, digests, size_px=size_px, resize=resize)
    assert made.images.shape == (12, 3, size_px, size_px)
    assert (made.images[:] == wanted.images[:]).all()
    assert blobs(with_copies) == blobs(without)
    (middle,) = [one.digest for one in found.records if one.path == "ants/middle.jpg"]
    for home in (with_copies, without):
        with Image.open(home.thumb(middle, 160)) as thumb:
            assert thumb.size == (160, 120)  # however small the working copies are


def test_only_new_pictures_are_added_to_the_working_copies(tmp_path: Path, home: Home) -> None:
    members = hostile.two_classes()
    take_in(hostile.zip_of(tmp_path / "a.zip", members), home, working=(16, "pad"))
    folder = home.folder("cache", "pixels")
    (first,) = folder.rglob("*.npy")
    take_in(hostile.zip_of(tmp_path / "a.zip", members), home, working=(16, "pad"))
    assert list(folder.rglob("*.npy")) == [first]
    members["ants/new.jpg"] = hostile.picture(seed=999)
    found = take_in(hostile.zip_of(tmp_path / "b.zip", members), home, working=(16, "pad"))
    (_, second) = sorted(folder.rglob("*.npy"))
    assert second.stat().st_size < first.stat().st_size
    digests = [record.digest for record in found.records]
    open_pixels(home, digests, size_px=16, resize="pad", report=nothing_decoded)


@pytest.mark.parametrize("end", ["cancelled", "crashed"])
def test_an_intake_that_ends_early_leaves_no_working_copies(
    tmp_path: Path, home: Home, end: str
) -> None:
    def report(done: int, total: int) -> None:
        if end == "crashed" and done == 3:
            raise KeyboardInterrupt

    asked = iter(range(100))
    with pytest.raises((CancelledError, KeyboardInterrupt)):
        take_in(
            hostile.zip_of(tmp_path / "a.zip", hostile.two_classes()),
            home,
            working=(16, "pad"),
            report=report,
            cancelled=lambda: end == "cancelled" and next(asked) == 5,
        )
    assert not list(home.folder("cache", "pixels").rglob("*.npy"))
    assert not scratch_files(home)


@pytest.mark.parametrize("when", ["at the start", "in the middle", "at the end"])
def test_working_copies_are_given_up_when_the_disk_is_full(
    tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    if when == "at the start":
        free = iter([10 << 30])  # enough for the pictures; then nothing
        monkeypatch.setattr(home, "free_bytes", lambda: next(free, 0))
    else:
        method, calls = ("add", iter([False, False])) if "middle" in when else ("keep", iter([]))
        real = getattr(RowWriter, method)

        def full(self: RowWriter, *args: object) -> None:
            if next(calls, True):
                with disk_told(tmp_path):
                    raise OSError(28, "No space left on device")
            real(self, *args)

        monkeypatch.setattr(RowWriter, method, full)
    path = hostile.zip_of(tmp_path / "a.zip", hostile.two_classes())
    found = take_in(path, home, working=(16, "pad"))
    assert len(found.records) == 6
    monkeypatch.undo()
    digests = [record.digest for record in found.records]
    assert open_pixels(home, digests, size_px=16, resize="pad").images.shape == (6, 3, 16, 16)


def test_a_wrong_resize_mode_is_told_at_once(tmp_path: Path, home: Home) -> None:
    path = hostile.zip_of(tmp_path / "a.zip", hostile.two_classes())
    with pytest.raises(ConfigError, match="resize cannot be 'zoom'"):
        take_in(path, home, working=(16, "zoom"))
    assert not scratch_files(home)


def test_a_broken_archive_is_an_error(tmp_path: Path, home: Home) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"PK\x03\x04rubbish")
    with pytest.raises(UnreadableArchiveError):
        take_in(path, home)


@pytest.mark.shared
def test_hymenoptera(shared_dir: Path, home: Home) -> None:
    found: Intake = take_in(shared_dir / "hymenoptera.zip", home, working=(128, "pad"))
    counts = Counter((record.split, record.label) for record in found.records)
    assert counts == {
        ("train", "ants"): 123,
        ("train", "bees"): 121,
        ("val", "ants"): 70,
        ("val", "bees"): 83,
    }
    assert [(one.file, one.code) for one in found.quarantine] == [
        ("hymenoptera/train/ants/imageNotFound.gif", "placeholder")
    ]
    assert found.notes[0] == "The folders give a training and a validation part; no test part."
    digests = [record.digest for record in found.records]
    open_pixels(home, digests, size_px=128, resize="pad", report=nothing_decoded)
