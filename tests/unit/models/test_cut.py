"""A network cut in two gives what the whole gives: answers, losses, gradients, statistics."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tl_core.errors import FrozenDriftError, ModelError
from tl_core.models.build import build
from tl_core.models.catalog import card, cards, valid_image_size
from tl_core.models.cut import Cut, check_prefix, cut_network
from tl_core.models.freezing import (
    apply_plan,
    frozen_digest,
    load_trainable_state,
    set_modes,
    trainable_state,
)
from tl_core.models.groups import LayerGroup, layer_groups
from tl_core.models.plan import FreezePlan
from tl_core.models.unchanged import NAME

PLANS = ["head", "last:1", "last:2", "custom:2"]
CASES = [(one.name, plan) for one in cards() for plan in PLANS]
SMALL_PX = 32
SIZE = 16  # pixels, of the odd networks below: stem, block, head
HEAD = FreezePlan((False, False, True))
LAST = FreezePlan((False, True, True))
ALL = FreezePlan((True, True, True))


@lru_cache(maxsize=1)  # the cases of one network follow each other
def network(name: str) -> tuple[nn.Module, int]:
    size = valid_image_size(card(name), SMALL_PX)
    if name.startswith("vgg"):  # its dense layers have 120 million parameters; 15 million will do
        architecture = card(name).architecture
        return timm.create_model(architecture, num_classes=3, drop_rate=0.3, mlp_ratio=1 / 8), size
    return build(name, n_classes=3, weights="random", dropout=0.3, image_size=size), size


def planned(model: nn.Module, layers: str) -> tuple[tuple[LayerGroup, ...], FreezePlan]:
    groups = layer_groups(model)
    plan = FreezePlan.from_layers(layers, len(groups))
    apply_plan(model, groups, plan)
    return groups, plan


def made(model: nn.Module, groups: Any, plan: FreezePlan, size: int, **options: Any) -> Cut:
    options.setdefault("freeze_norm_stats", False)
    cut = cut_network(model, groups, plan, image_size=size, **options)
    assert cut is not None
    return cut


def pictures(count: int, size: int) -> Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def same_training(
    model: nn.Module, groups: Any, plan: FreezePlan, cut: Cut, images: Tensor, **options: Any
) -> None:
    """A step through the whole network and one through its parts, from the same state."""
    target = torch.arange(len(images)) % 2
    start = trainable_state(model, groups, plan)
    results = []
    ways: list[Callable[[], Tensor]] = [
        lambda: model(images),
        lambda: cut.suffix(cut.prefix(images)),
    ]
    for way in ways:
        load_trainable_state(model, groups, plan, start)
        model.zero_grad(set_to_none=True)
        set_modes(model, groups, plan, training=True, **options)
        check_prefix(cut)
        torch.manual_seed(4)
        loss = F.cross_entropy(way(), target)
        loss.backward()
        grads = {k: p.grad.clone() for k, p in model.named_parameters() if p.grad is not None}
        buffers = {k: v.clone() for k, v in model.named_buffers()}
        results.append((loss.detach(), grads, buffers))
    (loss, grads, buffers), (cut_loss, cut_grads, cut_buffers) = results
    assert torch.allclose(loss, cut_loss, rtol=1e-5, atol=1e-6)
    wanting = {name for name, one in model.named_parameters() if one.requires_grad}
    assert wanting and grads.keys() == cut_grads.keys() <= wanting
    for name, value in grads.items():
        assert torch.allclose(value, cut_grads[name], rtol=1e-5, atol=1e-6), name
    for name, value in buffers.items():
        assert torch.allclose(value, cut_buffers[name], rtol=1e-5, atol=1e-6), name


# -- the catalogue ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "layers"), CASES, ids=[" ".join(one) for one in CASES])
def test_the_parts_are_the_whole(name: str, layers: str) -> None:
    model, size = network(name)
    groups, plan = planned(model, layers)
    cut = made(model, groups, plan, size)
    assert cut.name == groups[plan.first_trainable].name
    images = pictures(3, size)
    set_modes(model, groups, plan, training=False)
    with torch.no_grad():
        features = cut.prefix(images)
        assert torch.equal(cut.suffix(features), model(images))
    assert tuple(tuple(one.shape[1:]) for one in features) == cut.shapes
    assert cut.values == sum(one[0].numel() for one in features)
    assert not any(one.requires_grad for one in features)
    if layers == "head":  # after the pooling: one vector per picture
        assert [len(shape) for shape in cut.shapes] == [1]
        assert cut.values <= 4096
    same_training(model, groups, plan, cut, images)
    before = frozen_digest(model, groups, plan)
    wanting = [one for one in model.parameters() if one.requires_grad]
    torch.optim.Adam(wanting, lr=1e-5).step()
    assert frozen_digest(model, groups, plan) == before
    set_modes(model, groups, plan, training=False)
    with torch.no_grad():  # the suffix sees the new weights, the features are still good
        assert torch.equal(cut.suffix(features), model(images))


@pytest.mark.parametrize("freeze_norm_stats", [False, True])
@pytest.mark.parametrize("layers", ["last:2", "custom:2"])
@pytest.mark.parametrize("architecture", ["convnext_atto", "efficientnet_b0", "regnety_004"])
def test_whole_branches_dropped_at_random(
    architecture: str, layers: str, freeze_norm_stats: bool
) -> None:
    model: Any = timm.create_model(architecture, num_classes=2, drop_rate=0.2, drop_path_rate=0.5)
    groups, plan = planned(model, layers)
    cut = made(model, groups, plan, SMALL_PX, freeze_norm_stats=freeze_norm_stats)
    same_training(
        model, groups, plan, cut, pictures(4, SMALL_PX), freeze_norm_stats=freeze_norm_stats
    )
    with torch.no_grad():
        features = cut.prefix(pictures(4, SMALL_PX))
        assert not torch.equal(cut.suffix(features), cut.suffix(features))


@pytest.mark.parametrize("layers", ["all", "scratch", "first:1", "first:3", "custom:0,3"])
def test_nothing_frozen_before_what_trains(layers: str) -> None:
    model, size = network("resnet10t.tiny_imagenet")
    groups, plan = planned(model, layers)
    assert cut_network(model, groups, plan, image_size=size, freeze_norm_stats=False) is None
    net, odd_groups = odd(plain, ALL)
    assert cut_network(net, odd_groups, ALL, image_size=SIZE, freeze_norm_stats=False) is None


# -- at rest ---------------------------------------------------------------------------------------


def test_cutting_changes_nothing() -> None:
    model, groups = odd(plain)
    model.train()
    model.stem.eval()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    attributes = set(vars(model))
    torch.manual_seed(3)
    random = torch.random.get_rng_state()
    made(model, groups, LAST, SIZE)
    assert torch.equal(torch.random.get_rng_state(), random)
    assert [module.training for module in model.modules()] == modes
    assert set(vars(model)) - {NAME} == attributes  # besides where the cut itself is kept
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_training_mode_in_the_prefix_is_refused() -> None:
    model, groups = odd(plain, HEAD)
    cut = made(model, groups, HEAD, SIZE)
    assert cut.shapes == ((8,),)
    set_modes(model, groups, HEAD, training=True)
    check_prefix(cut)
    model.train()
    with pytest.raises(FrozenDriftError) as caught:
        check_prefix(cut)
    assert caught.value.message == (
        "The frozen blocks before 'head' are not at rest (first: stem.0)."
    )
    set_modes(model, groups, HEAD, training=True)
    check_prefix(cut)
    apply_plan(model, groups, LAST)
    with pytest.raises(FrozenDriftError, match="first: block.0.weight"):
        check_prefix(cut)


# -- odd networks ----------------------------------------------------------------------------------


class Odd(nn.Module):
    """Two frozen roads, a block and a head; what happens between them is up to the test."""

    def __init__(self, forward: Callable[[Any, Any], Any]) -> None:
        super().__init__()
        self.stem = nn.ModuleList([nn.Conv2d(3, 4, 3, stride=2), nn.Conv2d(3, 2, 5, stride=4)])
        self.block = nn.Sequential(nn.Conv2d(4, 8, 3), nn.BatchNorm2d(8))
        self.drop = nn.Dropout(0.5, inplace=True)
        self.fc = nn.Linear(8, 2)
        self.way = forward

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.way(self, x)
        return found


def plain(net: Any, x: Tensor) -> Any:
    return net.fc(net.block(net.stem[0](x).relu()).mean((2, 3)))


def all_pictures_together(net: Any, x: Tensor) -> Any:
    return net.fc(net.block(net.stem[0](x)).mean((2, 3)) + net.stem[1](x).mean())


def one_road_used_thrice(net: Any, x: Tensor) -> Any:
    one = net.stem[0](x).relu()
    seen = net.block(one) + one.abs().mean((1, 2, 3), keepdim=True) + one.shape[0]
    return net.fc(seen.mean((2, 3)))


def own_road_for_each(net: Any, x: Tensor) -> Any:
    one, two = net.stem[0](x).relu(), net.stem[1](x).mean((1, 2, 3))
    return net.fc(net.block(one).mean((2, 3)) + two[:, None])


def sizes(net: Any, x: Tensor) -> Any:
    count, doubled = x.shape[0], 2 * x.shape[0]
    seen = net.block(net.stem[0](x).relu()).mean((2, 3))
    return net.fc(seen.reshape(doubled, 4).reshape((count, 8)))


def drop_in_place(net: Any, x: Tensor) -> Any:
    return net.fc(net.drop(net.block(net.stem[0](x)).mean((2, 3))))


def overwritten(net: Any, x: Tensor) -> Any:
    one = net.stem[0](x).relu()
    seen = net.block(one)
    later = one.add_(net.stem[1](x).mean((1, 2, 3), keepdim=True))
    return net.fc((seen + later.mean()).mean((2, 3)))


def pictures_again(net: Any, x: Tensor) -> Any:
    return net.fc(net.block(net.stem[0](x)).mean((2, 3)) + (x * net.fc.bias[0]).mean())


def rows_that_are_no_pictures(net: Any, x: Tensor) -> Any:
    rows = net.stem[0](x).permute(2, 0, 1, 3).flatten(0, 1)[:, :, None]
    seen = net.block(F.pad(rows, (1, 1, 1, 1))).mean((2, 3))
    return net.fc(seen.reshape(x.shape[0], -1, 8).mean(1))


def branches(net: Any, x: Tensor) -> Any:
    one = net.stem[0](x)
    return net.fc(net.block(one if one.mean() > 0 else -one).mean((2, 3)))


def odd(forward: Callable[[Any, Any], Any], plan: FreezePlan = LAST) -> tuple[Odd, Any]:
    torch.manual_seed(0)
    net = Odd(forward)
    groups = tuple(
        LayerGroup(index=index, name=name, title=name, knows="", modules=(part,), parameters=1)
        for index, (name, part) in enumerate((("stem", "stem"), ("block", "block"), ("head", "fc")))
    )
    apply_plan(net, groups, plan)
    return net, groups


@pytest.mark.parametrize(
    ("forward", "plan", "shapes"),
    [
        (plain, HEAD, ((8,),)),
        (own_road_for_each, LAST, ((4, 7, 7), (1,))),
        (one_road_used_thrice, LAST, ((4, 7, 7),)),  # what follows without weights is not kept
        (sizes, LAST, ((4, 7, 7),)),
        (sizes, HEAD, ((8,),)),
        (drop_in_place, HEAD, ((8,),)),
        (drop_in_place, LAST, ((4, 7, 7),)),
    ],
)
def test_odd_networks(
    forward: Callable[[Any, Any], Any], plan: FreezePlan, shapes: tuple[tuple[int, ...], ...]
) -> None:
    net, groups = odd(forward, plan)
    cut = made(net, groups, plan, SIZE)
    assert cut.shapes == shapes
    same_training(net, groups, plan, cut, pictures(5, SIZE))
    features = cut.prefix(pictures(5, SIZE))
    kept = [one.clone() for one in features]
    cut.suffix(features)
    assert all(torch.equal(one, two) for one, two in zip(features, kept, strict=True))


@pytest.mark.parametrize(
    "forward", [all_pictures_together, overwritten, pictures_again, rows_that_are_no_pictures]
)
def test_what_cannot_be_divided_is_refused(forward: Callable[[Any, Any], Any]) -> None:
    net, groups = odd(forward)
    with pytest.raises(ModelError) as caught:
        made(net, groups, LAST, SIZE)
    assert caught.value.message == "Odd cannot be divided into what is frozen and what trains."
    assert "without the cache" in caught.value.hint
    assert [one.training for one in net.modules()] == [True] * len(list(net.modules()))


def test_a_network_that_branches_on_values_is_refused() -> None:
    net, groups = odd(branches)
    with pytest.raises(ModelError, match="Odd cannot be taken apart"):
        made(net, groups, LAST, SIZE)
