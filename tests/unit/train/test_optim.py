from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from tests.unit.train.tiny import ALL, HEAD, SCRATCH, tiny_groups, tiny_net
from tl_core.errors import CheckpointError
from tl_core.models.freezing import apply_plan
from tl_core.models.plan import FreezePlan
from tl_core.train.optim import (
    build_optimizer,
    group_rates,
    load_optimizer_state,
    optimizer_state,
    schedule_factor,
    set_rates,
)

RATES = {"lr": 1.0, "backbone_lr": 0.1, "block_decay": 0.5}


@pytest.mark.parametrize(
    ("trainable", "expected"),
    [
        ((False, False, False, True), (0, 0, 0, 1)),
        ((False, False, True, True), (0, 0, 0.1, 1)),
        ((True, True, True, True), (0.025, 0.05, 0.1, 1)),
        ((True, False, False, True), (0.1, 0, 0, 1)),
        ((True, False, True, True), (0.05, 0, 0.1, 1)),
    ],
)
def test_rates_fall_from_the_head(trainable: tuple[bool, ...], expected: tuple[float, ...]) -> None:
    assert group_rates(FreezePlan(trainable), **RATES) == pytest.approx(expected)


def test_from_scratch_every_group_learns_alike() -> None:
    assert group_rates(SCRATCH, **RATES) == (1.0, 1.0, 1.0)


def test_biases_and_norms_do_not_decay_and_frozen_groups_are_left_out() -> None:
    net, groups = tiny_net(), tiny_groups()
    for plan, names in ((HEAD, {"fc"}), (ALL, {"stem", "block", "fc"})):
        apply_plan(net, groups, plan)
        optimizer = build_optimizer(net, groups, group_rates(plan, **RATES), weight_decay=0.1)
        own = {value: name for name, value in net.named_parameters()}
        decays = {own[p]: g["weight_decay"] for g in optimizer.param_groups for p in g["params"]}
        assert {name.split(".")[0] for name in decays} == names
        assert {n for n, decay in decays.items() if decay} <= {
            "stem.0.weight",
            "block.0.weight",
            "fc.weight",
        }
        assert decays["fc.bias"] == 0.0 and decays["fc.weight"] == 0.1


def test_one_cycle() -> None:
    factors = [schedule_factor("one-cycle", step / 1000) for step in range(1001)]
    assert factors[0] == pytest.approx(1 / 25)
    assert max(factors) == factors[250] == pytest.approx(1.0)
    assert factors[-1] == pytest.approx(1e-5)
    assert factors[125] == pytest.approx((1 / 25 + 1) / 2)
    assert all(a < b for a, b in pairwise(factors[:251]))
    assert all(a > b for a, b in pairwise(factors[250:]))


def test_cosine_and_constant() -> None:
    factors = [schedule_factor("cosine", step / 100) for step in range(101)]
    assert factors[0] < 0.1 and factors[5] == pytest.approx(1.0) and factors[-1] < 1e-4
    assert {schedule_factor("constant", step / 10) for step in range(11)} == {1.0}


def test_set_rates_reports_the_head() -> None:
    net, groups = tiny_net(), tiny_groups()
    optimizer = build_optimizer(net, groups, group_rates(ALL, **RATES), weight_decay=0.0)
    assert set_rates(optimizer, 0.5) == 0.5
    assert sorted({g["lr"] for g in optimizer.param_groups}) == pytest.approx([0.025, 0.05, 0.5])


def test_state_goes_back_and_refuses_another_network() -> None:
    net, groups = tiny_net(), tiny_groups()
    optimizer = build_optimizer(net, groups, group_rates(ALL, **RATES), weight_decay=0.0)
    net(torch.ones(2, 3, 16, 16)).sum().backward()
    optimizer.step()
    state = optimizer_state(net, optimizer)
    assert {name.split("|")[1] for name in state} == {"step", "exp_avg", "exp_avg_sq"}
    optimizer.step()
    load_optimizer_state(net, optimizer, state)
    again = optimizer_state(net, optimizer)
    assert again.keys() == state.keys()
    assert all(torch.equal(again[k], state[k]) for k in state)
    with pytest.raises(CheckpointError, match=r"at other\.weight"):
        load_optimizer_state(net, optimizer, {"other.weight|exp_avg": torch.zeros(2)})


def test_a_block_with_a_rate_of_its_own_leaves_the_others_as_they_were() -> None:
    own = group_rates(ALL, **RATES, block_rates={0: 0.5})
    usual = group_rates(ALL, **RATES)
    assert own == pytest.approx((0.5 * usual[-1], *usual[1:]))


def test_a_rate_for_the_head_a_frozen_block_or_no_block_has_no_effect() -> None:
    last = FreezePlan((False, True, True))
    asked = {0: 0.5, 2: 3.0, 9: 1.0}
    assert group_rates(last, **RATES, block_rates=asked) == group_rates(last, **RATES)
    assert group_rates(SCRATCH, **RATES, block_rates={0: 0.5}) == (1.0, 1.0, 1.0)
