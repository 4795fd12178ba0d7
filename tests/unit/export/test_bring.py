"""A bundle that somebody sends: taken as it is or refused with a reason, and never run."""

from __future__ import annotations

import json
import random
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from onnx import TensorProto, helper

from tests.unit.export.conftest import CLASSES, SIZE, encoded, photo
from tests.unit.export.test_bundle import REPORT, export
from tl_core.errors import ExportError
from tl_core.export import bring as module
from tl_core.export.bring import bring
from tl_core.export.brought import Brought, read_likely, read_scores, scores_body
from tl_core.export.bundle import zip_of

JUDGED = {**REPORT, "balanced_accuracy": {"value": 0.85, "ci": [0.7, 0.93]}}
SCORES = scores_body(JUDGED, 0.2)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    samples = [(f"{i}.jpg", encoded(photo(60 + i, 50, seed=i), "JPEG")) for i in range(2)]
    return export(tmp_path_factory.mktemp("sent") / "Ants and bees", samples, scores=SCORES)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "kept"
    folder.mkdir()
    return folder


@pytest.fixture
def untried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial in a fresh process left out, where something else is asked."""
    monkeypatch.setattr(module, "_answers", lambda folder: None)


def zipped(bundle: Path, path: Path, changes: dict[str, bytes | None], prefix: str = "b/") -> Path:
    """The bundle's zip with some files changed, added, or (None) left out."""
    files = {one.name: one.read_bytes() for one in bundle.iterdir() if one.is_file()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, **changes}.items():
            if content is not None:
                archive.writestr(name if "/" in name else f"{prefix}{name}", content)
    return path


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_what_export_has_written_is_taken(bundle: Path, target: Path, form: str) -> None:
    found = bring(bundle if form == "folder" else zip_of(bundle), target)
    assert (found.name, found.classes) == ("Ants and bees", tuple(CLASSES))
    assert (found.size_px, found.resize, found.channels) == (SIZE, "pad", 3)
    assert (found.certified, found.compared, found.exported) == ("same", 2, "2026-01-02")
    assert found.model == "resnet10t.tiny_imagenet"
    assert found.scores is not None
    assert (found.scores.right, found.scores.n, found.scores.split) == (43, 50, "test")
    assert found.scores.accuracy == (0.86, 0.74, 0.93) and found.likely == 0.2
    assert {one.name for one in target.iterdir()} <= set(module.KNOWN), "no script is taken"
    assert Brought.from_dict(json.loads(json.dumps(asdict(found)))) == found


@pytest.mark.usefixtures("untried")
def test_an_older_bundle_says_nothing_of_scores(bundle: Path, target: Path, tmp_path: Path) -> None:
    gone: dict[str, bytes | None] = {"scores.json": None, "certificate.json": None}
    found = bring(zipped(bundle, tmp_path / "a.zip", {**gone, "spec.json": None}), target)
    assert (found.scores, found.likely, found.certified, found.model) == (None, None, "none", "")


@pytest.mark.usefixtures("untried")
def test_changed_files_are_noticed(bundle: Path, target: Path, tmp_path: Path) -> None:
    labels = json.dumps(["bees", "ants", "Käfer"]).encode()
    assert bring(zipped(bundle, tmp_path / "a.zip", {"labels.json": labels}), target).certified == (
        "changed"
    )


@pytest.mark.usefixtures("untried")
def test_no_entry_decides_where_anything_is_written(
    bundle: Path, target: Path, tmp_path: Path
) -> None:
    odd: dict[str, bytes | None] = {
        "../labels.json": b"[]",
        "/labels.json": b"[]",
        "b/deep/labels.json": b"[]",
        "b/model.pt2": b"pickle",
    }
    before = {one for one in tmp_path.rglob("*") if target not in one.parents}
    path = zipped(bundle, tmp_path / "a.zip", odd)
    with pytest.raises(ExportError, match="twice"):
        bring(path, target)
    after = {one for one in tmp_path.rglob("*") if target not in one.parents}
    assert after - before == {path}
    odd.pop("../labels.json")
    odd.pop("/labels.json")
    found = bring(zipped(bundle, tmp_path / "b.zip", odd), target)
    assert found.classes == tuple(CLASSES)
    assert not (target / "predict.py").exists() and not (target / "model.pt2").exists()


def changed(name: str, change: Callable[[Any], Any]) -> Callable[[Path], dict[str, bytes | None]]:
    def made(bundle: Path) -> dict[str, bytes | None]:
        body = json.loads((bundle / name).read_text(encoding="utf-8"))
        return {name: json.dumps(change(body)).encode()}

    return made


WRONG = {
    "no labels": lambda bundle: {"labels.json": None},
    "no network": lambda bundle: {"model.onnx": None},
    "labels no list": changed("labels.json", lambda body: {"a": 1}),
    "labels no names": changed("labels.json", lambda body: [1, 2, 3]),
    "a class twice": changed("labels.json", lambda body: ["a", "a", "b"]),
    "an endless name": changed("labels.json", lambda body: ["a" * 300, "b", "c"]),
    "size a word": changed("preprocessing.json", lambda body: {**body, "size_px": "big"}),
    "size huge": changed("preprocessing.json", lambda body: {**body, "size_px": 10**9}),
    "channels": changed("preprocessing.json", lambda body: {**body, "channels": 900}),
    "resizing": changed("preprocessing.json", lambda body: {**body, "resize": "stretch"}),
    "colour": changed("preprocessing.json", lambda body: {**body, "pad_color": [1, 2]}),
    "reading": changed("preprocessing.json", lambda body: {**body, "reading": [1]}),
    "reading a word": changed(
        "preprocessing.json", lambda body: {**body, "reading": {"low": "x", "high": 1}}
    ),
    "counts": changed("scores.json", lambda body: {**body, "right": 51}),
    "accuracy": changed("scores.json", lambda body: {**body, "accuracy": [0.99, 0.9, 1.0]}),
    "interval": changed("scores.json", lambda body: {**body, "accuracy": [0.86, 0.9, 0.95]}),
    "promise": changed(
        "scores.json", lambda body: {**body, "likely": {"limit": 0.2, "promised": 0.99}}
    ),
    "limit": changed(
        "scores.json", lambda body: {**body, "likely": {"limit": float("nan"), "promised": 0.9}}
    ),
    "scores a list": lambda bundle: {"scores.json": b"[]"},
    "no JSON": lambda bundle: {"labels.json": b"\xff\xfe not json"},
    "JSON without end": lambda bundle: {"labels.json": b"[" * 200_000},
    "no ONNX": lambda bundle: {"model.onnx": b"not a network at all"},
}


@pytest.mark.usefixtures("untried")
@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_refused_in_a_sentence(
    bundle: Path, target: Path, tmp_path: Path, what: str
) -> None:
    with pytest.raises(ExportError, match="This is not a bundle that can be used: ") as refused:
        bring(zipped(bundle, tmp_path / "a.zip", WRONG[what](bundle)), target)
    assert refused.value.hint


def network(
    nodes: list[onnx.NodeProto], initializers: list[TensorProto] | None = None, domain: str = ""
) -> bytes:
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", 3, SIZE, SIZE])
    shares = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 3])
    graph = helper.make_graph(nodes, "g", [image], [shares], initializers or [])
    opsets = [helper.make_opsetid("", 18), *([helper.make_opsetid(domain, 1)] if domain else [])]
    made: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()
    return made


def means() -> list[onnx.NodeProto]:
    """The mean of every channel: three numbers, and no shares."""
    axes = helper.make_node("Constant", [], ["axes"], value_ints=[2, 3])
    cast = helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT)
    return [
        axes,
        cast,
        helper.make_node("ReduceMean", ["x", "axes"], ["probabilities"], keepdims=0),
    ]


def test_a_network_that_gives_no_shares_is_refused(
    bundle: Path, target: Path, tmp_path: Path
) -> None:
    path = zipped(bundle, tmp_path / "a.zip", {"model.onnx": network(means())})
    with pytest.raises(ExportError, match="one share for each class"):
        bring(path, target)


def test_classes_that_do_not_fit_the_network_are_refused(
    bundle: Path, target: Path, tmp_path: Path
) -> None:
    path = zipped(bundle, tmp_path / "a.zip", {"labels.json": b'["a", "b"]'})
    with pytest.raises(ExportError, match="do not belong together"):
        bring(path, target)


def test_a_network_that_takes_its_process_down_is_refused(
    bundle: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crashed(command: list[str], **given: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, -11, "", "")

    monkeypatch.setattr(module.subprocess, "run", crashed)
    with pytest.raises(ExportError, match="does not answer a picture"):
        bring(bundle, target)

    def slow(command: list[str], **given: Any) -> None:
        raise subprocess.TimeoutExpired(command, given["timeout"])

    monkeypatch.setattr(module.subprocess, "run", slow)
    with pytest.raises(ExportError, match="took longer"):
        bring(bundle, target)


def outside() -> bytes:
    tensor = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    tensor.ClearField("float_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../secret")
    return network(means(), [tensor])


def looped() -> bytes:
    inner = helper.make_graph([], "inner", [], [])
    return network([*means(), helper.make_node("If", ["c"], [], then_branch=inner)])


HARMFUL = {
    "outside": (outside, "outside itself"),
    "loops": (looped, "operations that classifiers do not need"),
    "own operations": (
        lambda: network([*means(), helper.make_node("Run", [], ["y"], domain="evil")], [], "evil"),
        "operations that classifiers do not need",
    ),
}


@pytest.mark.usefixtures("untried")
@pytest.mark.parametrize("what", HARMFUL)
def test_a_network_that_reaches_beyond_itself_is_refused(
    bundle: Path, target: Path, tmp_path: Path, what: str
) -> None:
    made, why = HARMFUL[what]
    with pytest.raises(ExportError, match=why):
        bring(zipped(bundle, tmp_path / "a.zip", {"model.onnx": made()}), target)


@pytest.mark.usefixtures("untried")
def test_what_is_too_large_or_too_many_is_refused(
    bundle: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST_TEXT", 1000)
    long: dict[str, bytes | None] = {"MODEL_CARD.md": b"x" * 1001}
    with pytest.raises(ExportError, match=r"MODEL_CARD\.md is too large"):
        bring(zipped(bundle, tmp_path / "a.zip", long), target)
    monkeypatch.setattr(module, "MOST_ENTRIES", 5)
    with pytest.raises(ExportError, match="files"):
        bring(zip_of(bundle), target)


def test_what_is_no_zip_is_refused(target: Path, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 but no more")
    for path in (tmp_path / "a.zip", tmp_path / "nowhere.zip"):
        with pytest.raises(ExportError, match="neither a folder nor a zip"):
            bring(path, target)


@pytest.mark.usefixtures("untried")
def test_flipped_bits_end_in_a_bundle_or_a_sentence(
    bundle: Path, target: Path, tmp_path: Path
) -> None:
    whole, draw = zip_of(bundle).read_bytes(), random.Random(0)
    outcomes = {"taken": 0, "refused": 0}
    for _ in range(150):
        body = bytearray(whole)
        for _ in range(draw.choice((1, 8, 64))):
            body[draw.randrange(len(body))] ^= 1 << draw.randrange(8)
        if draw.random() < 0.2:
            del body[draw.randrange(len(body)) :]
        (tmp_path / "a.zip").write_bytes(body)
        try:
            bring(tmp_path / "a.zip", target)
            outcomes["taken"] += 1
        except ExportError:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 5, outcomes


def test_scores_say_what_they_were_made_of() -> None:
    found = read_scores(json.loads(json.dumps(SCORES)))
    assert found.balanced == (0.85, 0.7, 0.93)
    assert read_scores(scores_body({**JUDGED, "balanced_accuracy": None}, None)).balanced is None
    assert read_likely(scores_body(JUDGED, None)) is None
