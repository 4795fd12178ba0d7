"""The further forms of a bundle: 8-bit, torch.export, timm; the model card and the repetition."""

import json
import logging
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import timm
import torch
import yaml
from safetensors.torch import load_file

from tests.unit.export.conftest import CARD, CLASSES, PREPROCESSING, SIZE, TinyNet, encoded, photo
from tests.unit.export.test_bundle import REPORT
from tl_core.config import RunSpec
from tl_core.errors import ExportError, ExportMismatchError
from tl_core.export import int8, more
from tl_core.export.bundle import write_bundle, zip_of
from tl_core.export.extras import Extras, HeldOut
from tl_core.export.model_card import model_card
from tl_core.export.repeat import Repeated
from tl_core.probe.deep import DeepProbe

N = 24


def pixels(n=N, seed=0):
    return np.stack(
        [np.asarray(photo(SIZE, SIZE, seed=seed + i)).transpose(2, 0, 1) for i in range(n)]
    )


def held(n=N, labels=None):
    images = pixels(n or 1, seed=100)
    return HeldOut(
        calibration=pixels(),
        split="test",
        labels=np.zeros(n, dtype=np.int64) if labels is None else labels,
        pictures=tuple(f"{i:064x}" for i in range(n)),
        batches=lambda: iter([images[: n // 2], images[n // 2 :]] if n else []),
    )


def export(target, samples, model=None, **changes):
    arguments = {
        "classes": CLASSES,
        "card_facts": CARD,
        "preprocessing": {**PREPROCESSING, "resize": "squash"},
        "report": REPORT,
        "spec": RunSpec().to_dict(),
        "sample_images": samples,
        "target": target,
        "date": "2026-01-02",
    }
    return write_bundle(model or TinyNet().eval(), **{**arguments, **changes})


@pytest.fixture(scope="module")
def resnet():
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return timm.create_model("resnet10t", num_classes=3).eval()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, resnet):
    """One bundle of all forms, for the tests that only read it."""
    samples = [(f"secret {i}.jpg", encoded(photo(60 + i, 50, seed=i), "JPEG")) for i in range(3)]
    return export(
        tmp_path_factory.mktemp("out") / "whole",
        samples,
        resnet,
        extras=Extras(int8=True, torch_export=True, timm=True),
        held_out=held(),
        repeated=Repeated(pictures=[("ab", "ants", "train")], classes=CLASSES, reading={}),
    )


def test_every_form_is_in_the_certificate_as_measured(bundle):
    told = json.loads((bundle / "certificate.json").read_text())
    for form in ("timm", "torch_export"):
        assert told[form]["pictures"] == told[form]["same_answers"] == 3
        assert told[form]["largest_difference"] < 1e-4
    loss = told["int8"]
    assert loss["pictures"] == N
    assert loss["split"] == "test"
    assert loss["megabytes"]["int8"] < 0.4 * loss["megabytes"]["full"]
    assert set(loss["median_ms"]) == {"full", "int8"}
    assert json.loads((bundle / "quantised.json").read_text())["agree"] == loss["agree"]
    readme = (bundle / "README.md").read_text()
    assert f"{loss['agree']} of {N} held-out pictures" in readme
    assert "pickle" in readme


def test_timm_opens_the_folder_and_answers_the_same(bundle, resnet):
    again = timm.create_model(f"local-dir:{bundle / 'timm'}", pretrained=True).eval()
    batch = torch.randn(2, 3, SIZE, SIZE)
    with torch.inference_mode():
        assert torch.allclose(again(batch), resnet(batch), atol=1e-6)
    assert again.pretrained_cfg["crop_mode"] == "squash"
    assert load_file(bundle / "timm" / "model.safetensors").keys() == resnet.state_dict().keys()


def test_the_script_answers_with_the_8_bit_network(bundle, tmp_path):
    photo(60, 50).save(tmp_path / "one.png")
    command = [
        sys.executable,
        "-I",
        str(bundle / "predict.py"),
        "--json",
        str(tmp_path / "one.png"),
    ]
    rows = [
        json.loads(subprocess.run([*command, *more_], capture_output=True, check=True).stdout)
        for more_ in ([], ["--model", "model.int8.onnx"])
    ]
    full, small = ([row["probabilities"][name] for name in CLASSES] for row in rows)
    assert full == pytest.approx(small, abs=0.1)
    assert full != small


def test_the_zip_holds_all_of_it(bundle):
    with zipfile.ZipFile(zip_of(bundle)) as archive:
        names = {name.removeprefix("whole/") for name in archive.namelist()}
    assert {"model.int8.onnx", "model.pt2", "timm/config.json", "repeat.py"} <= names


def test_a_form_of_an_earlier_export_does_not_stay_beside_a_new_certificate(tmp_path, samples):
    target = export(tmp_path / "b", samples, extras=Extras(int8=True), held_out=held())
    assert (target / "model.int8.onnx").is_file()
    export(target, samples)
    assert not [name for name in more.OPTIONAL if (target / name).exists()]


def test_a_loss_that_is_real_is_said(bundle, monkeypatch):
    """The 8-bit network is exchanged for one that answers otherwise."""
    sessions = iter([Answering(0), Answering(1)])
    monkeypatch.setattr(int8, "_session", lambda path: next(sessions))
    found = int8.measured_loss(bundle, held(), CLASSES)
    assert (found["right_full"], found["right_int8"], found["agree"]) == (N, 0, 0)
    assert found["verdict"] == "worse"
    assert found["tolerable"] is False
    assert "use the full network" in int8.quantised_sentence(found)


class Answering:
    """A session that always gives one class."""

    def __init__(self, position):
        self.row = np.full(3, 0.1)
        self.row[position] = 0.8

    def run(self, _, given):
        return [np.tile(self.row, (len(given["image"]), 1))]

    def get_inputs(self):
        return [type("Input", (), {"shape": ["batch", 3, SIZE, SIZE]})]


def test_without_held_out_pictures_the_loss_is_not_measured(bundle):
    found = int8.measured_loss(bundle, held(0), CLASSES)
    assert found["tolerable"] is None
    assert "was not measured" in int8.quantised_sentence(found)


def test_few_training_pictures_are_refused(bundle):
    with pytest.raises(ExportError, match="needs 8 training pictures"):
        int8.write_int8(bundle, pixels(7))


def test_a_deep_probe_says_why_it_has_no_timm_form(tmp_path, samples):
    probe = DeepProbe.__new__(DeepProbe)
    with pytest.raises(ExportError, match="its head reads every block"):
        more.write_timm(
            probe,
            tmp_path / "timm",
            architecture="resnet10t",
            classes=CLASSES,
            preprocessing=PREPROCESSING,
            sized=False,
        )


def test_a_form_that_answers_otherwise_stops_the_export(bundle):
    with pytest.raises(ExportMismatchError, match="does not answer as the app does"):
        more.compared_again(
            "program",
            bundle / "model.pt2",
            np.full((2, 3), 0.9, dtype=np.float32),
            pixels(2),
            mean=PREPROCESSING["mean"],
            std=PREPROCESSING["std"],
            tolerance=1e-3,
        )


def test_the_card_begins_with_metadata_and_names_no_picture(bundle):
    text = (bundle / "MODEL_CARD.md").read_text()
    head = yaml.safe_load(text.split("---\n")[1])
    assert head["pipeline_tag"] == "image-classification"
    assert head["license"] == "unknown"
    assert head["metrics"] == ["accuracy"]
    assert "43 times" in text
    for file in ("MODEL_CARD.md", "README.md", "repeat.py", "pictures.json"):
        assert "secret" not in (bundle / file).read_text()


def test_the_card_says_what_is_not_known_and_takes_names_for_text():
    text = model_card(["<b>bold</b>", "a|b"], {}, {"size_px": 32, "resize": "pad"}, None, {}, None)
    assert "It was not evaluated" in text
    assert "Which pictures they were: not known." in text
    assert "<b>" not in text
    assert "a\\|b" in text


def test_the_notebook_is_valid_and_its_cells_compile(bundle):
    book = json.loads((bundle / "repeat.ipynb").read_text())
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            compile(cell["source"], "cell", "exec")
            assert (cell["outputs"], cell["execution_count"]) == ([], None)


def test_a_network_that_is_hardly_smaller_says_so(bundle):
    told = json.loads((bundle / "quantised.json").read_text())
    assert "hardly smaller" not in int8.quantised_sentence(told)
    told["megabytes"]["int8"] = told["megabytes"]["full"]
    assert "hardly smaller" in int8.quantised_sentence(told)


def test_making_8_bits_leaves_the_programs_log_as_it_was() -> None:
    before = logging.getLogger().level
    with int8._quiet():
        assert logging.getLogger().level == logging.ERROR
    assert logging.getLogger().level == before
