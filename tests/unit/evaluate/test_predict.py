"""Probabilities: normalised as stated, the same in any batch, the network left as it was."""

import numpy as np
import pytest
import torch

from tests.unit.export.conftest import MEAN, STD, TinyNet
from tl_core.evaluate import predict as module
from tl_core.evaluate.predict import MANY, probabilities


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (7, 3, 16, 16), dtype=np.uint8)


def test_equal_to_the_plain_formula(images):
    model = TinyNet().eval()
    found = probabilities(model, images, mean=MEAN, std=STD)
    mean, std = np.array(MEAN).reshape(3, 1, 1), np.array(STD).reshape(3, 1, 1)
    normal = torch.from_numpy(((images / 255 - mean) / std).astype(np.float32))
    with torch.inference_mode():
        expected = torch.softmax(model(normal), dim=1).numpy()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.ptp(expected) > 0.1  # or the comparison says nothing


def test_batch_size_does_not_change_the_answer(images):
    model = TinyNet()
    whole = probabilities(model, images, mean=MEAN, std=STD)
    seen = []
    small = probabilities(
        model, images, mean=MEAN, std=STD, batch_size=3, report=lambda *now: seen.append(now)
    )
    np.testing.assert_allclose(small, whole, atol=1e-6)
    assert seen == [(3, 7), (6, 7), (7, 7)]


def test_modes_and_statistics_stay_as_they_were(images):
    model = TinyNet().train()
    model.body[1].eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    probabilities(model, images, mean=MEAN, std=STD)
    assert model.training
    assert not model.body[1].training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_a_read_only_mapped_array_is_fine_and_empty_is_empty(images, tmp_path):
    np.save(tmp_path / "x.npy", images)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert probabilities(TinyNet(), mapped, mean=MEAN, std=STD).shape == (7, 3)
    assert len(probabilities(TinyNet(), images[:0], mean=MEAN, std=STD)) == 0


def test_many_pictures_get_the_answers_of_few(monkeypatch):
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (MANY + 3, 3, 16, 16), dtype=np.uint8)
    model = TinyNet(3).train()
    made = []
    fast = module._fast
    monkeypatch.setattr(module, "_fast", lambda one: made.append(one) or fast(one))
    many = probabilities(model, images, mean=MEAN, std=STD)
    again = probabilities(model, images, mean=MEAN, std=STD)
    few = np.concatenate(
        [probabilities(model, images[at : at + 8], mean=MEAN, std=STD) for at in range(0, 67, 8)]
    )
    assert len(made) == 1 and np.array_equal(many, again)
    np.testing.assert_allclose(many, few, atol=1e-6)
    assert model.training
    with torch.no_grad():
        next(model.parameters()).add_(0.5)
    other = probabilities(model, images, mean=MEAN, std=STD)
    assert len(made) == 2 and not np.allclose(other, many)
