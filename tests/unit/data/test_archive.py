"""Containers: what is read, what is set aside, what ends the intake."""

from __future__ import annotations

import os
import tarfile
import unicodedata
import zipfile
from pathlib import Path

import pytest

from tests.unit.data import hostile
from tl_core.data.archive import open_container
from tl_core.data.container import IntakeLimits
from tl_core.data.names import clean_name
from tl_core.errors import (
    DataError,
    UnreadableArchiveError,
    UnreadableImageError,
    UnsafeArchiveError,
)

PLAIN = {"ants/1.jpg": b"one" * 50, "bees/2.jpg": b"two" * 70, "readme.txt": b""}
TAR_MODES = ["w", "w:gz", "w:bz2", "w:xz"]


def read_all(path: Path, limits: IntakeLimits | None = None) -> dict[str, bytes]:
    with open_container(path, limits or IntakeLimits()) as container:
        keys = {entry.key for entry in container.entries}
        return {entry.name: b"".join(chunks) for entry, chunks in container.read(keys)}


def set_aside(path: Path, limits: IntakeLimits | None = None) -> dict[str, tuple[str, str]]:
    with open_container(path, limits or IntakeLimits()) as container:
        return {one.name: (one.code, one.reason) for one in container.entries if one.reason}


@pytest.mark.parametrize("kind", ["zip", "stored", "folder", *TAR_MODES])
def test_every_kind_gives_the_same_bytes_whatever_its_name(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "set.jpg"  # the name does not matter
    if kind == "folder":
        hostile.folder_of(path, PLAIN)
    elif kind in TAR_MODES:
        hostile.tar_of(path, PLAIN, kind)
    else:
        method = zipfile.ZIP_STORED if kind == "stored" else zipfile.ZIP_DEFLATED
        hostile.zip_of(path, PLAIN, method)
    assert read_all(path) == PLAIN


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_only_the_wanted_members_are_read(tmp_path: Path, kind: str) -> None:
    path = (hostile.zip_of if kind == "zip" else hostile.tar_of)(tmp_path / "a", PLAIN)
    with open_container(path, IntakeLimits()) as container:
        wanted = {one.key for one in container.entries if one.name.startswith("bees")}
        assert [entry.name for entry, _ in container.read(wanted)] == ["bees/2.jpg"]


CLIMBING = {
    "../up.jpg": 'has a name that points outside the archive (it contains "..")',
    "ants/../../up2.jpg": 'has a name that points outside the archive (it contains "..")',
    "ants\\..\\..\\up3.jpg": 'has a name that points outside the archive (it contains "..")',
    "/etc/abs.jpg": "has a name that points outside the archive (it starts at the disk)",
    "C:\\abs.jpg": "has a name that points outside the archive (it starts at the disk)",
    "d:abs.jpg": "has a name that points outside the archive (it starts at the disk)",
    "\\\\server\\share\\abs.jpg": "has a name that points outside the archive "
    "(it starts at the disk)",
}


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_names_that_climb_out_are_set_aside_and_the_rest_is_read(tmp_path: Path, kind: str) -> None:
    members = {**dict.fromkeys(CLIMBING, b"evil"), **PLAIN}
    path = (hostile.zip_of if kind == "zip" else hostile.tar_of)(tmp_path / "a", members)
    assert set_aside(path) == {name: ("unsafe_name", why) for name, why in CLIMBING.items()}
    assert read_all(path) == PLAIN


def test_clean_name() -> None:
    assert clean_name("./a//b\\c.jpg") == ("a/b/c.jpg", "")
    assert clean_name(unicodedata.normalize("NFD", "café/ü.jpg")) == ("café/ü.jpg", "")
    assert clean_name("a\nb/\u202egpj.exe") == ("a\ufffdb/\ufffdgpj.exe", "")
    assert clean_name("a\x00b.jpg")[1] == "has a name with a forbidden character"
    assert clean_name("x/" * 600)[1] == "has a name of more than 1000 characters"
    assert len(clean_name("x/" * 600)[0]) == 200
    assert clean_name("./")[1] == "has no name"
    clean_name("\udcff.jpg")[0].encode()  # can be stored


def test_a_nul_in_a_zip_name_is_seen_although_the_library_hides_it(tmp_path: Path) -> None:
    path = hostile.zip_of(tmp_path / "a.zip", {"ants/1.jpgX.exe": b"x"})
    path.write_bytes(path.read_bytes().replace(b"jpgX.exe", b"jpg\x00.exe"))
    ((code, reason),) = set_aside(path).values()
    assert (code, reason) == ("unsafe_name", "has a name with a forbidden character")


def test_links_and_devices_in_archives_are_set_aside(tmp_path: Path) -> None:
    linked = hostile.zip_with_link(tmp_path / "a.zip", PLAIN, "ants/link.jpg", "/etc/passwd")
    assert set_aside(linked) == {
        "ants/link.jpg": ("link", "is a link or a special file; these are not followed")
    }
    assert read_all(linked) == PLAIN
    tar = hostile.tar_with_links(tmp_path / "a.tar", PLAIN)
    assert set_aside(tar) == {
        "ants/symbolic.jpg": ("link", "is a link; links are not followed"),
        "ants/hard.jpg": ("link", "is a link; links are not followed"),
        "ants/device.jpg": ("link", "is not an ordinary file"),
        "ants/pipe.jpg": ("link", "is not an ordinary file"),
    }
    assert read_all(tar) == PLAIN


@pytest.mark.skipif(os.name == "nt", reason="needs the right to make links")
def test_links_in_a_folder_are_not_followed_out_of_it(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "more.jpg").write_bytes(b"secret")
    root = hostile.folder_of(tmp_path / "set", PLAIN)
    (root / "ants" / "out.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "ants" / "gone.jpg").symlink_to(root / "nothing")
    (root / "wasps").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to(root)
    (root / "ants" / "inside.jpg").symlink_to(root / "bees" / "2.jpg")
    os.mkfifo(root / "ants" / "pipe.jpg")
    why = ("link", "is a link to another place; links are not followed")
    assert set_aside(root) == {
        "ants/out.jpg": why,
        "ants/gone.jpg": why,
        "wasps": why,
        "loop": why,
        "ants/pipe.jpg": ("link", "is not an ordinary file"),
    }
    assert read_all(root) == {**PLAIN, "ants/inside.jpg": PLAIN["bees/2.jpg"]}


@pytest.mark.skipif(os.name == "nt", reason="needs the right to make links")
def test_links_in_a_circle_and_paths_that_are_too_long_end_nothing(tmp_path: Path) -> None:
    root = hostile.folder_of(tmp_path / "set", PLAIN)
    (root / "ants" / "there.jpg").symlink_to("back.jpg")
    (root / "ants" / "back.jpg").symlink_to("there.jpg")
    place = os.open(root, os.O_RDONLY)
    for _ in range(25):
        os.mkdir("d" * 200, dir_fd=place)
        deeper = os.open("d" * 200, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = deeper
    os.close(place)
    why = ("link", "is a link to another place; links are not followed")
    found = set_aside(root)
    assert found.pop("ants/there.jpg") == found.pop("ants/back.jpg") == why
    ((name, (code, _)),) = found.items()
    assert (name[:4], code) == ("dddd", "unsafe_name")  # of more than 1000 characters
    assert read_all(root) == PLAIN


def test_a_large_file_in_a_folder_is_set_aside_without_ending_the_intake(tmp_path: Path) -> None:
    root = hostile.folder_of(tmp_path / "set", {**PLAIN, "ants/big.jpg": bytes(2 << 20)})
    limits = IntakeLimits(file_bytes=1 << 20)
    assert set_aside(root, limits) == {"ants/big.jpg": ("too_large", "is larger than 1 MB")}
    assert read_all(root, limits) == PLAIN


def test_hidden_folders_are_not_walked(tmp_path: Path) -> None:
    root = hostile.folder_of(tmp_path / "set", {**PLAIN, ".git/x/y.jpg": b"", "__MACOSX/z": b""})
    with open_container(root, IntakeLimits()) as container:
        assert {one.name for one in container.entries} == set(PLAIN)


@pytest.mark.parametrize("kind", ["zip", "folder", *TAR_MODES])
def test_too_many_entries(tmp_path: Path, kind: str) -> None:
    members = {f"ants/{number}.jpg": b"" for number in range(12)}
    path = tmp_path / "many"
    if kind == "folder":
        hostile.folder_of(path, members)
    else:
        (hostile.zip_of if kind == "zip" else hostile.tar_of)(path, members)
    with pytest.raises(UnsafeArchiveError, match="There are more than 11 files in it") as caught:
        open_container(path, IntakeLimits(entries=11))
    assert "Bring fewer pictures" in caught.value.hint
    open_container(path, IntakeLimits(entries=12)).close()


def test_a_vast_central_directory_is_refused_before_it_is_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = hostile.zip_of(tmp_path / "a.zip", {f"{n:060}.jpg": b"" for n in range(2000)})
    made: list[object] = []
    real = zipfile.ZipInfo
    monkeypatch.setattr(
        zipfile,
        "ZipInfo",
        lambda *args: made.append(args) or real(*args),  # type: ignore[func-returns-value]
    )
    with pytest.raises(UnsafeArchiveError, match="more than 1,000 files"):
        open_container(path, IntakeLimits(entries=1000))
    assert not made


@pytest.mark.parametrize("kind", ["zip", "w:gz", "w:bz2", "w:xz"])
def test_a_bomb_is_stopped_by_its_ratio(tmp_path: Path, kind: str) -> None:
    members = {"ants/bomb.jpg": bytes(30 << 20), **PLAIN}
    if kind == "zip":
        path = hostile.zip_of(tmp_path / "bomb.zip", members)
    else:
        path = hostile.tar_of(tmp_path / "bomb.tar", members, kind)
    assert path.stat().st_size < 100_000
    with pytest.raises(UnsafeArchiveError, match="unpacks to more than 200 times") as caught:
        read_all(path)
    assert "unpack them and bring the folder" in caught.value.hint


def test_a_small_member_may_pack_well(tmp_path: Path) -> None:
    members = {"ants/white.bmp": bytes(900_000)}
    assert read_all(hostile.zip_of(tmp_path / "a.zip", members)) == members


@pytest.mark.parametrize("kind", ["zip", "folder", "w", "w:gz"])
def test_total_and_single_size_count_real_bytes(tmp_path: Path, kind: str) -> None:
    members = {f"ants/{n}.jpg": os.urandom(3 << 20) for n in range(3)}
    path = tmp_path / "a"
    if kind == "folder":
        hostile.folder_of(path, members)
    elif kind == "zip":
        hostile.zip_of(path, members)
    else:
        hostile.tar_of(path, members, kind)
    with pytest.raises(UnsafeArchiveError, match="There are more than 8 MB in it"):
        read_all(path, IntakeLimits(total_bytes=8 << 20))
    if kind != "folder":
        with pytest.raises(UnsafeArchiveError, match=r"ants/0.jpg is larger than 2 MB"):
            read_all(path, IntakeLimits(file_bytes=2 << 20))


@pytest.mark.parametrize("claimed", [1, 10, 5_000, 0x7FFFFFFF])
def test_a_lying_size_does_not_matter(tmp_path: Path, claimed: int) -> None:
    body = os.urandom(4096)
    path = hostile.zip_claiming(tmp_path / "a.zip", "ants/1.jpg", body, claimed)
    with open_container(path, IntakeLimits()) as container:
        ((_, chunks),) = container.read({0})
        if claimed < len(body):  # the library stops there, and the checksum tells
            with pytest.raises(UnreadableImageError, match="is damaged inside the archive"):
                list(chunks)
        else:
            assert b"".join(chunks) == body


def test_the_ratio_does_not_believe_the_claimed_packed_size(tmp_path: Path) -> None:
    path = hostile.zip_packed_size_lie(tmp_path / "a.zip", "bomb.jpg", bytes(20 << 20), 1 << 20)
    with pytest.raises(UnsafeArchiveError, match="unpacks to more than 200 times"):
        read_all(path)


def test_a_member_with_a_bad_checksum_is_set_aside_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = hostile.zip_of(tmp_path / "a.zip", PLAIN, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"oneone", b"onEone", 1))
    with open_container(path, IntakeLimits()) as container:
        good = {}
        for entry, chunks in container.read({0, 1, 2}):
            if entry.name == "ants/1.jpg":
                with pytest.raises(UnreadableImageError) as caught:
                    list(chunks)
                assert caught.value.message == "The file is damaged inside the archive."
                assert caught.value.code == "damaged"
            else:
                good[entry.name] = b"".join(chunks)
    assert good.keys() == {"bees/2.jpg", "readme.txt"}


def test_many_small_members_are_stopped_by_the_ratio_of_the_whole_zip(tmp_path: Path) -> None:
    members = {f"bomb/{n}.bmp": bytes(1 << 20) for n in range(12)}
    path = hostile.zip_of(tmp_path / "a.zip", members)
    with pytest.raises(UnsafeArchiveError, match="The zip file unpacks to more than 200 times"):
        read_all(path)


def test_one_name_in_broken_utf8_does_not_cost_the_others(tmp_path: Path) -> None:
    path = hostile.zip_of(tmp_path / "a.zip", {**PLAIN, "ants/\u00e9.jpg": b"x"})
    path.write_bytes(path.read_bytes().replace("\u00e9".encode(), b"\xff\xfe"))
    with pytest.raises(UnicodeDecodeError):
        zipfile.ZipFile(path)  # what the library makes of it
    found = read_all(path)
    assert {name: found.pop(name) for name in PLAIN} == PLAIN
    assert list(found.values()) == [b"x"]


def test_a_file_named_like_a_folder_is_a_file(tmp_path: Path) -> None:
    path = hostile.zip_of(tmp_path / "a.zip", {"ants/": b"", "ants\\": b"", "ants/1.jpg/": b"x"})
    assert read_all(path) == {"ants/1.jpg": b"x"}


def test_unusual_packing_is_set_aside(tmp_path: Path) -> None:
    path = hostile.zip_of(tmp_path / "a.zip", {"a/1.jpg": b"x" * 99}, zipfile.ZIP_LZMA)
    reason = "is packed in an unusual way (LZMA): pack it again as an ordinary zip"
    assert set_aside(path) == {"a/1.jpg": ("unsupported", reason)}


def test_a_password_is_told(tmp_path: Path) -> None:
    path = hostile.zip_encrypted(tmp_path / "a.zip", PLAIN)
    with pytest.raises(UnreadableArchiveError, match="protected with a password") as caught:
        open_container(path, IntakeLimits())
    assert "pack it again without a password" in caught.value.hint


def test_one_protected_file_among_others_is_set_aside(tmp_path: Path) -> None:
    path = hostile.zip_of(tmp_path / "a.zip", PLAIN)
    raw = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.find(magic) + offset] |= 1
    path.write_bytes(raw)
    assert set_aside(path) == {"ants/1.jpg": ("unsupported", "is protected with a password")}
    assert read_all(path).keys() == PLAIN.keys() - {"ants/1.jpg"}


@pytest.mark.parametrize("cut", [0.3, 0.9, 0.999])
def test_a_cut_off_zip(tmp_path: Path, cut: float) -> None:
    path = hostile.zip_of(tmp_path / "a.zip", PLAIN)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * cut)])
    with pytest.raises(UnreadableArchiveError, match="zip file is broken or incomplete") as caught:
        open_container(path, IntakeLimits())
    assert "Download or pack it again" in caught.value.hint


@pytest.mark.parametrize("mode", TAR_MODES)
@pytest.mark.parametrize("cut", [0.3, 0.6])
def test_a_cut_off_tar(tmp_path: Path, mode: str, cut: float) -> None:
    members = {f"ants/{n}.jpg": os.urandom(9000) for n in range(5)}
    path = hostile.tar_of(tmp_path / "a.tar", members, mode)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * cut)])
    with pytest.raises(UnreadableArchiveError, match="tar file is broken or incomplete"):
        open_container(path, IntakeLimits())


def test_a_broken_header_in_the_middle_of_a_tar_is_no_silent_end(tmp_path: Path) -> None:
    path = hostile.tar_of(tmp_path / "a.tar", {f"ants/{n}.jpg": bytes(100) for n in range(5)})
    raw = bytearray(path.read_bytes())
    raw[3 * 1024 : 3 * 1024 + 20] = b"rubbish rubbish rubb"
    path.write_bytes(raw)
    with pytest.raises(UnreadableArchiveError, match="broken or incomplete"):
        open_container(path, IntakeLimits())


def test_an_enormous_tar_header_is_not_read(tmp_path: Path) -> None:
    path = hostile.tar_long_header(tmp_path / "a.tgz", 4 << 30)
    with pytest.raises(UnsafeArchiveError, match="a header of more than 256 KB"):
        open_container(path, IntakeLimits())


def test_long_and_foreign_names_survive_a_tar(tmp_path: Path) -> None:
    names = [f"ants/{'long' * 60}.jpg", "bienen-größe/übung.jpg", "蚂蚁/一.jpg"]
    path = tmp_path / "a.tar"
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        with tarfile.open(path, "w", format=form) as archive:
            for name in names:
                archive.addfile(tarfile.TarInfo(name))
        assert list(read_all(path)) == names


def test_utf8_names_of_a_zip_that_does_not_say_so(tmp_path: Path) -> None:
    path = hostile.zip_of(tmp_path / "a.zip", {"größe/XX.jpg": b"1", "plain/1.jpg": b"2"})
    raw = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = raw.find(magic)
        raw[at + offset + 1] &= ~0x08 & 0xFF
    path.write_bytes(raw)
    assert set(read_all(path)) == {"größe/XX.jpg", "plain/1.jpg"}


def test_names_equal_after_normalising_are_told_apart_by_a_reason(tmp_path: Path) -> None:
    names = ["ants/é.jpg", unicodedata.normalize("NFD", "ants/é.jpg"), "Ants/é.jpg"]
    path = hostile.tar_of(tmp_path / "a.tar", dict.fromkeys(names, b"x"))
    reason = "comes a second time under the same name; the first one is used"
    assert set_aside(path) == {"ants/é.jpg": ("duplicate_name", reason)}
    assert set(read_all(path)) == {"ants/é.jpg", "Ants/é.jpg"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "set is empty (0 bytes)."),
        (b"Rar!\x1a\x07\x01\x00rest", "set is a RAR archive, which Thaw does not open."),
        (b"7z\xbc\xaf\x27\x1crest", "set is a 7z archive, which Thaw does not open."),
        (
            b"<!DOCTYPE html><html>",
            "set is neither a zip nor a tar file (it starts like a web page).",
        ),
        (hostile.picture(), "set is a single picture, not a set of pictures."),
        (b"\x00\x01\x02\x03" * 300, "set is neither a zip nor a tar file."),
        (b"\x1f\x8b" + b"no gzip at all", "set is a compressed file (gzip) without a tar archive"),
    ],
)
def test_other_files_are_named_for_what_they_are(tmp_path: Path, body: bytes, words: str) -> None:
    path = tmp_path / "set"
    path.write_bytes(body)
    with pytest.raises(UnreadableArchiveError) as caught:
        open_container(path, IntakeLimits())
    assert caught.value.message.startswith(words)
    assert caught.value.hint


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone.zip cannot be opened \(No such file") as caught:
        open_container(tmp_path / "gone.zip", IntakeLimits())
    assert caught.value.hint


def test_a_picture_that_is_also_a_zip_is_a_picture(tmp_path: Path) -> None:
    packed = hostile.zip_of(tmp_path / "b.zip", PLAIN).read_bytes()
    path = tmp_path / "a.zip"
    path.write_bytes(hostile.picture() + packed)
    assert zipfile.is_zipfile(path)
    with pytest.raises(UnreadableArchiveError, match="single picture"):
        open_container(path, IntakeLimits())
