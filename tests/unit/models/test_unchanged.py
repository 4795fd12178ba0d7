"""What is kept with a network goes when the network changes, and is not copied with it."""

from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Callable

import pytest
import torch
from torch import nn

from tl_core.models.unchanged import MOST, kept, structure, weights


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval()


def counted() -> tuple[list[int], Callable[[], object]]:
    calls: list[int] = []

    def make() -> object:
        calls.append(1)
        return object()

    return calls, make


def test_it_is_made_once_per_name() -> None:
    one, (calls, make) = network(), counted()
    first = kept(one, "a", weights(one), make)
    assert kept(one, "a", weights(one), make) is first and len(calls) == 1
    assert kept(one, "b", weights(one), make) is not first and len(calls) == 2


def optimised(one: nn.Sequential) -> None:
    optimizer = torch.optim.SGD(one.parameters(), lr=0.1)
    one(torch.ones(1, 3, 4, 4)).sum().backward()
    optimizer.step()


CHANGES: dict[str, Callable[[nn.Sequential], object]] = {
    "an optimizer": optimised,
    "loading a state": lambda one: one.load_state_dict(network().state_dict()),
    "a value": lambda one: one[0].weight.detach().zero_(),
    "another dtype": lambda one: one.double(),
    "another module": lambda one: one.__setitem__(2, nn.Identity()),
    "another layer": lambda one: one.append(nn.Dropout()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_makes_it_anew(change: str) -> None:
    one, (calls, make) = network(), counted()
    kept(one, "a", weights(one), make)
    CHANGES[change](one)
    kept(one, "a", weights(one), make)
    assert len(calls) == 2


def test_modes_gradients_and_layout_are_no_change() -> None:
    one, (calls, make) = network(), counted()
    kept(one, "a", weights(one), make)
    one.train().requires_grad_(False)
    one.eval().to(memory_format=torch.channels_last)
    with torch.no_grad():
        one(torch.ones(1, 3, 4, 4))
    kept(one, "a", weights(one), make)
    assert len(calls) == 1


def test_structure_leaves_values_out() -> None:
    one, (calls, make) = network(), counted()
    kept(one, "a", structure(one), make)
    optimised(one)
    kept(one, "a", structure(one), make)
    assert len(calls) == 1


def test_weights_that_torch_does_not_count_are_never_taken_for_unchanged() -> None:
    with torch.inference_mode():
        one = network()
    calls, make = counted()
    assert weights(one) is None
    kept(one, "a", weights(one), make)
    kept(one, "a", weights(one), make)
    assert len(calls) == 2


def test_a_copy_starts_with_nothing_and_nothing_is_kept_alive() -> None:
    one, (calls, make) = network(), counted()
    held = [one]
    kept(one, "a", weights(one), held.pop)  # even where it is the network itself
    two = copy.deepcopy(one)
    kept(two, "a", weights(two), make)
    assert len(calls) == 1
    gone = weakref.ref(one)
    del one
    gc.collect()
    assert gone() is None


def test_the_oldest_goes_first() -> None:
    one, (calls, make) = network(), counted()
    for name in range(MOST + 1):
        kept(one, name, weights(one), make)
    kept(one, 1, weights(one), make)
    assert len(calls) == MOST + 1
    kept(one, 0, weights(one), make)
    assert len(calls) == MOST + 2
