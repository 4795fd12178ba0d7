"""What came of a remedy: it is told only where the same pictures show it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tl_core.diagnose.following import Answer, compared, followed_up, not_comparable
from tl_core.diagnose.verdicts import FOLLOW_UPS


def answers(losses: np.ndarray, right: np.ndarray | None = None) -> dict[str, Answer]:
    sides = losses < np.log(2) if right is None else right
    return {
        f"p{i}": Answer(loss=float(one), right=bool(side))
        for i, (one, side) in enumerate(zip(losses, sides, strict=True))
    }


def some(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).exponential(0.5, n)


def test_a_loss_that_falls_on_nearly_every_picture_has_helped() -> None:
    before = some(100)
    effect = compared(answers(before), answers(before * 0.7))
    assert effect is not None and effect.verdict == "remedy_helped"
    assert effect.high < 0 and effect.change == pytest.approx(-0.3 * before.mean())
    found = followed_up(effect, remedy="Lower the rate", began="It started anew.", epoch=9)
    assert found.sentence == "“Lower the rate” helped."
    assert "same 100 validation pictures" in found.evidence and "started anew" in found.evidence
    assert (found.severity, found.epoch) == ("info", 9)


def test_the_other_way_round_it_made_it_worse() -> None:
    before = some(100)
    effect = compared(answers(before * 0.7), answers(before))
    assert effect is not None and effect.verdict == "remedy_harmed"
    found = followed_up(effect, remedy="X", began="", epoch=1)
    assert found.severity == "warning" and "made it worse" in found.sentence


def test_a_change_too_small_to_matter_is_neither_help_nor_harm() -> None:
    before = some(400)
    effect = compared(answers(before), answers(before * 0.999))
    assert effect is not None and effect.high < 0, "it is sure"
    assert effect.verdict == "remedy_unclear"


def test_right_answers_count_where_the_loss_says_nothing() -> None:
    losses = some(60)
    wrong, right = np.zeros(60, bool), np.zeros(60, bool)
    right[:12] = True
    effect = compared(answers(losses, wrong), answers(losses, right))
    assert effect is not None and effect.verdict == "remedy_helped"
    assert (effect.newly_right, effect.newly_wrong) == (12, 0) and effect.p_value < 0.001


def test_a_lower_loss_with_fewer_right_answers_is_told_neither_way() -> None:
    losses, right = some(60), np.ones(60, bool)
    wrong = right.copy()
    wrong[:12] = False
    effect = compared(answers(losses, right), answers(losses * 0.5, wrong))
    assert effect is not None and effect.verdict == "remedy_unclear"


def test_what_cannot_be_told_says_how_many_pictures_it_takes() -> None:
    before = some(30)
    after = before + np.random.default_rng(1).normal(-0.01, 0.3, 30)
    effect = compared(answers(before), answers(after))
    assert effect is not None and effect.verdict == "remedy_unclear"
    assert effect.needed is not None and effect.needed > 30
    found = followed_up(effect, remedy="X", began="", epoch=1)
    assert found.sentence == "It cannot be told whether “X” helped."
    assert f"about {effect.needed:,} pictures" in found.evidence


def test_only_pictures_of_both_are_compared_and_six_at_least() -> None:
    before, after = answers(some(20)), answers(some(20))
    less = {key: value for key, value in after.items() if int(key[1:]) >= 8}
    effect = compared(before, less)
    assert effect is not None and effect.n == 12
    few = dict(list(after.items())[:5])
    assert compared(before, few) is None


def test_without_anything_to_compare_it_says_why() -> None:
    found = not_comparable(remedy="X", why="The earlier run has kept nothing.", epoch=3)
    assert found.verdict == "remedy_unclear" and found.evidence.startswith("The earlier run")


def test_two_networks_that_are_equally_good_are_seldom_told_apart() -> None:
    rng = np.random.default_rng(2)
    told = 0
    for _ in range(300):
        base = rng.exponential(0.5, 80)
        one, two = (np.abs(base + rng.normal(0, 0.2, 80)) for _ in range(2))
        effect = compared(answers(one), answers(two))
        told += effect is not None and effect.verdict != "remedy_unclear"
    assert told <= 25  # 5 % of 300, and three standard deviations


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(6, 60), shift=st.floats(-1, 1))
def test_turning_the_comparison_round_turns_the_verdict_round(
    seed: int, n: int, shift: float
) -> None:
    rng = np.random.default_rng(seed)
    one, two = rng.exponential(0.5, n), np.abs(rng.exponential(0.5, n) + shift)
    there, back = compared(answers(one), answers(two)), compared(answers(two), answers(one))
    assert there is not None and back is not None
    turned = dict(
        zip(FOLLOW_UPS, ("remedy_harmed", "remedy_helped", "remedy_unclear"), strict=True)
    )
    assert back.verdict == turned[there.verdict]
    assert back.change == pytest.approx(-there.change)
