from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.unit.train.tiny import (
    ALL,
    HEAD,
    LAST,
    SCRATCH,
    Orders,
    TinyNet,
    tiny_data,
    tiny_fit,
    tiny_groups,
    tiny_net,
    tiny_recipe,
)
from tl_core.config import NO_AUGMENT
from tl_core.errors import CheckpointError, DeviceMemoryError, DivergedError, FrozenDriftError
from tl_core.events import (
    CheckpointSaved,
    Continued,
    EpochDone,
    FindingRaised,
    LayersChanged,
    Paused,
    RunFinished,
    RunResumed,
    RunStarted,
    StepDone,
    Warned,
)
from tl_core.intervals import wilson
from tl_core.models.freezing import frozen_digest
from tl_core.train import loop, passes
from tl_core.train.checkpoint import Checkpoint, read_checkpoint, write_checkpoint


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def of(events: list[Any], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def test_events_come_in_the_documented_order() -> None:
    names = [event.name for event in tiny_fit(recipe=tiny_recipe(epochs=2))]
    epoch = ["step_done"] * 3 + ["epoch_done", "checkpoint_saved"]
    assert names == ["run_started", "layers_changed", *epoch, *epoch, "run_finished"]


def test_first_and_last_event_describe_the_run() -> None:
    model = tiny_net()
    events = tiny_fit(LAST, model)
    started, finished = events[0], events[-1]
    assert isinstance(started, RunStarted) and isinstance(finished, RunFinished)
    assert (started.steps, started.n_train, started.n_val, started.image_size) == (3, 24, 10, 16)
    assert started.trainable == sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert started.parameters == sum(p.numel() for p in model.parameters())
    assert started.majority == 0.5
    epochs = of(events, EpochDone)
    best = min(epochs, key=lambda done: done.val_loss)
    assert (finished.reason, finished.epochs, finished.best_epoch) == ("completed", 4, best.epoch)
    assert finished.val_accuracy == best.val_acc
    assert finished.val_accuracy_ci == list(wilson(round(10 * best.val_acc), 10))
    assert finished.test_accuracy is None
    assert of(events, LayersChanged)[0].trainable == ["block", "head"]


def test_it_learns() -> None:
    events = tiny_fit(ALL, recipe=tiny_recipe(epochs=12, lr=0.05, backbone_lr=1.0))
    first, last = of(events, EpochDone)[0], of(events, EpochDone)[-1]
    assert last.train_loss < 0.7 * first.train_loss
    assert events[-1].val_accuracy >= 0.9


def test_same_seed_same_run_and_other_seed_another() -> None:
    one, two = tiny_fit(), tiny_fit()
    assert one == two
    assert of(tiny_fit(recipe=tiny_recipe(seed=1)), StepDone) != of(one, StepDone)


@pytest.mark.parametrize("plan", [HEAD, LAST, ALL], ids=["head", "last", "all"])
def test_resuming_after_any_epoch_gives_the_same_numbers(plan: Any, tmp_path: Path) -> None:
    files: list[Path] = []

    def save(checkpoint: Checkpoint) -> None:
        files.append(tmp_path / f"{checkpoint.epoch}.safetensors")
        write_checkpoint(files[-1], checkpoint)

    recipe = tiny_recipe(freeze_norm_stats=False)
    whole_model = tiny_net()
    whole = tiny_fit(plan, whole_model, recipe=recipe, save=save)
    for epoch, file in enumerate(files, start=1):
        model = tiny_net()
        events = tiny_fit(plan, model, recipe=recipe, resume=read_checkpoint(file))
        resumed = of(events, RunResumed)
        assert resumed == [RunResumed(epoch=epoch, history=of(whole, EpochDone)[:epoch])]
        for kind in (StepDone, EpochDone):
            assert of(events, kind) == [e for e in of(whole, kind) if e.epoch > epoch]
        assert events[-1] == whole[-1]
        assert same(weights(model), weights(whole_model))


def test_resume_goes_on_with_the_findings_already_raised(tmp_path: Path) -> None:
    finding = FindingRaised(
        verdict="overfit", since_epoch=1, epoch=1, severity="info", sentence="", evidence=""
    )
    kept: list[Checkpoint] = []
    seen: list[int] = []

    def judge(history: Any, losses: Any, raised: Any, end: Any) -> list[FindingRaised]:
        seen.append(len(raised))
        assert losses.shape == (len(history), 10)
        assert end == ("completed" if len(history) == 4 else None)
        return [finding] if not raised else []

    whole = tiny_fit(save=kept.append, judge=judge)
    names = [event.name for event in whole]
    assert names[names.index("finding") - 1] == "epoch_done"
    assert names[names.index("finding") + 1] == "checkpoint_saved"
    assert seen == [0, 1, 1, 1] and whole[-1].findings == [finding]
    assert tiny_fit(resume=kept[1], judge=judge)[-1].findings == [finding]


@pytest.mark.parametrize("plan", [HEAD, LAST], ids=["head", "last"])
def test_frozen_groups_stay_bit_identical(plan: Any) -> None:
    model = tiny_net()
    before, digest = weights(model), frozen_digest(model, tiny_groups(), plan)
    tiny_fit(plan, model)
    after = weights(model)
    assert frozen_digest(model, tiny_groups(), plan) == digest
    assert all(torch.equal(before[k], after[k]) for k in before if k.startswith("stem"))
    assert not torch.equal(before["fc.weight"], after["fc.weight"])


def test_batch_statistics_are_kept_by_rule_and_learned_from_scratch() -> None:
    kept, learned = tiny_net(), tiny_net()
    before = weights(kept)
    tiny_fit(ALL, kept)
    tiny_fit(SCRATCH, learned)
    assert torch.equal(kept.stem[1].running_mean, before["stem.1.running_mean"])
    assert not torch.equal(kept.stem[1].weight, before["stem.1.weight"])
    assert not torch.equal(learned.stem[1].running_mean, before["stem.1.running_mean"])


def test_a_drifting_frozen_group_is_noticed() -> None:
    model = tiny_net()

    def drift(checkpoint: Checkpoint) -> None:
        model.stem[1].running_mean.add_(1.0)

    with pytest.raises(FrozenDriftError, match="A frozen block changed"):
        tiny_fit(LAST, model, save=drift)


def test_the_frozen_prefix_records_nothing() -> None:
    model, seen = tiny_net(), []
    model.stem.register_forward_hook(lambda m, a, out: seen.append(out.requires_grad))
    model.block.register_forward_hook(lambda m, a, out: seen.append(out.requires_grad))
    tiny_fit(HEAD, model, recipe=tiny_recipe(epochs=1))
    assert seen and not any(seen)


def test_best_weights_are_in_the_network_at_the_end() -> None:
    model, states, data = tiny_net(), {}, tiny_data()

    def save(checkpoint: Checkpoint) -> None:
        states[checkpoint.epoch] = checkpoint.state

    recipe = tiny_recipe(epochs=6, lr=0.5, schedule="constant", backbone_lr=1.0)
    finished = tiny_fit(ALL, model, recipe=recipe, save=save, data=data)[-1]
    assert finished.best_epoch < 6, "the run was meant to get worse at the end"
    assert all(
        torch.equal(v, model.state_dict()[k]) for k, v in states[finished.best_epoch].items()
    )
    assert not model.training


def test_early_stop_waits_for_patience() -> None:
    recipe = tiny_recipe(epochs=30, lr=0.5, schedule="constant", backbone_lr=1.0, patience=2)
    finished = tiny_fit(ALL, recipe=recipe)[-1]
    assert finished.reason == "early_stop"
    assert finished.epochs == finished.best_epoch + 2 < 30


def test_stop_in_a_later_epoch_drops_it() -> None:
    model, whole = tiny_net(), tiny_net()
    saved: list[Checkpoint] = []
    events = tiny_fit(LAST, model, control=Orders(*["go"] * 4, "stop"))
    tiny_fit(LAST, whole, save=saved.append)
    assert (events[-1].reason, events[-1].epochs, events[-1].best_epoch) == ("stopped", 1, 1)
    assert len(of(events, StepDone)) == 5
    assert all(torch.equal(v, model.state_dict()[k]) for k, v in saved[0].state.items())


def test_stop_in_the_first_epoch_still_gives_a_result() -> None:
    saved: list[Checkpoint] = []
    events = tiny_fit(control=Orders("stop"), save=saved.append)
    assert len(of(events, StepDone)) == 1 and len(of(events, EpochDone)) == 1
    assert (events[-1].reason, events[-1].best_epoch) == ("stopped", 1)
    assert not saved and not of(events, CheckpointSaved)


def test_stop_at_the_last_step_keeps_the_whole_epoch() -> None:
    events = tiny_fit(control=Orders("go", "go", "stop"))
    assert (events[-1].reason, events[-1].epochs) == ("stopped", 1)
    assert len(of(events, CheckpointSaved)) == 1


def test_pause_waits_and_goes_on_with_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(loop.time, "sleep", waits.append)
    events = tiny_fit(control=Orders("go", "pause", "pause", "pause", "go"))
    assert waits == [loop.POLL_S] * 3
    at = [event.name for event in events].index("paused")
    assert events[at : at + 2] == [Paused(epoch=1), Continued(epoch=1)]
    plain = [e for e in events if not isinstance(e, (Paused, Continued))]
    assert plain == tiny_fit()


def test_stop_while_paused_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop.time, "sleep", lambda seconds: None)
    events = tiny_fit(control=Orders("pause", "stop"))
    assert not of(events, Continued) and events[-1].reason == "stopped"


class Breaks(TinyNet):
    """Gives NaN from the given training step on."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at, self.steps = at, 0

    def forward(self, x: Tensor) -> Tensor:
        out = super().forward(x)
        if self.training:
            self.steps += 1
            if self.steps > self.at:
                out = out * math.nan
        return out


def test_divergence_keeps_the_best_epoch() -> None:
    model = Breaks(at=4)
    ends: list[Any] = []
    events = tiny_fit(LAST, model, judge=lambda h, v, r, end: ends.append(end) or [])
    assert (events[-1].reason, events[-1].epochs) == ("diverged", 1)
    assert ends == [None, "diverged"]
    assert all(torch.isfinite(v).all() for v in model.state_dict().values())


def test_divergence_in_the_first_epoch_is_an_error() -> None:
    with pytest.raises(DivergedError, match="stopped being a number in the first epoch") as caught:
        tiny_fit(LAST, Breaks(at=1))
    assert "Lower the learning rate" in caught.value.hint


class Hungry(TinyNet):
    """Has memory for so many pictures in training and no more."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.load_state_dict(tiny_net().state_dict())

    def forward(self, x: Tensor) -> Tensor:
        if self.training and len(x) > self.most:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return super().forward(x)


def test_memory_running_out_halves_the_batch_and_repeats_the_epoch() -> None:
    events = tiny_fit(LAST, Hungry(most=4))
    (warned,) = of(events, Warned)
    assert warned.code == "batch_halved" and "starts again with 4" in warned.message
    plain = tiny_fit(LAST, recipe=tiny_recipe(batch_size=4, freeze_norm_stats=True))
    assert of(events, StepDone) == of(plain, StepDone)
    assert [e.val_loss for e in of(events, EpochDone)] == [e.val_loss for e in of(plain, EpochDone)]


def test_memory_too_small_for_anything_is_an_error() -> None:
    with pytest.raises(DeviceMemoryError, match="even for 2 pictures") as caught:
        tiny_fit(LAST, Hungry(most=1))
    assert "below 16 px" in caught.value.hint


def test_other_runtime_errors_are_not_taken_for_memory() -> None:
    class Broken(TinyNet):
        def forward(self, x: Tensor) -> Tensor:
            raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        tiny_fit(LAST, Broken())


def test_a_single_last_picture_does_not_break_batch_normalisation() -> None:
    recipe = tiny_recipe(freeze_norm_stats=False)
    events = tiny_fit(SCRATCH, data=tiny_data(n_train=17), recipe=recipe)
    assert events[0].steps == 2 and of(events, StepDone)[0].steps == 2
    assert [len(rows) for rows in passes.batches(np.arange(17), 8)] == [8, 9]


def test_checkpoint_of_another_run_is_refused() -> None:
    saved: list[Checkpoint] = []
    tiny_fit(save=saved.append)
    with pytest.raises(CheckpointError, match="other settings or pictures"):
        tiny_fit(recipe=tiny_recipe(lr=0.03), resume=saved[0])
    with pytest.raises(CheckpointError, match="pretrained weights are not those"):
        tiny_fit(model=tiny_net(seed=1), resume=saved[0])
    with pytest.raises(CheckpointError, match="pretrained weights are not those"):
        tiny_fit(plan=HEAD, resume=saved[0])


def test_augmentation_off_still_trains_from_the_same_pictures() -> None:
    events = tiny_fit(LAST, recipe=tiny_recipe(augment=NO_AUGMENT))
    assert events[-1].reason == "completed"


def test_label_smoothing_does_not_enter_the_validation_loss() -> None:
    recipe = tiny_recipe(epochs=1, lr=1e-6)
    plain = tiny_fit(recipe=recipe)
    smooth = tiny_fit(recipe=tiny_recipe(epochs=1, lr=1e-6, label_smoothing=0.3))
    assert of(plain, StepDone)[0].loss != of(smooth, StepDone)[0].loss
    close = pytest.approx(of(plain, EpochDone)[0].val_loss, abs=1e-4)
    assert of(smooth, EpochDone)[0].val_loss == close
