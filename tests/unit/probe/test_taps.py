"""Every network of the catalogue can be opened behind its blocks."""

import pytest
import torch
from torch import nn

from tests.unit.train.tiny import tiny_groups, tiny_net
from tl_core.errors import ModelError
from tl_core.models.build import build
from tl_core.models.catalog import cards, valid_image_size
from tl_core.models.fusing import fast_prefix
from tl_core.models.groups import layer_groups
from tl_core.probe.pooling import Scheme
from tl_core.probe.taps import MOST, tap

HEAVY = ("vgg16", "resnet50", "tf_efficientnetv2_s", "convnext_tiny")  # seconds to build
CARDS = [
    pytest.param(one, marks=pytest.mark.slow, id=one.name)
    if one.name.startswith(HEAVY)
    else pytest.param(one, id=one.name)
    for one in cards()
]


@pytest.mark.parametrize("card", CARDS)
def test_every_network_of_the_catalogue(card):
    size = valid_image_size(card, 64)
    model = build(card.name, n_classes=3, weights="random", image_size=size)
    groups = layer_groups(model)
    images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = model(images)
        taps = tap(model, groups, image_size=size)
        features = taps.network(images)
        assert torch.equal(model(images), before)
    assert features.shape == (2, taps.width) and features.dtype == torch.float32
    assert taps.width <= MOST
    assert torch.isfinite(features).all()
    body = [one.name for one in groups[:-1] if one.name not in ("stem", "patches")]
    assert list(dict.fromkeys(one.group for one in taps.blocks)) == body
    head = {id(p) for n, p in model.named_parameters() if groups[-1].owns(n)}
    kept = {id(p) for p in taps.network.parameters()}
    assert not head & kept
    assert kept <= {id(p) for p in model.parameters()}


def test_what_passes_behind_each_block_is_pooled():
    model = build("resnet10t.tiny_imagenet", n_classes=2, weights="random")
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    seen = {}
    for name in ("layer1", "layer4"):
        model.get_submodule(name).register_forward_hook(
            lambda module, args, out, name=name: seen.__setitem__(name, out)
        )
    taps = tap(model, layer_groups(model), image_size=64)
    with torch.no_grad():
        model(images)
        parts = taps.network(images).split([one.size for one in taps.blocks], 1)
    first, last = (
        parts[0],
        next(part for part, one in zip(parts, taps.blocks, strict=True) if one.group == "stage4"),
    )
    torch.testing.assert_close(first[:, :64], seen["layer1"].mean((2, 3)))
    torch.testing.assert_close(last[:, 512:], seen["layer4"].amax((2, 3)))


def test_a_vector_after_the_last_map_is_kept_beside_it():
    model = build("mobilenetv3_small_100.lamb_in1k", n_classes=2, weights="random")
    taps = tap(model, layer_groups(model), image_size=64)
    assert [one.placed for one in taps.blocks if one.group == "stage4"] == [False, True, False]
    assert taps.blocks[-1].size == 1024


def test_the_grid_is_coarser_where_there_are_many_channels():
    model, groups = tiny_net().eval(), tiny_groups()
    fine = tap(model, groups, image_size=32)
    assert fine.width == 8 * 20
    assert tap(model, groups, image_size=32, most=100).width == 8 * 10
    assert tap(model, groups, image_size=32, most=50).width == 8 * 6
    assert tap(model, groups, image_size=32, most=1).width == 8 * 2
    chosen = tap(model, groups, image_size=32, scheme=Scheme(cells=2, peaks=True))
    assert chosen.width == 8 * 10


def test_later_operations_do_not_write_over_what_was_seen():
    class InPlace(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 4, 1)
            self.block = nn.Conv2d(4, 5, 1)
            self.act = nn.ReLU(inplace=True)
            self.fc = nn.Linear(5, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(self.act(self.block(self.stem(x))).mean((2, 3)))

    model = InPlace().eval()
    groups = tuple(one for one in tiny_groups())
    taps = tap(model, groups, image_size=8)
    images = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        seen = model.block(model.stem(images))
        torch.testing.assert_close(taps.network(images)[:, :5], seen.mean((2, 3)))


def test_it_can_be_made_faster():
    model = build("resnet10t.tiny_imagenet", n_classes=2)
    taps = tap(model, layer_groups(model), image_size=64)
    images = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    fused = fast_prefix(taps.network, dtype=torch.float32, memory_format=torch.channels_last)
    half = fast_prefix(taps.network, dtype=torch.bfloat16, memory_format=torch.channels_last)
    with torch.no_grad():
        plain = taps.network(images)
        torch.testing.assert_close(fused(images), plain, atol=1e-4, rtol=1e-3)
        low = half(images)
    assert low.dtype == torch.float32
    assert float((low - plain).norm() / plain.norm()) < 0.03


def test_a_network_that_cannot_be_taken_apart_is_refused():
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(3, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(x.mean((2, 3))) if x.sum() > 0 else self.fc(x.amax((2, 3)))

    with pytest.raises(ModelError, match="cannot be taken apart"):
        tap(Branching(), tiny_groups(), image_size=8)
