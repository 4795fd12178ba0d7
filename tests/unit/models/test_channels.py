"""Networks that learnt from colour photographs look at pictures of other channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from timm.models import adapt_input_conv

from tl_core.config import AugmentConfig
from tl_core.errors import ConfigError
from tl_core.models import build as building
from tl_core.models.catalog import DEFAULT_MODEL, card
from tl_core.models.channels import adapted, channels_of, first_layers
from tl_core.models.cut import cut_network
from tl_core.models.facts import normalisation
from tl_core.models.freezing import apply_plan
from tl_core.models.groups import describe_groups, layer_groups
from tl_core.models.plan import FreezePlan
from tl_core.probe.taps import tap
from tl_core.train import augment

build: Any = building.build
NETWORKS = ("resnet18.a1_in1k", "tinynet_e.in1k", "mobilenetv3_small_100.lamb_in1k")


def test_three_channels_stay_as_they_are() -> None:
    facts = card(DEFAULT_MODEL)
    assert normalisation(facts.mean, facts.std, 3) == (facts.mean, facts.std)
    model = build(DEFAULT_MODEL, n_classes=2)
    state = dict(model.state_dict())
    assert adapted(state, model, 3) is state


@pytest.mark.parametrize("channels", [1, 2, 4, 5, 9])
def test_mean_and_spread_are_those_of_the_colours_on_average(channels: int) -> None:
    mean, std = normalisation((0.4, 0.5, 0.6), (0.1, 0.2, 0.3), channels)
    np.testing.assert_allclose(mean, [0.5] * channels)
    np.testing.assert_allclose(std, [0.2] * channels)


def test_a_grey_picture_gets_the_answer_of_itself_three_times() -> None:
    one, three = (build(DEFAULT_MODEL, n_classes=4, seed=1, channels=n) for n in (1, 3))
    one.fc.load_state_dict(three.fc.state_dict())
    facts = card(DEFAULT_MODEL)
    grey = torch.rand(3, 1, 64, 64)
    mean, std = normalisation(facts.mean, facts.std, 1)
    seen = augment.normalise(grey, mean, std)
    with torch.no_grad():
        torch.testing.assert_close(one(seen), three(seen.repeat(1, 3, 1, 1)), rtol=1e-4, atol=1e-4)
        own = augment.normalise(grey.repeat(1, 3, 1, 1), facts.mean, facts.std)
        assert not torch.allclose(one(seen), three(own), atol=1e-3)  # why the averages are needed


@pytest.mark.parametrize("channels", [1, 2, 4, 7])
def test_embedded_weights_follow_the_rule(channels: int) -> None:
    model = build(DEFAULT_MODEL, n_classes=2, channels=channels)
    colour = build(DEFAULT_MODEL, n_classes=2)
    (layer,) = first_layers(colour)
    name = f"{layer}.weight"
    want = adapt_input_conv(channels, colour.state_dict()[name])
    assert torch.equal(model.state_dict()[name], want)
    for other, value in colour.state_dict().items():
        if other != name and not other.startswith("fc."):
            assert torch.equal(model.state_dict()[other], value), other
    assert model(torch.rand(2, channels, 64, 64)).shape == (2, 2)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_file_for_colour_pictures_serves_other_channels(name: str, tmp_path: Path) -> None:
    colour = build(name, n_classes=2, weights="random", seed=3)
    save_file(colour.state_dict(), tmp_path / "own.safetensors")
    said: list[str] = []
    grey = build(
        name,
        n_classes=2,
        weights="file",
        weights_path=tmp_path / "own.safetensors",
        channels=1,
        notice=said.append,
    )
    assert said == []
    picture = torch.rand(2, 1, 64, 64)
    head = {k: v for k, v in colour.state_dict().items() if v.shape == grey.state_dict()[k].shape}
    grey.load_state_dict(head, strict=False)  # the same head as well
    with torch.no_grad():
        torch.testing.assert_close(
            grey(picture), colour.eval()(picture.repeat(1, 3, 1, 1)), rtol=1e-3, atol=1e-3
        )


@pytest.mark.parametrize("channels", [1, 5])
def test_such_a_network_is_divided_described_and_probed_like_others(channels: int) -> None:
    model = build(DEFAULT_MODEL, n_classes=3, channels=channels)
    assert channels_of(model) == channels
    groups = layer_groups(model)
    assert describe_groups(model, groups, 64)[-1].output == (3,)
    pictures = torch.rand(2, channels, 64, 64)
    with torch.no_grad():
        want = model(pictures)
        plan = FreezePlan.from_layers("head", len(groups))
        apply_plan(model, groups, plan)
        parts = cut_network(model, groups, plan, image_size=64, freeze_norm_stats=True)
        assert parts is not None
        assert torch.equal(parts.suffix(parts.prefix(pictures)), want)
        assert tap(model, groups, image_size=64).network(pictures).shape[0] == 2


def test_what_cannot_be_adapted_is_said() -> None:
    model = build(DEFAULT_MODEL, n_classes=2, channels=5)
    (layer,) = first_layers(model)
    flat = {f"{layer}.weight": torch.rand(8, 75)}
    with pytest.raises(ConfigError, match="5 channels"):
        adapted(flat, model, 5)


def test_channels_that_are_no_colours_are_not_mixed() -> None:
    pictures = torch.rand(3, 5, 8, 8)
    config = AugmentConfig(crop=1.0, flip=False, rotate=0, color=0.4)
    draws = augment.draw(3, torch.Generator().manual_seed(0))
    before = pictures.clone()
    changed = augment.apply(pictures, draws, config)
    assert torch.equal(pictures, before)
    alone = augment.apply(pictures[:, :1].repeat(1, 5, 1, 1), draws, config)
    torch.testing.assert_close(changed[:, :1], alone[:, :1])
    assert not torch.equal(changed, pictures)
