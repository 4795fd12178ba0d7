"""The numbers and events of one tiny run, kept in files.

A refactoring of the trainer proves itself by leaving them alone. After a change that is meant to
alter them, run ``THAW_UPDATE_GOLDEN=1 pytest tests/golden`` and look at the difference.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.unit.train.tiny import LAST, tiny_fit, tiny_net, tiny_recipe
from tl_core.config import RunSpec
from tl_core.diagnose.rules import Coach
from tl_core.events import Event, event_to_dict

FOLDER = Path(__file__).parent
LOSSES, EVENTS = FOLDER / "losses.json", FOLDER / "events.jsonl"
NUMBERS = 1e-4  # relative; processors and libraries round differently


@pytest.fixture(scope="module")
def run() -> Iterator[list[Event]]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    spec = RunSpec()
    coach = Coach(spec, n_classes=2, val_labels=np.arange(10) % 2)
    yield tiny_fit(LAST, tiny_net(), recipe=tiny_recipe(epochs=2), judge=coach)
    torch.set_num_threads(threads)


def _close(found: Any, expected: Any, where: str) -> None:
    if isinstance(expected, float) and isinstance(found, (int, float)):
        assert found == pytest.approx(expected, rel=NUMBERS, abs=1e-7), where
    elif isinstance(expected, dict):
        assert isinstance(found, dict) and found.keys() == expected.keys(), where
        for key in expected:
            _close(found[key], expected[key], f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for index, pair in enumerate(zip(found, expected, strict=True)):
            _close(*pair, f"{where}[{index}]")
    else:
        assert found == expected, where


def _losses(run: list[Event]) -> dict[str, list[float]]:
    bodies = [event_to_dict(event) for event in run]
    steps = [body for body in bodies if body["event"] == "step_done"]
    epochs = [body for body in bodies if body["event"] == "epoch_done"]
    return {
        "step_loss": [body["loss"] for body in steps],
        "train_loss": [body["train_loss"] for body in epochs],
        "val_loss": [body["val_loss"] for body in epochs],
    }


def test_losses(run: list[Event]) -> None:
    found = _losses(run)
    if os.environ.get("THAW_UPDATE_GOLDEN"):
        LOSSES.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    expected = json.loads(LOSSES.read_text(encoding="utf-8"))
    assert [len(values) for values in expected.values()] == [6, 2, 2]
    _close(found, expected, "losses")


def test_events(run: list[Event]) -> None:
    found = [json.loads(json.dumps(event_to_dict(event))) for event in run]
    if os.environ.get("THAW_UPDATE_GOLDEN"):
        lines = "".join(json.dumps(body) + "\n" for body in found)
        EVENTS.write_text(lines, encoding="utf-8")
    expected = [json.loads(line) for line in EVENTS.read_text(encoding="utf-8").splitlines()]
    assert [body["event"] for body in found] == [body["event"] for body in expected]
    _close(found, expected, "events")
