"""Where "none of these" is said, what it costs, and batches that differ from what is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tl_core.evaluate.drift import FEWEST, Drift, drifted, of_the_same_mix
from tl_core.evaluate.drift_words import WORDS, drift_sentences
from tl_core.evaluate.foreign import Refusal, away_from, limit_for, refusal


def around(angle: float, n: int, seed: int, spread: float = 0.05) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    middle = np.zeros(8)
    middle[0], middle[1] = np.cos(angle), np.sin(angle)
    rows = middle + rng.normal(0, spread, (n, 8))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def two(n: int, seed: int) -> tuple[NDArray[np.float32], list[str]]:
    rows = np.concatenate([around(0.0, n, seed), around(1.0, n, seed + 1)])
    return rows, ["a"] * n + ["b"] * n


def test_the_distance_is_that_to_the_nearest_learned_picture() -> None:
    learned = np.eye(3, dtype=np.float32)
    asked = np.array([[1, 0, 0], [0.6, 0.8, 0]], dtype=np.float32)
    assert away_from(asked, learned) == pytest.approx([0.0, 0.2])


def test_the_limit_refuses_at_most_the_share_asked_for() -> None:
    away = np.arange(1.0, 100.0)
    assert limit_for(away, 0.05) == 95.0
    assert limit_for(away[:18], 0.05) is None, "19 pictures are needed to promise 5 in 100"
    rng, refused = np.random.default_rng(0), []
    for _ in range(400):
        limit = limit_for(rng.exponential(size=40), 0.05)
        assert limit is not None
        refused.append((rng.exponential(size=200) > limit).mean())
    assert np.mean(refused) == pytest.approx(1 - 39 / 41, abs=0.008)


def test_what_is_refused_wrongly_and_rightly_is_counted() -> None:
    learned, taught = two(60, 0)
    val, chose = two(40, 10)
    test, asked = two(50, 20)
    found = refusal(learned, taught, val, chose, test, asked)
    assert found is not None
    assert (found.part, found.known) == ("test", 100)
    assert found.refused <= 15
    assert found.by_class.keys() == {"a", "b"} and found.foreign == 180
    assert found.found == 180, "far classes are always found when they are unknown"
    far = around(2.0, 20, 30)
    assert (away_from(far, learned) > found.limit).all()
    assert Refusal.from_dict(found.to_dict()) == found


def test_without_test_pictures_it_is_counted_on_validation_and_too_few_say_nothing() -> None:
    learned, taught = two(60, 0)
    val, chose = two(40, 10)
    nothing = np.zeros((0, 8), dtype=np.float32)
    found = refusal(learned, taught, val, chose, nothing, [])
    assert found is not None and (found.part, found.known) == ("val", 80)
    assert refusal(learned, taught, val[:10], chose[:10], nothing, []) is None


def measures(seed: int, n: int, shift: float = 0.0) -> dict[str, NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=n) + shift * (name == "brightness") for name in WORDS}


def test_batches_of_the_same_kind_are_seldom_called_different() -> None:
    told = sum(bool(drifted(measures(seed, 200), measures(seed + 9000, 50))) for seed in range(400))
    assert told / 400 <= 0.06


def test_a_batch_of_one_class_is_held_against_that_class() -> None:
    held = ["hat"] * 30 + ["shoe"] * 300
    only = of_the_same_mix(held, ["hat"] * 25)
    assert {held[place] for place in only} == {"hat"} and len(only) == 30
    mixed = [held[place] for place in of_the_same_mix(held, ["hat"] * 30 + ["shoe"] * 10)]
    assert mixed.count("hat") == 30 and mixed.count("shoe") == 10
    assert len(of_the_same_mix(held, ["glove"] * 20)) == 0
    rare = [held[place] for place in of_the_same_mix(held, ["hat"] + ["shoe"] * 99)]
    assert rare.count("shoe") == 300 and rare.count("hat") == 3
    scarce = [held[place] for place in of_the_same_mix(held, ["hat"] * 20 + ["shoe"] * 30)]
    assert scarce.count("hat") == 30 and scarce.count("shoe") == 300, "all that there are"


def test_darker_pictures_are_called_darker() -> None:
    found = drifted(measures(1, 200), measures(2, 50, shift=-1.0))
    assert [(one.measure, one.higher) for one in found] == [("brightness", False)]
    assert found[0].now < found[0].then and found[0].chance < 0.05
    said = drift_sentences(found)
    assert "these are darker." in said[0] and "check some answers by eye" in said[1]


def test_few_pictures_tell_nothing() -> None:
    assert drifted(measures(1, 200), measures(2, FEWEST - 1, shift=-3.0)) == []
    assert drift_sentences([]) == []


def test_several_differences_make_one_sentence() -> None:
    one = Drift(measure="brightness", apart=0.5, higher=True, then=0.2, now=0.5, chance=0.001)
    other = Drift(measure="distance", apart=0.4, higher=True, then=0.1, now=0.2, chance=0.01)
    said = drift_sentences([one, other])[0]
    assert said.endswith("these are brighter and are less like anything it learned from.")
