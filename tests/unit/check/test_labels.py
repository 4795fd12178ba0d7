"""Wrong labels are told from hard pictures by the noise floor."""

from __future__ import annotations

import numpy as np
import pytest
from cleanlab.filter import find_label_issues

from tests.unit.check.sets import checked
from tl_core.check.labels import noise_floor, suspects, wrong_labels


def judged(
    n: int, classes: int, *, hard: float, noise: float, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(written labels, true ones, calibrated probabilities of what is written).

    The share ``hard`` of the pictures truly is anything, and the probe knows that; of the others it
    is as good as certain.
    """
    rng = np.random.default_rng(seed)
    unsure = rng.random(n) < hard
    truth_of = np.full((n, classes), 0.001 / (classes - 1))
    truth_of[np.arange(n), rng.integers(0, classes, n)] = 0.999
    truth_of[unsure] = rng.dirichlet(np.ones(classes), int(unsure.sum()))
    true = np.array([rng.choice(classes, p=row) for row in truth_of])
    wrong = rng.random(n) < noise
    written = np.where(wrong, (true + rng.integers(1, classes, n)) % classes, true)
    told = (1 - noise) * truth_of + noise / (classes - 1) * (1 - truth_of)
    return written, true, told


@pytest.mark.parametrize("classes", [2, 5, 10])
@pytest.mark.parametrize("hard", [0.0, 0.3])
def test_a_clean_set_has_no_wrong_labels_however_hard(classes: int, hard: float) -> None:
    written, _, told = judged(2000, classes, hard=hard, noise=0.0)
    assert len(suspects(written, told)) <= 0.015 * len(written)


@pytest.mark.parametrize("classes", [2, 5, 10])
@pytest.mark.parametrize("hard", [0.0, 0.2])
def test_planted_mistakes_are_found(classes: int, hard: float) -> None:
    written, true, told = judged(2000, classes, hard=hard, noise=0.2)
    found = {one.position for one in suspects(written, told)}
    planted = set(np.flatnonzero(written != true).tolist())
    hits = len(found & planted)
    assert 2 * hits / (len(found) + len(planted)) >= 0.8
    assert noise_floor(written, told) == pytest.approx(0.2, abs=0.05)


def test_the_class_it_looks_like_is_named() -> None:
    written, true, told = judged(1000, 4, hard=0.0, noise=0.1)
    found = suspects(written, told)
    assert np.mean([one.looks_like == true[one.position] for one in found]) > 0.95
    assert [one.wrong for one in found] == sorted((one.wrong for one in found), reverse=True)


def test_fewer_false_alarms_than_confident_learning() -> None:
    written, _, told = judged(2000, 5, hard=0.4, noise=0.0)
    theirs = find_label_issues(written, told, filter_by="both", n_jobs=1).sum()
    assert len(suspects(written, told)) < theirs / 4


def test_what_was_not_judged_is_not_named() -> None:
    written, _, told = judged(400, 3, hard=0.0, noise=0.2)
    told[::2] = np.nan
    assert all(one.position % 2 for one in suspects(written, told))
    assert suspects(written, np.full_like(told, np.nan)) == []


def test_small_classes_and_small_sets_are_not_judged() -> None:
    written, _, told = judged(400, 3, hard=0.0, noise=0.2)
    rare = np.where(np.arange(400) < 5, 2, written % 2)
    assert not {one.position for one in suspects(rare, told)} & set(range(5))
    assert suspects(written[:30], told[:30]) == []


def test_a_probe_that_does_not_know_the_classes_names_nothing() -> None:
    rng = np.random.default_rng(0)
    written = rng.integers(0, 2, 400)
    told = rng.dirichlet([4, 4], 400)  # bold at random
    assert suspects(written, told) == []


def test_the_finding_offers_the_other_class() -> None:
    written, _, told = judged(300, 2, hard=0.0, noise=0.1)
    one = checked([("a", "b")[label] for label in written])
    (finding,) = wrong_labels(one, told)
    number = finding.groups[0][0]
    assert finding.repair.relabel[number] != one.label(number - 1)
    assert (
        finding.captions[number] == f"{one.label(number - 1)}, or {finding.repair.relabel[number]}?"
    )
    assert finding.evidence["judged"] == 300
    assert wrong_labels(one, np.full_like(told, np.nan)) == []
