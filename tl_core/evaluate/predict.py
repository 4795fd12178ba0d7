"""The network's answers as the app gives them: probabilities for pixels, and for picture files.

This is the reference that every export is compared with. Imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tl_core.data.decode import decode
from tl_core.data.pixels import planes_of, square_from
from tl_core.data.reading import Reading
from tl_core.data.rows import Rows
from tl_core.errors import UnreadableImageError
from tl_core.models.fusing import fast_prefix
from tl_core.models.unchanged import kept, weights

__all__ = ["FileAnswer", "predict_files", "probabilities", "seen_pixels"]

BATCH = 16  # pictures at a time; bounds memory, and no larger batch was faster on a CPU
MANY = 64  # pictures from which a faster copy of the network is worth making


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAnswer:
    """What the network says about one file: (C,) float32 probabilities, or why it cannot say.

    ``note`` says what of the file was looked at where that is not all of it.
    """

    name: str
    probabilities: NDArray[np.float32] | None
    error: str = ""
    note: str = ""


def probabilities(
    model: nn.Module,
    images: NDArray[np.uint8] | Rows,
    *,
    mean: Sequence[float],
    std: Sequence[float],
    device: str | torch.device = "cpu",
    batch_size: int = BATCH,
    report: Callable[[int, int], None] | None = None,
) -> NDArray[np.float32]:
    """Class probabilities of pictures.

    The network is moved to ``device``; its training and eval modes are as before afterwards. Many
    pictures are judged by a copy with its normalisations folded away, which differs by rounding
    and takes two thirds of the time.

    Args:
        model: Classifier, input (B, 3, S, S) float32 normalised, output (B, C) logits.
        images: (N, 3, S, S) uint8 as ``fit_square`` makes them; may be memory-mapped.
        mean: Per channel, for pixels scaled to 0..1.
        std: Per channel, for pixels scaled to 0..1.
        device: Where to compute.
        batch_size: Pictures at a time.
        report: Called with pictures done and N after each batch.

    Returns:
        (N, C) float32, rows sum to 1; (0, 0) when N is 0.
    """
    shift = torch.tensor(mean, dtype=torch.float32, device=device).view(1, -1, 1, 1)
    scale = torch.tensor(std, dtype=torch.float32, device=device).view(1, -1, 1, 1)
    parts: list[NDArray[np.float32]] = []
    with _ready(model.to(device), len(images)) as network, torch.inference_mode():
        for start in range(0, len(images), batch_size):
            batch = torch.from_numpy(np.array(images[start : start + batch_size])).to(device)
            batch = batch.contiguous(memory_format=torch.channels_last)
            logits = network((batch.float() / 255.0 - shift) / scale)
            parts.append(torch.softmax(logits.float(), dim=-1).cpu().numpy())
            if report is not None:
                report(min(start + batch_size, len(images)), len(images))
    return np.concatenate(parts) if parts else np.zeros((0, 0), dtype=np.float32)


@contextmanager
def _ready(model: nn.Module, n: int) -> Iterator[nn.Module]:
    """The network, or a faster copy for many pictures, in channels_last and in evaluation mode."""
    with _eval_mode(model):
        if n >= MANY:
            yield kept(model, "judging", weights(model), lambda: _fast(model))
            return
        model.to(memory_format=torch.channels_last)  # twice as fast on most processors
        yield model
        model.to(memory_format=torch.contiguous_format)


def _fast(model: nn.Module) -> nn.Module:
    return fast_prefix(model, dtype=torch.float32, memory_format=torch.channels_last)


def predict_files(
    model: nn.Module,
    files: Sequence[tuple[str, Path | IO[bytes]]],
    *,
    size_px: int,
    resize: str,
    mean: Sequence[float],
    std: Sequence[float],
    channels: int = 3,
    reading: Reading | None = None,
    device: str | torch.device = "cpu",
    batch_size: int = BATCH,
) -> list[FileAnswer]:
    """Decode, fit and classify picture files; one that cannot be read gets an error, not a raise.

    Args:
        model: As for ``probabilities``.
        files: Name to show, and a path or an open binary stream.
        size_px: Side of the square input.
        resize: "pad", "squash" or "crop", as in training.
        mean: As for ``probabilities``.
        std: As for ``probabilities``.
        channels: Of the pictures, as ``open_pixels`` has it.
        reading: The rule for grey of more than 8 bits, as in training.
        device: Where to compute.
        batch_size: Pictures at a time; only so many are held in memory.

    Returns:
        One answer per file, in their order.
    """
    answers: list[FileAnswer] = []
    for start in range(0, len(files), batch_size):
        batch = files[start : start + batch_size]
        decoded = [_pixels(source, size_px, resize, channels, reading) for _, source in batch]
        images = [one[0] for one in decoded if not isinstance(one, str)]
        rows: Iterator[NDArray[Any]] = iter(())
        if images:
            rows = iter(
                probabilities(
                    model,
                    np.stack(images),
                    mean=mean,
                    std=std,
                    device=device,
                    batch_size=batch_size,
                )
            )
        for (name, _), one in zip(batch, decoded, strict=True):
            if isinstance(one, str):
                answers.append(FileAnswer(name=name, probabilities=None, error=one))
            else:
                answers.append(FileAnswer(name=name, probabilities=next(rows), note=one[1]))
    return answers


def _pixels(
    source: Path | IO[bytes], size_px: int, resize: str, channels: int, reading: Reading | None
) -> tuple[NDArray[np.uint8], str] | str:
    """As ``seen_pixels``, or the sentence that says why it cannot be used."""
    try:
        return seen_pixels(source, size_px, resize, channels, reading)
    except UnreadableImageError as err:
        return err.message


def seen_pixels(
    source: Path | IO[bytes], size_px: int, resize: str, channels: int, reading: Reading | None
) -> tuple[NDArray[np.uint8], str]:
    """A picture as a network gets it, (channels, S, S) uint8, and a note.

    Args:
        source: A file.
        size_px: Side of the square.
        resize: As for ``predict_files``.
        channels: As for ``predict_files``.
        reading: As for ``predict_files``.

    Raises:
        UnreadableImageError: It is no picture of so many channels.
    """
    found = decode(source, max_side_px=2 * size_px, reading=reading)
    if channels in (1, 3) and found.planes is not None:
        planes_of(found, channels)  # says how many there are; their preview is for people
    pixels = square_from(found, size_px, resize, channels)
    if found.n_pages > 1:
        return pixels, "the first of several pages"
    return pixels, "the first frame of an animation" if found.animated else ""


@contextmanager
def _eval_mode(model: nn.Module) -> Iterator[None]:
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, was in before:
            module.training = was
