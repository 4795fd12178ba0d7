"""The sentences: right numbers, and silence where the pictures cannot tell."""

import numpy as np
import pytest

from tl_core.evaluate.report import build_report
from tl_core.evaluate.words import percent, sentences


def report_of(matrix, classes, split="test", confidence=0.85):
    """A report whose confusion matrix is ``matrix``."""
    labels, answers = [], []
    for i, row in enumerate(matrix):
        for j, count in enumerate(row):
            labels += [i] * count
            answers += [j] * count
    c = len(classes)
    p = np.full((len(labels), c), (1 - confidence) / (c - 1))
    p[np.arange(len(labels)), answers] = confidence
    return build_report(
        np.array(labels),
        p,
        classes=classes,
        image_ids=[str(i) for i in range(len(labels))],
        split=split,
        train_counts={name: sum(row) for name, row in zip(classes, matrix, strict=True)},
    )


def test_the_example_of_the_guide():
    first, second, *_ = sentences(report_of([[27, 4], [4, 22]], ["ants", "bees"]))
    assert first == (
        "On 57 pictures it has never seen it was right 49 times: 86 %. With so few pictures the "
        "true figure lies between 75 % and 93 %."
    )
    assert second == "Always answering “ants” would be right 54 %."


def test_no_better_than_the_majority_class_is_said():
    words = sentences(report_of([[9, 1], [4, 2]], ["ants", "bees"]))[1]
    assert words.endswith("one cannot tell that it does better than that.")


def test_clearly_worse_than_the_majority_class_is_said():
    words = sentences(report_of([[2, 28], [0, 4]], ["ants", "bees"]))[1]
    assert words.endswith("it does clearly worse than that.")


def test_a_weak_class_is_named_only_when_its_interval_shows_it():
    weak = sentences(report_of([[90, 0, 0], [0, 90, 0], [12, 0, 8]], ["a", "b", "c"]))
    assert "It is clearly weaker on “c”: it found 8 of 20." in weak
    unsure = sentences(report_of([[9, 0, 0], [0, 9, 0], [1, 0, 2]], ["a", "b", "c"]))
    assert not any("clearly weaker" in one for one in unsure)


def test_the_most_frequent_confusion_is_named_from_two_on():
    words = sentences(report_of([[10, 3], [1, 10]], ["cats", "dogs"]))
    assert "Its most frequent mistake: cats taken for dogs, 3 times." in words
    words = sentences(report_of([[10, 1], [1, 10]], ["cats", "dogs"]))
    assert not any("mistake" in one for one in words)


def test_overconfidence_is_said_and_chance_is_not():
    words = sentences(report_of([[60, 40], [40, 60]], ["a", "b"], confidence=0.98))
    assert "Its confidence is too high: on average it claims 98 % and is right 60 %." in words
    words = sentences(report_of([[17, 3], [3, 17]], ["a", "b"], confidence=0.85))
    assert not any("confidence" in one for one in words)


def test_validation_pictures_are_not_called_unseen():
    words = sentences(report_of([[10, 1], [1, 10]], ["a", "b"], split="val"))[0]
    assert "chose its best epoch" in words
    assert "never seen" not in words


def test_many_pictures_drop_the_few_pictures_clause():
    words = sentences(report_of([[200, 10], [10, 200]], ["a", "b"]))[0]
    assert "With so few" not in words
    assert "The true figure lies between" in words


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.001, "under 1 %"), (0.996, "over 99 %"), (1, "100 %"), (0.5, "50 %")],
)
def test_percent_never_rounds_to_an_untrue_end(share, text):
    assert percent(share) == text
