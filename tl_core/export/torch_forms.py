"""Two forms for those who use PyTorch: a torch.export program, and a folder that timm opens.

Each is loaded again in a fresh process and compared before the bundle is handed out. Imports torch.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from torch import nn

from tl_core.errors import ExportError, ExportMismatchError
from tl_core.export.onnx import PixelsToProbabilities
from tl_core.probe.deep import DeepProbe
from tl_core.storage import atomic_path, write_json
from tl_core.train.checkpoint import write_tensors

__all__ = ["PROGRAM", "TIMM", "compared_again", "write_program", "write_timm"]

PROGRAM, TIMM = "model.pt2", "timm"
CROPS = {"squash": "squash", "pad": "border", "crop": "center"}  # ours to timm's
TIMEOUT_S = 600
# Run as a process of its own, which knows nothing of Thaw: form, path, mean, std, pixels, result.
ASK = """\
import json, sys
import numpy as np, torch
form, path, mean, std, pixels, result = sys.argv[1:]
pixels = torch.from_numpy(np.load(pixels))
with torch.inference_mode():
    if form == "program":
        rows = torch.export.load(path).module()(pixels)
    else:
        import timm
        model = timm.create_model("local-dir:" + path, pretrained=True).eval()
        mean, std = (torch.tensor(json.loads(one)).view(1, -1, 1, 1) for one in (mean, std))
        rows = torch.softmax(model((pixels.float() / 255 - mean) / std), dim=-1)
np.save(result, rows.numpy())
"""


def write_program(
    model: nn.Module, target: Path, *, size_px: int, mean: Sequence[float], std: Sequence[float]
) -> None:
    """Write ``target``: uint8 (batch, C, size_px, size_px) to probabilities, any batch size.

    Args:
        model: On the CPU, float32, in eval mode.
        target: The file.
        size_px: Side of the square input.
        mean: Per channel, for pixels scaled to 0..1.
        std: Per channel, for pixels scaled to 0..1.

    Raises:
        ExportError: torch.export cannot follow this network.
    """
    whole = PixelsToProbabilities(model, mean, std).eval()
    example = torch.zeros((2, len(mean), size_px, size_px), dtype=torch.uint8)
    try:
        with torch.no_grad():
            whole(example)  # some networks fill a cache on first use
            program = torch.export.export(
                whole, (example,), dynamic_shapes={"image": {0: torch.export.Dim("batch")}}
            )
    except (RuntimeError, torch._dynamo.exc.UserError, ValueError) as err:
        raise ExportError(
            "This network cannot be written as a torch.export program.",
            hint="Export it without that form; ONNX has the same network.",
        ) from err
    for module in program.graph_module.modules():
        for node in module.graph.nodes if isinstance(module, torch.fx.GraphModule) else ():
            node.meta.pop("stack_trace", None)  # lines and paths of this machine
    with atomic_path(target) as part:
        named = part.with_name(f"{part.name}.pt2")  # the writer insists on the ending
        try:
            torch.export.save(program, named)
            named.replace(part)
        finally:
            named.unlink(missing_ok=True)


def write_timm(
    model: nn.Module,
    folder: Path,
    *,
    architecture: str,
    classes: Sequence[str],
    preprocessing: Mapping[str, Any],
    sized: bool,
) -> None:
    """Write ``folder`` with ``config.json`` and ``model.safetensors`` as timm and its hub have it.

    Args:
        model: As exported.
        folder: Made here.
        architecture: timm's name of it.
        classes: Names in output order.
        preprocessing: size_px, resize, mean and std.
        sized: Whether the network is built for one picture size.

    Raises:
        ExportError: The network has no equivalent in timm; says why.
    """
    if isinstance(model, DeepProbe):
        raise ExportError(
            "A deep probe has no form for timm: its head reads every block, and timm's networks "
            "read the last one only.",
            hint="Use ONNX, or export a run of the head or of blocks.",
        )
    channels, size = len(preprocessing["mean"]), int(preprocessing["size_px"])
    arguments: dict[str, Any] = {"img_size": size} if sized else {}
    twin: Any = timm.create_model(
        architecture, num_classes=len(classes), in_chans=channels, **arguments
    )
    state = model.state_dict()
    own = twin.state_dict()
    if {key: value.shape for key, value in own.items()} != {
        key: value.shape for key, value in state.items()
    }:
        raise ExportError(
            "This network was changed in a way that timm does not know.", hint="Use ONNX."
        )
    folder.mkdir()
    config = _timm_config(twin, architecture, classes, preprocessing, sized=sized)
    if channels != 3:
        arguments["in_chans"] = channels
    config["model_args"] = arguments
    write_json(folder / "config.json", config)
    tensors = {key: value.clone().contiguous() for key, value in state.items()}
    write_tensors(folder / "model.safetensors", tensors, {"format": "pt"})


def _timm_config(
    twin: Any,
    architecture: str,
    classes: Sequence[str],
    preprocessing: Mapping[str, Any],
    *,
    sized: bool,
) -> dict[str, Any]:
    size, mean = int(preprocessing["size_px"]), list(preprocessing["mean"])
    kept = ("first_conv", "classifier", "pool_size")
    own = {key: twin.pretrained_cfg.get(key) for key in kept}
    return {
        "architecture": architecture,
        "num_classes": len(classes),
        "num_features": int(twin.num_features),
        "label_names": list(classes),
        "pretrained_cfg": {
            "input_size": [len(mean), size, size],
            "fixed_input_size": sized,
            "interpolation": "bicubic",
            "crop_pct": 1.0,
            "crop_mode": CROPS[str(preprocessing["resize"])],
            "mean": mean,
            "std": list(preprocessing["std"]),
            "num_classes": len(classes),
            "custom_load": False,
            **{key: value for key, value in own.items() if value},
        },
    }


def compared_again(
    form: str,
    path: Path,
    wanted: NDArray[np.float32],
    pixels: NDArray[np.uint8],
    *,
    mean: Sequence[float],
    std: Sequence[float],
    tolerance: float,
) -> dict[str, Any]:
    """Load a form in a fresh process and compare its answers.

    Args:
        form: "program" or "timm".
        path: The file or folder.
        wanted: (N, C) probabilities of the app.
        pixels: (N, channels, S, S) uint8 that they are for.
        mean: Per channel.
        std: Per channel.
        tolerance: Largest difference of a probability.

    Returns:
        ``pictures``, ``same_answers`` and ``largest_difference``.

    Raises:
        ExportMismatchError: It answers differently.
        ExportError: It cannot be loaded.
    """
    with tempfile.TemporaryDirectory(prefix="thaw-again-", dir=path.parent.parent) as scratch:
        given, result = Path(scratch) / "pixels.npy", Path(scratch) / "rows.npy"
        np.save(given, pixels)
        told = [json.dumps(list(one)) for one in (mean, std)]
        done = subprocess.run(
            [sys.executable, "-I", "-c", ASK, form, str(path), *told, str(given), str(result)],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=TIMEOUT_S,
            check=False,
        )
        if done.returncode or not result.is_file():
            last = (done.stderr.strip().splitlines() or ["it said nothing."])[-1]
            raise ExportError(f"{path.name} cannot be loaded again: {last}", hint="Leave it out.")
        rows = np.load(result, allow_pickle=False)
    largest = float(np.abs(rows - wanted).max())
    if not largest <= tolerance:  # a NaN must not pass
        raise ExportMismatchError(
            f"{path.name} does not answer as the app does: a probability differs by {largest:.3g}.",
            hint="Export without this form, and report this with the name of the network.",
        )
    same = int((rows.argmax(1) == wanted.argmax(1)).sum())
    return {"pictures": len(wanted), "same_answers": same, "largest_difference": largest}
