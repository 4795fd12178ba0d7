"""The parts of an explanation on numbers that can be checked by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from tl_core.errors import ModelError
from tl_core.explain import drawing, sanity
from tl_core.explain.heat import heat_map
from tl_core.explain.neighbours import far_from, features_of, nearest
from tl_core.explain.places import as_map, from_map
from tl_core.models.build import build
from tl_core.models.groups import layer_groups
from tl_core.probe.pooling import layout_of


@pytest.mark.parametrize("shape", [(5, 4, 4), (4, 4, 5), (17, 5), (16, 5)])
def test_a_map_is_led_through_as_it_was(shape: tuple[int, ...]) -> None:
    layout = layout_of(shape)
    assert layout is not None
    values = torch.randn(2, *shape)
    map_ = as_map(values, layout)
    assert map_.shape == (2, 5, 4, 4)
    assert torch.equal(from_map(map_, values, layout), values)


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_a_map_finds_the_only_place_that_counts(channels: int) -> None:
    model = build("resnet10t.tiny_imagenet", n_classes=2, weights="random", channels=channels)
    model.eval()
    for one in model.get_classifier().parameters():
        nn.init.normal_(one)
    image = torch.zeros(1, channels, 64, 64)
    image[..., :16, :16] = 3
    heat = heat_map(model, layer_groups(model), image, 0, method="integrated")
    outside = heat.values.copy()
    outside[:16, :16] = 0
    assert not outside.any() and heat.values.any()
    assert heat.gap is not None and heat.gap < 0.02


def test_grad_cam_needs_a_map() -> None:
    class Flat(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.fc = nn.Linear(12, 4), nn.Linear(4, 2)

        def get_classifier(self) -> nn.Module:
            return self.fc

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.fc(self.body(images.flatten(1)))

    model = Flat().eval()
    with pytest.raises(ModelError, match="no map"):
        heat_map(model, layer_groups(model), torch.randn(1, 3, 2, 2), 0, method="gradcam")
    with pytest.raises(ModelError, match="not known"):
        features_of(model, torch.randn(1, 3, 2, 2))


def test_mixing_keeps_the_values_and_loses_their_places() -> None:
    model = nn.Sequential(nn.Linear(20, 20), nn.ReLU())
    before = model[0].weight.clone()
    mixed = sanity.randomised(model, seed=1)
    assert torch.equal(model[0].weight, before)
    assert not torch.equal(mixed[0].weight, before)
    assert torch.equal(mixed[0].weight.flatten().sort()[0], before.flatten().sort()[0])


def test_a_map_that_does_not_change_is_not_trusted() -> None:
    rng = np.random.default_rng(0)
    grid = rng.normal(size=(8, 8)).astype(np.float32)
    model = nn.Linear(2, 2)
    same = sanity.check(model, lambda mixed: grid, grid)
    assert same.rank == pytest.approx(1) and same.ssim == pytest.approx(1) and not same.trusted
    other = sanity.check(model, lambda mixed: rng.normal(size=(8, 8)).astype(np.float32), grid)
    assert abs(other.rank) < 0.4 and other.trusted
    assert sanity.rank_agreement(grid, np.zeros_like(grid)) == 0


def test_what_is_near_and_when_nothing_is() -> None:
    angles = np.radians([0, 1, 2, 3, 4, 5])
    known = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    limit = far_from(known)
    assert limit == pytest.approx(1 - np.cos(np.radians(1)), abs=1e-6)
    found = nearest(known[2], known, limit=limit, n=2, leave_out=2)
    assert set(found.rows) == {1, 3} and not found.none_near
    away = nearest(np.array([-1, 0], dtype=np.float32), known, limit=limit)
    assert away.none_near and away.rows[0] == 5
    assert far_from(known[:1]) == 0


def test_the_map_is_drawn_where_it_is_strong() -> None:
    values = np.full((64, 64), -1, dtype=np.float32)
    assert not drawing.strength(values).any()
    values[:16, :16] = 2
    share = drawing.strength(values)
    assert share[:14, :14].min() > 0.9 and share[20:, 20:].max() < 0.01
    below = drawing.photo(np.full((3, 64, 64), 100, dtype=np.uint8))
    over = np.asarray(drawing.laid_over(below, drawing.coloured(share)))
    assert (over[-1, -1] == 100).all() and not (over[0, 0] == 100).all()
    alone = np.asarray(drawing.laid_over(below, drawing.coloured(share), 0))
    assert (alone == 100).all()
