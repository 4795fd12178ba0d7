"""Training a backbone: pictures decoded once, changes to batches, going on, what ships."""

from __future__ import annotations

import hashlib
import io
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from tl_core.storage import read_json
from tools.pretrain import __main__ as program
from tools.pretrain.augment import cropped, mixed, resized
from tools.pretrain.loop import Trainer, judged, recalibrated
from tools.pretrain.pictures import Pictures, opened
from tools.pretrain.recipes import RECIPES, Phase, Recipe, within
from tools.pretrain.shipping import half_precision, write_weights

CPU = torch.device("cpu")
TINY = Recipe(
    model="test_resnet",
    phases=(Phase(epochs=2, size=32, mix=0.5), Phase(epochs=1, size=48)),
    batch=8,
    lr=0.05,
    ema=0.9,
    judged=(32, 48),
)


def encoded(seed: int) -> bytes:
    sink = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(sink, "WEBP", lossless=True)
    return sink.getvalue()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for name, n in (("train_1of2", 16), ("train_2of2", 16), ("valid", 8)):
        rows = {
            "image": [encoded(at) for at in range(n)],
            "label": [at % 2 for at in range(n)],
            "wnid": [("n01", "n02")[at % 2] for at in range(n)],
        }
        pq.write_table(pa.table(rows), folder / f"tiny_{name}.parquet")
    return folder


def pictures(n: int = 32) -> Pictures:
    """Two classes that a network can tell apart: dark and light noise."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 2
    images = rng.integers(0, 120, (n, 3, 64, 64)) + 120 * labels[:, None, None, None]
    return Pictures(images=images.astype(np.uint8), labels=labels, classes=("dark", "light"))


def test_pictures_are_decoded_once_and_then_read(data: Path, tmp_path: Path) -> None:
    found = opened(data, "train", tmp_path / "kept")
    assert found.images.shape == (32, 3, 64, 64) and found.classes == ("n01", "n02")
    assert found.labels.tolist() == [0, 1] * 16
    with Image.open(io.BytesIO(encoded(3))) as image:
        assert (found.images[3] == np.asarray(image).transpose(2, 0, 1)).all()
    again = opened(tmp_path / "gone", "train", tmp_path / "kept", most=4)
    assert len(again) == 4
    with pytest.raises(FileNotFoundError):
        opened(tmp_path / "gone", "valid", tmp_path / "kept")


def test_crops_stay_in_range_keep_the_light_roughly_and_follow_the_seed() -> None:
    images = torch.from_numpy(pictures(8).images)
    one, same, other = (
        cropped(images, 48, torch.Generator().manual_seed(seed), area=0.5) for seed in (1, 1, 2)
    )
    assert one.shape == (8, 3, 48, 48) and one.min() >= 0 and one.max() <= 1
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert (one[1::2].mean() > one[::2].mean() + 0.2).item()  # light stays lighter than dark


def test_a_whole_crop_without_changes_is_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.from_numpy(pictures(8).images)
    monkeypatch.setattr("tools.pretrain.augment.LIGHT", 0.0)
    monkeypatch.setattr("tools.pretrain.augment.ASPECT", 1.0)
    found = cropped(images, 64, torch.Generator().manual_seed(0), area=1.0)
    plain = resized(images, 64)
    for mine, theirs in zip(found, plain, strict=True):
        apart = min(float((mine - one).abs().max()) for one in (theirs, theirs.flip(2)))
        assert apart < 1e-5


def test_what_is_mixed_is_worth_what_is_seen_of_it() -> None:
    images = torch.arange(6.0).view(6, 1, 1, 1).expand(6, 3, 32, 32)
    patched = blended = 0
    for seed in range(60):
        found = mixed(images, torch.Generator().manual_seed(seed))
        share = float(found.share)
        assert 0 <= share <= 1
        expected = images * share + images[found.other] * (1 - share)
        assert torch.allclose(found.images.mean((1, 2, 3)), expected.mean((1, 2, 3)), atol=1e-4)
        kinds = len(found.images[0].unique())
        patched, blended = patched + (kinds == 2), blended + (0.5 <= share < 1 and kinds == 1)
    assert patched > 10 and blended > 10


def test_a_recipe_is_shortened_to_the_time_there_is() -> None:
    short = within(RECIPES["resnet10t"], [100.0, 200.0, 400.0], 9000.0)
    spent = sum(one.epochs * cost for one, cost in zip(short.phases, (100, 200, 400), strict=True))
    assert 8000 < spent <= 9000
    assert within(TINY, [1.0, 1.0], 1e9) == TINY
    assert min(one.epochs for one in within(TINY, [1.0, 1.0], 0.1).phases) == 1
    assert Recipe.from_dict(short.to_dict()) == short


def test_it_learns_and_goes_on_as_if_it_had_not_been_ended(tmp_path: Path) -> None:
    train, valid = pictures(), pictures(16)
    whole = Trainer(TINY, train, valid, CPU, 0)
    epochs = list(whole.epochs())
    assert [one.size for one in epochs] == [32, 32, 48]
    assert epochs[-1].loss < epochs[0].loss

    ended = Trainer(TINY, train, valid, CPU, 0)
    next(ended.epochs())
    ended.save(tmp_path / "checkpoint.pt")
    resumed = Trainer(TINY, train, valid, CPU, 0)
    resumed.load(tmp_path / "checkpoint.pt")
    rest = list(resumed.epochs())
    assert [one.epoch for one in rest] == [2, 3]
    for name, value in whole.average.state_dict().items():
        assert torch.equal(value, resumed.average.state_dict()[name]), name


def test_the_time_of_an_epoch_is_measured_without_learning() -> None:
    trainer = Trainer(TINY, pictures(), pictures(16), CPU, 0)
    before = [one.clone() for one in trainer.model.parameters()]
    assert trainer.seconds_an_epoch(TINY.phases[0]) > 0
    assert all(torch.equal(a, b) for a, b in zip(before, trainer.model.parameters(), strict=True))


def test_statistics_are_those_of_whole_pictures_at_the_size_of_use() -> None:
    trainer = Trainer(TINY, pictures(), pictures(16), CPU, 0)
    found = recalibrated(trainer.average, trainer.train, 48, CPU)
    assert not found.training
    first = next(one for one in found.modules() if isinstance(one, nn.BatchNorm2d))
    old = next(one for one in trainer.average.modules() if isinstance(one, nn.BatchNorm2d))
    assert first.running_mean is not None and old.running_mean is not None
    assert not torch.allclose(first.running_mean, old.running_mean)
    again = recalibrated(found, trainer.train, 48, CPU)
    twice = next(one for one in again.modules() if isinstance(one, nn.BatchNorm2d))
    assert twice.running_mean is not None
    assert torch.allclose(first.running_mean, twice.running_mean, atol=1e-5)


def test_one_command_trains_goes_on_and_writes_weights_and_a_card(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(program.RECIPES, "resnet10t", replace(TINY, judged=(32,)))
    out = tmp_path / "out"
    command = ["pretrain", "resnet10t", "--data", str(data), "--out", str(out)]
    command += ["--device", "cpu", "--input-px", "48"]
    monkeypatch.setattr(sys, "argv", [*command, "--until", "1"])
    program.main()
    assert "the same command goes on" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", command)
    program.main()
    said = capsys.readouterr().out
    assert "going on after epoch 1 of 3" in said
    folder = out / "resnet10t"
    assert len((folder / "log.jsonl").read_text().splitlines()) == 3
    weights = load_file(folder / "test_resnet_tiny_imagenet.safetensors")
    assert {one.dtype for one in weights.values()} <= {torch.float16, torch.int64}
    card = (folder / "test_resnet_tiny_imagenet.md").read_text(encoding="utf-8")
    assert "at 48 px (" in card and "research terms" in card and "seed 0" in card


def test_it_goes_on_from_shipped_weights_and_the_card_says_so(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one = replace(TINY, judged=(32,), lr=1e-9, phases=(Phase(epochs=1, size=32),))
    monkeypatch.setitem(program.RECIPES, "resnet10t", one)
    old = Trainer(one, pictures(), pictures(16), CPU, 7)
    begun = tmp_path / "begun.safetensors"
    write_weights(old.model, begun)
    out = tmp_path / "out"
    command = ["pretrain", "resnet10t", "--data", str(data), "--out", str(out)]
    command += ["--device", "cpu", "--input-px", "32", "--begin", str(begun)]
    monkeypatch.setattr(sys, "argv", command)
    program.main()
    found = load_file(out / "resnet10t" / "test_resnet_tiny_imagenet.safetensors")
    for name, value in load_file(begun).items():
        if name.endswith("weight"):
            assert torch.allclose(found[name], value, atol=1e-3), name
    told = read_json(out / "resnet10t" / "plan.json")
    assert told["begun_from"] == hashlib.sha256(begun.read_bytes()).hexdigest()
    assert f"from the weights {told['begun_from'][:12]}" in capsys.readouterr().out


def test_what_is_judged_is_what_ships() -> None:
    trainer = Trainer(TINY, pictures(), pictures(16), CPU, 0)
    rounded = half_precision(trainer.average)
    assert all(torch.equal(one, one.half().float()) for one in rounded.parameters())
    assert 0 <= judged(rounded, trainer.valid, 32, CPU) <= 1
