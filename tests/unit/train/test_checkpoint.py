from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import SafetensorError

from tests.unit.train.tiny import LAST, tiny_data, tiny_fit, tiny_recipe
from tl_core.errors import CheckpointError, StorageError
from tl_core.train import checkpoint as module
from tl_core.train.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from tl_core.train.recipe import recipe_digest


@pytest.fixture(scope="module")
def checkpoints() -> list[Checkpoint]:
    saved: list[Checkpoint] = []
    tiny_fit(LAST, recipe=tiny_recipe(epochs=6, lr=0.5, schedule="constant"), save=saved.append)
    return saved


def test_a_checkpoint_comes_back_whole(checkpoints: list[Checkpoint], tmp_path: Path) -> None:
    assert any(one.best_epoch != one.epoch for one in checkpoints)
    for one in checkpoints:
        write_checkpoint(tmp_path / "c.safetensors", one)
        back = read_checkpoint(tmp_path / "c.safetensors")
        for part in ("state", "best_state", "optimizer"):
            was, now = getattr(one, part), getattr(back, part)
            assert was.keys() == now.keys()
            assert all(torch.equal(was[name], now[name]) for name in was)
        assert np.array_equal(one.val_losses, back.val_losses)
        assert back.val_losses.shape == (one.epoch, 10)
        for part in ("epoch", "best_epoch", "batch_size", "history", "findings"):
            assert getattr(one, part) == getattr(back, part)
    assert [path.name for path in tmp_path.iterdir()] == ["c.safetensors"]


def test_frozen_weights_are_not_in_it(checkpoints: list[Checkpoint]) -> None:
    assert {name.split(".")[0] for name in checkpoints[0].state} == {"block", "fc"}


@pytest.mark.parametrize("keep", [0, 7, 200, -1])
def test_a_cut_file_is_called_damaged(
    keep: int, checkpoints: list[Checkpoint], tmp_path: Path
) -> None:
    path = tmp_path / "c.safetensors"
    write_checkpoint(path, checkpoints[0])
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=r"c\.safetensors is damaged") as caught:
        read_checkpoint(path)
    assert caught.value.hint == "Start the run again."


def test_a_file_of_something_else_is_called_damaged(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="is damaged"):
        read_checkpoint(tmp_path / "other.safetensors")


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint yet"):
        read_checkpoint(tmp_path / "none.safetensors")


def test_a_newer_version_is_refused(
    checkpoints: list[Checkpoint], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "VERSION", 99)
    write_checkpoint(tmp_path / "c.safetensors", checkpoints[0])
    monkeypatch.setattr(module, "VERSION", 1)
    with pytest.raises(CheckpointError, match="newer Thaw"):
        read_checkpoint(tmp_path / "c.safetensors")


def test_a_failed_write_leaves_the_old_file(
    checkpoints: list[Checkpoint], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.safetensors"
    write_checkpoint(path, checkpoints[0])

    def fail(*args: object, **options: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(module, "save_file", fail)
    with pytest.raises(RuntimeError, match="no"):
        write_checkpoint(path, checkpoints[1])
    assert read_checkpoint(path).epoch == 1
    assert json.dumps([one.name for one in tmp_path.iterdir()]) == '["c.safetensors"]'


def test_a_full_disk_is_told_as_one_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights.safetensors"
    module.write_tensors(path, {"a": torch.zeros(2)})
    before = path.read_bytes()

    def full(*_given: object, **_more: object) -> None:
        raise SafetensorError("No space left on device")

    monkeypatch.setattr(module, "save_file", full)
    with pytest.raises(StorageError, match=r"weights\.safetensors could not be written \(No space"):
        module.write_tensors(path, {"a": torch.ones(2)})
    assert path.read_bytes() == before


def test_checkpoints_from_before_rates_of_single_blocks_still_fit() -> None:
    before = "5f4ce6fc1447c3d8bed31c1c611a9a067ba21dd43a351308da4fbadd652ecd79"
    assert recipe_digest(tiny_recipe(), tiny_data()) == before
    assert recipe_digest(tiny_recipe(block_rates="1:0.5"), tiny_data()) != before
