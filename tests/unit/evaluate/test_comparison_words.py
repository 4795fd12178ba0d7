"""A comparison in words: plain verdicts, honest numbers, nothing left out in silence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.evaluate.test_paired import judged, some
from tl_core.evaluate import comparison_words as words
from tl_core.evaluate.frontier import unbeaten
from tl_core.evaluate.paired import Pair, compared

NAMES = {"a": "A", "b": "B"}


def pair(first_wrong: set[int], second_wrong: set[int], n: int = 60) -> Pair:
    return compared([some("a", n, first_wrong), some("b", n, second_wrong)], [(0, 1)])[0]


def test_the_better_one_is_named_whichever_comes_first() -> None:
    many = set(range(12))
    assert words.verdict(pair(set(), many), NAMES) == "A is better than B."
    assert words.verdict(pair(many, set()), NAMES) == "B is better than A."


def test_what_would_tell_is_named_where_nothing_does() -> None:
    found = pair({1, 2, 3}, {3, 4, 5, 6, 7})
    assert found.needed is not None
    said = words.verdict(found, NAMES)
    assert said == f"Cannot tell A and B apart; that would need about {found.needed:,} pictures."
    level = words.verdict(pair({1}, {2}), NAMES)
    assert level == "Cannot tell A and B apart; each is right 59 times of 60."
    near = replace(found, needed=None)
    assert "too close for any number of pictures in reach" in words.verdict(near, NAMES)


def test_too_few_pictures_are_said_to_be_too_few() -> None:
    few = compared([judged("a", [True] * 3), judged("b", [True] * 3)], [(0, 1)])[0]
    assert "only 3 pictures in common; fewer than 6" in words.verdict(few, NAMES)
    assert words.probabilities(few, NAMES) == ""
    none = replace(few, n=0)
    assert words.verdict(none, NAMES) == "A and B were asked about no picture in common."


def test_numbers_name_pictures_difference_interval_and_chance() -> None:
    said = words.numbers(pair({1, 2}, set(range(20, 25))), NAMES)
    assert said.startswith("Of the same 60 pictures only A has 5 right, only B 2: A is +5.0 points")
    assert "p = 0.45" in said
    assert "A is 0.0 points" in words.numbers(pair({1}, {2}), NAMES)


@pytest.mark.parametrize(
    ("p", "told"), [(0.0004, "p below 0.001"), (0.031, "p = 0.031"), (0.5, "p = 0.50")]
)
def test_chances_are_as_exact_as_they_matter(p: float, told: str) -> None:
    assert words.chance(p) == told


def test_probabilities_are_a_question_of_their_own() -> None:
    better = words.probabilities(pair(set(), set(range(12))), NAMES)
    assert better.startswith("The probabilities of A are better: log-loss")
    level = words.probabilities(pair({1}, {1}), NAMES)
    assert level.startswith("Whose probabilities are better cannot be told")
    assert "difference 0.000" in level


def test_every_picture_that_was_left_out_is_told() -> None:
    found = replace(pair(set(), set()), learned=1, relabelled=2, alone=3)
    said = words.left_out(found)
    assert said == (
        "Left out: 1 picture of one that the other was trained on; 2 pictures under another class "
        "in the other run; 3 pictures that only one of them was asked about."
    )
    assert words.left_out(pair(set(), set())) == ""


def test_a_control_says_whether_transfer_helps() -> None:
    many = set(range(12))
    assert words.transfer(pair(set(), many), "b") == "helps"
    assert words.transfer(pair(many, set()), "b") == "hurts"
    assert words.transfer(pair({1}, {2}), "b") == "cannot tell"
    said = words.transfer_sentence(pair(set(), many), "b", NAMES)
    assert said == (
        "What the pretrained network knows helps: A against B, the same network from scratch."
    )
    turned = words.transfer_sentence(pair(many, set()), "a", NAMES)
    assert turned.startswith("What the pretrained network knows helps: B against A")


def test_nothing_beats_what_is_better_or_cheaper_than_all_others() -> None:
    points = [(0.9, 50.0), (0.8, 5.0), (0.7, 60.0), (0.8, 6.0), (0.9, 50.0)]
    assert unbeaten(points) == [True, True, False, False, True]
    assert unbeaten([]) == []
