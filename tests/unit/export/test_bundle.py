"""The bundle: its files, its certificate, its script in a fresh process, what it refuses."""

import io
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from tests.unit.export.conftest import (
    CARD,
    CLASSES,
    MEAN,
    PREPROCESSING,
    SIZE,
    STD,
    TinyNet,
    encoded,
    photo,
)
from tl_core.config import RunSpec
from tl_core.errors import CancelledError, ExportError, ExportMismatchError
from tl_core.evaluate.predict import FileAnswer, predict_files
from tl_core.export import certificate
from tl_core.export.bundle import write_bundle, zip_of
from tl_core.export.load import Bundle

FILES = {
    "MODEL_CARD.md",
    "README.md",
    "certificate.json",
    "labels.json",
    "model.onnx",
    "model.safetensors",
    "predict.py",
    "preprocessing.json",
    "requirements.txt",
    "spec.json",
}
REPORT = {
    "n": 50,
    "split": "test",
    "classes": CLASSES,
    "accuracy": {"value": 0.86, "right": 43, "ci": [0.74, 0.93]},
    "majority": {"class": "ants", "value": 0.4, "right": 20, "p_value": 0.001},
    "per_class": [],
    "confusion": [],
    "calibration": {"alarm": False},
}


def export(target, samples, model=None, **changes):
    arguments = {
        "classes": CLASSES,
        "card_facts": CARD,
        "preprocessing": PREPROCESSING,
        "report": REPORT,
        "spec": RunSpec().to_dict(),
        "sample_images": samples,
        "target": target,
        "date": "2026-01-02",
    }
    return write_bundle(model or TinyNet().eval(), **{**arguments, **changes})


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """One bundle for all tests that only read it."""
    torch.set_num_threads(1)
    samples = [(f"{i}.jpg", encoded(photo(60 + i, 50, seed=i), "JPEG")) for i in range(5)]
    return export(tmp_path_factory.mktemp("out") / "My bundle", samples)


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "to classify"
    (folder / "deeper").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(encoded(photo(seed=1), "JPEG"))
    (folder / "deeper" / "b ü.png").write_bytes(encoded(photo(seed=2).convert("L"), "PNG"))
    (folder / "notes.txt").write_text("not a picture")
    (folder / ".hidden.png").write_bytes(b"")
    return folder


def run_script(bundle, *arguments):
    return subprocess.run(
        [sys.executable, "-I", str(bundle / "predict.py"), *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


# -- what is written -------------------------------------------------------------------------------


def test_every_file_is_there_and_the_zip_holds_the_same(bundle):
    assert {file.name for file in bundle.iterdir()} == FILES
    with zipfile.ZipFile(zip_of(bundle)) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {f"My bundle/{name}" for name in FILES}
        assert archive.read("My bundle/labels.json") == (bundle / "labels.json").read_bytes()
    leftovers = {file.name for file in bundle.parent.iterdir()} - {"My bundle", "My bundle.zip"}
    assert leftovers == set()


def test_labels_settings_and_weights_can_be_read_again(bundle):
    assert json.loads((bundle / "labels.json").read_text("utf-8")) == CLASSES
    assert RunSpec.from_dict(json.loads((bundle / "spec.json").read_text())) == RunSpec()
    model = TinyNet(seed=9)
    model.load_state_dict(load_file(bundle / "model.safetensors"))
    assert torch.equal(model.fc.weight, TinyNet().fc.weight)


def test_the_certificate_counts_and_names_what_it_checked(bundle):
    found = json.loads((bundle / "certificate.json").read_text())
    assert (found["pictures"], found["same_answers"], found["date"]) == (5, 5, "2026-01-02")
    assert 0 <= found["largest_difference"] < 1e-5
    assert found["sentence"].startswith("5 of 5 the same answer, largest difference below 0.0001, ")
    assert set(found["versions"]) == {"thaw", "python", "torch", "onnxruntime", "numpy", "pillow"}
    assert set(found["sha256"]) == {"model.onnx", "labels.json", "preprocessing.json", "predict.py"}


def test_the_readme_says_score_licence_and_certificate(bundle):
    text = (bundle / "README.md").read_text("utf-8")
    assert "86 %" in text and "between 74 % and 93 %" in text
    assert "5 of 5 the same answer" in text
    assert "Apache-2.0" in text
    assert "Käfer" in text
    assert "forbids" not in text


def test_a_licence_against_commercial_use_is_said(tmp_path, samples):
    card = {**CARD, "licence": "CC-BY-NC-4.0", "commercial": False}
    text = (
        export(tmp_path / "b", samples[:1], card_facts=card, report=None) / "README.md"
    ).read_text("utf-8")
    assert "CC-BY-NC-4.0. **It forbids commercial use.**" in text
    assert "It was not evaluated" in text


def test_nothing_of_this_machine_or_the_pictures_is_in_the_bundle(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "SECRET-CAMERA"
    exif.get_ifd(0x8825)[1] = "N"
    samples = [("SECRET-NAME.jpg", encoded(photo(), "JPEG", exif=exif))]
    folder = export(tmp_path / "b", samples)
    for file in folder.iterdir():
        content = file.read_bytes()
        for word in (b"SECRET", b"site-packages", str(tmp_path).encode(), b"tl_core/export/"):
            assert word not in content, (file.name, word)


def test_the_same_run_makes_the_same_files(tmp_path, samples, bundle):
    again = export(tmp_path / "My bundle", samples)
    for name in FILES:
        assert (again / name).read_bytes() == (bundle / name).read_bytes(), name
    assert zip_of(again).read_bytes() == zip_of(bundle).read_bytes()


# -- the script ------------------------------------------------------------------------------------


def test_the_script_answers_as_the_app_does(bundle, pictures):
    done = run_script(bundle, "--json", pictures)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    files = [pictures / "a.jpg", pictures / "deeper" / "b ü.png"]
    assert [one["file"] for one in lines] == [str(file) for file in files]
    ours = predict_files(
        TinyNet().eval(),
        [(f.name, f) for f in files],
        size_px=SIZE,
        resize="pad",
        mean=MEAN,
        std=STD,
    )
    for one, other in zip(lines, ours, strict=True):
        assert list(one["probabilities"]) == CLASSES
        np.testing.assert_allclose(
            list(one["probabilities"].values()), other.probabilities, atol=1e-5
        )
        assert one["answer"] == CLASSES[int(other.probabilities.argmax())]
        assert one["confidence"] == max(one["probabilities"].values())


def test_the_script_prints_a_line_per_picture_and_names_what_is_none(bundle, pictures):
    done = run_script(
        bundle, "--top", "2", pictures / "a.jpg", pictures / "notes.txt", "no-file.png"
    )
    assert done.returncode == 1
    line = done.stdout.splitlines()
    assert len(line) == 1
    assert line[0].startswith(f"{pictures / 'a.jpg'}: ")
    assert line[0].count(" %") == 2
    assert "notes.txt: is not a picture that can be read" in done.stderr
    assert "no-file.png: is not a picture that can be read" in done.stderr


def test_the_script_writes_a_table(bundle, pictures, tmp_path):
    table = tmp_path / "answers.csv"
    done = run_script(bundle, "--csv", table, pictures, pictures / "notes.txt")
    assert done.returncode == 1
    assert "3 rows in" in done.stdout
    text = table.read_text("utf-8-sig").splitlines()
    assert text[0] == "file,answer,confidence,ants,bees,Käfer,error"
    assert sum(float(share) for share in text[1].split(",")[3:6]) == pytest.approx(1, abs=1e-5)
    assert text[3].endswith(",,,,,,is not a picture that can be read")
    assert not table.with_name("answers.csv.part").exists()


def test_the_script_needs_no_torch_and_no_thaw(bundle):
    code = (
        "import sys, runpy; runpy.run_path(sys.argv[1], run_name='x');"
        "print([m for m in ('torch', 'tl_core', 'timm', 'streamlit') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(bundle / "predict.py")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_the_script_says_what_is_wrong_with_its_folder(bundle, pictures, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("predict.py", "model.onnx", "preprocessing.json"):
        (broken / name).write_bytes((bundle / name).read_bytes())
    done = run_script(broken, pictures)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not a whole bundle" in done.stderr
    (broken / "labels.json").write_text('["one", "two"]')
    assert "do not belong together" in run_script(broken, pictures).stderr
    assert "There is no picture" in run_script(bundle, tmp_path / "broken").stderr


# -- opened inside Thaw ----------------------------------------------------------------------------


def test_folder_and_zip_give_the_same_answers(bundle, pictures):
    from_folder, from_zip = Bundle.open(bundle), Bundle.open(zip_of(bundle))
    assert from_folder.classes == from_zip.classes == tuple(CLASSES)
    assert list(from_folder.predict([pictures])) == list(from_zip.predict([pictures]))


@pytest.mark.parametrize("kind", ["missing", "text", "other zip", "empty folder"])
def test_what_is_no_bundle_is_refused_kindly(tmp_path, kind):
    path = tmp_path / "thing"
    if kind == "text":
        path.write_text("hello")
    elif kind == "other zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/b/model.onnx", b"deep inside does not count")
    elif kind == "empty folder":
        path.mkdir()
    with pytest.raises(ExportError, match="thing is not a bundle that can be used") as caught:
        Bundle.open(path)
    assert "folder or the zip" in caught.value.hint


def test_a_bundle_with_a_broken_network_is_refused(tmp_path, bundle):
    path = tmp_path / "broken.zip"
    with zipfile.ZipFile(zip_of(bundle)) as source, zipfile.ZipFile(path, "w") as sink:
        for name in source.namelist():
            content = source.read(name)
            sink.writestr(name, content[:500] if name.endswith(".onnx") else content)
    with pytest.raises(ExportError, match=r"model\.onnx cannot be opened"):
        Bundle.open(path)


# -- what must stop an export ----------------------------------------------------------------------


def test_a_file_that_answers_differently_is_never_exported(tmp_path, samples, monkeypatch):
    wrong = TinyNet(seed=5).eval()

    def other_network(model, files, **rest):
        return predict_files(wrong, files, **rest)

    monkeypatch.setattr(certificate, "predict_files", other_network)
    with pytest.raises(ExportMismatchError, match="does not answer as the app does") as caught:
        export(tmp_path / "b", samples)
    assert "Nothing was exported" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def answers(*rows):
    return [FileAnswer(name="x", probabilities=np.array(row, dtype=np.float32)) for row in rows]


def exported(*rows):
    return [
        {
            "error": "",
            "answer": "ab"[int(np.argmax(row))],
            "probabilities": dict(zip("ab", row, strict=True)),
        }
        for row in rows
    ]


def test_a_tie_within_the_tolerance_counts_as_another_answer_but_stops_nothing():
    found = certificate.compare(
        answers([0.5001, 0.4999], [0.9, 0.1]), exported([0.4999, 0.5001], [0.9, 0.1]), "ab"
    )
    assert (found["pictures"], found["same_answers"]) == (2, 1)
    assert found["largest_difference"] == pytest.approx(2e-4, rel=0.01)


@pytest.mark.parametrize("row", [[0.89, 0.11], [np.nan, 0.1]])
def test_a_difference_or_nan_is_a_mismatch(row):
    with pytest.raises(ExportMismatchError, match="a probability differs by"):
        certificate.compare(answers([0.9, 0.1]), exported(row), "ab")


def test_a_picture_only_one_side_can_read_is_a_mismatch():
    theirs = [{"error": "is damaged", "answer": None, "probabilities": {}}]
    with pytest.raises(ExportMismatchError, match="x could not be read"):
        certificate.compare(answers([0.9, 0.1]), theirs, "ab")


def test_cancelling_leaves_nothing_behind(tmp_path, samples):
    def cancel(done, total):
        if done == 2:
            raise CancelledError("Cancelled.")

    with pytest.raises(CancelledError):
        export(tmp_path / "b", samples, report_progress=cancel)
    assert list(tmp_path.iterdir()) == []


def test_no_held_out_pictures_is_said(tmp_path):
    folder = export(tmp_path / "b", [])
    found = json.loads((folder / "certificate.json").read_text())
    assert found["pictures"] == 0
    assert found["sentence"] == "There were no held-out pictures, so nothing was compared."


def test_a_used_folder_keeps_what_is_not_ours(tmp_path, samples):
    target = tmp_path / "b"
    export(target, samples[:1])
    (target / "mine.txt").write_text("keep me")
    (target / "labels.json").write_text("old")
    export(target, samples[:1])
    assert (target / "mine.txt").read_text() == "keep me"
    assert json.loads((target / "labels.json").read_text("utf-8")) == CLASSES
    with zipfile.ZipFile(zip_of(target)) as archive:
        assert "b/mine.txt" not in archive.namelist()


def test_a_folder_or_zip_of_somebody_else_is_never_written_over(tmp_path, samples):
    theirs = tmp_path / "b"
    theirs.mkdir()
    (theirs / "README.md").write_text("mine")
    with pytest.raises(ExportError, match="The folder b holds something else"):
        export(theirs, samples[:1])
    assert (theirs / "README.md").read_text() == "mine"
    with zipfile.ZipFile(tmp_path / "ants.zip", "w") as archive:
        archive.writestr("ants/one.jpg", b"a data set")
    with pytest.raises(ExportError, match="ants.zip, where the bundle's zip would go"):
        export(tmp_path / "ants", samples[:1])
    with zipfile.ZipFile(tmp_path / "ants.zip") as archive:
        assert archive.namelist() == ["ants/one.jpg"]


def test_a_file_in_the_way_is_refused(tmp_path, samples):
    (tmp_path / "b").write_text("a file")
    with pytest.raises(ExportError, match="b is a file"):
        export(tmp_path / "b", samples)


def test_progress_rises_to_the_end(tmp_path, samples):
    seen = []
    export(
        tmp_path / "b", samples[:1], report_progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(i, 5) for i in range(6)]


def test_shared_and_channels_last_weights_are_written(tmp_path, samples):
    model = TinyNet()
    model.twin = model.fc
    model = model.to(memory_format=torch.channels_last)
    folder = export(tmp_path / "b", samples[:2], model=model)
    state = load_file(folder / "model.safetensors")
    assert torch.equal(state["twin.weight"], state["fc.weight"])
    assert json.loads((folder / "certificate.json").read_text())["same_answers"] == 2


def test_a_picture_the_app_cannot_read_is_an_answer_with_a_reason():
    found = predict_files(
        TinyNet(),
        [("bad", io.BytesIO(b"nothing")), ("good", io.BytesIO(encoded(photo(), "PNG")))],
        size_px=SIZE,
        resize="pad",
        mean=MEAN,
        std=STD,
    )
    assert found[0].probabilities is None
    assert found[0].error
    assert found[1].probabilities.shape == (3,)
