"""The distance between what normalisation layers kept and what they are given."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from tl_core.advise.advice import BlockDistance, Candidate
from tl_core.advise.distance import has_statistics, norm_distances
from tl_core.advise.source import LIMITS, told
from tl_core.advise.words import distance
from tl_core.models.catalog import embedded_names
from tl_core.models.groups import LayerGroup

EMBEDDED = Candidate(name="resnet10t.tiny_imagenet", title="Thaw")


def group(index: int, name: str) -> LayerGroup:
    return LayerGroup(
        index=index, name=name, title=name.title(), knows="", modules=(name,), parameters=0
    )


def network() -> tuple[nn.Module, tuple[LayerGroup, ...]]:
    model = nn.Sequential()
    model.add_module("first", nn.Sequential(nn.BatchNorm2d(3)))
    model.add_module("last", nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)))
    model.add_module("head", nn.Conv2d(4, 2, 1))
    return model, (group(0, "first"), group(1, "last"), group(2, "head"))


def settled(pictures: torch.Tensor) -> tuple[nn.Module, tuple[LayerGroup, ...]]:
    """A network whose layers have kept exactly what these pictures give them."""
    model, groups = network()
    for one in model.modules():
        if isinstance(one, nn.BatchNorm2d):
            one.momentum = None
    model.train()(pictures)
    return model, groups


def test_the_same_pictures_are_no_distance_in_any_batches() -> None:
    pictures = torch.randn(40, 3, 8, 8)
    model, groups = settled(pictures)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    found = norm_distances(model, groups, pictures.split(7))
    assert [(one.title, one.layers) for one in found] == [("First", 1), ("Last", 1)]
    assert max(one.distance for one in found) < 1e-3
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_a_mean_moved_by_its_own_spread_is_one() -> None:
    pictures = torch.randn(400, 3, 8, 8)
    model, groups = settled(pictures)
    moved = norm_distances(model, groups, [pictures + pictures.std()])
    assert moved[0].distance == pytest.approx(1.0, abs=0.05)
    assert norm_distances(model, groups, [pictures * 3])[0].distance > 3


def test_a_network_without_statistics_says_nothing() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.LayerNorm(8))
    assert not has_statistics(model)
    assert norm_distances(model, (group(0, "0"),), [torch.randn(2, 3, 8, 8)]) == ()
    assert told(EMBEDDED) == "silent"
    assert "keeps no statistics" in distance(EMBEDDED)


def blocks(*values: float) -> tuple[BlockDistance, ...]:
    return tuple(BlockDistance(title="B", layers=1, distance=one) for one in values)


def test_the_words_follow_the_depth() -> None:
    near = replace(EMBEDDED, distance=blocks(0.07, 0.02, 0.02, 0.02, 0.05))
    looks = replace(EMBEDDED, distance=blocks(0.02, 1.2, 0.7, 0.5, 0.6))
    things = replace(EMBEDDED, distance=blocks(0.15, 0.03, 0.03, 0.06, 0.07))
    other = replace(looks, name="resnet18.tv_in1k")
    assert [told(one) for one in (near, looks, things, other)] == [
        "near",
        "looks",
        "things",
        "unknown",
    ]
    assert "light, contrast or sharpness" in distance(looks)
    assert "may show other things" in distance(things)
    assert "has not measured" in distance(other)
    assert "does not depend on this" in distance(near)


def test_every_embedded_network_has_limits_and_no_other() -> None:
    assert set(LIMITS) == set(embedded_names())
    assert all(0 < one.late < 1 and 0 < one.early < 1 for one in LIMITS.values())
