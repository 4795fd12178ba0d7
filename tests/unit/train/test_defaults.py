from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from tl_core.config import NO_AUGMENT, FreezeConfig, ModelConfig, RunSpec, TrainConfig, changed
from tl_core.models.catalog import DEFAULT_MODEL, card
from tl_core.train.defaults import reasons, resolved

CARD = card(DEFAULT_MODEL)


def lr_of(spec: RunSpec, **facts: int) -> float:
    lr = resolved(spec, card=CARD, **{"n_train": 245, "n_classes": 2, **facts}).train.lr
    assert lr is not None
    return lr


@pytest.mark.parametrize("layers", ["head", "last:1", "first:1", "all", "scratch", "custom:0,2"])
@pytest.mark.parametrize("n_train", [2, 60, 499, 500, 3000, 60_000])
def test_every_open_setting_is_filled_within_its_limits(layers: str, n_train: int) -> None:
    spec = RunSpec(freeze=FreezeConfig(layers=layers))
    done = resolved(spec, card=CARD, n_train=n_train, n_classes=5)
    left_open = {one.name for one in fields(TrainConfig) if getattr(done.train, one.name) is None}
    frozen_first = layers in ("head", "last:1")
    assert left_open == (set() if frozen_first else {"views"}), "views need frozen blocks"
    assert done == resolved(spec, card=CARD, n_train=n_train, n_classes=5)
    assert resolved(done, card=CARD, n_train=n_train, n_classes=5) == done


def test_what_the_user_set_stays() -> None:
    spec = RunSpec(
        model=ModelConfig(channels=1),
        train=TrainConfig(epochs=3, lr=0.5, batch_size=7, image_size=96, views=5),
    )
    assert resolved(spec, card=CARD, n_train=245, n_classes=2) == spec


def test_views_follow_the_layers_and_the_augmentation() -> None:
    def views(**changes: Any) -> int | None:
        spec = changed(RunSpec(), {key.replace("__", "."): v for key, v in changes.items()})
        return resolved(spec, card=CARD, n_train=245, n_classes=2).train.views

    assert views() == 2 and views(freeze__layers="last:1") == 2
    assert resolved(RunSpec(), card=CARD, n_train=3000, n_classes=2).train.views == 8
    assert views(augment=NO_AUGMENT) == 1
    assert views(train__cache=False) is None and views(freeze__layers="all") is None


def test_a_deep_probe_of_few_pictures_looks_closer() -> None:
    spec = changed(RunSpec(), {"freeze.layers": "deep-probe"})

    def size(n: int, detail_px: int | None = None) -> int | None:
        done = resolved(spec, card=CARD, n_train=n, n_classes=2, detail_px=detail_px)
        return done.train.image_size

    assert (size(245), size(3000)) == (224, 128)
    details = (90, 150, 174, 200, 369, 3000)  # no closer than the pictures have detail
    assert [size(245, px) for px in details] == [128, 128, 160, 192, 224, 224]
    assert size(3000, 369) == 128
    assert "looks closer" in reasons(spec, card=CARD, n_train=245, n_classes=2)["train.image_size"]


def test_the_head_alone_learns_faster_than_with_pretrained_layers() -> None:
    head = lr_of(RunSpec())
    tuned = lr_of(RunSpec(freeze=FreezeConfig(layers="last:1")))
    assert head == 0.01
    assert tuned == pytest.approx(CARD.finetune_lr / 0.1) and tuned < head


def test_the_pretrained_layers_get_the_rate_of_their_card() -> None:
    spec = changed(RunSpec(freeze=FreezeConfig(layers="all")), {"train.backbone_lr": 0.5})
    assert lr_of(spec) * 0.5 == pytest.approx(CARD.finetune_lr)


def test_random_weights_train_like_from_scratch() -> None:
    scratch = RunSpec(freeze=FreezeConfig(layers="scratch"))
    random = RunSpec(model=ModelConfig(weights="random"), freeze=FreezeConfig(layers="all"))
    assert lr_of(random) == lr_of(scratch) == 1e-3


def test_more_pictures_mean_larger_batches_and_fewer_epochs() -> None:
    sizes = (100, 1000, 5000, 50_000)
    done = [resolved(RunSpec(), card=CARD, n_train=n, n_classes=2).train for n in sizes]
    assert [one.batch_size for one in done] == [16, 32, 64, 64]
    assert [one.epochs for one in done] == [25, 25, 15, 8]


def test_an_impossible_image_size_becomes_the_nearest_possible() -> None:
    patches = replace(CARD, size_multiple=14, input_px=224)
    spec = RunSpec(train=TrainConfig(image_size=100))
    assert resolved(spec, card=patches, n_train=100, n_classes=2).train.image_size == 98


@pytest.mark.parametrize("layers", ["head", "last:1", "scratch"])
def test_reasons_name_existing_fields_and_the_automatic_value(layers: str) -> None:
    spec = RunSpec(freeze=FreezeConfig(layers=layers), train=TrainConfig(lr=0.77, epochs=3))
    said = reasons(spec, card=CARD, n_train=245, n_classes=2)
    free = replace(spec, train=TrainConfig())
    auto = resolved(free, card=CARD, n_train=245, n_classes=2).train
    assert f"{auto.lr:g}" in said["train.lr"] and f"{auto.epochs} epochs" in said["train.epochs"]
    for field, sentence in said.items():
        part, _, name = field.partition(".")
        assert hasattr(getattr(spec, part), name) if name else hasattr(spec, part)
        assert sentence.endswith(".") and len(sentence) < 160
