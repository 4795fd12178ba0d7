import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tl_core.data.sample import (
    CLASSES,
    SHORTCUT_CLASS,
    SampleOptions,
    SampleTruth,
    draw_tile,
    write_sample,
)
from tl_core.errors import ConfigError, DataError

SMALL = {"per_class": 5, "size_px": 48}


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path), np.float32)


def test_every_class_gets_its_pictures_and_nothing_else_is_in_the_folder(tmp_path: Path) -> None:
    truth = write_sample(tmp_path / "tiles", SampleOptions(**SMALL))
    files = list(digests(tmp_path / "tiles"))
    assert len(CLASSES) >= 5
    assert files == [f"{name}/{number:03d}.jpg" for name in CLASSES for number in range(5)]
    assert truth == SampleTruth()
    with Image.open(tmp_path / "tiles" / files[0]) as picture:
        assert (picture.size, picture.mode) == ((48, 48), "RGB")


def test_same_seed_gives_the_same_bytes_and_another_seed_other_pictures(tmp_path: Path) -> None:
    options = SampleOptions(
        **SMALL, wrong_labels=0.1, near_duplicates=0.2, shortcut=True, second_lighting=True
    )
    truths = [write_sample(tmp_path / name, options) for name in ("first", "second")]
    write_sample(tmp_path / "third", SampleOptions(**SMALL, seed=1))
    first, second, third = (digests(tmp_path / name) for name in ("first", "second", "third"))
    assert first == second
    assert truths[0] == truths[1]
    assert not set(first.values()) & set(third.values())


def test_pictures_of_a_class_differ_from_each_other(tmp_path: Path) -> None:
    write_sample(tmp_path / "tiles", SampleOptions(**SMALL))
    found = digests(tmp_path / "tiles")
    assert len(set(found.values())) == len(found)


def test_more_pictures_keep_the_ones_drawn_before() -> None:
    assert draw_tile("rust", 3, size_px=48) == draw_tile("rust", 3, size_px=48)
    assert draw_tile("rust", 3, size_px=48) != draw_tile("rust", 4, size_px=48)


@pytest.mark.parametrize("kind", [name for name in CLASSES if name != "good"])
def test_a_fault_is_visible(kind: str) -> None:
    # The same random draws make the same surface up to the fault, so the class alone differs.
    changed = []
    for number in range(6):
        seed = [0, CLASSES.index(kind), number]
        marked = np.asarray(draw_tile(kind, number, size_px=96), np.float32)
        plain = np.asarray(plain_tile(seed, 96), np.float32)
        changed.append(np.mean(np.abs(marked - plain).max(axis=2) > 12))
    assert min(changed) > 0.003, changed


def plain_tile(seed: list[int], size_px: int) -> Image.Image:
    from tl_core.data import sample
    from tl_core.data.sample_marks import add_clutter
    from tl_core.data.sample_surface import Light, draw_surface, light_up

    rng = np.random.default_rng(seed)
    light = Light.draw(rng)
    canvas = draw_surface(rng, size_px)
    add_clutter(rng, canvas)
    return sample._as_picture(light_up(np.random.default_rng(0), canvas, light))


def test_wrong_labels_are_named_and_true(tmp_path: Path) -> None:
    options = SampleOptions(per_class=10, size_px=48, wrong_labels=0.1)
    truth = write_sample(tmp_path / "tiles", options)
    assert len(truth.mislabelled) == 6
    shown = {
        np.asarray(draw_tile(kind, number, size_px=48)).tobytes(): kind
        for kind in CLASSES
        for number in range(10)
    }
    for file, kind in truth.mislabelled.items():
        assert file.split("/")[0] != kind
        assert closest(pixels(tmp_path / "tiles" / file), shown) == kind
    clean = next(file for file in digests(tmp_path / "tiles") if file not in truth.mislabelled)
    assert closest(pixels(tmp_path / "tiles" / clean), shown) == clean.split("/")[0]


def closest(picture: np.ndarray, shown: dict[bytes, str]) -> str:
    def distance(raw: bytes) -> float:
        tile = np.frombuffer(raw, np.uint8).reshape(48, 48, 3).astype(np.float32)
        return float(np.abs(tile - picture).mean())

    return shown[min(shown, key=distance)]


def test_near_duplicates_are_close_to_their_original_but_not_the_same_bytes(
    tmp_path: Path,
) -> None:
    options = SampleOptions(per_class=10, size_px=96, near_duplicates=0.2)
    truth = write_sample(tmp_path / "tiles", options)
    assert len(truth.near_duplicates) == 12
    found = digests(tmp_path / "tiles")
    for copy, original in truth.near_duplicates.items():
        assert original not in truth.near_duplicates
        assert copy.split("/")[0] == original.split("/")[0]
        assert found[copy] != found[original]
        two = [pixels(tmp_path / "tiles" / name) for name in (copy, original)]
        assert np.abs(two[0] - two[1]).mean() < 14


def test_faults_do_not_fall_on_the_same_picture(tmp_path: Path) -> None:
    options = SampleOptions(per_class=10, size_px=48, near_duplicates=0.3, wrong_labels=0.3)
    truth = write_sample(tmp_path / "tiles", options)
    paired = set(truth.near_duplicates) | set(truth.near_duplicates.values())
    assert truth.mislabelled
    assert not paired & set(truth.mislabelled)


def test_the_shortcut_is_in_one_class_only(tmp_path: Path) -> None:
    truth = write_sample(tmp_path / "tiles", SampleOptions(**SMALL, shortcut=True))
    assert truth.shortcut_class == SHORTCUT_CLASS
    for file in digests(tmp_path / "tiles"):
        corner = pixels(tmp_path / "tiles" / file)[40:, 38:]
        strong_blue = np.mean((corner[..., 2] - corner[..., 0]) > 70) > 0.08
        assert strong_blue == file.startswith(SHORTCUT_CLASS), file


def test_second_lighting_takes_half_of_every_class(tmp_path: Path) -> None:
    truth = write_sample(
        tmp_path / "tiles", SampleOptions(per_class=6, size_px=48, second_lighting=True)
    )
    for name in CLASSES:
        assert sum(file.startswith(name) for file in truth.second_lighting) == 3
    warmth = {
        file: float(np.subtract(*pixels(tmp_path / "tiles" / file).mean(axis=(0, 1))[[0, 2]]))
        for file in digests(tmp_path / "tiles")
    }
    second = [value for file, value in warmth.items() if file in truth.second_lighting]
    first = [value for file, value in warmth.items() if file not in truth.second_lighting]
    assert np.mean(second) > np.mean(first) + 10


def test_the_truth_lies_beside_the_folder_as_json(tmp_path: Path) -> None:
    truth = write_sample(tmp_path / "tiles", SampleOptions(**SMALL, wrong_labels=0.2))
    saved = json.loads((tmp_path / "tiles.truth.json").read_text(encoding="utf-8"))
    assert saved == truth.to_dict()
    assert saved["mislabelled"]


def test_progress_is_told_to_the_end(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    write_sample(
        tmp_path / "tiles",
        SampleOptions(per_class=2, size_px=48),
        report=lambda done, total: told.append((done, total)),
    )
    assert told == [(done, 12) for done in range(1, 13)]


def test_a_filled_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note.txt").write_text("keep me", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        write_sample(tmp_path / "mine", SampleOptions(**SMALL))
    assert caught.value.message == "The folder mine is not empty."
    assert list(digests(tmp_path / "mine")) == ["note.txt"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("per_class", 1), ("size_px", 20_000), ("wrong_labels", 0.9), ("near_duplicates", -0.1)],
)
def test_options_out_of_range_name_their_field(name: str, value: float) -> None:
    with pytest.raises(ConfigError) as caught:
        SampleOptions(**{name: value})
    assert caught.value.field == name
    assert caught.value.hint.startswith("Choose a value from")
