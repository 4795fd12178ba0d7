"""Writing a classifier as one ONNX file that takes raw pixels and gives probabilities.

Normalisation and softmax are inside the file, so a program that uses it can get only the pixels
wrong. Imports torch. Choices and what was measured: docs/decisions/0010-onnx-export.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from tl_core.errors import ExportError
from tl_core.storage import atomic_path

__all__ = ["INPUT", "OUTPUT", "PixelsToProbabilities", "write_onnx"]

INPUT, OUTPUT = "image", "probabilities"
OPSET = 20  # read by onnxruntime from 1.17 on
LARGEST = 1_900_000_000  # bytes of weights; one ONNX file cannot hold 2 GiB


class PixelsToProbabilities(nn.Module):
    """A classifier with its normalisation before and softmax after it.

    Args:
        model: Input (B, C, S, S) float32 normalised, output (B, C) logits.
        mean: Per channel, for pixels scaled to 0..1.
        std: Per channel, for pixels scaled to 0..1.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(1, -1, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, S, S) uint8, three channels being RGB, to (B, C) float32 probabilities."""
        normal = (image.to(torch.float32) / 255.0 - self.mean) / self.std
        return torch.softmax(self.model(normal), dim=-1)


def write_onnx(
    model: nn.Module,
    target: Path,
    *,
    classes: Sequence[str],
    size_px: int,
    mean: Sequence[float],
    std: Sequence[float],
) -> None:
    """Write ``target``: input ``image`` uint8 (batch, C, size_px, size_px), any batch size.

    The class names are also in the file's own metadata. Nothing of this machine (paths, source
    lines) is in it.

    Args:
        model: On the CPU, float32, in eval mode; not changed.
        target: The file.
        classes: Names in the order of the outputs.
        size_px: Side of the square input.
        mean: Per channel, for pixels scaled to 0..1.
        std: Per channel, for pixels scaled to 0..1.

    Raises:
        ExportError: The network is too large for one file, or cannot be expressed in ONNX.
    """
    weights = sum(one.numel() * one.element_size() for one in model.state_dict().values())
    if weights > LARGEST:
        raise ExportError(
            f"This network is too large for one ONNX file ({weights / 1e9:.1f} GB of weights).",
            hint="Train a smaller network, or use the weights of the run directly.",
        )
    whole = PixelsToProbabilities(model, mean, std).eval()
    example = torch.zeros((2, len(mean), size_px, size_px), dtype=torch.uint8)
    try:
        with _plain_attention(whole), torch.no_grad():
            whole(example)  # some networks fill a cache on first use, which must not be traced
            program = torch.onnx.export(
                whole,
                (example,),
                dynamo=True,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_shapes={INPUT: {0: torch.export.Dim("batch")}},
                opset_version=OPSET,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as err:
        raise ExportError(
            "This network uses something that ONNX cannot express.",
            hint="Choose a network from the catalogue: those are tested.",
        ) from err
    assert program is not None  # only None for the old exporter
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()  # source lines and paths of this machine
        node.doc_string = None
    program.model.metadata_props["classes"] = json.dumps(list(classes), ensure_ascii=False)
    with atomic_path(target) as part:
        program.save(part, external_data=False)


@contextmanager
def _plain_attention(model: nn.Module) -> Iterator[None]:
    """Inside, transformers compute attention step by step: the same numbers. The fused form does
    not export with a free batch size where attention has a bias (BEiT, MaxViT).
    """
    fused = [one for one in model.modules() if getattr(one, "fused_attn", False) is True]
    for one in fused:
        one.fused_attn = False  # type: ignore[assignment]
    try:
        yield
    finally:
        for one in fused:
            one.fused_attn = True  # type: ignore[assignment]
