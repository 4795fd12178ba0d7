from typing import Any

import pytest
import timm
import torch

from tl_core.errors import LayerGroupError
from tl_core.models.catalog import cards
from tl_core.models.facts import ModelCard
from tl_core.models.groups import describe_groups, layer_groups, module_owners

CARDS = cards()
IDS = [one.name for one in CARDS]
OTHERS = [  # not in the catalogue: odd structures, no group matcher, several heads
    "densenet121",
    "swin_tiny_patch4_window7_224",
    "inception_v3",
    "mixer_s32_224",
    "hrnet_w18_small",
    "coat_tiny",
    "deit_tiny_distilled_patch16_224",
    "ghostnet_050",
    "levit_128s",
    "repvgg_a0",
    "maxvit_pico_rw_256",
    "eva02_tiny_patch14_224",
]


def on_meta(architecture: str) -> Any:
    with torch.device("meta"):
        model: Any = timm.create_model(architecture, num_classes=7)
    return model


@pytest.mark.parametrize(
    "architecture", [*(one.architecture for one in CARDS), *OTHERS], ids=[*IDS, *OTHERS]
)
def test_everything_belongs_to_exactly_one_group(architecture: str) -> None:
    model = on_meta(architecture)
    groups = layer_groups(model)
    assert 2 <= len(groups) <= 9
    assert [one.index for one in groups] == list(range(len(groups)))
    names = [*dict(model.named_parameters()), *dict(model.named_buffers()), *model.state_dict()]
    for name in names:
        assert sum(one.owns(name) for one in groups) == 1, name
    assert sum(one.parameters for one in groups) == sum(p.numel() for p in model.parameters())
    assert all(one.parameters > 0 for one in groups)
    classifiers = model.get_classifier()
    classifiers = classifiers if isinstance(classifiers, tuple) else (classifiers,)
    wanted = sum(p.numel() for one in classifiers for p in one.parameters())
    assert groups[-1].name == "head" and groups[-1].parameters <= wanted
    owners = module_owners(model, groups)
    assert owners.keys() == dict(model.named_modules()).keys()
    leaves = [name for name, module in model.named_modules() if not list(module.children())]
    assert all(owners[name] is not None for name in leaves)


@pytest.mark.parametrize("one", CARDS, ids=IDS)
def test_the_card_describes_these_groups(one: ModelCard) -> None:
    groups = layer_groups(on_meta(one.architecture))
    assert [g.name for g in groups] == [g.name for g in one.groups]
    assert [g.title for g in groups] == [g.title for g in one.groups]


@pytest.mark.parametrize(
    ("architecture", "names", "first", "before_head"),
    [
        ("vgg16", "stage1 stage2 stage3 stage4 stage5 dense head", "features.0", "pre_logits"),
        ("resnet50", "stem stage1 stage2 stage3 stage4 head", "conv1", "layer4"),
        ("efficientnet_b0", "stem stage1 stage2 stage3 stage4 stage5 head", "conv_stem", "bn2"),
        ("mobilenetv3_small_100", "stem stage1 stage2 stage3 stage4 head", "bn1", "conv_head"),
        ("convnext_atto", "stem stage1 stage2 stage3 stage4 head", "stem", "head.norm"),
        ("regnety_004", "stem stage1 stage2 stage3 stage4 head", "stem", "s4"),
        ("vit_tiny_patch16_224", "patches part1 part2 part3 part4 head", "pos_embed", "norm"),
    ],
)
def test_blocks_of_each_family(architecture: str, names: str, first: str, before_head: str) -> None:
    groups = layer_groups(on_meta(architecture))
    assert " ".join(one.name for one in groups) == names
    assert first in groups[0].modules
    assert before_head in groups[-2].modules


def test_transformer_blocks_are_shared_out_evenly() -> None:
    groups = layer_groups(on_meta("vit_tiny_patch16_224"))
    counts = [sum(m.startswith("blocks.") for m in one.modules) for one in groups]
    assert counts == [0, 3, 3, 3, 3, 0]


def test_dropout_before_the_classifier_belongs_to_the_head() -> None:
    model: Any = timm.create_model("convnext_atto", num_classes=3, drop_rate=0.2)
    groups = layer_groups(model)
    owners = module_owners(model, groups)
    assert owners["head.drop"] == len(groups) - 1
    assert owners["head.norm"] == len(groups) - 2
    assert owners["head"] is None and owners[""] is None
    vit: Any = timm.create_model("vit_tiny_patch16_224", num_classes=3, depth=4)
    assert module_owners(vit, layer_groups(vit))["pos_drop"] == 0


def test_a_network_without_classifier() -> None:
    with pytest.raises(LayerGroupError, match="no separate classifier"):
        layer_groups(timm.create_model("resnet10t", num_classes=0))


def test_multiply_adds_of_a_known_network() -> None:
    model: Any = timm.create_model("resnet50", num_classes=1000)
    groups = layer_groups(model)
    model.train()
    before = {name: value.clone() for name, value in model.named_buffers()}
    facts = describe_groups(model, groups, 224)
    assert sum(one.macs for one in facts) == pytest.approx(4.1e9, rel=0.05)  # He et al. 2015
    assert [one.output for one in facts] == [
        (64, 56, 56),
        (256, 56, 56),
        (512, 28, 28),
        (1024, 14, 14),
        (2048, 7, 7),
        (1000,),
    ]
    assert facts[-1].macs == 2048 * 1000
    assert all(module.training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.named_buffers())


def test_attention_products_are_counted() -> None:
    model: Any = timm.create_model("vit_tiny_patch16_224", num_classes=10)
    facts = describe_groups(model, layer_groups(model), 224)
    tokens, width = 197, 192
    linear = 12 * width**2 * tokens
    attention = 2 * tokens**2 * width
    assert facts[1].macs == 3 * (linear + attention)
    assert facts[1].output == (tokens, width)
