"""Grad-CAM, integrated gradients and the maps of the blocks, for every network of the catalogue."""

import numpy as np
import pytest
import torch

from tests.unit.probe.test_taps import CARDS
from tl_core.explain.blocks import block_maps
from tl_core.explain.heat import heat_map, where_to_read
from tl_core.models.build import build
from tl_core.models.catalog import valid_image_size
from tl_core.models.groups import layer_groups


@pytest.mark.parametrize("card", CARDS)
def test_every_network_can_be_explained(card):
    size = valid_image_size(card, 64)
    model = build(card.name, n_classes=3, weights="random", image_size=size).eval()
    with torch.no_grad():  # a head that begins at zero depends on nothing
        for one in model.get_classifier().parameters():
            one.normal_(std=0.1, generator=torch.Generator().manual_seed(1))
    groups = layer_groups(model)
    image = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = model(image)
    place = where_to_read(model, groups, image)
    assert place is not None and place.layout.side > 1
    heat = heat_map(model, groups, image, 1, method="gradcam", place=place)
    assert heat.values.shape == (size, size) and np.ptp(heat.values) > 0
    seen = block_maps(model, groups, image)
    assert len(seen) >= len(groups) - 2
    assert all(np.isfinite(one.values).all() and one.values.max() <= 1 for one in seen)
    with torch.no_grad():
        assert torch.equal(model(image), before)
