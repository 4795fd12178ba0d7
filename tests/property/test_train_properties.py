from __future__ import annotations

from typing import Any

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.train.tiny import HEAD, LAST, tiny_data, tiny_fit, tiny_net, tiny_recipe
from tl_core.config import AugmentConfig
from tl_core.diagnose.rules import SEVERITIES, Coach
from tl_core.events import EpochDone, RunFinished
from tl_core.models.plan import FreezePlan
from tl_core.train import augment
from tl_core.train.optim import group_rates, schedule_factor
from tl_core.train.passes import batches
from tl_core.train.recipe import fit_subset


@given(n=st.integers(2, 300), size=st.integers(2, 70))
def test_batches_hold_every_picture_once_and_never_one_alone(n: int, size: int) -> None:
    parts = batches(np.arange(n), size)
    assert np.array_equal(np.concatenate(parts), np.arange(n))
    assert all(2 <= len(part) <= size + 1 for part in parts)


@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=400), limit=st.integers(5, 60))
def test_the_clean_subset_keeps_the_proportions(labels: list[int], limit: int) -> None:
    all_labels = np.array(labels)
    chosen = fit_subset(all_labels, limit=limit)
    assert len(chosen) == min(limit, len(labels)) == len(set(chosen))
    for label in set(labels):
        fair = len(chosen) * np.mean(all_labels == label)
        assert abs(np.sum(all_labels[chosen] == label) - fair) <= 5


@given(schedule=st.sampled_from(["one-cycle", "cosine", "constant"]), progress=st.floats(0, 1))
def test_no_schedule_leaves_its_range(schedule: str, progress: float) -> None:
    assert 0 < schedule_factor(schedule, progress) <= 1 + 1e-12


@given(flags=st.lists(st.booleans(), min_size=1, max_size=8))
def test_rates_never_rise_towards_the_input(flags: list[bool]) -> None:
    plan = FreezePlan((*flags, True))
    rates = group_rates(plan, lr=1.0, backbone_lr=0.1, block_decay=0.4)
    live = [rate for rate in rates if rate]
    assert [rate > 0 for rate in rates] == list(plan.trainable)
    assert live == sorted(live) and live[-1] == 1.0


@settings(max_examples=25, deadline=None)
@given(
    crop=st.floats(0.2, 1.0),
    rotate=st.floats(0, 180),
    color=st.floats(0, 0.8),
    flips=st.tuples(st.booleans(), st.booleans()),
    seed=st.integers(0, 1000),
)
def test_augmented_pictures_stay_pictures(
    crop: float, rotate: float, color: float, flips: tuple[bool, bool], seed: int
) -> None:
    config = AugmentConfig(
        flip=flips[0], flip_vertical=flips[1], crop=crop, rotate=rotate, color=color
    )
    gen = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (3, 3, 8, 8), generator=gen, dtype=torch.uint8)
    out = augment.apply(images, augment.draw(3, gen), config)
    assert out.shape == images.shape and bool(torch.isfinite(out).all())
    assert float(out.min()) >= -1e-5 and float(out.max()) <= 1 + 1e-5


@settings(max_examples=15, deadline=None)
@given(
    stop_at=st.integers(1, 12),
    plan=st.sampled_from([HEAD, LAST]),
    n_train=st.integers(5, 20),
)
def test_a_stop_at_any_step_ends_in_one_usable_result(
    stop_at: int, plan: FreezePlan, n_train: int
) -> None:
    class Control:
        asked = 0

        def poll(self) -> Any:
            self.asked += 1
            return "stop" if self.asked >= stop_at else "go"

    model = tiny_net()
    events = tiny_fit(
        plan,
        model,
        control=Control(),
        data=tiny_data(n_train=n_train, n_val=6),
        recipe=tiny_recipe(epochs=3),
    )
    finished = [event for event in events if isinstance(event, RunFinished)]
    epochs = [event.epoch for event in events if isinstance(event, EpochDone)]
    assert finished == [events[-1]]
    assert epochs == list(range(1, len(epochs) + 1)) and epochs
    assert 1 <= finished[0].best_epoch <= len(epochs)
    assert all(bool(torch.isfinite(value).all()) for value in model.state_dict().values())


@settings(max_examples=20, deadline=None)
@given(rise=st.floats(0.02, 1.0), more=st.floats(0.0, 1.0), seed=st.integers(0, 50))
def test_a_larger_rise_never_lowers_the_severity(rise: float, more: float, seed: int) -> None:
    from tests.unit.diagnose.test_rules import overfitting, spec

    coach = Coach(spec(), n_classes=2, val_labels=np.arange(100) % 2)

    def severity(size: float) -> int:
        found = coach(*overfitting(rise=size), [], None)
        return max(
            (SEVERITIES.index(one.severity) for one in found if one.verdict == "overfit"),
            default=-1,
        )

    assert severity(rise) <= severity(rise + more)
