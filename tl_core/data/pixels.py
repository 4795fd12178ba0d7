"""All pictures of a set at training size, decoded once and kept on disk as one uint8 array.

``fit_square`` is the one definition of how a picture becomes the square a network sees; training,
prediction and the exported script must agree with it to the bit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tl_core.data.decode import open_rgb
from tl_core.data.parallel import in_threads
from tl_core.errors import ConfigError, StorageError
from tl_core.storage import Home, atomic_path, read_json, write_json

__all__ = ["PAD_COLOR", "Pixels", "fit_square", "open_pixels"]

VERSION = 1  # part of the key: raise it when fit_square or the decoding rules change
PAD_COLOR = (124, 116, 104)  # the mean colour of ImageNet, which normalises to about zero
RESIZE_MODES = ("pad", "squash", "crop")
SPARE_BYTES = 256 << 20  # left free on the disk whatever happens


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """Pictures at training size.

    ``images`` is uint8, (N, 3, S, S), RGB, in the order asked for. It is mapped from disk:
    reading a slice reads that part of the file. Writing to it changes nothing on disk.
    """

    images: np.ndarray[Any, np.dtype[np.uint8]]


def fit_square(image: Image.Image, size_px: int, resize: str) -> Image.Image:
    """Fit an RGB picture into a square.

    Args:
        image: RGB, upright.
        size_px: Side of the square in pixels.
        resize: "pad" keeps the whole picture and its proportions and fills the rest with
            ``PAD_COLOR``; "squash" keeps the whole picture and bends its proportions; "crop"
            keeps the proportions and cuts off what sticks out of the middle square.

    Returns:
        RGB, size_px x size_px. Bicubic with antialiasing, enlarging where needed.
    """
    width, height = image.size
    bicubic = Image.Resampling.BICUBIC
    if resize == "squash":
        return image.resize((size_px, size_px), bicubic, reducing_gap=2.0)
    if resize == "crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        box = (left, top, left + side, top + side)
        return image.resize((size_px, size_px), bicubic, box=box, reducing_gap=2.0)
    scale = size_px / max(width, height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = image.resize(inner, bicubic, reducing_gap=2.0)
    square = Image.new("RGB", (size_px, size_px), PAD_COLOR)
    square.paste(small, ((size_px - inner[0]) // 2, (size_px - inner[1]) // 2))
    return square


def open_pixels(
    home: Home,
    digests: Sequence[str],
    *,
    size_px: int,
    resize: str,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Pixels:
    """Map the pictures at training size, decoding them first when this is the first time.

    Args:
        home: The store that holds the pictures.
        digests: Stored pictures, in the order wanted; the same one may come twice.
        size_px: Side of the square.
        resize: A mode of ``fit_square``.
        report: Called with (pictures decoded, all) after each; not called when nothing is to be
            decoded. What it raises ends the work and leaves nothing behind.

    Raises:
        ConfigError: An unknown resize mode (field="resize").
        StorageError: A picture is missing, or the disk is too full.
        UnreadableImageError: A stored file is no picture.
    """
    if resize not in RESIZE_MODES:
        raise ConfigError(
            f"resize cannot be {resize!r}.",
            field="resize",
            hint=f"Choose one of: {', '.join(RESIZE_MODES)}.",
        )
    shape = (len(digests), 3, size_px, size_px)
    if not digests:
        return Pixels(np.empty(shape, dtype=np.uint8))
    path = home.folder("cache", "pixels") / f"{_key(digests, size_px, resize)}.npy"
    if not _is_whole(path, shape):
        _build(home, path, digests, shape, resize, report)
    # Copy-on-write: tensors made of it need a writable array, and the file stays as it is.
    return Pixels(np.load(path, mmap_mode="c", allow_pickle=False))


def _key(digests: Sequence[str], size_px: int, resize: str) -> str:
    text = json.dumps([VERSION, size_px, resize, list(digests)])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _sidecar(path: Path) -> Path:
    return path.with_suffix(".json")


def _is_whole(path: Path, shape: tuple[int, ...]) -> bool:
    """Whether the file was finished: the sidecar is written last and knows the file's size."""
    try:
        body = read_json(_sidecar(path))
        return bool(body["shape"] == list(shape) and body["bytes"] == path.stat().st_size)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _build(
    home: Home,
    path: Path,
    digests: Sequence[str],
    shape: tuple[int, ...],
    resize: str,
    report: Callable[[int, int], None],
) -> None:
    need, free = int(np.prod(shape, dtype=np.int64)), home.free_bytes()
    if need + SPARE_BYTES > free:
        raise StorageError(
            f"The working copy of the pictures needs {need / 1e9:.1f} GB of disk, "
            f"{max(0, free - SPARE_BYTES) / 1e9:.1f} GB are free.",
            hint="Free some space, or choose a smaller image size.",
        )
    _sidecar(path).unlink(missing_ok=True)
    try:
        with atomic_path(path) as part:
            _fill(home, part, digests, shape, resize, report)
    except StorageError:
        if _is_whole(path, shape):  # another process was faster and Windows holds its file
            return
        raise
    write_json(_sidecar(path), {"shape": list(shape), "bytes": path.stat().st_size})


def _fill(
    home: Home,
    part: Path,
    digests: Sequence[str],
    shape: tuple[int, ...],
    resize: str,
    report: Callable[[int, int], None],
) -> None:
    size_px = shape[-1]
    images = np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=shape)

    def one(index: int) -> None:
        with home.open_blob(digests[index]) as stream:
            picture = open_rgb(stream, max_side_px=2 * size_px)
        images[index] = np.asarray(fit_square(picture, size_px, resize)).transpose(2, 0, 1)

    for done, _ in enumerate(in_threads(one, range(len(digests))), start=1):
        report(done, len(digests))
    images.flush()
