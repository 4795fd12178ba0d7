"""The report: its numbers against hand counts, its cells and mistakes, its errors."""

import json

import numpy as np
import pytest

from tl_core.errors import EvaluateError, NoTestImagesError
from tl_core.evaluate.report import build_report, cell, sentences

CLASSES = ["ants", "bees", "wasps", "flies"]
COUNTS = {"ants": 40, "bees": 30, "wasps": 5, "flies": 5}


def one_hot(answers, confidence=0.9, n_classes=4):
    p = np.full((len(answers), n_classes), (1 - confidence) / (n_classes - 1))
    p[np.arange(len(answers)), answers] = confidence
    return p


@pytest.fixture
def report():
    labels = np.array([0, 0, 0, 1, 1, 2])
    p = one_hot([0, 0, 1, 1, 1, 0])
    p[2] = [0.25, 0.55, 0.1, 0.1]
    p[5] = [0.8, 0.05, 0.1, 0.05]
    return build_report(
        labels,
        p.astype(np.float32),
        classes=CLASSES,
        image_ids=[f"id{i}" for i in range(6)],
        split="test",
        train_counts=COUNTS,
    )


def test_report_counts(report):
    assert report["n"] == 6
    assert report["accuracy"]["right"] == 4
    assert report["accuracy"]["value"] == pytest.approx(4 / 6)
    low, high = report["accuracy"]["ci"]
    assert low < 4 / 6 < high
    assert report["confusion"] == [[2, 1, 0, 0], [0, 2, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    assert report["majority"]["class"] == "ants"
    assert report["majority"]["value"] == pytest.approx(0.5)
    assert report["balanced_accuracy"]["value"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert report["top3"]["right"] == 6


def test_one_number_is_never_shown_with_two_ranges(report):
    for name in ("accuracy", "balanced_accuracy", "top3"):
        assert report[name]["ci"] == report["scores"][name]["ci"], name


def test_per_class_says_null_where_nothing_can_be_said(report):
    rows = {row["class"]: row for row in report["per_class"]}
    assert rows["ants"]["precision"] == pytest.approx(2 / 3)
    assert rows["ants"]["recall"] == pytest.approx(2 / 3)
    assert rows["bees"]["recall"] == 1.0
    assert rows["bees"]["recall_ci"][0] < 0.5
    assert rows["wasps"]["precision"] is None
    assert rows["wasps"]["precision_ci"] is None
    assert rows["wasps"]["recall"] == 0.0
    assert (rows["flies"]["recall"], rows["flies"]["recall_ci"], rows["flies"]["f1"]) == (None,) * 3


def test_cells_and_mistakes_lead_to_the_pictures(report):
    assert cell(report, "ants", "bees") == ["id2"]
    assert cell(report, "wasps", "ants") == ["id5"]
    assert cell(report, "flies", "flies") == []
    assert [one["image"] for one in report["mistakes"]] == ["id5", "id2"]
    first = report["mistakes"][0]
    assert (first["true"], first["predicted"]) == ("wasps", "ants")
    assert first["confidence"] == pytest.approx(0.8)
    assert first["true_probability"] == pytest.approx(0.1)
    assert sum(len(ids) for ids in report["cells"].values()) == 6


def test_report_is_json(report):
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_log_loss_by_hand(report):
    expected = -np.log([0.9, 0.9, 0.25, 0.9, 0.9, 0.1]).mean()
    assert report["log_loss"] == pytest.approx(expected, rel=1e-5)


def test_top3_is_absent_with_three_classes():
    found = build_report(
        np.array([0, 1, 2]),
        one_hot([0, 1, 2], n_classes=3),
        classes=CLASSES[:3],
        image_ids=list("abc"),
        split="test",
        train_counts=COUNTS,
    )
    assert found["top3"] is None


def test_a_single_picture_and_a_single_class_still_make_a_report():
    found = build_report(
        np.array([0]),
        np.array([[1.0]]),
        classes=["ants"],
        image_ids=["a"],
        split="test",
        train_counts={"ants": 3},
    )
    assert found["accuracy"]["ci"][0] < 0.3
    assert found["majority"]["p_value"] == 1.0
    assert "1 picture " in sentences(found)[0]


def test_a_certain_and_wrong_answer_keeps_the_log_loss_finite():
    found = build_report(
        np.array([0, 1]),
        np.array([[0.0, 1.0], [0.0, 1.0]]),
        classes=["a", "b"],
        image_ids=["x", "y"],
        split="test",
        train_counts={"a": 1, "b": 1},
    )
    assert 10 < found["log_loss"] < 40


def test_no_pictures_is_said_kindly():
    with pytest.raises(NoTestImagesError) as caught:
        build_report(
            np.array([]),
            np.zeros((0, 2)),
            classes=["a", "b"],
            image_ids=[],
            split="val",
            train_counts={},
        )
    assert caught.value.message == "There are no validation pictures to judge by."
    assert "Data page" in caught.value.hint


def test_a_network_that_answers_nan_is_refused():
    with pytest.raises(EvaluateError, match="not numbers") as caught:
        build_report(
            np.array([0]),
            np.array([[np.nan, 1.0]]),
            classes=["a", "b"],
            image_ids=["x"],
            split="test",
            train_counts={},
        )
    assert "lower learning rate" in caught.value.hint


@pytest.mark.parametrize(
    ("labels", "shape", "ids"), [([0, 5], (2, 2), 2), ([0], (2, 2), 1), ([0, 1], (2, 2), 1)]
)
def test_misaligned_arrays_are_a_bug_and_say_so(labels, shape, ids):
    with pytest.raises(ValueError, match="labels"):
        build_report(
            np.array(labels),
            np.full(shape, 0.5),
            classes=["a", "b"],
            image_ids=["x"] * ids,
            split="test",
            train_counts={},
        )


def test_copies_of_a_picture_do_not_narrow_the_range_of_a_class():
    labels = np.array([0, 1] * 10)
    given = np.array([0, 1] * 7 + [1, 0] * 3)
    shares = np.where(np.eye(2)[given] > 0, 0.9, 0.1)

    def of(times, units):
        n = 20 * times
        made = build_report(
            np.tile(labels, times),
            np.tile(shares, (times, 1)),
            classes=["a", "b"],
            image_ids=[str(at) for at in range(n)],
            split="test",
            train_counts={"a": 1, "b": 1},
            units=units,
        )
        return [row[name] for row in made["per_class"] for name in ("recall_ci", "precision_ci")]

    once, copied = of(1, None), of(4, np.tile(np.arange(20), 4))
    believed = of(4, None)
    for (low, high), (low_4, high_4), (low_b, high_b) in zip(once, copied, believed, strict=True):
        assert high_4 - low_4 == pytest.approx(high - low, rel=0.15)
        assert high_b - low_b < 0.65 * (high - low), "taken for eighty witnesses"
