from __future__ import annotations

from tl_core.events import EpochDone
from tl_core.train.policies import best_epoch, is_best, stop_reason


def history(*losses: float) -> list[EpochDone]:
    return [
        EpochDone(
            epoch=epoch,
            train_loss=1.0,
            train_acc=0.5,
            fit_acc=0.5,
            val_loss=loss,
            val_acc=0.5,
            n_fit=10,
            n_val=10,
            lr=0.1,
            is_best=False,
        )
        for epoch, loss in enumerate(losses, start=1)
    ]


def test_best_is_the_lowest_loss_and_the_first_of_equals() -> None:
    assert best_epoch([]) == 0
    assert best_epoch(history(0.9, 0.5, 0.7, 0.5)) == 2
    assert is_best([], 3.0)
    assert is_best(history(0.9, 0.5), 0.4) and not is_best(history(0.9, 0.5), 0.5)


def test_stop_reason() -> None:
    losses = history(0.9, 0.5, 0.6, 0.7)
    assert stop_reason(losses, epochs=5, patience=0) is None
    assert stop_reason(losses, epochs=5, patience=3) is None
    assert stop_reason(losses, epochs=5, patience=2) == "early_stop"
    assert stop_reason(losses, epochs=4, patience=2) == "completed"
    assert stop_reason([], epochs=4, patience=1) is None
