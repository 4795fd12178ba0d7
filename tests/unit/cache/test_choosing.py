"""How to compute: the fastest right answer wins, and a trial must be able to pay for itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tl_core.cache import choosing
from tl_core.cache.choosing import FINER_PICTURES, choose_prefix, choose_step
from tl_core.cache.numerics import EXACT, Numerics, prepared
from tl_core.models.unchanged import NAME
from tl_core.storage import Home


class Clock:
    """A clock that only goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


class Slow(nn.Module):
    """Blocks whose time per picture depends on how they are computed."""

    def __init__(self, clock: Clock, costs: dict[str, float], wrong: str = "") -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1), requires_grad=False)
        self.clock, self.costs, self.wrong = clock, costs, wrong
        self.asked: list[str] = []

    def forward(self, x: Tensor) -> Tensor:
        precision = str(x.dtype).removeprefix("torch.")
        layout = "last" if x.is_contiguous(memory_format=torch.channels_last) else "first"
        threads = torch.get_num_threads()
        self.asked.append(f"{precision} {layout} {threads} {len(x)}")
        for name in (precision, layout, f"{threads} threads"):
            self.clock.now += self.costs.get(name, 0.0) * len(x)
        found = x.float().mean((2, 3))
        return (found + 1e3 if precision == self.wrong else found).to(x.dtype)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(choosing, "time", made)
    # the same object goes on being asked, so that it can tell what was tried
    monkeypatch.setattr(choosing, "fused_copy", lambda prefix: prefix)
    monkeypatch.setattr(choosing.copy, "deepcopy", lambda one: one)
    return made


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def images(n: int = 16) -> Tensor:
    return torch.rand(n, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def chosen(prefix: nn.Module, pictures: int = 400, **options: Any) -> tuple[Numerics, float]:
    return choose_prefix(prefix.eval(), images(), pictures=pictures, signature="test", **options)


@pytest.mark.parametrize(
    ("costs", "want"),
    [
        ({"float32": 0.003, "bfloat16": 0.001}, "bfloat16"),
        ({"float32": 0.001, "bfloat16": 0.003}, "float32"),
        ({"float32": 0.0010, "bfloat16": 0.0009}, "float32"),  # not worth the loss of precision
    ],
)
def test_the_faster_precision_wins(clock: Clock, costs: dict[str, float], want: str) -> None:
    numerics, seconds = chosen(Slow(clock, costs))
    assert numerics.precision == want and numerics.fused and numerics.stored == "float16"
    assert seconds == pytest.approx(costs[want])


def test_a_wrong_answer_never_wins(clock: Clock) -> None:
    costs = {"float32": 0.003, "bfloat16": 0.001}
    assert chosen(Slow(clock, costs, wrong="bfloat16"))[0].precision == "float32"


def test_features_too_large_for_what_is_kept_are_kept_exactly(clock: Clock) -> None:
    class Large(Slow):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + 1e5

    numerics, _ = chosen(Large(clock, {"float32": 0.001, "bfloat16": 0.001}))
    assert numerics.stored == "float32" and not numerics.fused


def test_few_pictures_pay_for_no_finer_choice(clock: Clock) -> None:
    blocks = Slow(clock, {"float32": 0.003, "bfloat16": 0.001, "last": 0.01})
    assert chosen(blocks)[0].memory_format == "channels_last"
    assert all(" last " in one or one.startswith("float32 first") for one in blocks.asked[1:])
    seen = sum(int(one.rsplit(" ", 1)[1]) for one in blocks.asked)
    assert seen <= 5 * 16  # a fifth of the work at most, the comparison with float32 included


def test_many_pictures_pay_for_layout_and_threads(clock: Clock, two_threads: None) -> None:
    costs = {"bfloat16": 0.001, "float32": 0.002, "last": 0.001, "2 threads": 0.001}
    numerics, seconds = chosen(Slow(clock, costs), pictures=FINER_PICTURES)
    assert (numerics.memory_format, numerics.threads) == ("contiguous", 1)
    assert seconds == pytest.approx(0.001)
    assert torch.get_num_threads() == 2
    del costs["2 threads"]
    numerics, _ = chosen(Slow(clock, costs), pictures=FINER_PICTURES)
    assert numerics.threads == 0  # as many as torch takes


def test_a_slow_network_is_tried_on_fewer_pictures(clock: Clock) -> None:
    blocks = Slow(clock, {"float32": 0.5, "bfloat16": 0.3})
    numerics, _ = chosen(blocks, pictures=10 * FINER_PICTURES)
    assert numerics.precision == "bfloat16" and numerics.prefix_batch == 32
    assert clock.now < 30  # eight pictures, some times; 16 pictures in every way take minutes


def test_a_choice_is_remembered_and_made_finer_when_there_is_more_to_do(
    clock: Clock, home: Home
) -> None:
    costs = {"float32": 0.002, "bfloat16": 0.001, "last": 0.001}
    first = chosen(Slow(clock, costs), home=home)
    blocks = Slow(clock, costs)
    assert chosen(blocks, home=home) == first and blocks.asked == []
    finer, _ = chosen(blocks, pictures=FINER_PICTURES, home=home)
    assert finer.memory_format == "contiguous" and blocks.asked
    blocks = Slow(clock, costs)
    assert chosen(blocks, home=home)[0] == finer and blocks.asked == []  # few pictures share it


def test_the_copy_that_won_is_not_made_again(clock: Clock) -> None:
    blocks = Slow(clock, {"float32": 0.003, "bfloat16": 0.001})
    numerics, _ = chosen(blocks)
    known = blocks.__dict__[NAME]
    assert len(known) == 1 and prepared(blocks, numerics) is next(iter(known.values()))[1]


# -- training steps --------------------------------------------------------------------------------


class Steps:
    """Training steps that cost what they are said to."""

    def __init__(self, costs: dict[str, float]) -> None:
        self.costs = costs
        self.taken: list[str] = []

    @contextmanager
    def __call__(self) -> Iterator[Any]:
        def step(numerics: Numerics) -> float:
            self.taken.append(numerics.train_precision)
            return self.costs[numerics.train_precision]

        yield step


def stepped(steps: Steps, passes: int, **options: Any) -> tuple[Numerics, float]:
    return choose_step(steps, EXACT, passes=passes, batch=16, signature="test", **options)


def test_steps_that_take_no_time_are_not_tried_in_two_ways(clock: Clock) -> None:
    steps = Steps({"float32": 0.001, "bfloat16": 0.0001})
    numerics, seconds = stepped(steps, passes=6000)
    assert numerics.train_precision == "float32" and set(steps.taken) == {"float32"}
    assert seconds == pytest.approx(0.001 / 16)


@pytest.mark.parametrize(("lower", "want"), [(0.05, "bfloat16"), (0.095, "float32")])
def test_long_steps_are_taken_in_the_faster_way(clock: Clock, lower: float, want: str) -> None:
    steps = Steps({"float32": 0.1, "bfloat16": lower})
    numerics, seconds = stepped(steps, passes=6000)
    assert numerics.train_precision == want
    assert seconds == pytest.approx(min(0.1, lower if want == "bfloat16" else 0.1) / 16)


def test_a_step_is_remembered_until_there_is_more_to_do(clock: Clock, home: Home) -> None:
    costs = {"float32": 0.01, "bfloat16": 0.001}
    assert stepped(Steps(costs), passes=100, home=home)[0].train_precision == "float32"
    again = Steps(costs)
    stepped(again, passes=50, home=home)
    assert again.taken == []
    assert stepped(again, passes=100_000, home=home)[0].train_precision == "bfloat16"
    last = Steps(costs)
    assert stepped(last, passes=100, home=home)[0].train_precision == "bfloat16"
    assert last.taken == []
