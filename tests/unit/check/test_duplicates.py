"""Near-duplicates are found whatever happened to them; different pictures are not paired."""

from __future__ import annotations

import io
from collections.abc import Callable

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from tests.unit.check.sets import checked, looks, scene
from tl_core.check.copies import copies_of, told_copies
from tl_core.check.duplicates import clusters, fingerprints, near_pairs, turned


def grey(images: list[Image.Image]) -> np.ndarray:
    return looks(images)["grey"]


def recompressed(image: Image.Image) -> Image.Image:
    sink = io.BytesIO()
    image.save(sink, "JPEG", quality=20)
    return Image.open(sink).convert("RGB")


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "smaller": lambda one: one.resize((90, 90)),
    "recompressed": recompressed,
    "brighter": lambda one: ImageEnhance.Brightness(one).enhance(1.3),
    "blurred": lambda one: one.filter(ImageFilter.GaussianBlur(2)),
    "squashed": lambda one: one.resize((160, 110)),
    "mirrored": lambda one: one.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "upside down": lambda one: one.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    "turned": lambda one: one.transpose(Image.Transpose.ROTATE_90),
    "transposed": lambda one: one.transpose(Image.Transpose.TRANSPOSE),
    "transversed": lambda one: one.transpose(Image.Transpose.TRANSVERSE),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_copy_is_found(change: Callable[[Image.Image], Image.Image]) -> None:
    images = [scene(i) for i in range(12)] + [change(scene(3))]
    assert [(one.first, one.second) for one in near_pairs(grey(images))] == [(3, 12)]


def test_different_pictures_are_not_paired() -> None:
    assert near_pairs(grey([scene(i) for i in range(200)])) == []


def test_flat_pictures_have_no_copies() -> None:
    flat = [Image.new("RGB", (90, 90), (i, i, i)) for i in range(0, 200, 20)]
    assert near_pairs(grey(flat)) == []


def test_exact_copies_are_left_to_their_content() -> None:
    images = [scene(1), scene(1), scene(2)]
    assert near_pairs(grey(images), ["a", "a", "b"]) == []
    assert len(near_pairs(grey(images))) == 1


def test_the_fingerprint_is_imagehash_s() -> None:
    image = scene(5).convert("L").resize((32, 32))
    ours = int(fingerprints(np.asarray(image)[None])[0, 0])
    bits = imagehash.phash(image).hash.ravel()
    assert [bool(ours >> i & 1) for i in range(64)] == bits.tolist()


def test_eight_orientations_are_all_different() -> None:
    one = np.arange(16, dtype=np.uint8).reshape(1, 4, 4)
    assert len({turned(one, orientation).tobytes() for orientation in range(8)}) == 8


def test_clusters_are_joined_through_chains() -> None:
    assert clusters([(0, 3), (3, 5), (1, 2)], 7) == [[0, 3, 5], [1, 2]]
    assert clusters([], 4) == []


# -- what is told ----------------------------------------------------------------------------------


def told(labels: str, splits: str = "", *, given: bool = False, **more: object):
    """Findings for three shots of one scene and some others; labels and parts a letter each."""
    shots = [scene(0), recompressed(scene(0)), scene(0).resize((80, 80))]
    images = shots + [scene(i) for i in range(1, len(labels) - 2)]
    parts = {"t": "train", "v": "val", "e": "test"}
    part = [parts[one] for one in splits] or None
    one = checked(list(labels), splits=part, given=given, **more)  # type: ignore[arg-type]
    return {x.kind: x for x in told_copies(one, copies_of(one, looks(images)["grey"]))}


def test_copies_within_a_class_offer_to_keep_the_largest() -> None:
    found = told("aaabb", widths=np.array([50, 99, 50, 50, 50]))
    assert set(found) == {"copies"}
    assert found["copies"].groups == ((1, 2, 3),) and found["copies"].repair.exclude == (1, 3)
    assert found["copies"].severity == "info"


def test_copies_in_two_classes_are_a_problem() -> None:
    found = told("abaab")
    assert set(found) == {"across_classes"}
    assert found["across_classes"].captions == {1: "a", 2: "b", 3: "a"}
    assert found["across_classes"].severity == "problem"


def test_copies_on_both_sides_are_kept_together() -> None:
    found = told("aaabb", "tevtt")
    assert set(found) == {"leak", "copies"}
    assert found["leak"].evidence == {"judging": 2, "groups": 1}
    assert found["leak"].repair.together == ((1, 2, 3),)


def test_where_folders_decide_the_training_copies_go() -> None:
    found = told("aaabb", "tvttt", given=True)
    assert found["leak"].repair.exclude == (1, 3) and not found["leak"].repair.together


def test_exact_copies_are_counted() -> None:
    found = told("aaabb", digests=["x", "x", "y", "z", "w"])
    assert found["copies"].evidence["exact"] == 1
