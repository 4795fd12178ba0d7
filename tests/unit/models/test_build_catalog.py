"""The shipped files are what the tool writes from timm and the hand-written words."""

from __future__ import annotations

import json

import pytest
import timm

from tl_core.models.catalog import ANY, ASSETS, FIXED, SIZED, card
from tools.build_catalog import WORDS, architecture_facts, measured_card, parameters_m

WRITTEN = {one["name"]: one for one in json.loads(WORDS.read_text(encoding="utf-8"))["models"]}


@pytest.mark.parametrize(
    "name",
    [
        "resnet10t.tiny_imagenet",
        "mobilenetv3_small_100.lamb_in1k",
        "vit_tiny_patch16_224.augreg_in21k_ft_in1k",
    ],
)
def test_a_card_can_be_measured_again(name: str) -> None:
    assert measured_card(WRITTEN[name]) == card(name)


def test_every_written_card_is_shipped_in_order() -> None:
    shipped = json.loads((ASSETS / "catalog.json").read_text(encoding="utf-8"))["models"]
    assert [one["name"] for one in shipped] == list(WRITTEN)
    for one in shipped:
        for key in ("title", "summary", "good_for", "source_data", "top1"):
            assert one[key] == WRITTEN[one["name"]][key]


@pytest.mark.parametrize(
    "name",
    [
        "resnet18.tv_in1k",
        "vit_small_patch14_dinov2.lvd142m",
        "beit_base_patch16_224.in22k_ft_in22k_in1k",
    ],
)
def test_a_row_of_the_search_can_be_measured_again(name: str) -> None:
    body = json.loads((ASSETS / "timm_index.json").read_text(encoding="utf-8"))
    row = next(one for one in body["rows"] if one[0] == name)
    config = timm.get_pretrained_cfg(name)
    facts = architecture_facts(name.partition(".")[0], config)
    assert facts is not None
    kind = FIXED if facts["fixed"] else SIZED if facts["sized"] else ANY
    assert parameters_m(facts, config) == row[2]
    assert [facts["multiple"], kind, facts["smallest"]] == row[5:]
    assert body["families"][row[1]] == facts["family"]


def test_nothing_is_listed_twice() -> None:
    body = json.loads((ASSETS / "timm_index.json").read_text(encoding="utf-8"))
    names = [one[0] for one in body["rows"]]
    assert len(set(names)) == len(names)
    assert len(body["columns"].split()) == len(body["rows"][0])
