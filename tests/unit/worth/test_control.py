"""The control: its interval against the formula, its verdicts, and that it can be gone on with."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from tl_core.check.honesty import Share
from tl_core.errors import CancelledError, DivergedError
from tl_core.models.catalog import DEFAULT_MODEL, card
from tl_core.train.recipe import Go
from tl_core.worth import control as module
from tl_core.worth import words
from tl_core.worth.budget import FOLDS, REPEATS, Budget, control_px, planned_epochs
from tl_core.worth.control import Found, Material, controlled
from tl_core.worth.paired import across_folds, compared, needed, verdict
from tl_core.worth.transfer import transfer_from_dict

BUDGET = Budget(rates=(0.1, 0.01), epochs=(2, 4))


def test_the_interval_is_that_of_nadeau_and_bengio() -> None:
    values = [0.1, 0.3, 0.2, 0.4, 0.0, 0.2, 0.1, 0.3, 0.2, 0.2]
    found = across_folds(values, test_share=0.25)
    variance = sum((one - 0.2) ** 2 for one in values) / 9
    half = stats.t.ppf(0.975, 9) * math.sqrt((1 / 10 + 1 / 4) * variance)
    assert found.value == pytest.approx(0.2)
    assert found.high - found.value == pytest.approx(half)
    assert found.value - found.low == pytest.approx(half)
    with pytest.raises(ValueError, match="two folds or more"):
        across_folds([0.1], test_share=0.25)


def test_it_is_wide_enough_where_there_is_no_difference() -> None:
    rng = np.random.default_rng(0)
    told = 0
    for _ in range(400):  # two answers as good as each other, judged on five folds twice
        right = rng.random((2, 2, 200)) < 0.8
        gaps = (right[0].astype(float) - right[1]).reshape(2, 5, 40).mean(2).ravel()
        told += verdict(compared(gaps.tolist(), pictures=200, test_share=0.25)) != "cannot tell"
    assert told <= 0.05 * 400


def test_folds_that_agree_exactly_are_not_certain() -> None:
    same = compared([0.0] * 10, pictures=60, test_share=0.25)
    assert same.value == 0.0 and verdict(same) == "cannot tell"
    assert same.high == pytest.approx(
        1.96**2 / (60 + 1.96**2), rel=1e-3
    ) and same.low == pytest.approx(-same.high)
    steady = compared([0.05] * 10, pictures=60, test_share=0.25)  # three pictures of sixty
    assert steady.low < 0 and verdict(steady) == "cannot tell"
    assert verdict(compared([0.05] * 10, pictures=600, test_share=0.25)) == "helps"


def test_verdicts_and_how_many_pictures_would_tell() -> None:
    assert verdict(Share(value=0.1, low=0.01, high=0.2)) == "helps"
    assert verdict(Share(value=-0.1, low=-0.2, high=-0.01)) == "hurts"
    open_one = Share(value=0.02, low=-0.02, high=0.06)
    assert verdict(open_one) == "cannot tell"
    assert needed(open_one, 300) == 1200  # twice as wide as it may be: four times as many
    assert needed(Share(value=0.001, low=-0.05, high=0.052), 300) is None
    assert needed(Share(value=0.006, low=-0.3, high=0.312), 300) is None


def test_the_budget_counts_every_epoch() -> None:
    longest = FOLDS * REPEATS * 4 + FOLDS * 4
    assert planned_epochs(BUDGET) == math.ceil((2 * 2 + 4) * 3 / 4) + longest
    assert control_px(card(DEFAULT_MODEL)) == 64


# -- running it ------------------------------------------------------------------------------------


@dataclass
class Runs:
    """Stands in for ``Trials``: is right as often as ``accuracy`` says, and remembers."""

    accuracy: Callable[[float, int], float]
    asked: list[tuple[float, int, int]]

    def run(self, *, train: np.ndarray, held_out: np.ndarray, control: Any, **given: Any) -> Any:
        assert not np.intersect1d(train, held_out).size
        control.poll()
        self.asked.append((given.get("lr", 0.0), given["epochs"], given["seed"]))
        value = self.accuracy(given.get("lr", 0.0), given["epochs"])
        return SimpleNamespace(history=[SimpleNamespace(val_acc=value)])


def material(
    monkeypatch: pytest.MonkeyPatch, scratch: Callable[[float, int], float], solved: float = 0.8
) -> tuple[Material, list[tuple[float, int, int]]]:
    asked: list[tuple[float, int, int]] = []
    labels = np.arange(100) % 2
    spread = iter(np.tile([-0.01, 0.0, 0.01, 0.02, -0.02], 100))

    def fake(material: Material, train: Any, out: Any, mine: dict[str, list[float]]) -> None:
        mine["pretrained"] = [solved + float(next(spread)), 1.0]
        mine["knn"], mine["majority"] = [0.7, 0.1], [0.5, 0.0]

    monkeypatch.setattr(module, "_solved", fake)
    found = Material(
        labels=labels,
        units=np.arange(100),
        n_classes=2,
        available=100,
        image_px=64,
        looked=SimpleNamespace(seconds=0.01),  # type: ignore[arg-type]
        features=torch.zeros(100, 3),
        scratch=lambda seed: Runs(scratch, asked),  # type: ignore[arg-type, return-value]
        tuned=lambda: Runs(lambda lr, epochs: 0.85, asked),  # type: ignore[arg-type, return-value]
    )
    return found, asked


def test_from_scratch_is_tuned_before_it_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    some, asked = material(monkeypatch, lambda lr, epochs: 0.4 + lr + 0.01 * epochs)
    found = controlled(some, budget=BUDGET, control=Go(), found=Found())
    assert [one[:2] for one in asked[:3]] == [(0.1, 2), (0.01, 2), (0.1, 4)]
    assert (found.lr, found.epochs, found.tried) == (0.1, 4, 3)
    assert len(found.arm("scratch").values) == FOLDS * REPEATS
    assert len(found.arm("pretrained_epochs").values) == FOLDS
    assert {one[2] for one in asked} >= set(range(FOLDS * REPEATS))  # every run has its own seed
    assert found.difference.value == pytest.approx(0.8 - 0.54)
    assert found.verdict == "helps"
    assert (
        "Transfer helps: about 80 of 100 right with the pretrained network, 54"
        in (words.transfer_sentences(found)[0])
    )
    assert transfer_from_dict(json.loads(json.dumps(found.to_dict()))) == found


@pytest.mark.parametrize(
    ("scratch", "word", "said"),
    [(0.95, "hurts", "a loss of"), (0.802, "cannot tell", "too small to be shown")],
)
def test_it_does_not_always_help(
    monkeypatch: pytest.MonkeyPatch, scratch: float, word: str, said: str
) -> None:
    some, _ = material(monkeypatch, lambda lr, epochs: scratch)
    found = controlled(some, budget=BUDGET, control=Go(), found=Found())
    assert found.verdict == word
    assert said in words.transfer_sentences(found)[0]


def test_a_stopped_control_is_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopper(Go):
        left = 6

        def poll(self) -> Any:
            self.left -= 1
            if self.left < 0:
                raise CancelledError("Cancelled.")
            return "go"

    def rule(lr: float, epochs: int) -> float:
        return 0.6

    some, asked = material(monkeypatch, rule)
    kept: list[str] = []
    with pytest.raises(CancelledError):
        controlled(
            some,
            budget=BUDGET,
            control=Stopper(),
            found=Found(),
            keep=lambda now: kept.append(json.dumps([now.settings, now.folds])),
        )
    settings, folds = json.loads(kept[-1])
    done = len(asked) - 1
    found = controlled(
        some, budget=BUDGET, control=Go(), found=Found(settings=settings, folds=folds)
    )
    fresh, all_asked = material(monkeypatch, rule)
    whole = controlled(fresh, budget=BUDGET, control=Go(), found=Found())
    assert len(asked) < done + len(all_asked)  # what was there was not done again
    assert found.arm("scratch").values == whole.arm("scratch").values


def test_what_diverges_from_scratch_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    def rule(lr: float, epochs: int) -> float:
        if lr > 0.05:
            raise DivergedError("The loss stopped being a number.", hint="Lower the rate.")
        return 0.6

    some, _ = material(monkeypatch, rule)
    found = controlled(some, budget=BUDGET, control=Go(), found=Found())
    assert found.lr == 0.01 and found.arm("scratch").accuracy.value == pytest.approx(0.6)
