"""Runs on one cache give the numbers they would give alone, and share what they can."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from tests.unit.train.tiny import (
    ALL,
    HEAD,
    LAST,
    tiny_data,
    tiny_fit,
    tiny_groups,
    tiny_net,
    tiny_recipe,
)
from tl_core.cache.shelf import Shelf
from tl_core.cache.views import Views
from tl_core.data.rows import Rows
from tl_core.events import EpochDone
from tl_core.storage import Home
from tl_core.train import engine
from tl_core.train.trials import Trials


def named(n: int = 24) -> Any:
    data = tiny_data(n)
    keys = {
        part: tuple(f"{part} {row}" for row in range(len(labels)))
        for part, labels in (("train", data.train_y), ("val", data.val_y))
    }
    return replace(data, train_keys=keys["train"], val_keys=keys["val"])


def trials(plan: Any = HEAD, *, home: Home | None = None, model: Any = None, **changes: Any) -> Any:
    shelf = None if home is None else Shelf(home)
    data = changes.pop("data", None) or named()
    recipe = tiny_recipe(**{"cache": True, "views": 2, **changes})
    made = Trials(model or tiny_net(), tiny_groups(), plan, data, recipe, n_classes=2, shelf=shelf)
    return made, recipe, data


@pytest.mark.parametrize("plan", [HEAD, LAST, ALL])
def test_a_trial_is_the_run_it_would_be_alone(plan: Any, tmp_path: Any) -> None:
    many, recipe, data = trials(plan, home=Home(tmp_path))
    many.run(lr=0.5)  # leaves nothing behind
    found = many.run(lr=0.01, seed=3)
    alone = tiny_fit(
        plan,
        data=data,
        recipe=replace(recipe, lr=0.01, seed=3),
        decided=replace(many._decided),
    )
    want = [one for one in alone if isinstance(one, EpochDone)]
    assert len(found.history) == recipe.epochs
    for mine, other in zip(found.history, want, strict=True):
        assert abs(mine.train_loss - other.train_loss) < 1e-5
        assert abs(mine.val_loss - other.val_loss) < 1e-5
    assert found.best.val_loss == min(one.val_loss for one in found.history)


def test_folds_are_parts_of_the_training_pictures(tmp_path: Any) -> None:
    many, *_ = trials(home=Home(tmp_path))
    out = np.arange(0, 24, 3)
    found = many.run(train=np.setdiff1d(np.arange(24), out), held_out=out)
    assert found.best.n_val == 8 and found.best.n_fit == 16
    with pytest.raises(ValueError, match="trained on and judged on"):
        many.run(held_out=out)


def test_frozen_blocks_are_cut_once_and_compute_a_picture_once_per_view(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[int] = []
    compute = Views.compute_rows

    def counting(self: Views, view: int, rows: np.ndarray) -> Any:
        computed.append(len(rows))
        return compute(self, view, rows)

    monkeypatch.setattr(Views, "compute_rows", counting)
    many, *_ = trials(home=Home(tmp_path))
    cuts = []
    cut = engine.cut_network

    def noting(*args: Any, **options: Any) -> Any:
        cuts.append(cut(*args, **options))
        return cuts[-1]

    monkeypatch.setattr(engine, "cut_network", noting)
    for fold in range(3):
        out = np.arange(fold, 24, 3)
        for lr in (0.01, 0.02):
            many.run(train=np.setdiff1d(np.arange(24), out), held_out=out, lr=lr)
    assert sum(computed) == 2 * 24  # view 0 and view 1 of every picture
    assert len({id(one) for one in cuts}) == 1


def test_the_network_is_left_as_it_was(tmp_path: Any) -> None:
    model = tiny_net()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    many, *_ = trials(LAST, home=Home(tmp_path), model=model)
    many.run()
    for name, value in model.state_dict().items():
        if "num_batches" not in name:
            assert torch.equal(value, before[name]), name


def test_pictures_without_names_leave_nothing_on_the_shelf(tmp_path: Any) -> None:
    home = Home(tmp_path)
    many, *_ = trials(home=home, data=tiny_data())
    out = np.arange(0, 24, 3)
    many.run(train=np.setdiff1d(np.arange(24), out), held_out=out)
    many.run()
    assert not any((home.root / "cache" / "features").iterdir())


def test_rows_can_be_taken_without_reading_them() -> None:
    rows = Rows.of(np.arange(12).reshape(6, 2)).take(np.array([4, 1, 1]))
    assert rows.shape == (3, 2) and len(rows) == 3
    assert np.asarray(rows).tolist() == [[8, 9], [2, 3], [2, 3]]
