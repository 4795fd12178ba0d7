"""Pictures that stand out, and classes that are too small, too uneven or lack a kind of picture."""

from __future__ import annotations

import numpy as np
from PIL import Image

from tests.unit.check.sets import checked, looks, scene
from tl_core.check.balance import class_sizes, thin_subgroups
from tl_core.check.findings import finding_from_dict
from tl_core.check.quality import odd_pictures


def found(
    images: list[Image.Image], blurred: int | None = None, **more: object
) -> dict[str, tuple[int, ...]]:
    one = checked(["a"] * len(images), **more)  # type: ignore[arg-type]
    seen = looks(images)
    if blurred is not None:  # hardly an edge, and every grey as often
        seen["edges"][blurred], seen["levels"][blurred] = 5.0, 10.0
    return {x.kind: x.pictures for x in odd_pictures(one, seen)}


def test_usual_pictures_are_not_named() -> None:
    assert found([scene(i) for i in range(60)]) == {}


def test_each_oddity_is_named() -> None:
    usual = [scene(i) for i in range(60)]
    black = Image.eval(scene(60), lambda value: value // 6)
    white = Image.new("RGB", (160, 160), "white")
    widths, heights = np.full(64, 100), np.full(64, 80)
    widths[63] = 900
    told = found([*usual, black, white, scene(61), scene(62)], 62, widths=widths, heights=heights)
    assert told["dark"] == (61,) and 62 in told["bright"]
    assert 62 in told["low_information"] and 63 in told["blurry"]
    assert told["odd_shape"] == (64,) and told["odd_size"] == (64,)


def test_a_dark_kind_of_picture_is_judged_by_its_own_kind() -> None:
    dark = [Image.eval(scene(i), lambda value: value // 6) for i in range(60)]
    assert "dark" not in found(dark)


def sizes(*counts: int) -> dict[str, tuple[str, str]]:
    labels = [name for name, n in zip("abcdef", counts, strict=False) for _ in range(n)]
    return {x.kind: (x.severity, x.sentence) for x in class_sizes(checked(labels))}


def test_class_sizes() -> None:
    assert sizes(40, 50) == {}
    assert sizes(9, 50)["too_few"][0] == "problem" and sizes(15, 50)["too_few"][0] == "warning"
    assert "a has 9" in sizes(9, 50)["too_few"][1]
    assert sizes(20, 70)["imbalance"][0] == "info" and sizes(20, 500)["imbalance"][0] == "warning"
    assert set(sizes(50)) == set()


def test_a_class_without_a_camera_is_named() -> None:
    labels = ["a"] * 60 + ["b"] * 60
    one = checked(labels, formats=["JPEG"] * 120)
    seen = looks([scene(0)] * 120)
    seen["camera"] = [1, 2] * 30 + [1] * 60
    (finding,) = thin_subgroups(one, seen)
    assert finding.kind == "subgroups"
    assert "b has 0 pictures of one camera where 15 would be its share" in finding.sentence
    seen["camera"] = [1, 2] * 60
    assert thin_subgroups(one, seen) == []


def test_a_finding_survives_json() -> None:
    labels = ["a"] * 9 + ["b"] * 60
    images = [scene(i) for i in range(68)] + [Image.new("RGB", (160, 160), "black")]
    one = checked(labels)
    for finding in [*class_sizes(one), *odd_pictures(one, looks(images))]:
        assert finding_from_dict(finding.to_dict()) == finding


def test_two_usual_sizes_are_no_oddity() -> None:
    widths = np.array([400] * 70 + [300] * 30)
    images = [scene(i) for i in range(100)]
    assert "odd_size" not in found(images, widths=widths, heights=widths)
