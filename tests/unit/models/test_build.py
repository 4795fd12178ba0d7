"""Building with embedded, random, downloaded and own weights; every refusal in words."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tl_core.errors import ConfigError, UnknownModelError, WeightsFileError, WeightsUnavailableError
from tl_core.models import build as building
from tl_core.models.catalog import (
    DEFAULT_MODEL,
    card,
    embedded_names,
    is_downloaded,
    weights_path,
)
from tl_core.models.weights import describe_weights, read_weights_file

build: Any = building.build  # Any: the tests look into architectures by attribute
SMALL = "tinynet_e.in1k"  # the smallest network of the catalogue with downloadable weights


@pytest.mark.parametrize("name", embedded_names())
def test_an_embedded_backbone_and_a_new_head(name: str) -> None:
    model, facts = build(name, n_classes=3), card(name)
    state = model.state_dict()
    shipped = load_file(weights_path(facts))
    head = next(part for part, layer in model.named_modules() if layer is model.get_classifier())
    assert shipped[f"{head}.weight"].shape == (200, facts.features)
    assert state[f"{head}.weight"].shape == (3, facts.features)
    for part, value in shipped.items():
        if not part.startswith(f"{head}."):
            assert torch.equal(state[part], value.to(state[part].dtype)), part
    assert {value.dtype for value in model.parameters()} == {torch.float32}
    assert not model.training
    assert model(torch.randn(2, 3, 96, 96)).shape == (2, 3)


def test_seeds_fix_the_new_values_and_nothing_else() -> None:
    torch.manual_seed(5)
    want = torch.rand(3)
    torch.manual_seed(5)
    one, two = (build(DEFAULT_MODEL, n_classes=2, seed=1) for _ in range(2))
    assert torch.equal(torch.rand(3), want)
    assert torch.equal(one.fc.weight, two.fc.weight)
    other = build(DEFAULT_MODEL, n_classes=2, seed=2)
    assert not torch.equal(one.fc.weight, other.fc.weight)
    assert torch.equal(one.layer1[0].conv1.weight, other.layer1[0].conv1.weight)


def test_random_is_random() -> None:
    one = build(DEFAULT_MODEL, n_classes=2, weights="random", seed=1)
    two = build(DEFAULT_MODEL, n_classes=2, weights="random", seed=2)
    same = build(DEFAULT_MODEL, n_classes=2, weights="random", seed=1)
    trained = build(DEFAULT_MODEL, n_classes=2, seed=1)
    weight = "layer1.0.conv1.weight"
    assert torch.equal(one.get_parameter(weight), same.get_parameter(weight))
    assert not torch.equal(one.get_parameter(weight), two.get_parameter(weight))
    assert not torch.equal(one.get_parameter(weight), trained.get_parameter(weight))
    assert one.bn1.running_mean.abs().sum() == 0


def test_dropout_reaches_the_network() -> None:
    assert build(DEFAULT_MODEL, n_classes=2, dropout=0.3).drop_rate == 0.3
    model = build("convnext_atto.d2_in1k", n_classes=2, weights="random", dropout=0.3)
    assert model.head.drop.p == 0.3


def test_picture_size_of_a_transformer() -> None:
    name = "vit_tiny_patch16_224.augreg_in21k_ft_in1k"
    model = build(name, n_classes=2, weights="random", image_size=96)
    assert model(torch.randn(1, 3, 96, 96)).shape == (1, 2)
    assert model.pos_embed.shape == (1, 37, 192)
    with pytest.raises(ConfigError) as caught:
        build(name, n_classes=2, weights="random", image_size=100)
    assert caught.value.field == "image_size"
    assert caught.value.message == "ViT Tiny cannot look at pictures of 100 pixels."
    assert caught.value.hint == "Use 96 pixels."


def test_dinov2_at_its_recommended_size() -> None:
    name = "vit_small_patch14_dinov2.lvd142m"
    model = build(name, n_classes=2, weights="random")
    assert model(torch.randn(1, 3, 224, 224)).shape == (1, 2)


def test_an_unknown_name() -> None:
    with pytest.raises(UnknownModelError):
        build("resnet_ten", n_classes=2)


# -- own weights -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def donor() -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return timm.create_model("resnet10t", num_classes=5)


def new(architecture: str) -> Any:
    return timm.create_model(architecture, num_classes=2)


def backbone_equal(model: Any, state: dict[str, Tensor]) -> bool:
    own = model.state_dict()
    return all(torch.equal(own[key], state[key]) for key in own if not key.startswith("fc."))


def test_a_safetensors_file(tmp_path: Path, donor: Any) -> None:
    path = tmp_path / "mine.safetensors"
    save_file(donor.state_dict(), path)
    model = build(DEFAULT_MODEL, n_classes=2, weights="file", weights_path=path)
    assert backbone_equal(model, donor.state_dict())
    assert model.fc.weight.shape == (2, 512)
    same = build(DEFAULT_MODEL, n_classes=5, weights="file", weights_path=path)
    assert torch.equal(same.fc.weight, donor.fc.weight)


@pytest.mark.parametrize("wrapper", ["", "state_dict", "model"])
@pytest.mark.parametrize("prefix", ["", "module.", "module.model."])
def test_a_checkpoint(tmp_path: Path, donor: Any, wrapper: str, prefix: str) -> None:
    state = {prefix + key: value for key, value in donor.state_dict().items()}
    path = tmp_path / "mine.pth"
    torch.save({wrapper: state, "epoch": 3} if wrapper else state, path)
    model = build(DEFAULT_MODEL, n_classes=2, weights="file", weights_path=path)
    assert backbone_equal(model, donor.state_dict())


def test_half_precision_files_become_float32(tmp_path: Path, donor: Any) -> None:
    path = tmp_path / "half.safetensors"
    save_file({key: value.half() for key, value in donor.state_dict().items()}, path)
    assert {one.dtype for one in read_weights_file(path).values()} == {torch.float32}


def test_weights_of_another_network(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file(new("tinynet_e").state_dict(), path)
    before = build(DEFAULT_MODEL, n_classes=2, weights="random").state_dict()
    with pytest.raises(WeightsFileError) as caught:
        build(DEFAULT_MODEL, n_classes=2, weights="file", weights_path=path)
    assert caught.value.message.startswith(
        "Only 0 of the 70 tensors this network needs are in other.safetensors: "
    )
    assert "conv1.0.weight is missing" in caught.value.message
    assert caught.value.hint == "Choose the network these weights were made for."
    assert before["bn1.running_mean"].abs().sum() == 0


def test_tensors_of_another_shape_are_named(tmp_path: Path) -> None:
    path = tmp_path / "wide.safetensors"
    state = new("resnet10t").state_dict()
    save_file(
        {
            key: value.repeat(2, *[1] * (value.ndim - 1)) if value.ndim else value
            for key, value in state.items()
        },
        path,
    )
    with pytest.raises(WeightsFileError, match=r"conv1.0.weight is \(48, 3, 3, 3\) instead of"):
        build(DEFAULT_MODEL, n_classes=2, weights="file", weights_path=path)


class Payload:
    """Something a safe reader must refuse to build."""


@pytest.mark.parametrize("kind", ["object", "text", "empty", "missing", "no tensors"])
def test_files_that_are_no_weights(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "mine.pth"
    if kind == "object":
        torch.save({"state_dict": Payload()}, path)
    elif kind == "text":
        path.write_text("not weights at all")
    elif kind == "empty":
        path.touch()
    elif kind == "no tensors":
        torch.save({"epoch": 3}, path)
    with pytest.raises(WeightsFileError) as caught:
        build(DEFAULT_MODEL, n_classes=2, weights="file", weights_path=path)
    assert "mine.pth" in caught.value.message
    assert ".safetensors" in caught.value.hint


def test_no_file_given() -> None:
    with pytest.raises(WeightsFileError, match="No weights file was given"):
        build(DEFAULT_MODEL, n_classes=2, weights="file")


# -- downloads -------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.mark.parametrize("offline", ["by choice", "no connection"])
def test_without_a_connection(cache: Path, monkeypatch: pytest.MonkeyPatch, offline: str) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", offline == "by choice")
    with pytest.raises(WeightsUnavailableError) as caught:
        build("resnet18.tv_in1k", n_classes=2)
    assert caught.value.message == (
        "The weights of ResNet-18 (47 MB) are not on this machine and could not be downloaded."
    )
    assert caught.value.hint == (
        "Without a connection use ResNet-10-T, small pictures (resnet10t.tiny_imagenet), which "
        "comes with Thaw. Or fetch "
        "model.safetensors of timm/resnet18.tv_in1k on another machine and bring it as a "
        "weights file."
    )


def test_the_offline_hint_names_what_is_there(cache: Path) -> None:
    folder = cache / f"models--timm--{SMALL}" / "snapshots" / "1"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").touch()
    with pytest.raises(WeightsUnavailableError, match="Already downloaded: TinyNet-E"):
        build("resnet18.tv_in1k", n_classes=2)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """A tiny weights server on this machine: path -> content."""
    files: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = files.get(self.path)
            self.send_response(200 if body is not None else 404)
            body = body or b""
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
            self.send_header("X-Repo-Commit", "0" * 40)
            if self.path not in files:
                self.send_header("X-Error-Code", "EntryNotFound")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    monkeypatch.setattr(
        "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
        address + "/{repo_id}/resolve/{revision}/{filename}",
    )
    yield files
    server.shutdown()
    server.server_close()


def test_a_download_reports_its_bytes_and_is_kept(
    cache: Path, hub: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: Any = timm.create_model("tinynet_e", num_classes=1000)
    save_file(published.state_dict(), tmp_path / "published")
    body = (tmp_path / "published").read_bytes()
    hub[f"/timm/{SMALL}/resolve/main/model.safetensors"] = body
    seen: list[tuple[int, int]] = []
    assert not is_downloaded(SMALL)
    model = build(SMALL, n_classes=4, report=lambda done, total: seen.append((done, total)))
    assert seen[0][0] == 0 and seen[-1] == (len(body), len(body))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert model.classifier.weight.shape == (4, 1280)
    assert torch.equal(model.conv_stem.weight, published.conv_stem.weight)
    assert is_downloaded(SMALL)
    hub.clear()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    again = build(SMALL, n_classes=4)
    assert torch.equal(again.conv_stem.weight, published.conv_stem.weight)


def test_weights_that_are_gone_from_the_server(cache: Path, hub: dict[str, bytes]) -> None:
    with pytest.raises(WeightsUnavailableError, match="TinyNet-E"):
        build(SMALL, n_classes=2)


# -- words -----------------------------------------------------------------------------------------


def test_what_a_network_starts_from_is_said() -> None:
    one = card(DEFAULT_MODEL)
    assert describe_weights(one, "random", seed=3) == (
        "Random weights (seed 3): ResNet-10-T, small pictures starts without any knowledge."
    )
    assert "the weights came with Thaw" in describe_weights(one, "pretrained")
    assert "a.pth" in describe_weights(one, "file", file_name="a.pth")
    published = describe_weights(card("resnet18.tv_in1k"), "pretrained")
    assert "ImageNet-1k" in published and "resnet18.tv_in1k" in published
