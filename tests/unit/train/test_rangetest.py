"""The range test: leaves the network as it was, repeats itself, and sees what there is to see."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.unit.train.test_trials import named
from tests.unit.train.tiny import ALL, HEAD, LAST, tiny_data, tiny_groups, tiny_net, tiny_recipe
from tl_core.cache.shelf import Shelf
from tl_core.cache.views import Views
from tl_core.config import NO_AUGMENT
from tl_core.errors import CancelledError, DeviceMemoryError
from tl_core.storage import Home
from tl_core.train import rangetest
from tl_core.train.engine import Decided
from tl_core.train.passes import Passes
from tl_core.train.rangetest import HIGHEST, LOWEST, range_test, steps_for


def found_by(plan: Any = LAST, model: Any = None, **changes: Any) -> Any:
    options = {name: changes.pop(name) for name in ("progress", "shelf", "seeds", "data", "decided")
               if name in changes}  # fmt: skip
    data = options.pop("data", None) or named()
    recipe = tiny_recipe(**{"cache": True, "views": 2, **changes})
    return range_test(
        model or tiny_net(), tiny_groups(), plan, data, recipe, n_classes=2, **options
    )


@pytest.mark.parametrize("plan", [HEAD, LAST, ALL])
@pytest.mark.parametrize("head_start", ["random", "exact"])
def test_weights_and_random_state_are_the_same_to_the_bit(plan: Any, head_start: str) -> None:
    model = tiny_net()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    found_by(plan, model, head_start=head_start)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert torch.equal(torch.get_rng_state(), random)
    assert all(one.grad is None for one in model.parameters())


def test_what_stops_it_leaves_the_network_as_it_was() -> None:
    def stop(done: int, total: int) -> None:
        if done == 30:
            raise CancelledError("enough")

    model = tiny_net()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(CancelledError):
        found_by(ALL, model, progress=stop)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_it_repeats_itself_and_averages_seeds() -> None:
    found = found_by(HEAD)
    assert found == found_by(HEAD)
    assert (found.seeds, found.n_train, found.batch_size) == (3, 24, 8)
    single = [np.array(found_by(HEAD, seeds=(seed,)).losses) for seed in (0, 1, 2)]
    least = min(map(len, single))
    mean = np.mean([one[:least] for one in single], axis=0)
    assert np.allclose(mean, found.losses, atol=1e-6)


def test_rates_rise_geometrically_over_the_span() -> None:
    found = found_by(HEAD)
    assert (found.rates[0], found.rates[-1]) == pytest.approx((LOWEST, HIGHEST))
    ratios = np.diff(np.log(found.rates))
    assert np.allclose(ratios, ratios[0])
    assert len(found.losses) <= len(found.rates)


def test_few_pictures_take_fewer_steps_and_the_passes_are_told() -> None:
    assert steps_for(24, 8) == 50  # three batches a pass: as few as tell something
    assert steps_for(128, 16) == 80
    assert steps_for(245, 16) == steps_for(100_000, 64) == 100
    assert found_by(HEAD).passes == pytest.approx(50 * 8 / 24)


def test_dark_and_light_pictures_have_a_rate() -> None:
    found = found_by(HEAD, data=tiny_data(96), augment=NO_AUGMENT).found
    assert found.reason == "found" and found.rate is not None
    assert 0.005 < found.rate <= 0.1


def test_blocks_keep_their_proportions(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[float]] = []
    step = Passes.step

    def noted(self: Any, inputs: Any, target: Any, optimizer: Any, gen: Any) -> Any:
        seen.append(sorted({group["lr"] for group in optimizer.param_groups}))
        return step(self, inputs, target, optimizer, gen)

    monkeypatch.setattr(Passes, "step", noted)
    found_by(ALL, seeds=(0,), backbone_lr=0.5, block_decay=0.5, block_rates="0:0.1")
    for rates in seen:
        assert np.array(rates) / rates[-1] == pytest.approx([0.1, 0.5, 1.0])


def test_frozen_blocks_compute_each_version_once_for_all_seeds(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[int] = []
    compute = Views.compute_rows

    def counted(self: Views, view: int, rows: np.ndarray) -> torch.Tensor:
        computed.append(len(rows))
        return compute(self, view, rows)

    monkeypatch.setattr(Views, "compute_rows", counted)
    shelf = Shelf(Home(tmp_path))
    found_by(HEAD, shelf=shelf)
    assert sum(computed) == 2 * 24  # validation pictures are not looked at
    found_by(HEAD, shelf=shelf)
    assert sum(computed) == 2 * 24


def test_cached_and_uncached_give_the_same_curve() -> None:
    kept = found_by(LAST, decided=Decided(views=2, cached=True))
    anew = found_by(LAST, decided=Decided(views=2, cached=False))
    least = min(len(kept.losses), len(anew.losses))
    early = slice(0, min(least, 30))  # later, rounding grows with the rate
    assert np.allclose(kept.losses[early], anew.losses[early], atol=1e-4)


def test_of_very_many_pictures_a_part_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rangetest, "STEPS_LEAST", 20)
    monkeypatch.setattr(rangetest, "STEPS", 20)
    assert found_by(HEAD, data=tiny_data(200), augment=NO_AUGMENT, seeds=(0,)).n_train == 168


def test_too_little_memory_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(Passes, "step", full)
    monkeypatch.setattr(rangetest, "is_out_of_memory", lambda err: True)
    with pytest.raises(DeviceMemoryError, match="not enough memory for 8 pictures"):
        found_by(HEAD)


def test_a_loss_near_zero_may_quadruple_without_having_diverged() -> None:
    near = rangetest._Watch()
    assert not any(near.diverged(loss) for loss in (0.01, 0.002, 0.05, 0.03, 0.1, 0.2))
    lost = rangetest._Watch()
    assert not lost.diverged(0.7)
    assert any(lost.diverged(loss) for loss in (0.5, 3.0, 9.0, 20.0))
    assert rangetest._Watch().diverged(float("nan"))
