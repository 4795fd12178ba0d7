"""What differs between runs: every field that is used, and no other."""

from __future__ import annotations

from typing import Any

from tl_core.config import RunSpec, changed
from tl_core.jobs.differing import NOT_USED, differences


def spec(**changes: Any) -> dict[str, Any]:
    named = {key.replace("__", "."): value for key, value in changes.items()}
    return changed(RunSpec(), named).to_dict()


def paths(*specs: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    return {one.path: one.values for one in differences(specs)}


def test_equal_settings_differ_in_nothing() -> None:
    assert differences([spec(), spec(note="another", parent="t1")]) == []
    assert differences([]) == []


def test_only_what_differs_is_there_in_the_order_of_the_runs() -> None:
    found = paths(spec(train__lr=0.1), spec(train__lr=0.2), spec(train__lr=0.1))
    assert found == {"train.lr": (0.1, 0.2, 0.1)}


def test_settings_without_effect_do_not_differ() -> None:
    solved = spec(freeze__layers="deep-probe", train__lr=0.1, train__epochs=3, train__seed=1)
    trained = spec(train__lr=0.2, train__epochs=5)
    found = paths(solved, trained)
    assert found == {"freeze.layers": ("deep-probe", "head"), "train.seed": (1, 0)}
    third = paths(solved, trained, spec(train__lr=0.3, train__epochs=5))
    assert third["train.lr"] == (NOT_USED, 0.2, 0.3)
    assert "train.epochs" not in third


def test_rates_of_blocks_count_only_where_blocks_learn() -> None:
    head = spec(train__backbone_lr=0.5)
    assert "train.backbone_lr" not in paths(head, spec())
    opened = [spec(freeze__layers="last:1", train__backbone_lr=one) for one in (0.1, 0.5)]
    assert paths(*opened) == {"train.backbone_lr": (0.1, 0.5)}


def test_what_is_kept_of_frozen_blocks_counts_only_where_there_are_some() -> None:
    assert paths(*(spec(freeze__layers="all", train__cache=one) for one in (True, False))) == {}
    custom = [spec(freeze__layers="custom:0,2", augment__feature_noise=one) for one in (0.0, 0.1)]
    assert paths(*custom) == {}
    late = [spec(freeze__layers="custom:2", augment__feature_noise=one) for one in (0.0, 0.1)]
    assert paths(*late) == {"augment.feature_noise": (0.0, 0.1)}


def test_from_scratch_knows_no_pretrained_weights() -> None:
    scratch = spec(freeze__layers="scratch")
    assert "model.weights" not in paths(scratch, spec(model__weights="random"))
