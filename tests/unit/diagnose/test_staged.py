"""The coach in runs in stages: each rule on its own epochs, and nothing made of the seam."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmarks.simulate_stages import ALARMS, RIGHT, begins, coach_of, rates, said, simulate
from tests.unit.diagnose.curves import row
from tl_core.config import RunSpec, changed
from tl_core.diagnose.rules import Coach
from tl_core.diagnose.verdicts import standing
from tl_core.events import EpochDone, FindingRaised, FinishReason

LABELS = np.arange(100) % 2
HEAD, BLOCK = 10, 20  # epochs of the first and of the second stage


def coached(
    head: list[dict[str, Any]],
    block: list[dict[str, Any]],
    *,
    end: FinishReason | None = "completed",
    raised: tuple[FindingRaised, ...] = (),
    usual_lr: float | None = 0.003,
    **settings: Any,
) -> dict[str, FindingRaised]:
    """What is said after the last of these epochs, the second stage being at work."""
    epochs = [*head, *block]
    history = [row(number, **values) for number, values in enumerate(epochs, start=1)]
    rng = np.random.default_rng(0)
    losses = np.array([one.val_loss + rng.normal(0, 0.02, 100) for one in history], np.float32)
    own = {"train.epochs": BLOCK, "train.lr": 0.003, "freeze.layers": "last:1", **settings}
    coach = Coach(
        changed(RunSpec(), own),
        n_classes=2,
        val_labels=LABELS,
        usual_lr=usual_lr,
        begins=(0, len(head)),
    )
    return {one.verdict: one for one in coach(history, losses, raised, end)}


def falling(n: int, lr: float = 0.01) -> list[dict[str, Any]]:
    return [{"train_loss": 0.6 - 0.3 * at / n, "val_loss": 0.5, "lr": lr} for at in range(n)]


def test_a_rate_too_low_is_found_in_a_later_stage() -> None:
    still = [{"train_loss": 0.3, "val_loss": 0.5, "lr": 3e-6}] * 8
    found = coached(falling(HEAD), still, end=None, **{"train.lr": 3e-6})["rate_too_low"]
    assert (found.since_epoch, found.epoch, found.stage) == (HEAD + 1, HEAD + 8, 1)
    assert "In 8 of 20 epochs of this stage" in found.evidence
    assert "0.003 is known to work" in found.evidence
    early = coached(falling(HEAD), still[:7], end=None, **{"train.lr": 3e-6})
    assert "rate_too_low" not in early, "40 % of the stage, not of the run"


def test_jumping_to_and_fro_is_found_although_the_head_learned_faster() -> None:
    to_and_fro = [{"val_loss": 0.5 + 0.1 * (-1) ** at, "lr": 0.001} for at in range(14)]
    found = coached(falling(HEAD, lr=0.01), to_and_fro, end=None)["oscillating"]
    assert found.since_epoch == HEAD + 1 and found.stage == 1


def test_what_was_said_of_the_head_is_said_of_a_block_as_well() -> None:
    to_and_fro = [{"val_loss": 0.5 + 0.1 * (-1) ** at, "lr": 0.001} for at in range(14)]
    once = coached(falling(HEAD), to_and_fro, end=None)["oscillating"]
    of_the_head = replace(once, stage=0, epoch=HEAD)
    assert "oscillating" in coached(falling(HEAD), to_and_fro, end=None, raised=(of_the_head,))
    assert "oscillating" not in coached(falling(HEAD), to_and_fro, end=None, raised=(once,))


def test_a_standstill_is_looked_for_in_the_stage() -> None:
    still = [{"train_loss": 0.3, "val_loss": 0.4, "fit_acc": 0.85, "lr": 0.003}] * BLOCK
    found = coached(falling(HEAD), still, **{"train.schedule": "constant"})["plateau"]
    assert found.since_epoch == HEAD + BLOCK - 6 + 1
    short = coached(falling(HEAD), still[:11], end=None, **{"train.schedule": "constant"})
    assert "plateau" not in short, "11 of 20 epochs are too few, though 21 of 30 were enough"


def test_a_loss_that_jumps_when_a_block_opens_is_no_divergence() -> None:
    head = [{"train_loss": 0.05, "val_loss": 0.3}] * HEAD
    jumped = [{"train_loss": 0.6, "val_loss": 0.6}] * 4
    assert "diverged" not in coached(head, jumped, end=None)
    found = coached(head, [*jumped, *jumped], end=None)
    assert "diverged" in found, "after a quarter of the stage it is"


def test_a_rise_is_judged_by_the_best_of_all_once_the_stage_is_over() -> None:
    head = [{"train_loss": 0.5, "val_loss": 0.4}] * HEAD
    worse = [{"train_loss": 0.2, "val_loss": 0.6, "lr": 0.003 - at / 1e4} for at in range(BLOCK)]
    assert not {"overfit", "overconfident"} & coached(head, worse[:15], end=None).keys()
    assert not {"overfit", "overconfident"} & coached(head, worse[:15], end="stopped").keys()
    found = coached(head, worse)["overconfident"]
    assert found.since_epoch <= HEAD + 1 and "since epoch" in found.evidence


def test_a_rise_within_the_stage_is_told_at_once() -> None:
    head = [{"train_loss": 0.5, "val_loss": 0.5}] * HEAD
    own = [0.48, 0.46, 0.44, 0.42, 0.4, 0.46, 0.52, 0.58, 0.64, 0.7]
    rises = [
        {"train_loss": 0.5 - at / 30, "val_loss": v, "lr": 0.003 - at / 1e4}
        for at, v in enumerate(own)
    ]
    found = coached(head, rises, end=None)["overconfident"]
    assert found.since_epoch > HEAD


def test_an_unfinished_stage_is_looked_at_by_itself() -> None:
    head = [{"train_loss": 0.6, "val_loss": 0.6, "fit_acc": 0.7, "val_acc": 0.7}] * HEAD
    own = [
        {"train_loss": 0.6 * 0.96**at, "val_loss": 0.6 * 0.97**at, "lr": 0.003}
        for at in range(BLOCK)
    ]
    assert "underfit" in coached(head, own)
    rested = [{**one, "train_loss": 0.3, "val_loss": 0.4} for one in own]
    assert "underfit" not in coached(head, rested)


def test_the_remedy_for_more_epochs_counts_those_of_the_stage() -> None:
    head = [{"train_loss": 0.6, "val_loss": 0.6, "fit_acc": 0.7, "val_acc": 0.7}] * HEAD
    own = [{"train_loss": 0.6 * 0.96**at, "val_loss": 0.6 * 0.97**at} for at in range(BLOCK)]
    longer = [one.changes for one in coached(head, own)["underfit"].remedies]
    assert {"train.epochs": 2 * BLOCK} in longer


def test_a_verdict_on_one_stage_silences_nothing_in_another() -> None:
    to_and_fro = [{"val_loss": 0.5 + 0.1 * (-1) ** at, "lr": 0.001} for at in range(14)]
    of_a_block = coached(falling(HEAD), to_and_fro, end=None)["oscillating"]
    unfinished = replace(of_a_block, verdict="underfit", epoch=40, stage=2)
    assert [one.verdict for one in standing([of_a_block, unfinished])] == [
        "oscillating",
        "underfit",
    ]
    same = [of_a_block, replace(unfinished, stage=1)]
    assert [one.verdict for one in standing(same)] == ["oscillating"]
    harm = replace(of_a_block, verdict="overfit", stage=0)
    sure = replace(of_a_block, verdict="overconfident", stage=1)
    assert [one.verdict for one in standing([harm, sure])] == ["overfit"]


def test_a_run_without_stages_is_judged_as_before() -> None:
    history, losses = simulate("overfits later", 150, seed=3)
    whole = coach_of("overfits later", 0, LABELS)
    plain = Coach(whole.spec, n_classes=2, val_labels=LABELS, usual_lr=whole.usual_lr)
    for epoch in range(1, 26):
        seen = (history[:epoch], losses[:epoch], [], None)
        assert whole(*seen) == plain(*seen)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [kind for kind, right in RIGHT.items() if right == "-"])
def test_no_false_alarm_where_a_block_opens(kind: str) -> None:
    runs = 12
    found = rates(kind, 150, runs)
    # at most 5 % a verdict: with 12 runs, two of one are met in 1 of 10 such sets
    assert all(found[verdict] <= 2 / runs for verdict in ALARMS if verdict != "plateau"), found


@pytest.mark.parametrize("kind", [kind for kind, right in RIGHT.items() if right != "-"])
def test_what_goes_wrong_in_a_later_stage_is_found(kind: str) -> None:
    runs = 10
    least = {"underfit": 0.3, "plateau": 0.5}.get(RIGHT[kind], 0.9)  # the rest is chance
    assert rates(kind, 150, runs)[RIGHT[kind]] >= least


def test_the_coach_says_the_same_wherever_it_is_taken_up() -> None:
    history, losses = simulate("oscillates", 60, seed=1)
    labels, whole = np.arange(60) % 2, said("oscillates", *simulate("oscillates", 60, seed=1))
    for killed in (10, 24, 25, 26, 37, 44):
        raised = [one for one in whole if one.epoch <= killed]
        stages = begins("oscillates")
        for epoch in range(killed + 1, len(history) + 1):
            stage = sum(epoch > begun for begun in stages) - 1
            end = "completed" if epoch == len(history) else None
            coach = coach_of("oscillates", stage, labels)  # a new process has a new one
            raised += coach(history[:epoch], losses[:epoch], raised, end)  # type: ignore[arg-type]
        assert raised == whole


def test_made_up_stages_begin_from_the_best_epoch() -> None:
    history, losses = simulate("brings nothing", 400, seed=5)
    assert len(history) == 65
    assert np.allclose(losses.mean(axis=1), [one.val_loss for one in history], atol=1e-5)
    best: EpochDone = min(history[:25], key=lambda one: one.val_loss)
    assert abs(history[25].val_loss - best.val_loss) < 0.05
