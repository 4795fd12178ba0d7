"""What a person reads while a run goes on at the command line."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.pages import seed
from tests.unit.jobs.samples import engine_chosen, epoch, started
from tl_core.cli.main import main
from tl_core.cli.show import EventPrinter, engine_line
from tl_core.events import EngineChosen, Event, GateOpened, StrengthTried
from tl_core.session import Studio
from tl_core.storage import Home

ENGINE = engine_chosen(cache_mb=3.53, expected_seconds=4.2)


def tried(number: int, loss: float) -> StrengthTried:
    return StrengthTried(
        strength=10.0**-number, loss=loss, accuracy=1.0 - loss, done=number, total=9
    )


def said(capsys: pytest.CaptureFixture[str], *events: Event, machine: bool = False) -> str:
    printer = EventPrinter(machine=machine)
    for event in events:
        printer(event)
    printer.close()
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("engine", "line"),
    [
        (
            ENGINE,
            "frozen blocks computed once per picture and version, and kept: 2 versions, "
            "bfloat16, 3.5 MB; about 4 s",
        ),
        (
            replace(ENGINE, views=0, cache="off", expected_seconds=None),
            "frozen blocks computed anew every epoch, bfloat16",
        ),
        (
            replace(ENGINE, views=0, cache="none", expected_seconds=0.2),
            "every block learns, float32; about 1 s",
        ),
    ],
)
def test_the_engine_in_a_line(engine: EngineChosen, line: str) -> None:
    assert engine_line(engine) == line


def test_a_probe_says_one_line_for_all_strengths(capsys: pytest.CaptureFixture[str]) -> None:
    plan = replace(started(epochs=1, steps=1), layers="deep-probe")
    out = said(
        capsys, plan, ENGINE, tried(1, 0.5), tried(2, 0.25), tried(3, 0.4), epoch(1)
    )  # more were planned
    assert out.splitlines() == [
        "tiny, deep-probe: 10 numbers solved from 40 pictures on cpu; the network stays as it is",
        "every picture goes through the frozen network 2 times, bfloat16; about 4 s",
        "strength 0.01, the best of 3: cross-validated loss 0.250  accuracy 75.0%",
        "solved: validation loss 0.500  accuracy 70.0%",
    ]


def test_training_counts_its_epochs(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, started(), ENGINE, epoch(1))
    assert out.splitlines() == [
        "tiny, head: 10 of 100 parameters learn from 40 pictures on cpu; learning rate 0.01",
        engine_line(ENGINE),
        "epoch   1/4  loss 0.600  validation loss 0.500  accuracy 70.0%  best so far",
    ]


def test_the_rates_that_are_used_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, replace(started(), rates=[0.0, 4e-5, 1e-4, 1e-3]))
    assert "; learning rate 0.01, blocks before the head 4e-05, 0.0001" in out


def test_for_scripts_every_event_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, ENGINE, tried(1, 0.5), machine=True)
    engine, strength = (json.loads(line) for line in out.splitlines())
    assert (engine["event"], engine["expected_seconds"]) == ("engine_chosen", 4.2)
    assert (strength["event"], strength["loss"]) == ("strength_tried", 0.5)


ASKED = GateOpened(
    epoch=4,
    stage=2,
    asks=True,
    layers="last:2",
    before="last:1",
    block="Stage 3",
    lr=0.003,
    block_lr=0.0001,
    epochs=20,
    expected_seconds=12.0,
    val_accuracy=0.8,
    val_accuracy_ci=[0.7, 0.9],
)


@pytest.mark.parametrize(("typed", "opened"), [("y", True), ("Yes", True), ("", False)])
def test_an_answer_goes_to_the_gate_that_asked(
    monkeypatch: pytest.MonkeyPatch, typed: str, opened: bool
) -> None:
    answers: list[tuple[int, bool]] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda words: typed)
    printer = EventPrinter(
        machine=False, answer=lambda asked, opened: answers.append((asked.stage, opened))
    )
    printer(ASKED)
    assert answers == [(2, opened)]


def test_the_list_of_runs_says_who_waits_for_an_answer(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    studio = Studio(home)
    project = seed.project_with_pictures(studio)
    first = seed.queued_run(studio, project)
    assert studio.queue.claim("train", "test", first) is not None
    assert studio.queue.started(first, 1)
    seed.write(studio, first, started(), ASKED)
    second = seed.queued_run(studio, project)
    place = ["--home", str(home.root)]
    assert main(["runs", *place]) == 0
    out = capsys.readouterr().out
    assert f"Run {first} waits for your answer: open Stage 3 too?" in out
    assert f"Run {second} waits because run {first} waits for your answer." in out
    assert main(["runs", "--json", *place]) == 0
    rows = {row["run_id"]: row for row in json.loads(capsys.readouterr().out)}
    assert (rows[first]["asks"], rows[first]["held_by"]) == ("Stage 3", None)
    assert (rows[second]["asks"], rows[second]["held_by"]) == (None, first)
