"""Every planted shortcut is an alarm; noise is none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.unit.check.sets import checked
from tl_core.check.looks import LOOK
from tl_core.check.shortcuts import audit, nuisances, told_shortcuts

Plant = Callable[[np.ndarray, dict[str, np.ndarray], np.ndarray], None]


def pictures(n: int, seed: int = 0) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Looks and sizes that say nothing of any class."""
    rng = np.random.default_rng(seed)
    looks = np.zeros(n, LOOK)
    for name in ("brightness", "dark_end", "light_end", "entropy", "edges", "levels"):
        looks[name] = rng.normal(0.5, 0.1, n)
    for name in ("color", "rim", "corners"):
        looks[name] = rng.normal(120, 30, looks[name].shape)
    looks["taken"] = rng.uniform(1.7e9, 1.71e9, n)
    looks["camera"] = rng.integers(1, 4, n)
    looks["quality"] = rng.choice([500, 800], n)
    sizes = {
        "widths": rng.integers(300, 500, n),
        "heights": rng.integers(300, 500, n),
        "sizes": rng.integers(20000, 60000, n),
    }
    return looks, sizes


def lamp(looks: np.ndarray, sizes: dict[str, np.ndarray], mine: np.ndarray) -> None:
    looks["brightness"][mine] += 0.4


def frame(looks: np.ndarray, sizes: dict[str, np.ndarray], mine: np.ndarray) -> None:
    looks["rim"][mine] = 250


def shrunk(looks: np.ndarray, sizes: dict[str, np.ndarray], mine: np.ndarray) -> None:
    sizes["sizes"][mine] = sizes["sizes"][mine] * 250 // sizes["widths"][mine]
    sizes["widths"][mine] = 250


def packed(looks: np.ndarray, sizes: dict[str, np.ndarray], mine: np.ndarray) -> None:
    looks["quality"][mine] = 3000


def apparatus(looks: np.ndarray, sizes: dict[str, np.ndarray], mine: np.ndarray) -> None:
    looks["camera"][mine] = 9


def day(looks: np.ndarray, sizes: dict[str, np.ndarray], mine: np.ndarray) -> None:
    looks["taken"][mine] = 1.75e9 + np.arange(mine.sum())


PLANTS: dict[str, Plant] = {
    "light": lamp,
    "border": frame,
    "size": shrunk,
    "file": packed,
    "camera": apparatus,
    "time": day,
}


@pytest.mark.parametrize("classes", [2, 6])
@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_shortcut_is_found(name: str, classes: int) -> None:
    n = 60 * classes
    labels = np.arange(n) % classes
    looks, sizes = pictures(n)
    PLANTS[name](looks, sizes, labels == 1)
    one = checked([f"c{label}" for label in labels], **sizes)
    found = audit(nuisances(one, looks), labels, labels)
    assert {alarm.nuisance for alarm in found} == {name}
    if classes > 2:
        assert [alarm.label for alarm in found] == [1]


@pytest.mark.parametrize("classes", [2, 6])
def test_noise_is_no_shortcut(classes: int) -> None:
    labels = np.arange(60 * classes) % classes
    for seed in range(5):
        looks, sizes = pictures(len(labels), seed)
        one = checked([f"c{label}" for label in labels], **sizes)
        assert audit(nuisances(one, looks), labels, labels) == []


def test_what_the_network_far_exceeds_is_no_alarm() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 2
    looks, sizes = pictures(400)
    looks["brightness"] += 0.07 * labels + rng.normal(0, 0.02, 400)
    one = checked([f"c{label}" for label in labels], **sizes)
    features = {"light": nuisances(one, looks)["light"]}
    poor = np.where(rng.random(400) < 0.6, labels, 1 - labels)
    assert audit(features, labels, labels) == []
    assert [alarm.nuisance for alarm in audit(features, labels, poor)] == ["light"]


def test_few_pictures_that_agree_by_luck_are_no_alarm() -> None:
    def alarms(n: int, seed: int) -> bool:
        rng = np.random.default_rng(seed)
        labels = np.arange(n) % 2
        light = {"light": (labels + rng.normal(0, 1, n))[:, None]}  # right for about 69 of 100
        network = np.where(rng.random(n) < 0.77, labels, 1 - labels)
        return bool(audit(light, labels, network, seed=seed))

    assert sum(alarms(64, seed) for seed in range(20)) <= 5  # 13 without the margin
    assert sum(alarms(3000, seed) for seed in range(3)) == 3


def test_small_classes_and_one_class_are_no_case() -> None:
    looks, sizes = pictures(20)
    one = checked(["a"] * 15 + ["b"] * 5, **sizes)
    assert audit(nuisances(one, looks), one.labels, one.labels) == []


def test_what_does_not_vary_is_left_out() -> None:
    looks, sizes = pictures(20)
    looks["taken"], looks["camera"] = np.nan, 0
    one = checked(["a", "b"] * 10, **sizes)
    assert not {"time", "camera"} & nuisances(one, looks).keys()


def test_the_sentence_names_the_class_and_both_numbers() -> None:
    labels = np.arange(360) % 6
    looks, sizes = pictures(360)
    frame(looks, sizes, labels == 1)
    one = checked([f"c{label}" for label in labels], **sizes)
    (finding,) = told_shortcuts(one, audit(nuisances(one, looks), labels, labels))
    assert finding.sentence.startswith("c1 can be told from the others by their border alone: ")
    assert "100 of 100" in finding.sentence and finding.evidence["classes"] == ["c1"]
