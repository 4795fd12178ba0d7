"""Writing the further forms of a bundle and comparing each with the app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from tl_core.data.reading import Reading
from tl_core.errors import ExportError
from tl_core.evaluate.predict import probabilities, seen_pixels
from tl_core.export.certificate import TOLERANCE
from tl_core.export.extras import Extras, HeldOut
from tl_core.export.int8 import measured_loss, quantised_sentence, write_int8
from tl_core.export.torch_forms import PROGRAM, TIMM, compared_again, write_program, write_timm
from tl_core.storage import file_digest, write_json

__all__ = ["OPTIONAL", "QUANTISED", "further_words", "write_further"]

QUANTISED = "quantised.json"
# All that a bundle may hold beyond its fixed files: cleared away when made again without them.
OPTIONAL = ("model.int8.onnx", QUANTISED, PROGRAM, TIMM, "repeat.py", "repeat.ipynb",
            "pictures.json")  # fmt: skip


def write_further(
    model: nn.Module,
    folder: Path,
    extras: Extras,
    *,
    classes: Sequence[str],
    card_facts: Mapping[str, Any],
    preprocessing: Mapping[str, Any],
    samples: Sequence[tuple[str, bytes]],
    held_out: HeldOut | None,
) -> dict[str, Any]:
    """Write what ``extras`` asks for into the bundle's folder.

    Returns:
        For the certificate: ``int8``, ``torch_export`` and ``timm``, each as measured, with
        ``sha256`` of its files; nothing of what was not asked for.

    Raises:
        ExportError: A form is not possible for this network, or does not answer as the app does.
    """
    found: dict[str, Any] = {}
    if extras.int8:
        if held_out is None:
            raise ExportError(
                "There are no pictures to make the 8-bit network with.", hint="Export without it."
            )
        made = write_int8(folder, held_out.calibration)
        body = {**made, **measured_loss(folder, held_out, classes)}
        body["sentence"] = quantised_sentence(body)
        write_json(folder / QUANTISED, body)
        found["int8"] = {**body, "sha256": file_digest(folder / "model.int8.onnx")}
    size, mean, std = int(preprocessing["size_px"]), preprocessing["mean"], preprocessing["std"]
    forms: list[tuple[str, str, Path, Path]] = []
    if extras.timm:
        write_timm(
            model,
            folder / TIMM,
            architecture=str(card_facts.get("name", "")).partition(".")[0],
            classes=classes,
            preprocessing=preprocessing,
            sized=bool(card_facts.get("sized")),
        )
        forms.append(("timm", "timm", folder / TIMM, folder / TIMM / "model.safetensors"))
    if extras.torch_export:
        write_program(model, folder / PROGRAM, size_px=size, mean=mean, std=std)
        forms.append(("torch_export", "program", folder / PROGRAM, folder / PROGRAM))
    pixels = _pixels(samples, preprocessing) if forms else None
    wanted = None if pixels is None else probabilities(model, pixels, mean=mean, std=std)
    for key, form, path, weights in forms:
        same: dict[str, Any] = {"pictures": 0, "same_answers": 0, "largest_difference": 0.0}
        if pixels is not None and wanted is not None:
            same = compared_again(
                form, path, wanted, pixels, mean=mean, std=std, tolerance=TOLERANCE
            )
        found[key] = {**same, "sha256": file_digest(weights)}
    return found


def further_words(found: Mapping[str, Any]) -> str:
    """The README's paragraphs on the further forms; "" without any."""
    lines: list[str] = []
    if "int8" in found:
        lines.append(
            "`model.int8.onnx` is the same network in 8-bit whole numbers: "
            f"`python predict.py --model model.int8.onnx PICTURE`. "
            f"{quantised_sentence(found['int8'])} Its ranges are from "
            f"{found['int8']['calibration_pictures']} training pictures "
            f"({found['int8']['way']}); all figures are in `quantised.json`."
        )
    if "torch_export" in found:
        lines.append(
            "`model.pt2` is the network for PyTorch: `torch.export.load('model.pt2').module()` "
            "takes and gives what `model.onnx` does. PyTorch may use pickle to load such a file, "
            "which can run code: load it only if you trust whoever gave it to you, and prefer "
            f"`model.onnx`. {_same(found['torch_export'])}"
        )
    if "timm" in found:
        lines.append(
            "`timm/` is the network as timm and the Hugging Face hub have it: "
            "`timm.create_model('local-dir:timm', pretrained=True)`. It takes normalised pixels "
            f"and gives logits; `config.json` says how. {_same(found['timm'])}"
        )
    return "".join(f"\n{line}\n" for line in lines)


def _same(found: Mapping[str, Any]) -> str:
    n = found["pictures"]
    if not n:
        return "There were no held-out pictures to compare it on."
    return (
        f"Loaded again in a fresh process: {found['same_answers']} of {n} the same answer, largest "
        f"difference {found['largest_difference']:.1g}."
    )


def _pixels(
    samples: Sequence[tuple[str, bytes]], preprocessing: Mapping[str, Any]
) -> np.ndarray | None:
    told = (
        int(preprocessing["size_px"]),
        str(preprocessing["resize"]),
        len(preprocessing["mean"]),
        Reading.from_dict(preprocessing.get("reading")),
    )
    rows = [seen_pixels(BytesIO(content), *told)[0] for _, content in samples]
    return np.stack(rows) if rows else None
