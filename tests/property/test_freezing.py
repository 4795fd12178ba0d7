"""Frozen means bit-identical: parameters and normalisation statistics, for every family."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn

from tl_core.errors import CheckpointError, LayerGroupError
from tl_core.models.freezing import (
    FreezePlan,
    apply_plan,
    frozen_digest,
    load_trainable_state,
    set_modes,
    trainable_state,
)
from tl_core.models.groups import LayerGroup, layer_groups

PX = 32  # pixels
FAMILIES: dict[str, dict[str, Any]] = {  # smallest of each, random weights, with random depth
    "vgg11_bn": {"mlp_ratio": 0.02},
    "resnet10t": {"drop_path_rate": 0.2},
    "mobilenetv3_small_050": {"drop_rate": 0.2},
    "tinynet_e": {"drop_path_rate": 0.2},  # EfficientNet
    "convnext_atto": {"drop_path_rate": 0.2},
    "vit_tiny_patch16_224": {"img_size": PX, "depth": 4, "proj_drop_rate": 0.1},
    "regnety_002": {"drop_path_rate": 0.2},
}
LAYERS = ("head", "last:1", "first:1", "custom:1,2")
Made = tuple[Any, tuple[LayerGroup, ...]]


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    torch.manual_seed(0)
    return {name: timm.create_model(name, num_classes=3, **more) for name, more in FAMILIES.items()}


@pytest.fixture(params=FAMILIES)
def network(request: pytest.FixtureRequest, made: dict[str, Any]) -> Made:
    torch.manual_seed(0)
    model = copy.deepcopy(made[request.param])
    return model, layer_groups(model)


def steps(made: Made, plan: FreezePlan, count: int, *, freeze_norm_stats: bool = False) -> None:
    model, groups = made
    apply_plan(model, groups, plan)
    # every parameter is handed over on purpose: decay must not reach what has no gradient
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.1)
    for _ in range(count):
        model.train()  # what a careless loop does
        set_modes(model, groups, plan, training=True, freeze_norm_stats=freeze_norm_stats)
        optimizer.zero_grad()
        answer = model(torch.randn(2, 3, PX, PX))
        torch.autograd.backward(nn.functional.cross_entropy(answer, torch.tensor([0, 2])))
        optimizer.step()


def whole(model: Any) -> dict[str, Tensor]:
    state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return {name: value.detach().clone() for name, value in state.items()}


@pytest.mark.parametrize("layers", LAYERS)
def test_frozen_groups_stay_bit_identical(network: Made, layers: str) -> None:
    model, groups = network
    plan = FreezePlan.from_layers(layers, len(groups))
    digest, before = frozen_digest(model, groups, plan), whole(model)
    steps(network, plan, 3)
    assert frozen_digest(model, groups, plan) == digest
    after = whole(model)
    for one, trains in zip(groups, plan.trainable, strict=True):
        same = [torch.equal(before[name], after[name]) for name in before if one.owns(name)]
        assert not all(same) if trains else all(same), one.name


def test_a_changed_bit_changes_the_digest(network: Made) -> None:
    model, groups = network
    plan = FreezePlan.from_layers("head", len(groups))
    digest = frozen_digest(model, groups, plan)
    for _, value in [*model.named_parameters(), *model.named_buffers()][:1]:
        value.data.view(-1)[0] += 1e-3
    assert frozen_digest(model, groups, plan) != digest


def test_plain_train_mode_would_drift() -> None:
    # the control: without set_modes the same steps do change frozen statistics
    model: Any = timm.create_model("resnet10t", num_classes=3)
    groups = layer_groups(model)
    plan = FreezePlan.from_layers("head", len(groups))
    apply_plan(model, groups, plan)
    digest = frozen_digest(model, groups, plan)
    model.train()
    model(torch.randn(2, 3, PX, PX))
    assert frozen_digest(model, groups, plan) != digest


def test_frozen_groups_compute_the_same_in_training(network: Made) -> None:
    model, groups = network
    plan = FreezePlan.from_layers("head", len(groups))
    apply_plan(model, groups, plan)
    pixels = torch.randn(2, 3, PX, PX)
    set_modes(model, groups, plan, training=True)
    first = model.forward_features(pixels)
    assert torch.equal(first, model.forward_features(pixels))
    set_modes(model, groups, plan, training=False)
    assert torch.equal(first, model.forward_features(pixels))


def test_norm_statistics_of_trainable_groups_can_be_kept(network: Made) -> None:
    model, groups = network
    plan = FreezePlan.from_layers("all", len(groups))
    before = whole(model)
    steps(network, plan, 2, freeze_norm_stats=True)
    after = whole(model)
    buffers = [name for name, _ in model.named_buffers()]
    assert all(torch.equal(before[name], after[name]) for name in buffers)
    moved = [n for n, p in model.named_parameters() if not torch.equal(before[n], p)]
    assert len(moved) > 0.9 * len(list(model.parameters()))


def test_from_scratch_statistics_always_learn() -> None:
    model: Any = timm.create_model("resnet10t", num_classes=3)
    groups = layer_groups(model)
    plan = FreezePlan.from_layers("scratch", len(groups))
    steps((model, groups), plan, 1, freeze_norm_stats=True)
    assert model.bn1.running_mean.abs().sum() > 0


def test_evaluation_puts_everything_to_rest(network: Made) -> None:
    model, groups = network
    plan = FreezePlan.from_layers("all", len(groups))
    set_modes(model, groups, plan, training=False)
    assert not any(module.training for module in model.modules())
    set_modes(model, groups, plan, training=True)
    assert all(module.training for module in model.modules())


def test_functional_dropout_before_the_head_works() -> None:
    model: Any = timm.create_model("resnet10t", num_classes=3, drop_rate=0.5)
    groups = layer_groups(model)
    plan = FreezePlan.from_layers("head", len(groups))
    set_modes(model, groups, plan, training=True)
    pixels = torch.randn(2, 3, PX, PX)
    assert not torch.equal(model(pixels), model(pixels))


@pytest.mark.parametrize("layers", ["head", "last:1"])
def test_the_trainable_state_is_the_whole_difference(network: Made, layers: str) -> None:
    model, groups = network
    plan = FreezePlan.from_layers(layers, len(groups))
    fresh = copy.deepcopy(model)
    steps(network, plan, 2)
    state = trainable_state(model, groups, plan)
    assert state.keys() == {
        name
        for name in model.state_dict()
        if any(one.owns(name) for one, on in zip(groups, plan.trainable, strict=True) if on)
    }
    load_trainable_state(fresh, groups, plan, state)
    want, got = model.state_dict(), fresh.state_dict()
    assert all(torch.equal(want[name], got[name]) for name in want)
    next(iter(state.values())).add_(1)  # copies, not views
    assert all(torch.equal(want[name], model.state_dict()[name]) for name in want)


def test_a_state_of_another_choice_is_refused() -> None:
    model: Any = timm.create_model("resnet10t", num_classes=3)
    groups = layer_groups(model)
    head = FreezePlan.from_layers("head", len(groups))
    state = trainable_state(model, groups, FreezePlan.from_layers("last:1", len(groups)))
    with pytest.raises(CheckpointError) as caught:
        load_trainable_state(model, groups, head, state)
    assert "first: layer4.0.bn1.bias" in caught.value.message
    with pytest.raises(LayerGroupError):
        apply_plan(model, groups, FreezePlan.from_layers("head", 3))


def test_only_trainable_parameters_have_gradients(network: Made) -> None:
    model, groups = network
    plan = FreezePlan.from_layers("last:1", len(groups))
    steps(network, plan, 1)
    for name, parameter in model.named_parameters():
        trains = groups[-1].owns(name) or groups[-2].owns(name)
        assert parameter.requires_grad == trains
        assert (parameter.grad is not None) <= trains
