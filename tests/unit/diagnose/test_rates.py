"""Rates in runs with opened blocks: steps that throw the network off, and steps that do nothing."""

from __future__ import annotations

import pytest

from tests.unit.diagnose.curves import row
from tests.unit.diagnose.test_rules import coached, spec

OPEN = spec(**{"freeze.layers": "last:1", "train.lr": 0.1})


def thrown(values: list[float], lr: float = 0.1) -> bool:
    history = [row(e, val_loss=value, lr=lr) for e, value in enumerate(values, 1)]
    return "oscillating" in coached(history, of=OPEN, end=None)


def test_a_loss_thrown_beyond_guessing_twice_is_a_rate_too_high() -> None:
    values = [0.44, 0.49, 6.7, 0.5, 0.47, 0.43, 1.81]
    history = [row(e, val_loss=value, lr=0.1) for e, value in enumerate(values, 1)]
    found = coached(history, of=OPEN, end=None)["oscillating"]
    assert found.since_epoch == 3
    assert "thrown up to 6.69, 1.81, beyond that of guessing (0.69), from 0.44" in found.evidence
    assert found.remedies[0].changes == {"train.lr": pytest.approx(0.033)}


def test_once_or_slowly_or_below_guessing_is_none() -> None:
    assert not thrown([0.44, 0.49, 6.7, 0.5, 0.47, 0.43, 0.5])
    assert not thrown([0.5 + 0.2 * e for e in range(14)]), "harm that grows is overfitting"
    assert not thrown([0.2, 0.6, 0.2, 0.6, 0.22, 0.2]), "an answer better than guessing"


def test_opened_blocks_that_do_not_move_are_told_although_the_head_knows_the_pictures() -> None:
    history = [row(e, train_loss=0.18 + 0.06 * (e % 2), fit_acc=0.98) for e in range(1, 11)]
    low = {"train.lr": 1e-6}
    for layers, told in (("last:1", True), ("all", True), ("head", False)):
        of = spec(**low, **{"freeze.layers": layers})
        assert ("rate_too_low" in coached(history, of=of, end=None, usual_lr=1e-3)) is told
    of = spec(**low, **{"freeze.layers": "last:1"})
    assert "rate_too_low" not in coached(history, of=of, end=None), "no rate is known to work"
    done = [row(e, train_loss=0.01, fit_acc=1.0) for e in range(1, 11)]
    assert "rate_too_low" not in coached(done, of=of, end=None, usual_lr=1e-3)
