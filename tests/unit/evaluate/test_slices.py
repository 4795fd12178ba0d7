"""Kinds of pictures against all others: weakness is named, a hard class is not taken for one."""

from __future__ import annotations

import numpy as np
import pytest

from tl_core.evaluate.answers import Answers
from tl_core.evaluate.slices import slices, thirds


def answered(labels: np.ndarray, right: np.ndarray) -> Answers:
    given = np.where(right, labels, 1 - labels)
    p = np.full((len(labels), 2), 0.1)
    p[np.arange(len(labels)), given] = 0.9
    return Answers(
        images=tuple(map(str, range(len(labels)))),
        pictures=(),
        labels=labels,
        probabilities=p,
        classes=("a", "b"),
    )


def test_a_kind_that_is_clearly_weaker_comes_first_with_its_mistakes_first() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 2
    dark = np.arange(300) % 3 == 0
    right = rng.random(300) < np.where(dark, 0.5, 0.95)
    light = np.where(dark, "low", "high")
    shape = rng.choice(["square", "portrait"], 300)
    found = slices(answered(labels, right), {"brightness": light, "shape": shape})
    first = found[0]
    assert (first.by, first.value, first.n) == ("brightness", "low", 100)
    assert first.clear and first.gap < 0 and first.gap_ci[1] < 0
    assert first.right == int(right[dark].sum())
    assert not right[int(first.images[0])] and right[int(first.images[-1])]
    assert [one.clear for one in found if one.by == "shape"] == [False, False]


def test_a_kind_that_holds_mostly_a_hard_class_is_not_blamed_for_it() -> None:
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1], 1000)
    right = rng.random(2000) < np.where(labels == 1, 0.6, 0.98)
    mostly = np.where(rng.random(2000) < np.where(labels == 1, 0.8, 0.2), "one", "other")
    found = {one.value: one for one in slices(answered(labels, right), {"camera": mostly})}
    assert found["one"].share < found["other"].share - 0.1
    assert abs(found["one"].gap) < 0.05 and not found["one"].clear


def test_nothing_is_named_where_nothing_is_there() -> None:
    told = 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        labels = np.arange(150) % 2
        kinds = {f"k{at}": rng.choice(["x", "y", "z"], 150) for at in range(4)}
        found = slices(answered(labels, rng.random(150) < 0.85), kinds)
        told += any(one.clear for one in found)
    assert told <= 12, "at most one set in ten; Holm promises one in twenty"


def test_small_and_unknown_kinds_are_left_out() -> None:
    labels = np.arange(40) % 2
    kind = np.array(["few"] * 9 + [""] * 11 + ["many"] * 20)
    found = slices(answered(labels, labels == 0), {"camera": kind})
    assert [one.value for one in found] == ["many"]


def test_pictures_in_groups_make_a_gap_less_certain() -> None:
    labels = np.arange(120) % 2
    right = np.ones(120, dtype=bool)
    right[:30:2] = False
    kind = {"camera": np.where(np.arange(120) < 30, "one", "other")}
    alone = slices(answered(labels, right), kind)[0]
    grouped = slices(answered(labels, right), kind, effective=30)[0]
    assert alone.clear and alone.chance < grouped.chance
    assert grouped.gap_ci[0] < alone.gap_ci[0]
    assert alone.gap == pytest.approx(grouped.gap)


def test_thirds_need_pictures_and_a_spread() -> None:
    found = thirds(np.arange(90.0))
    assert found is not None
    assert [int((found == one).sum()) for one in ("low", "middle", "high")] == [30, 30, 30]
    assert thirds(np.arange(20.0)) is None
    assert thirds(np.ones(90)) is None
