import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tl_core.errors import ConfigError, LayerGroupError
from tl_core.models.facts import GroupFacts
from tl_core.models.plan import FreezePlan


@pytest.mark.parametrize(
    ("layers", "flags"),
    [
        ("head", "00001"),
        ("last:1", "00011"),
        ("last:4", "11111"),
        ("first:1", "10001"),
        ("first:2", "11001"),
        ("all", "11111"),
        ("scratch", "11111"),
        ("custom:0,2", "10101"),
        ("custom:4", "00001"),
    ],
)
def test_what_each_choice_trains(layers: str, flags: str) -> None:
    plan = FreezePlan.from_layers(layers, 5)
    assert plan.trainable == tuple(flag == "1" for flag in flags)
    assert plan.scratch == (layers == "scratch")


@pytest.mark.parametrize(
    ("layers", "normal"),
    [
        ("last:4", "all"),
        ("custom:4", "head"),
        ("custom:3", "last:1"),
        ("custom:0,1", "first:2"),
        ("custom:2,0", "custom:0,2,4"),
        ("scratch", "scratch"),
    ],
)
def test_normal_form(layers: str, normal: str) -> None:
    assert FreezePlan.from_layers(layers, 5).to_layers() == normal


@given(st.lists(st.booleans(), min_size=1, max_size=9))
def test_normal_form_reads_back(body: list[bool]) -> None:
    plan = FreezePlan((*body, True))
    assert FreezePlan.from_layers(plan.to_layers(), len(body) + 1) == plan


@pytest.mark.parametrize("layers", ["last:5", "first:5"])
def test_too_many_blocks(layers: str) -> None:
    with pytest.raises(LayerGroupError) as caught:
        FreezePlan.from_layers(layers, 5)
    assert caught.value.message == (
        f"This network has 4 blocks before its head, so '{layers}' asks for too many."
    )
    assert caught.value.hint == "Choose a number from 1 to 4, or all blocks."


def test_a_block_that_does_not_exist() -> None:
    with pytest.raises(LayerGroupError) as caught:
        FreezePlan.from_layers("custom:1,7", 5)
    assert caught.value.message == "There is no block 7: this network's blocks are 0 to 4."


def test_not_a_choice_at_all() -> None:
    with pytest.raises(ConfigError) as caught:
        FreezePlan.from_layers("some", 5)
    assert caught.value.field == "layers"


def test_a_plan_knows_its_network() -> None:
    with pytest.raises(LayerGroupError, match="is for 5 blocks, but the network has 6"):
        FreezePlan.from_layers("head", 5).check(6)
    with pytest.raises(LayerGroupError, match="The head must train"):
        FreezePlan((True, False))
    with pytest.raises(LayerGroupError, match="no frozen blocks"):
        FreezePlan((False, True), scratch=True)


def test_what_trains_in_names_and_numbers() -> None:
    facts = [
        GroupFacts(name=name, title="", knows="", parameters=count, macs=0, output=())
        for name, count in (("stem", 1), ("stage1", 10), ("head", 100))
    ]
    plan = FreezePlan.from_layers("first:1", 3)
    assert plan.trainable_names(facts) == ("stem", "head")
    assert plan.trainable_parameters(facts) == 101
    assert plan.first_trainable == 0
    assert FreezePlan.from_layers("head", 3).first_trainable == 2


def test_when_source_statistics_are_kept() -> None:
    plan = FreezePlan.from_layers("last:1", 5)
    assert plan.freeze_norm_stats(batch_size=16, n_train=5000)
    assert plan.freeze_norm_stats(batch_size=64, n_train=499)
    assert not plan.freeze_norm_stats(batch_size=32, n_train=500)
    scratch = FreezePlan.from_layers("scratch", 5)
    assert not scratch.freeze_norm_stats(batch_size=16, n_train=100)


def test_the_server_side_needs_no_torch() -> None:
    code = (
        "import sys, tl_core.models.catalog as c, tl_core.models.plan;"
        "c.card('resnet18.tv_in1k'); c.search('vit'); c.is_downloaded('resnet18.tv_in1k');"
        "heavy = {'torch', 'timm', 'torchvision', 'huggingface_hub'};"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
