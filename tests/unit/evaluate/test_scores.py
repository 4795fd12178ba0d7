"""Scores with intervals: values as scikit-learn has them, groups counted as one witness."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, log_loss, roc_auc_score

from tl_core.evaluate.answers import Answers
from tl_core.evaluate.scores import drawn_weights, effective_pictures, scores, weighted_auc
from tl_core.intervals import wilson, wilson_share


def made_up(n: int = 60, n_classes: int = 4, seed: int = 0) -> Answers:
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % n_classes
    logits = rng.normal(size=(n, n_classes))
    logits[np.arange(n), labels] += 1.2
    powers = np.exp(logits)
    return Answers(
        images=tuple(map(str, range(n))),
        pictures=tuple(f"d{at}" for at in range(n)),
        labels=labels,
        probabilities=powers / powers.sum(axis=1, keepdims=True),
        classes=tuple("abcdefgh"[:n_classes]),
    )


def test_every_score_is_the_one_that_scikit_learn_gives() -> None:
    one = made_up()
    found = scores(one)
    y, p, given = one.labels, one.probabilities, one.given
    assert found["accuracy"].value == pytest.approx((y == given).mean())
    assert found["balanced_accuracy"].value == pytest.approx(balanced_accuracy_score(y, given))
    assert found["macro_f1"].value == pytest.approx(f1_score(y, given, average="macro"))
    assert found["macro_auc"].value == pytest.approx(roc_auc_score(y, p, multi_class="ovr"))
    assert found["log_loss"].value == pytest.approx(log_loss(y, p))
    second = np.argsort(-p, axis=1)[:, :2]
    assert found["top2"].value == pytest.approx((second == y[:, None]).any(axis=1).mean())
    assert "top5" not in found, "there are only four classes"
    assert all(one.low <= one.value <= one.high for one in found.values())


def test_pictures_that_stand_alone_have_wilsons_interval() -> None:
    one = made_up()
    right = int(one.right.sum())
    assert scores(one)["accuracy"][1:] == pytest.approx(wilson(right, 60))
    assert wilson_share(right / 60, 60) == pytest.approx(wilson(right, 60))


def test_pictures_in_groups_are_worth_fewer_and_the_interval_is_wider() -> None:
    one = made_up(n=40)
    copied = Answers(
        images=tuple(map(str, range(160))),
        pictures=tuple(map(str, range(160))),
        labels=np.repeat(one.labels, 4),
        probabilities=np.repeat(one.probabilities, 4, axis=0),
        classes=one.classes,
    )
    units = np.repeat(np.arange(40), 4)
    worth = effective_pictures(copied.right, copied.labels, units)
    assert 30 <= worth <= 50, "four copies of a picture are worth one"
    assert effective_pictures(one.right, one.labels, np.arange(40)) == 40
    apart, alone = scores(copied), scores(copied, units)
    for name in ("accuracy", "macro_f1", "balanced_accuracy", "macro_auc", "log_loss"):
        assert alone[name].value == pytest.approx(apart[name].value)
        ratio = (alone[name].high - alone[name].low) / (apart[name].high - apart[name].low)
        assert 1.6 < ratio < 2.6, name


def test_a_perfect_result_keeps_a_width() -> None:
    n = 12
    sure = np.full((n, 2), 0.01)
    sure[np.arange(n), np.arange(n) % 2] = 0.99
    one = Answers(
        images=tuple(map(str, range(n))),
        pictures=(),
        labels=np.arange(n) % 2,
        probabilities=sure,
        classes=("a", "b"),
    )
    found = scores(one)
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "macro_auc"):
        assert found[name].value == 1.0 and found[name].high == 1.0
        assert 0.6 < found[name].low < 0.85, name


def test_the_mean_over_classes_is_covered_with_ten_pictures_a_class() -> None:
    """Putting the classes' Wilson intervals together covered 87 % here."""
    rng, hits, truth = np.random.default_rng(3), 0, (0.95, 0.8)
    labels = np.repeat([0, 1], 10)
    for _ in range(200):
        right = rng.random(20) < np.repeat(truth, 10)
        given = np.where(right, labels, 1 - labels)
        one = Answers(
            images=tuple(map(str, range(20))),
            pictures=(),
            labels=labels,
            probabilities=np.eye(2)[given] * 0.8 + 0.1,
            classes=("a", "b"),
        )
        found = scores(one)["balanced_accuracy"]
        hits += found.low <= np.mean(truth) <= found.high
    assert hits / 200 > 0.91


def test_one_class_alone_has_no_ranking() -> None:
    one = made_up(n=8, n_classes=2)
    same = Answers(
        images=one.images,
        pictures=(),
        labels=np.zeros(8, dtype=np.int64),
        probabilities=one.probabilities,
        classes=one.classes,
    )
    assert "macro_auc" not in scores(same)


def test_an_area_counts_ties_half_and_weights_as_copies() -> None:
    given = np.array([0.1, 0.4, 0.4, 0.8])
    positive = np.array([False, True, False, True])
    plain = weighted_auc(given, positive, np.ones((1, 4)))
    assert plain[0] == pytest.approx(roc_auc_score(positive, given))
    twice = np.array([[1.0, 2.0, 1.0, 1.0]])
    again = roc_auc_score(np.append(positive, True), np.append(given, 0.4))
    assert weighted_auc(given, positive, twice)[0] == pytest.approx(again)
    assert weighted_auc(given, np.ones(4, dtype=bool), np.ones((1, 4)))[0] == 0.5


def test_draws_keep_the_size_of_every_class_and_whole_groups() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1])
    units = np.array([7, 7, 8, 9, 4, 4])
    drawn = drawn_weights(labels, units, draws=200)
    assert (drawn[:, 0] == drawn[:, 1]).all() and (drawn[:, 4] == drawn[:, 5]).all()
    assert (drawn[:, 4] == 1).all(), "a class of one group cannot be drawn otherwise"
    by_unit = drawn[:, [0, 2, 3]]
    assert by_unit.sum(axis=1) == pytest.approx(np.full(200, 3.0))
    assert by_unit.std() > 0.5
