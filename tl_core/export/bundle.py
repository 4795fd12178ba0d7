"""The bundle: a folder (and a zip of it) that classifies pictures without Thaw.

::

    model.onnx           pixels in, probabilities out
    labels.json          class names in output order
    preprocessing.json   how a picture becomes pixels
    predict.py           a script that uses the three; requirements.txt says what it needs
    README.md            how to use it and how good it is, in plain words
    MODEL_CARD.md        what it learned from, its scores and its limits, as model cards have it
    model.safetensors    the weights, and spec.json the run's settings, to go on training
    certificate.json     the exported file asked in a fresh process, compared with the app
    scores.json          how many held-out pictures it had right, for programs

and, where they are asked for or possible, what ``tl_core.export.more.OPTIONAL`` names.
Everything is built in a temporary folder and moved to its place only when the certificate is good.
No picture is put in.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from tl_core.data.pixels import PAD_COLOR
from tl_core.errors import ExportError
from tl_core.export.brought import SCORES
from tl_core.export.certificate import certify
from tl_core.export.extras import Extras, HeldOut
from tl_core.export.model_card import model_card
from tl_core.export.more import OPTIONAL, further_words, write_further
from tl_core.export.onnx import write_onnx
from tl_core.export.readme import bundle_readme
from tl_core.export.repeat import Repeated, write_repeat
from tl_core.storage import atomic_path, write_json
from tl_core.train.checkpoint import write_tensors

__all__ = ["MAX_SAMPLES", "write_bundle", "zip_of"]

MAX_SAMPLES = 48  # pictures compared for the certificate
CERTIFICATE = "certificate.json"
STEPS = 5
# Pillow as in Thaw's own requirements: its resizing is part of the answer that is certified.
REQUIREMENTS = """\
onnxruntime>=1.20,<2
numpy>=2.0,<3
pillow>=12.3,<13
# Only for some kinds of files; take the first # away where you have them:
# pi-heif>=1.1,<2  # HEIC photos
# pydicom>=3.0.1,<4  # DICOM
# tifffile>=2026.1  # TIFF of 64-bit numbers, separate planes, or channels that are no colours
"""
TEMPLATE = Path(__file__).with_name("predict_template.py")
PICTURES = Path(__file__).with_name("pictures_template.py")  # goes into it where it is imported
STORED = {".onnx", ".safetensors", ".pt2"}  # weights do not get smaller by compressing
ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the same bundle makes the same zip


def _silent(done: int, total: int) -> None:
    """Report progress to nobody."""


def write_bundle(
    model: nn.Module,
    *,
    classes: Sequence[str],
    card_facts: Mapping[str, Any],
    preprocessing: Mapping[str, Any],
    report: Mapping[str, Any] | None,
    spec: Mapping[str, Any],
    sample_images: Sequence[tuple[str, bytes]],
    target: Path,
    date: str,
    report_progress: Callable[[int, int], None] = _silent,
    data: Mapping[str, Any] | None = None,
    extras: Extras | None = None,
    held_out: HeldOut | None = None,
    repeated: Repeated | None = None,
    scores: Mapping[str, Any] | None = None,
) -> Path:
    """Write the bundle of a trained classifier and certify it.

    Files already in ``target`` are kept unless they have the name of one of the bundle's.

    Args:
        model: Input (B, 3, S, S) float32 normalised, output (B, C) logits. Changed in place: moved
            to the CPU, float32, eval mode.
        classes: C names in the order of the outputs.
        card_facts: ``ModelCard.to_dict()``, of which name, title, licence, commercial and
            source_data are used.
        preprocessing: size_px, resize, mean and std as in training, and ``reading``, the rule for
            grey of more than 8 bits, {} without one.
        report: Of ``build_report`` for the README, the test split's if there is one.
        spec: ``RunSpec.to_dict()``, resolved.
        sample_images: (name, content of the file as brought) of held-out pictures; the first
            ``MAX_SAMPLES`` are used. None at all is said in the certificate.
        target: The folder; its zip lies beside it, see ``zip_of``.
        date: ISO date or time of the export, written into the certificate.
        report_progress: Called with (steps done, 5); what it raises leaves nothing behind.
        data: Of the training pictures, for the model card; see ``model_card``.
        extras: Further forms to write.
        held_out: Pictures by which the 8-bit network is made and judged.
        repeated: What ``repeat.py`` needs; None = it is not written.
        scores: Of ``scores_body``; None = they are not written.

    Returns:
        ``target``, absolute.

    Raises:
        ExportError: The network cannot be written, or the exported script does not start.
        ExportMismatchError: The exported file answers differently from the app.
        StorageError: The disk is full or the folder cannot be written.
    """
    target = target.expanduser().resolve()
    _refuse_what_is_not_ours(target)
    model.to("cpu").float().eval()
    prepared = {**preprocessing, "pad_color": list(PAD_COLOR)}
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".bundle-", dir=target.parent) as scratch:
            folder = Path(scratch) / target.name
            folder.mkdir()
            report_progress(0, STEPS)
            _write_network(model, folder, classes, prepared, card_facts, spec)
            report_progress(1, STEPS)
            certificate = certify(
                model,
                folder,
                samples := sample_images[:MAX_SAMPLES],
                classes=classes,
                preprocessing=prepared,
                date=date,
                report_progress=lambda done: report_progress(1 + done, STEPS),
            )
            further = write_further(
                model,
                folder,
                extras or Extras(),
                classes=classes,
                card_facts=card_facts,
                preprocessing=prepared,
                samples=samples,
                held_out=held_out,
            )
            certificate |= further
            write_json(folder / CERTIFICATE, certificate)
            if scores is not None:
                write_json(folder / SCORES, dict(scores))
            if repeated is not None:
                write_repeat(folder, spec, report, repeated)
            _write_words(
                folder,
                classes,
                card_facts,
                prepared,
                report,
                spec,
                certificate,
                data,
                repeats=repeated is not None,
            )
            report_progress(4, STEPS)
            for file in _files(folder):
                file.chmod(0o644)  # temporary files are private; a bundle is made to be passed on
            _zip(folder, zip_of(target))
            zip_of(target).chmod(0o644)
            _move(folder, target)
    except OSError as err:
        raise ExportError(
            f"The bundle could not be written ({err.strerror or err}).",
            hint="Check the free space and that you may write to this folder.",
        ) from err
    report_progress(STEPS, STEPS)
    return target


def _write_words(
    folder: Path,
    classes: Sequence[str],
    card_facts: Mapping[str, Any],
    preprocessing: Mapping[str, Any],
    report: Mapping[str, Any] | None,
    spec: Mapping[str, Any],
    certificate: Mapping[str, Any],
    data: Mapping[str, Any] | None,
    *,
    repeats: bool,
) -> None:
    further = further_words(certificate)
    text = bundle_readme(classes, card_facts, preprocessing, report, certificate, further, repeats)
    (folder / "README.md").write_text(text, encoding="utf-8")
    card = model_card(classes, card_facts, preprocessing, report, spec, data, repeats=repeats)
    (folder / "MODEL_CARD.md").write_text(card, encoding="utf-8")


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _refuse_what_is_not_ours(target: Path) -> None:
    """Raise rather than write over a folder or a zip that no export has made."""
    elsewhere = "Name a new folder for the bundle."
    if target.exists() and not target.is_dir():
        raise ExportError(f"{target.name} is a file.", hint=elsewhere)
    if target.is_dir() and any(target.iterdir()) and not (target / CERTIFICATE).is_file():
        raise ExportError(f"The folder {target.name} holds something else.", hint=elsewhere)
    archive = zip_of(target)
    if not archive.exists():
        return
    try:
        with zipfile.ZipFile(archive) as packed:
            ours = f"{target.name}/{CERTIFICATE}" in packed.namelist()
    except (OSError, zipfile.BadZipFile):
        ours = False
    if not ours:
        raise ExportError(
            f"{archive.name}, where the bundle's zip would go, is something else.", hint=elsewhere
        )


def zip_of(folder: Path) -> Path:
    """Where ``write_bundle`` puts the zip of a bundle folder: beside it, same name."""
    return folder.with_name(f"{folder.name}.zip")


def _write_network(
    model: nn.Module,
    folder: Path,
    classes: Sequence[str],
    preprocessing: Mapping[str, Any],
    card_facts: Mapping[str, Any],
    spec: Mapping[str, Any],
) -> None:
    write_onnx(
        model,
        folder / "model.onnx",
        classes=classes,
        size_px=int(preprocessing["size_px"]),
        mean=preprocessing["mean"],
        std=preprocessing["std"],
    )
    _write_weights(model, folder / "model.safetensors", classes, str(card_facts.get("name", "")))
    write_json(folder / "labels.json", list(classes))
    write_json(folder / "preprocessing.json", _preprocessing_file(preprocessing))
    write_json(folder / "spec.json", dict(spec))
    (folder / "predict.py").write_text(_script(), encoding="utf-8")
    (folder / "requirements.txt").write_text(
        _requirements(len(preprocessing["mean"])), encoding="utf-8"
    )


def _script() -> str:
    """The script of a bundle: one file, which needs nothing of Thaw."""
    head, _, tail = re.split(
        r"^(from tl_core\.export\.pictures_template import .*)$",
        TEMPLATE.read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    pictures = PICTURES.read_text(encoding="utf-8").partition("import annotations\n")[2]
    return f"{head}{pictures.strip()}{tail}"


def _requirements(channels: int) -> str:
    """What the bundle needs; channels that are no colours cannot be read without tifffile."""
    return REQUIREMENTS if channels in (1, 3) else REQUIREMENTS.replace("# tifffile", "tifffile")


def _preprocessing_file(preprocessing: Mapping[str, Any]) -> dict[str, Any]:
    channels = len(preprocessing["mean"])
    what = {1: "grey", 3: "RGB"}.get(channels, "channels in the order of the file")
    return {
        "size_px": int(preprocessing["size_px"]),
        "resize": str(preprocessing["resize"]),
        "interpolation": "bicubic with antialiasing (Pillow)",
        "pad_color": list(preprocessing["pad_color"]),
        "channels": channels,
        "input": f"image: uint8, (batch, {channels}, size_px, size_px), {what}, 0..255",
        "output": "probabilities: float32, (batch, classes)",
        "reading": dict(preprocessing.get("reading") or {}),
        "inside_the_model": {
            "scale": "1/255",
            "mean": list(preprocessing["mean"]),
            "std": list(preprocessing["std"]),
            "softmax": True,
        },
    }


def _write_weights(model: nn.Module, target: Path, classes: Sequence[str], name: str) -> None:
    seen: set[int] = set()
    state: dict[str, Tensor] = {}
    for key, value in model.state_dict().items():
        shared = value.data_ptr() in seen  # the format refuses two names for one memory
        seen.add(value.data_ptr())
        state[key] = value.clone() if shared else value.contiguous()
    # One key only: the writer puts several in random order, and the file would differ each time.
    about = {"thaw": json.dumps({"model": name, "classes": list(classes)}, ensure_ascii=False)}
    write_tensors(target, state, about)


def _zip(folder: Path, target: Path) -> None:
    with atomic_path(target) as part, zipfile.ZipFile(part, "w") as archive:
        for file in _files(folder):
            inside = file.relative_to(folder).as_posix()
            entry = zipfile.ZipInfo(f"{folder.name}/{inside}", ZIP_TIME)
            entry.external_attr = 0o644 << 16
            stored = file.suffix in STORED
            entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            with file.open("rb") as source, archive.open(entry, "w", force_zip64=True) as sink:
                shutil.copyfileobj(source, sink, 1 << 20)


def _move(folder: Path, target: Path) -> None:
    if not target.exists():
        folder.rename(target)
        return
    for name in OPTIONAL:  # of an earlier export; the new certificate does not speak of them
        old = target / name
        if old.is_dir() and not old.is_symlink():
            shutil.rmtree(old)
        else:
            old.unlink(missing_ok=True)
    for file in folder.iterdir():
        file.replace(target / file.name)
