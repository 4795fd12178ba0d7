"""Fine-tuning in stages: gates, epochs numbered through, and going back when it did not help."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.unit.train.tiny import (
    CLASSES,
    HEAD,
    LAST,
    Orders,
    tiny_data,
    tiny_groups,
    tiny_net,
    tiny_recipe,
)
from tl_core.errors import CheckpointError
from tl_core.events import (
    CheckpointSaved,
    EpochDone,
    Event,
    FindingRaised,
    GateClosed,
    GateOpened,
    LayersChanged,
    RunFinished,
    RunResumed,
    RunStarted,
)
from tl_core.models.freezing import trainable_state
from tl_core.train.checkpoint import Checkpoint
from tl_core.train.stages import Begun, Stage, fit_in_stages, read_begun, write_begun
from tl_core.train.ways import stages_of

PLANS = (HEAD, LAST)


class Says:
    """A gate that answers as it was told; what it was asked with is kept."""

    def __init__(self, *answers: bool) -> None:
        self.answers = list(answers)
        self.losses: list[np.ndarray] = []

    def opened(self, number: int, history: Any, val_losses: np.ndarray) -> GateOpened:
        self.losses.append(val_losses)
        return GateOpened(
            epoch=len(history),
            stage=number,
            asks=True,
            layers="last:1",
            before="head",
            block="block",
            lr=0.02,
            block_lr=0.002,
            epochs=4,
            expected_seconds=None,
            val_accuracy=history[-1].val_acc,
            val_accuracy_ci=[0.0, 1.0],
        )

    def answer(self, asked: GateOpened) -> tuple[bool, str]:
        return self.answers.pop(0), "user"


def nothing(history: Any, val_losses: Any, raised: Any, end: Any) -> list[Any]:
    return []


def run(
    *answers: bool, model: Any = None, second: dict[str, Any] | None = None, **more: Any
) -> tuple[list[Event], Any]:
    net = model or tiny_net()

    def stage(number: int) -> Stage:
        layers = ("head", "last:1")[number]
        changes = {"layers": layers, **((second or {}) if number else {})}
        return Stage(plan=PLANS[number], recipe=tiny_recipe(**changes))

    options: dict[str, Any] = {
        "control": Orders(),
        "judge": lambda number, before: nothing,
        "gate": Says(*answers),
        **more,
    }
    events = list(
        fit_in_stages(
            net,
            tiny_groups(),
            stage,
            2,
            more.pop("data", None) or tiny_data(),
            classes=CLASSES,
            model_name="tiny",
            **{key: value for key, value in options.items() if key != "data"},
        )
    )
    return events, net


def of(events: list[Event], kind: type[Any]) -> list[Any]:
    return [one for one in events if isinstance(one, kind)]


def test_the_way_to_a_choice_of_layers() -> None:
    assert stages_of("last:2", 6) == ("head", "last:1", "last:2")
    assert stages_of("all", 4) == ("head", "last:1", "last:2", "all")
    for alone in ("head", "first:1", "scratch", "deep-probe", "custom:0,2"):
        assert stages_of(alone, 6) == (alone,)


def test_an_opened_gate_goes_on_and_epochs_are_numbered_through() -> None:
    events, _ = run(True)
    assert [one.epoch for one in of(events, EpochDone)] == list(range(1, 9))
    assert [one.epoch for one in of(events, LayersChanged)] == [1, 5]
    assert [one.epochs for one in of(events, RunStarted)] == [4, 8]
    assert [one.epoch for one in of(events, CheckpointSaved)] == list(range(1, 9))
    (closed,) = of(events, GateClosed)
    assert closed.opened and closed.by == "user" and closed.epoch == 4
    (finished,) = of(events, RunFinished)
    assert finished is events[-1] and finished.epochs == 8
    history = of(events, EpochDone)
    best = min(history, key=lambda one: one.val_loss)
    assert finished.best_epoch == best.epoch and finished.val_accuracy == best.val_acc
    assert [one.is_best for one in history] == [
        all(one.val_loss < other.val_loss for other in history[:at])
        for at, one in enumerate(history)
    ]


def test_a_closed_gate_ends_the_run_with_the_head() -> None:
    start = tiny_net()
    events, net = run(False)
    (finished,) = of(events, RunFinished)
    assert finished.epochs == 4 and finished.reason == "completed"
    assert torch.equal(net.block[0].weight, start.block[0].weight)
    assert not torch.equal(net.fc.weight, start.fc.weight)


def test_the_second_stage_begins_from_the_best_of_the_first() -> None:
    begun: list[Begun] = []
    _, head_only = run(False)
    run(True, begin=begun.append)
    assert [one.number for one in begun] == [0, 1]
    start = begun[1].start
    assert start is not None and len(begun[1].history) == 4
    for name, value in trainable_state(head_only, tiny_groups(), LAST).items():
        assert torch.equal(start[name], value), name


def test_a_block_that_did_not_help_is_taken_back() -> None:
    _, head_only = run(False)
    events, net = run(True, second={"label_smoothing": 0.99})  # teaches to answer nothing
    (finished,) = of(events, RunFinished)
    assert finished.best_epoch <= 4
    for name, value in head_only.state_dict().items():
        assert torch.equal(net.state_dict()[name], value), name


def test_the_judge_sees_all_epochs_and_the_end_of_the_run_only() -> None:
    seen: list[tuple[int, int, Any]] = []

    def judge(history: Any, val_losses: np.ndarray, raised: Any, end: Any) -> list[Any]:
        seen.append((len(history), len(val_losses), end))
        return []

    gate = Says(True)
    run(gate=gate, judge=lambda number, before: judge)
    assert all(epochs == rows for epochs, rows, _ in seen)
    assert [end for *_, end in seen if end] == ["completed"]
    assert seen[-1][0] == 8 and seen[-1][2] == "completed"
    assert [len(one) for one in gate.losses] == [4]


def test_a_stage_that_breaks_down_at_once_leaves_what_there_was() -> None:
    _, head_only = run(False)
    asked: list[tuple[int, Any]] = []

    def judge(number: int, begins: Any) -> Any:
        asked.append((number, begins))
        return nothing

    events, net = run(True, second={"lr": float("nan")}, judge=judge)
    (finished,) = of(events, RunFinished)
    assert finished.reason == "diverged" and finished.epochs == 4 and finished.best_epoch <= 4
    assert asked == [(0, (0,)), (1, (0, 4))]
    for name, value in head_only.state_dict().items():
        assert torch.equal(net.state_dict()[name], value), name


def test_a_stop_at_the_gate_is_a_stop() -> None:
    orders = Orders()

    class Stops(Says):
        def answer(self, asked: GateOpened) -> tuple[bool, str]:
            orders.script = ["stop"]
            return False, "user"

    events, _ = run(gate=Stops(), control=orders)
    assert of(events, RunFinished)[0].reason == "stopped"


def test_a_stop_ends_the_run_without_a_question() -> None:
    events, _ = run(control=Orders("go", "go", "go", "go", "stop"))
    assert not of(events, GateOpened)
    assert of(events, RunFinished)[0].reason == "stopped"


@pytest.mark.parametrize("kept", [0, 2, 4])
def test_an_interrupted_stage_goes_on_to_the_same_numbers(kept: int, tmp_path: Path) -> None:
    saved: list[Checkpoint] = []
    begun: list[Begun] = []
    whole, _ = run(True, begin=begun.append, save=saved.append)
    path = tmp_path / "stage.safetensors"
    write_begun(path, begun[1])
    again = read_begun(path)
    assert again.number == 1 and again.history == begun[1].history
    resume = saved[4 + kept - 1] if kept else None
    events, _ = run(begun=again, resume=resume)
    (resumed,) = of(events, RunResumed)
    assert resumed.epoch == 4 + kept and len(resumed.history) == 4 + kept
    want = {one.epoch: one for one in of(whole, EpochDone)}
    for one in [*resumed.history, *of(events, EpochDone)]:
        assert one.val_loss == pytest.approx(want[one.epoch].val_loss, abs=1e-6)
        assert one.is_best == want[one.epoch].is_best
    assert of(events, RunFinished)[0].best_epoch == of(whole, RunFinished)[0].best_epoch


@pytest.mark.parametrize("kept", [0, 2, 4])
def test_an_interrupted_stage_is_judged_as_if_it_had_not_been(kept: int, tmp_path: Path) -> None:
    def judge(number: int, begins: Any) -> Any:
        def judged(history: Any, val_losses: np.ndarray, raised: Any, end: Any) -> list[Any]:
            words = f"{number} {begins} {len(raised)} {np.round(val_losses.sum(), 3)} {end}"
            return [
                FindingRaised(
                    verdict="plateau",
                    since_epoch=begins[-1] + 1,
                    epoch=len(history),
                    severity="info",
                    sentence=words,
                    evidence="",
                )
            ]

        return judged

    saved: list[Checkpoint] = []
    begun: list[Begun] = []
    whole, _ = run(True, begin=begun.append, save=saved.append, judge=judge)
    write_begun(tmp_path / "stage", begun[1])
    again = read_begun(tmp_path / "stage")
    assert again.begins == (0,)
    resume = saved[4 + kept - 1] if kept else None
    events, _ = run(begun=again, resume=resume, judge=judge)
    want, found = (of(one, RunFinished)[0].findings for one in (whole, events))
    assert len(want) == 9 and found == want


def test_a_run_that_waited_at_its_gate_asks_again(tmp_path: Path) -> None:
    saved: list[Checkpoint] = []
    begun: list[Begun] = []
    run(False, begin=begun.append, save=saved.append)
    events, _ = run(True, begun=replace(begun[0]), resume=saved[-1])
    assert len(of(events, GateOpened)) == 1
    assert [one.epoch for one in of(events, EpochDone)] == [5, 6, 7, 8]


def test_a_damaged_file_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "stage.safetensors"
    path.write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="damaged"):
        read_begun(path)
