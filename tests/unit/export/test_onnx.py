"""ONNX files of every catalogue family answer as the network does, for any number of pictures.

Networks have random weights; each head is made steep so that the answers differ between pictures,
and answers are compared as logarithms, where a small probability counts as much as a large one.
"""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import timm
import torch
from timm.models.beit import Beit

from tests.unit.export.conftest import MEAN, STD, TinyNet
from tl_core.errors import ExportError
from tl_core.export import onnx as export_onnx
from tl_core.export.onnx import PixelsToProbabilities, write_onnx
from tl_core.models.build import build
from tl_core.models.catalog import embedded_names
from tl_core.models.groups import layer_groups

CLASSES = ["a", "b", "c"]
QUICK = {"resnet10t": 48, "convnext_atto": 32}
SLOW = {
    "vgg11": 32,
    "resnet18": 32,
    "mobilenetv3_small_050": 32,
    "efficientnet_b0": 32,
    "vit_tiny_patch16_224": 32,
    "regnety_004": 32,
}


def noise(n, size_px):
    return np.random.default_rng(n).integers(0, 256, (n, 3, size_px, size_px), dtype=np.uint8)


def sharpened(model, size_px):
    """Shift and scale the head so that noise pictures get clearly different answers."""
    last = [one for one in model.modules() if isinstance(one, torch.nn.Linear)][-1]
    mean, std = torch.tensor(MEAN).view(1, 3, 1, 1), torch.tensor(STD).view(1, 3, 1, 1)
    images = (torch.from_numpy(noise(5, size_px)).float() / 255 - mean) / std
    with torch.no_grad():
        last.bias.zero_()
        logits = model(images)
        scale = 1.0 / logits.std(dim=0).clamp(min=1e-9)
        last.weight.mul_(scale[:, None])
        last.bias.copy_(-logits.mean(dim=0) * scale)
    return model


def session_of(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def assert_same_answers(model, path, size_px):
    session, whole = session_of(path), PixelsToProbabilities(model, MEAN, STD).eval()
    seen = []
    for n in (1, 2, 5):
        images = noise(n, size_px)
        with torch.inference_mode():
            expected = whole(torch.from_numpy(images)).numpy()
        found = session.run(None, {"image": images})[0]
        np.testing.assert_allclose(np.log(found), np.log(expected), atol=1e-3)
        np.testing.assert_allclose(found, expected, atol=1e-4)
        seen.append(expected)
    assert np.ptp(np.concatenate(seen), axis=0).max() > 0.05  # or the comparison says nothing


@pytest.mark.parametrize(
    ("name", "size_px"),
    [*QUICK.items(), *(pytest.param(*one, marks=pytest.mark.slow) for one in SLOW.items())],
)
def test_every_family_answers_as_the_network(name, size_px, tmp_path):
    changes = {"vit_tiny_patch16_224": {"img_size": size_px}, "vgg11": {"mlp_ratio": 0.02}}
    torch.manual_seed(0)
    model = sharpened(
        timm.create_model(name, num_classes=3, **changes.get(name, {})).eval(), size_px
    )
    path = tmp_path / "model.onnx"
    write_onnx(model, path, classes=CLASSES, size_px=size_px, mean=MEAN, std=STD)
    assert_same_answers(model, path, size_px)


def test_attention_with_a_bias_exports_with_a_free_batch_and_stays_fused(tmp_path):
    torch.manual_seed(0)
    model = Beit(
        img_size=32, embed_dim=24, depth=1, num_heads=3, num_classes=3, use_rel_pos_bias=True
    ).eval()
    sharpened(model, 32)
    fused = [one for one in model.modules() if getattr(one, "fused_attn", False)]
    assert fused
    path = tmp_path / "model.onnx"
    write_onnx(model, path, classes=CLASSES, size_px=32, mean=MEAN, std=STD)
    assert_same_answers(model, path, 32)
    assert all(one.fused_attn is True for one in fused)


def test_a_cache_filled_on_first_use_is_no_obstacle(tmp_path):
    class Caching(TinyNet):
        cache = None

        def forward(self, x):
            if self.cache is None:
                self.cache = torch.tensor([0.3, 0.0, -0.3])
            return super().forward(x) + self.cache

    model = sharpened(Caching().eval(), 32)
    model.cache = None
    path = tmp_path / "model.onnx"
    write_onnx(model, path, classes=CLASSES, size_px=32, mean=MEAN, std=STD)
    assert_same_answers(model, path, 32)


@pytest.mark.parametrize("name", embedded_names())
def test_an_embedded_backbone_with_its_weights(name, tmp_path):
    model = build(name, n_classes=3, weights="pretrained")
    assert layer_groups(model)[-1].name
    sharpened(model, 64)
    path = tmp_path / "model.onnx"
    write_onnx(model, path, classes=CLASSES, size_px=64, mean=MEAN, std=STD)
    assert_same_answers(model, path, 64)


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "model.onnx"
    write_onnx(TinyNet().eval(), path, classes=["ä", "b", "c"], size_px=32, mean=MEAN, std=STD)
    return path


def test_the_file_states_its_input_output_and_classes(tiny):
    session = session_of(tiny)
    (given,), (answer,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.type, given.shape) == (
        "image",
        "tensor(uint8)",
        ["batch", 3, 32, 32],
    )
    assert (answer.name, answer.type, answer.shape) == (
        "probabilities",
        "tensor(float)",
        ["batch", 3],
    )
    assert json.loads(session.get_modelmeta().custom_metadata_map["classes"]) == ["ä", "b", "c"]


def test_the_file_is_valid_whole_and_without_traces_of_this_machine(tiny):
    onnx.checker.check_model(str(tiny), full_check=True)
    assert [file.name for file in tiny.parent.iterdir() if file.is_file()] == ["model.onnx"]
    content = tiny.read_bytes()
    for word in (b".py", b"site-packages", b"torch.nn", b"stack_trace"):
        assert word not in content


def test_normalisation_and_softmax_are_inside(tiny):
    model = TinyNet().eval()
    images = np.full((2, 3, 32, 32), 200, dtype=np.uint8)
    found = session_of(tiny).run(None, {"image": images})[0]
    mean, std = np.array(MEAN).reshape(3, 1, 1), np.array(STD).reshape(3, 1, 1)
    normal = torch.from_numpy(((images / 255 - mean) / std).astype(np.float32))
    with torch.inference_mode():
        expected = torch.softmax(model(normal), dim=1).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


def test_a_network_too_large_for_one_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(export_onnx, "LARGEST", 1000)
    with pytest.raises(ExportError, match="too large for one ONNX file") as caught:
        write_onnx(TinyNet(), tmp_path / "m.onnx", classes=CLASSES, size_px=32, mean=MEAN, std=STD)
    assert "smaller network" in caught.value.hint
    assert list(tmp_path.glob("m.onnx*")) == []


def test_a_network_onnx_cannot_express_is_said_kindly(tmp_path):
    class Odd(TinyNet):
        def forward(self, x):
            return super().forward(x) if x.sum() > 0 else x.mean((2, 3))

    with pytest.raises(ExportError, match="uses something that ONNX cannot express"):
        write_onnx(
            Odd().eval(), tmp_path / "m.onnx", classes=CLASSES, size_px=32, mean=MEAN, std=STD
        )
