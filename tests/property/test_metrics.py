"""Metrics hold for any predictions: against scikit-learn, and inside their limits."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, log_loss

from tl_core.evaluate.metrics import mcnemar
from tl_core.evaluate.report import build_report
from tl_core.evaluate.words import sentences
from tl_core.intervals import newcombe, wilson

counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@st.composite
def predictions(draw):
    n_classes = draw(st.integers(2, 6))
    n = draw(st.integers(1, 40))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    sharp = draw(st.sampled_from([0.05, 1.0, 20.0]))
    p = rng.dirichlet(np.full(n_classes, sharp), size=n).astype(np.float32)
    return rng.integers(0, n_classes, n), np.maximum(p, 1e-12), n_classes


@settings(max_examples=60, deadline=None)
@given(predictions())
def test_report_equals_scikit_learn_and_adds_up(case):
    labels, p, n_classes = case
    classes = [f"class {i}" for i in range(n_classes)]
    ids = [f"{i}" for i in range(len(labels))]
    report = build_report(
        labels,
        p,
        classes=classes,
        image_ids=ids,
        split="test",
        train_counts=dict.fromkeys(classes, 1),
    )
    answers = p.argmax(axis=1)
    assert report["accuracy"]["value"] == pytest.approx(accuracy_score(labels, answers))
    f1 = [row["f1"] for row in report["per_class"]]
    reference = f1_score(
        labels, answers, average=None, labels=list(range(n_classes)), zero_division=0
    )
    assert [0.0 if one is None else one for one in f1] == pytest.approx(reference)
    rows = p / p.sum(axis=1, keepdims=True, dtype=np.float64)
    reference = log_loss(labels, rows, labels=list(range(n_classes)))
    assert report["log_loss"] == pytest.approx(reference, rel=1e-6)
    assert np.sum(report["confusion"]) == len(labels)
    assert np.trace(report["confusion"]) + len(report["mistakes"]) == len(labels)
    assert sorted(i for ids_ in report["cells"].values() for i in ids_) == sorted(ids)
    confidences = [one["confidence"] for one in report["mistakes"]]
    assert confidences == sorted(confidences, reverse=True)
    histogram = report["confidence"]
    assert sum(histogram["right"]) + sum(histogram["wrong"]) == len(labels)
    low, high = report["balanced_accuracy"]["ci"]
    assert 0 <= low <= report["balanced_accuracy"]["value"] <= high <= 1
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert 2 <= len(sentences(report)) <= 6


@given(counts)
def test_wilson_holds_the_share_and_mirrors(case):
    k, n = case
    low, high = wilson(k, n)
    assert 0 <= low <= k / n <= high <= 1
    mirrored = wilson(n - k, n)
    assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-12)


@given(counts)
def test_wilson_narrows_with_more_pictures(case):
    k, n = case
    low, high = wilson(k, n)
    more_low, more_high = wilson(4 * k, 4 * n)
    assert more_high - more_low < high - low


@given(counts, counts)
def test_newcombe_holds_the_difference_and_changes_sign(first, second):
    low, high = newcombe(*first, *second)
    gap = first[0] / first[1] - second[0] / second[1]
    assert -1 <= low <= gap + 1e-12
    assert gap - 1e-12 <= high <= 1
    assert newcombe(*second, *first) == pytest.approx((-high, -low), abs=1e-12)


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_a_symmetric_probability(b, c):
    assert 0 < mcnemar(b, c) == mcnemar(c, b) <= 1
