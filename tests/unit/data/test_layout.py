"""Names alone: junk, wrapping folders, parts and labels."""

from __future__ import annotations

import pytest

from tl_core.data.layout import is_junk, read_layout


def placed(*names: str) -> dict[str, tuple[str | None, str]]:
    return {one.path: (one.split, one.label) for one in read_layout(names).pictures}


def refused(*names: str) -> dict[str, tuple[str, str]]:
    return {one.file: (one.code, one.reason) for one in read_layout(names).quarantine}


@pytest.mark.parametrize(
    "name",
    [
        "__MACOSX/ants/._a.jpg",
        "set/ants/.DS_Store",
        "ants/Thumbs.db",
        "ants/DESKTOP.INI",
        ".git/objects/a.jpg",
        "ants/._a.jpg",
        "ants/@eaDir/a.jpg",
        "x/__macosx/a.jpg",
    ],
)
def test_system_files_are_junk(name: str) -> None:
    assert is_junk(name)
    layout = read_layout([name, "ants/a.jpg", "bees/b.jpg"])
    assert layout.n_junk == 1
    assert not layout.quarantine
    assert len(layout.pictures) == 2


def test_classes_at_the_top() -> None:
    assert placed("ants/1.jpg", "bees/2.png") == {
        "ants/1.jpg": (None, "ants"),
        "bees/2.png": (None, "bees"),
    }


def test_any_number_of_wrapping_folders_comes_off_and_paths_stay() -> None:
    assert placed("a/b/c/ants/1.jpg", "a/b/c/bees/2.jpg", "a/readme.txt", "__MACOSX/x.jpg") == {
        "a/b/c/ants/1.jpg": (None, "ants"),
        "a/b/c/bees/2.jpg": (None, "bees"),
    }


def test_one_class_is_a_class_and_no_wrapping_folder() -> None:
    assert placed("ants/1.jpg", "ants/2.jpg") == {
        "ants/1.jpg": (None, "ants"),
        "ants/2.jpg": (None, "ants"),
    }
    assert set(placed("set/ants/1.jpg", "set/ants/2.jpg").values()) == {(None, "ants")}


def test_deeper_folders_belong_to_the_first_one() -> None:
    assert placed("ants/red/big/1.jpg", "ants/2.jpg", "bees/3.jpg") == {
        "ants/red/big/1.jpg": (None, "ants"),
        "ants/2.jpg": (None, "ants"),
        "bees/3.jpg": (None, "bees"),
    }


def test_a_stray_picture_in_the_wrapping_folder_is_set_aside() -> None:
    names = ("set/1.jpg", "set/ants/2.jpg", "set/bees/3.jpg")
    assert set(placed(*names)) == set(names[1:])
    assert refused(*names) == {"set/1.jpg": ("no_class_folder", "is not inside a class folder")}


@pytest.mark.parametrize(
    ("folder", "part"),
    [
        ("val", "val"),
        ("Valid", "val"),
        ("VALIDATION", "val"),
        ("dev", "val"),
        ("test", "test"),
        ("Testing", "test"),
        ("test_set", "test"),
        ("validation-images", "val"),
    ],
)
@pytest.mark.parametrize("train", ["train", "Training", "training_set"])
@pytest.mark.parametrize("wrapping", ["", "hymenoptera_data/", "a/b/"])
def test_parts_are_recognised(folder: str, part: str, train: str, wrapping: str) -> None:
    found = placed(
        f"{wrapping}{train}/ants/1.jpg",
        f"{wrapping}{train}/bees/2.jpg",
        f"{wrapping}{folder}/ants/3.jpg",
        f"{wrapping}{folder}/bees/sub/4.jpg",
    )
    assert list(found.values()) == [
        ("train", "ants"),
        ("train", "bees"),
        (part, "ants"),
        (part, "bees"),
    ]


def test_folders_called_train_and_test_with_pictures_in_them_are_classes() -> None:
    assert placed("train/1.jpg", "test/2.jpg") == {
        "train/1.jpg": (None, "train"),
        "test/2.jpg": (None, "test"),
    }


def test_a_class_called_train_among_other_classes_stays_a_class() -> None:
    names = ("train/red/1.jpg", "train/blue/2.jpg", "bus/3.jpg", "car/big/4.jpg")
    assert set(placed(*names).values()) == {(None, "train"), (None, "bus"), (None, "car")}


def test_only_a_training_folder_wraps_and_gives_no_parts() -> None:
    assert set(placed("train/ants/1.jpg", "train/bees/2.jpg").values()) == {
        (None, "ants"),
        (None, "bees"),
    }


def test_validation_and_test_without_training_give_no_parts() -> None:
    names = ("val/ants/1.jpg", "val/bees/2.jpg", "test/ants/3.jpg")
    assert set(placed(*names).values()) == {(None, "ants"), (None, "bees")}
    assert read_layout(names).notes == (
        "The folders give no training part, so the parts are drawn from all pictures.",
    )


def test_classes_beside_the_parts_count_as_training() -> None:
    names = ("train/ants/1.jpg", "test/ants/2.jpg", "wasps/3.jpg")
    assert placed(*names)["wasps/3.jpg"] == ("train", "wasps")
    assert read_layout(names).notes == (
        "1 picture beside the folders of the parts: taken as training.",
    )


def test_a_test_folder_beside_the_same_classes_is_a_part() -> None:
    names = ("ants/1.jpg", "bees/2.jpg", "test/ants/3.jpg", "test/bees/4.jpg")
    assert placed(*names) == {
        "ants/1.jpg": ("train", "ants"),
        "bees/2.jpg": ("train", "bees"),
        "test/ants/3.jpg": ("test", "ants"),
        "test/bees/4.jpg": ("test", "bees"),
    }


def test_a_folder_repeated_inside_its_part_comes_off() -> None:
    names = (
        "seg_train/seg_train/sea/1.jpg",
        "seg_train/seg_train/wood/2.jpg",
        "seg_test/seg_test/sea/3.jpg",
        "seg_test/seg_test/wood/4.jpg",
    )
    assert list(placed(*names).values()) == [
        ("train", "sea"),
        ("train", "wood"),
        ("test", "sea"),
        ("test", "wood"),
    ]


def test_pictures_loose_in_a_part_are_set_aside() -> None:
    names = ("train/ants/1.jpg", "train/bees/2.jpg", "train/3.jpg", "val/ants/4.jpg")
    assert refused(*names) == {"train/3.jpg": ("no_class_folder", "is not inside a class folder")}


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("ants/labels.CSV", "not_a_picture", "is a table or a list, not a picture"),
        ("ants/readme.md", "not_a_picture", "is a text, not a picture"),
        ("ants/a.xml", "not_a_picture", "is a table or a list, not a picture"),
        ("ants/a.mp4", "not_a_picture", "is a film or a sound, not a picture"),
        ("ants/more.zip", "not_a_picture", "is an archive; archives inside are not opened"),
        ("ants/a.npy", "not_a_picture", "is data, not a picture"),
        (
            "ants/a.CR2",
            "unsupported",
            "is a camera raw file, which is not supported: save it as JPEG",
        ),
        (
            "ants/image_not-found.gif",
            "placeholder",
            "is what web sites show in place of a missing picture (judging by its name)",
        ),
    ],
)
def test_files_known_not_to_be_pictures(name: str, code: str, reason: str) -> None:
    assert refused(name, "ants/a.jpg", "bees/b.jpg") == {name: (code, reason)}


def test_a_name_without_ending_may_be_a_picture() -> None:
    assert set(placed("ants/0001", "bees/0002.unknown")) == {"ants/0001", "bees/0002.unknown"}


def test_names_that_differ_by_case_stay_apart_with_a_note() -> None:
    names = ("Ants/1.jpg", "ants/1.jpg", "bees/2.jpg")
    assert {label for _, label in placed(*names).values()} == {"Ants", "ants", "bees"}
    assert read_layout(names).notes == (
        "The classes Ants and ants differ only in upper and lower case or in spaces.",
    )


def test_nothing_at_all() -> None:
    layout = read_layout([])
    assert (layout.pictures, layout.quarantine, layout.notes) == ((), (), ())
    assert refused("loose.jpg") == {
        "loose.jpg": ("no_class_folder", "is not inside a class folder")
    }
