"""The map of pictures: near means alike, strangers are found, and how far it holds is counted."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tl_core.explain.layout import FEWEST, NEAR, company, laid_out, neighbours_kept

ANGLES = (0.0, 0.9)


def bundles(per_class: int = 30, *, seed: int = 0) -> tuple[NDArray[np.float32], list[str]]:
    """Two bundles of directions in ten dimensions, far from each other."""
    rng = np.random.default_rng(seed)
    rows = []
    for angle in ANGLES:
        middle = np.zeros(10)
        middle[0], middle[1] = np.cos(angle), np.sin(angle)
        rows.append(middle + rng.normal(0, 0.05, (per_class, 10)))
    found = np.concatenate(rows)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found.astype(np.float32), ["a"] * per_class + ["b"] * per_class


def test_two_bundles_are_two_islands_and_the_same_ones_again() -> None:
    features, labels = bundles()
    places = laid_out(features)
    assert places.shape == (60, 2) and np.isfinite(places).all()
    away = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    np.fill_diagonal(away, np.inf)
    nearest = away.argmin(axis=1)
    assert all(labels[i] == labels[j] for i, j in enumerate(nearest))
    assert np.array_equal(places, laid_out(features))


def test_a_picture_among_another_class_is_a_stranger_and_others_are_not() -> None:
    features, labels = bundles()
    labels[3] = "b"  # among those of a
    found = company(features, labels)
    assert [i for i, one in enumerate(found) if one.strange(labels[i])] == [3]
    assert (found[3].same, found[3].most, found[3].share) == (0.0, "a", 1.0)


def test_a_small_class_is_not_strange_for_being_small() -> None:
    features, labels = bundles()
    labels = ["c" if 10 <= i < 13 else one for i, one in enumerate(labels)]
    features[10:13] = features[10] + np.eye(10, dtype=np.float32)[:3] * 0.001
    features[10:13] /= np.linalg.norm(features[10:13], axis=1, keepdims=True)
    found = company(features, labels)
    assert all(found[i].same == 1.0 and found[i].most == "c" for i in (10, 11, 12))


def test_neighbours_that_the_map_keeps_are_counted() -> None:
    rng = np.random.default_rng(0)
    angles = np.sort(rng.uniform(0, 1, 100))
    features = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    assert neighbours_kept(features, features) > 0.97  # chords and angles order alike
    shuffled = features[rng.permutation(100)]
    assert neighbours_kept(features, shuffled) == pytest.approx(NEAR / 99, abs=0.05)


@pytest.mark.parametrize("n", [FEWEST, FEWEST + 1])
def test_few_pictures_and_equal_ones_can_be_laid_out(n: int) -> None:
    features, _ = bundles(n)
    assert laid_out(features[:n]).shape == (n, 2)
    assert not laid_out(np.repeat(features[:1], n, axis=0)).any()
    assert laid_out(features[:n, :1] / np.abs(features[:n, :1])).shape == (n, 2)
    assert len(company(features[:n], ["a"] * (n - 1) + ["b"])) == n


def test_too_few_make_no_map() -> None:
    with pytest.raises(ValueError, match="make no map"):
        laid_out(bundles()[0][: FEWEST - 1])
