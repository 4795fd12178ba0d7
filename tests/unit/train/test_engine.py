from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.unit.train.tiny import (
    ALL,
    CLASSES,
    HEAD,
    LAST,
    SCRATCH,
    Orders,
    tiny_data,
    tiny_fit,
    tiny_groups,
    tiny_net,
    tiny_recipe,
)
from tl_core.cache.numerics import EXACT, Numerics
from tl_core.cache.shelf import Shelf
from tl_core.config import NO_AUGMENT, AugmentConfig
from tl_core.errors import ConfigError, FrozenDriftError
from tl_core.events import EpochDone, StepDone
from tl_core.models.build import build
from tl_core.models.groups import layer_groups
from tl_core.models.plan import FreezePlan
from tl_core.storage import Home
from tl_core.train.engine import Decided, build_engine
from tl_core.train.feeding import view_draws
from tl_core.train.loop import fit
from tl_core.train.measuring import plan_engine
from tl_core.train.recipe import TrainData, fit_subset


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def named(data: TrainData, mark: str = "") -> TrainData:
    return replace(
        data,
        train_keys=tuple(f"{mark}train{i}" for i in range(len(data.train_y))),
        val_keys=tuple(f"{mark}val{i}" for i in range(len(data.val_y))),
    )


def losses(events: list[Any]) -> list[float]:
    return [e.loss for e in events if isinstance(e, StepDone)] + [
        e.val_loss for e in events if isinstance(e, EpochDone)
    ]


@pytest.mark.parametrize("plan", [HEAD, LAST], ids=["head", "last"])
@pytest.mark.parametrize("views", [1, 2, 4])
def test_cached_and_uncached_training_give_the_same_losses(plan: FreezePlan, views: int) -> None:
    recipe = tiny_recipe(views=views, epochs=5)
    data = named(tiny_data())
    uncached = tiny_fit(plan, data=data, recipe=replace(recipe, cache=False))
    cached = tiny_fit(plan, data=data, recipe=replace(recipe, cache=True))
    assert losses(cached) == pytest.approx(losses(uncached), abs=1e-5)


@pytest.mark.parametrize("layers", ["head", "last:1", "last:3", "custom:3"])
def test_a_real_backbone_gives_the_same_losses_with_the_cache(layers: str) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(12, dtype=np.int64) % 3
    data = named(
        TrainData(
            train_x=rng.integers(0, 255, (12, 3, 64, 64), dtype=np.uint8),
            train_y=y,
            val_x=rng.integers(0, 255, (6, 3, 64, 64), dtype=np.uint8),
            val_y=y[:6],
            fit_index=fit_subset(y),
        )
    )
    found = []
    for cache in (False, True):
        model = build("resnet10t.tiny_imagenet", n_classes=3)
        groups = layer_groups(model)
        events = fit(
            model,
            groups,
            FreezePlan.from_layers(layers, len(groups)),
            data,
            tiny_recipe(views=2, epochs=3, cache=cache, lr=0.001, batch_size=6),
            classes=["a", "b", "c"],
            model_name="resnet10t",
            control=Orders(),
        )
        found.append(losses(list(events)))
    assert found[1] == pytest.approx(found[0], abs=1e-5)


def test_frozen_blocks_compute_every_view_once() -> None:
    for plan in (HEAD, LAST):
        model, seen = tiny_net(), []
        model.stem[0].register_forward_hook(lambda m, a, out, to=seen: to.append(len(out)))
        data = named(tiny_data())
        tiny_fit(plan, model, data=data, recipe=tiny_recipe(views=2, epochs=6, cache=True))
        # 24 training pictures in 2 views of two batches of 16 each, 10 validation pictures in one
        assert seen.count(16) == 5


def test_views_are_kept_on_disk_and_shared(tmp_path: Path) -> None:
    shelf = Shelf(Home(tmp_path))
    data = named(tiny_data())
    recipe = tiny_recipe(views=2, cache=True)
    first = tiny_fit(HEAD, data=data, recipe=recipe, shelf=shelf)
    model, seen = tiny_net(), []
    model.stem[0].register_forward_hook(lambda m, a, out: seen.append(len(out)))
    again = tiny_fit(HEAD, model, data=data, recipe=recipe, shelf=Shelf(Home(tmp_path)))
    assert losses(again) == losses(first)
    assert 16 not in seen, "another process found the views and computed none"
    other = tiny_fit(HEAD, model, data=data, recipe=replace(recipe, seed=5), shelf=shelf)
    assert 16 not in seen and losses(other) != losses(first), "seeds share the views"


@pytest.mark.parametrize(
    "change",
    [
        {"augment": AugmentConfig(crop=0.5)},
        {"mean": (0.4, 0.4, 0.4)},
    ],
    ids=["augmentation", "normalisation"],
)
def test_another_way_of_making_views_does_not_read_them(tmp_path: Path, change: Any) -> None:
    shelf, data, recipe = (
        Shelf(Home(tmp_path)),
        named(tiny_data()),
        tiny_recipe(views=2, cache=True),
    )
    tiny_fit(HEAD, data=data, recipe=recipe, shelf=shelf)
    fresh = tiny_fit(HEAD, data=data, recipe=replace(recipe, **change))
    assert losses(tiny_fit(HEAD, data=data, recipe=replace(recipe, **change), shelf=shelf)) == (
        losses(fresh)
    )


def test_other_frozen_weights_do_not_read_them(tmp_path: Path) -> None:
    shelf, data, recipe = (
        Shelf(Home(tmp_path)),
        named(tiny_data()),
        tiny_recipe(views=1, cache=True),
    )
    tiny_fit(HEAD, data=data, recipe=recipe, shelf=shelf)
    fresh = tiny_fit(HEAD, tiny_net(seed=3), data=data, recipe=recipe)
    assert losses(tiny_fit(HEAD, tiny_net(seed=3), data=data, recipe=recipe, shelf=shelf)) == (
        losses(fresh)
    )


def test_pictures_added_later_are_all_that_is_computed(tmp_path: Path) -> None:
    shelf, recipe = Shelf(Home(tmp_path)), tiny_recipe(views=1, cache=True, augment=NO_AUGMENT)
    whole = named(tiny_data(n_train=40))
    part = replace(
        whole,
        train_x=whole.train_x[:24],  # type: ignore[index]
        train_y=whole.train_y[:24],
        train_keys=whole.train_keys[:24],
        fit_index=fit_subset(whole.train_y[:24]),
    )
    tiny_fit(HEAD, data=part, recipe=recipe, shelf=shelf)
    model, seen = tiny_net(), []
    model.stem[0].register_forward_hook(lambda m, a, out: seen.append(len(out)))
    grown = tiny_fit(HEAD, model, data=whole, recipe=recipe, shelf=shelf)
    assert seen.count(16) == 1, "16 new pictures, one batch"
    assert losses(grown) == losses(tiny_fit(HEAD, data=whole, recipe=recipe))


def test_a_run_that_stops_inside_a_view_leaves_nothing_half(tmp_path: Path) -> None:
    shelf, data, recipe = (
        Shelf(Home(tmp_path)),
        named(tiny_data(n_train=600)),
        tiny_recipe(views=1, cache=True, batch_size=16),
    )
    tiny_fit(HEAD, data=data, recipe=recipe, shelf=shelf, control=Orders("go", "stop"))
    assert losses(tiny_fit(HEAD, data=data, recipe=recipe, shelf=shelf)) == losses(
        tiny_fit(HEAD, data=data, recipe=recipe)
    )


def test_the_first_steps_do_not_wait_for_the_whole_view() -> None:
    model, seen, told = tiny_net(), [], []
    model.stem[0].register_forward_hook(lambda m, a, out: seen.append(len(out)))
    for event in fit(
        model,
        tiny_groups(),
        HEAD,
        named(tiny_data(n_train=2000)),
        tiny_recipe(views=2, cache=True, epochs=1),
        classes=CLASSES,
        model_name="tiny",
        control=Orders(),
    ):
        if isinstance(event, StepDone) and not told:
            told.append(seen.count(16) * 16)
    assert told[0] < 600


def test_train_mode_inside_the_frozen_part_raises() -> None:
    model = tiny_net()
    engine = build_engine(model, tiny_groups(), LAST, tiny_data(), tiny_recipe(views=1, cache=True))
    model.stem[1].train()
    with pytest.raises(FrozenDriftError):
        engine.check()


@pytest.mark.parametrize("plan", [ALL, SCRATCH])
def test_nothing_frozen_needs_no_cut(plan: FreezePlan) -> None:
    engine = build_engine(
        tiny_net(), tiny_groups(), plan, tiny_data(), tiny_recipe(views=2, cache=True)
    )
    assert engine.cut is None and engine.train_views is None


def test_equal_pictures_share_their_row() -> None:
    data = tiny_data(n_train=24)
    keys = tuple(f"k{i % 12}" for i in range(24))
    x = np.asarray(data.train_x)[np.arange(24) % 12]
    data = replace(named(data), train_x=x, train_keys=keys)
    model, seen = tiny_net(), []
    model.stem[0].register_forward_hook(lambda m, a, out: seen.append(len(out)))
    tiny_fit(HEAD, model, data=data, recipe=tiny_recipe(views=1, cache=True))
    assert seen.count(16) == 2, "12 contents and 10 validation pictures: one batch each"


def test_rows_do_not_depend_on_which_pictures_are_computed_together() -> None:
    engine = build_engine(
        tiny_net().eval(), tiny_groups(), HEAD, tiny_data(40), tiny_recipe(views=1, cache=True)
    )
    views = engine.train_views
    assert views is not None
    whole = views.compute_rows(0, np.arange(40))
    for rows in (np.array([3]), np.array([39, 0, 7]), np.arange(40)[::-1].copy()):
        assert torch.equal(views.compute_rows(0, rows), whole[torch.from_numpy(rows)])


def test_half_precision_rows_are_close(tmp_path: Path) -> None:
    half = Numerics(precision="float32", stored="float16", fused=True)
    outputs = []
    for numerics in (EXACT, half):
        engine = build_engine(
            tiny_net().eval(),
            tiny_groups(),
            HEAD,
            tiny_data(),
            tiny_recipe(views=1, cache=True),
            decided=Decided(numerics=numerics, views=1),
        )
        (given,) = engine.clean("val", [np.arange(10)])
        outputs.append(engine.forward(given).detach())
    assert torch.allclose(outputs[0], outputs[1], atol=1e-2)


@pytest.mark.parametrize("cache", [False, True])
def test_an_epoch_is_judged_as_it_was_trained_in_lower_precision(cache: bool) -> None:
    lower = Numerics(precision="bfloat16", stored="float16", train_precision="bfloat16", fused=True)
    found = []
    for numerics in (EXACT, lower):
        model = build("resnet10t.tiny_imagenet", n_classes=2)
        groups = layer_groups(model)
        events = fit(
            model,
            groups,
            FreezePlan.from_layers("last:1", len(groups)),
            named(tiny_data(24)),
            tiny_recipe(views=1, epochs=2, cache=cache, lr=0.001, batch_size=8),
            classes=["a", "b"],
            model_name="resnet10t",
            control=Orders(),
            decided=Decided(numerics=numerics, views=1, cached=cache),
        )
        found.append(losses(list(events)))
    assert found[1] == pytest.approx(found[0], rel=0.2, abs=0.05)


def test_measuring_changes_neither_weights_nor_statistics_nor_random_numbers() -> None:
    model, data = tiny_net(), tiny_data()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    rng = torch.get_rng_state()
    for plan in (HEAD, LAST, ALL):
        decided, chosen, warned = plan_engine(
            model, tiny_groups(), plan, data, tiny_recipe(views=2, cache=True)
        )
        assert not warned and decided.cost.suffix > 0
        assert chosen.expected_seconds is not None and chosen.expected_seconds > 0
        assert chosen.cache == ("none" if plan is ALL else "kept")
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), rng)
    assert all(p.grad is None for p in model.parameters())


def test_where_nothing_trains_the_time_is_left_to_whoever_solves() -> None:
    recipe = tiny_recipe(views=2, cache=True)
    _, chosen, _ = plan_engine(tiny_net(), tiny_groups(), HEAD, tiny_data(), recipe, trains=False)
    assert chosen.expected_seconds is None


def test_a_measurement_is_remembered_and_damage_to_it_survived(tmp_path: Path) -> None:
    home, recipe, data = Home(tmp_path), tiny_recipe(views=2, cache=True), tiny_data()
    first, *_ = plan_engine(tiny_net(), tiny_groups(), HEAD, data, recipe, home=home)
    again, *_ = plan_engine(tiny_net(), tiny_groups(), HEAD, data, recipe, home=home)
    reading = {"cost": replace(first.cost, reading=again.cost.reading)}  # measured every time
    assert again == replace(first, **reading) and first.cost.reading > 0
    assert Decided.from_dict(first.to_dict()) == first
    kept = list((tmp_path / "cache" / "numerics").glob("*.json"))
    assert len(kept) == 2  # the frozen blocks, which other choices of layers share, and a step
    for one in kept:
        one.write_text("{")
    plan_engine(tiny_net(), tiny_groups(), HEAD, data, recipe, home=home)


def test_a_small_budget_means_fewer_views_and_then_none(tmp_path: Path) -> None:
    home, data = Home(tmp_path), named(tiny_data())
    recipe = tiny_recipe(views=4, cache=True)
    bytes_ = 8 * 2  # one picture's features, float16
    room = {4: 1 << 20, 2: 24 * bytes_ * 2 + 10 * bytes_ + 8, 0: 24 * bytes_}
    for views, limit in room.items():
        decided, chosen, warned = plan_engine(
            tiny_net(),
            tiny_groups(),
            HEAD,
            data,
            recipe,
            shelf=Shelf(home, limit_bytes=limit),
        )
        assert decided.numerics.stored == "float16"
        assert decided.cached is bool(views)
        assert chosen.cache == ("kept" if views else "off")
        assert [one.code for one in warned] == {4: [], 2: ["views_reduced"], 0: ["cache_off"]}[
            views
        ]
        assert decided.views == (views or 4)


def test_the_budget_must_be_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THAW_CACHE_GB", "plenty")
    with pytest.raises(ConfigError, match="not a number"):
        Shelf(Home(tmp_path))


def test_draws_of_a_view_follow_the_content() -> None:
    config = AugmentConfig()
    whole = view_draws(["a", "b", "c"], 1, config)
    assert torch.equal(view_draws(["c", "a"], 1, config), whole[[2, 0]])
    assert not torch.equal(view_draws(["a", "b", "c"], 3, config)[:, 1:], whole[:, 1:])
    assert (whole[:, 0] < 0.5).all() and (view_draws(["a"], 2, config)[:, 0] > 0.5).all()
    many = view_draws([str(i) for i in range(4000)], 1, config)[:, 1:]
    assert many.min() >= 0 and many.max() < 1 and abs(float(many.mean()) - 0.5) < 0.01


def test_a_cut_run_resumes_with_the_same_numbers(tmp_path: Path) -> None:
    data, recipe = named(tiny_data()), tiny_recipe(views=2, cache=True, epochs=4)
    saved: list[Any] = []
    whole = tiny_fit(LAST, data=data, recipe=recipe, save=saved.append)
    rest = tiny_fit(LAST, data=data, recipe=recipe, resume=saved[1], shelf=Shelf(Home(tmp_path)))
    done = [e for e in whole if isinstance(e, EpochDone)][2:]
    assert [e for e in rest if isinstance(e, EpochDone)] == done
