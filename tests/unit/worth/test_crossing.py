"""Folds judged together: intervals that few pictures deserve, and what is said of the one split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.pages.test_crossing import FOUND
from tl_core.check.honesty import Share
from tl_core.intervals import wilson
from tl_core.worth.crossing import crossing_from_dict, crossing_sentences
from tl_core.worth.folds import Judged, held_back, judging_rows

NAMES = ("ants", "bees")


def test_folds_that_agree_exactly_are_no_more_certain_than_their_pictures() -> None:
    labels = np.tile([0, 1], 20)
    fold = np.repeat(np.arange(5), 8)[None]
    told = Judged(labels, np.arange(40), fold, labels[None], NAMES)
    assert told.values == (1.0,) * 5
    assert told.accuracy.value == 1.0
    assert told.accuracy.low == pytest.approx(wilson(40, 40)[0])


def test_folds_that_disagree_widen_the_interval() -> None:
    labels = np.tile([0, 1], 50)
    fold = np.repeat(np.arange(5), 20)[None]
    given = labels.copy()
    given[:20] = 1 - given[:20]  # one fold is all wrong
    told = Judged(labels, np.arange(100), fold, given[None], NAMES)
    low, high = wilson(80, 100)
    assert told.accuracy.value == pytest.approx(0.8)
    assert told.accuracy.low < low and told.accuracy.high > high


def test_pictures_of_one_group_count_as_one_witness() -> None:
    labels = np.repeat([0, 1], 30)
    given = labels.copy()
    given[:6] = 1
    fold = np.repeat(np.arange(5), 12)[None]
    alone = Judged(labels, np.arange(60), fold, given[None], NAMES).per_class[0].found
    grouped = Judged(labels, np.repeat(np.arange(10), 6), fold, given[None], NAMES)
    assert grouped.per_class[0].found.low < alone.low


def test_no_answer_is_a_wrong_one_and_balance_is_over_classes() -> None:
    labels = np.array([0] * 30 + [1] * 10)
    given = np.where(labels == 0, 0, -1)
    fold = np.tile(np.arange(5), 8)[None]
    told = Judged(labels, np.arange(40), fold, given[None], NAMES)
    assert told.accuracy.value == 0.75 and told.balanced.value == 0.5
    assert told.per_class[1].right == 0


def test_the_only_group_of_a_class_teaches_and_does_not_judge() -> None:
    labels, units = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 2, 3, 4, 4])
    assert judging_rows(labels, units).tolist() == [0, 1, 2, 3]


def test_a_class_is_never_wholly_held_back() -> None:
    labels, fold = np.array([0, 0, 0, 1, 2, 2]), np.array([0, 1, 0, 0, 1, 0])
    assert held_back(labels, fold).tolist() == [True, False, True, False, False, True]


@pytest.mark.parametrize(
    ("one", "verdict", "words"),
    [
        (0.95, "lucky", "they were lucky. Go by the lower number."),
        (0.70, "unlucky", "they were unlucky, it is rather better than that."),
        (0.85, "fair", "which fits: that part was a fair sample."),
    ],
)
def test_the_one_split_is_judged(one: float, verdict: str, words: str) -> None:
    found = replace(FOUND, one=one)
    assert found.verdict == verdict
    assert words in crossing_sentences(found)[1]


def test_what_bears_on_the_number_is_said() -> None:
    found = replace(
        FOUND,
        accuracy=Share(value=0.5, low=0.4, high=0.6),
        majority=0.45,
        staged=True,
        unknown=1,
        diverged=2,
        repeats=3,
    )
    said = " ".join(crossing_sentences(found))
    for words in (
        "3 times over",
        "cannot tell that it does better",
        "about 65 pictures and the run from 80",
        "opened at once",
        "1 picture is not in the set any more",
        "In 2 parts the training diverged",
    ):
        assert words in said


@pytest.mark.parametrize(
    ("learned", "words"), [(60, "a little better than this"), (110, "a little worse than this")]
)
def test_networks_of_more_or_fewer_pictures_than_the_run_are_told(learned: int, words: str) -> None:
    assert words in " ".join(crossing_sentences(replace(FOUND, learned=learned)))
    assert "rather a little" not in " ".join(crossing_sentences(replace(FOUND, learned=79)))


def test_it_is_read_back_as_it_was() -> None:
    assert crossing_from_dict(FOUND.to_dict()) == FOUND
    assert crossing_from_dict({**FOUND.to_dict(), "later": 1}) == FOUND
