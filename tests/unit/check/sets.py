"""Small sets in memory for the checks."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from tl_core.check.findings import CheckedSet
from tl_core.check.looks import LOOK, look_at


def checked(
    labels: Sequence[str],
    *,
    splits: Sequence[str] | None = None,
    digests: Sequence[str] | None = None,
    size: tuple[int, int] = (100, 80),
    formats: Sequence[str] | None = None,
    given: bool = False,
    **arrays: Any,
) -> CheckedSet:
    """Pictures of these classes, all alike otherwise; ids begin at 1."""
    n = len(labels)
    classes = tuple(sorted(set(labels)))
    return CheckedSet(
        ids=tuple(range(1, n + 1)),
        paths=tuple(f"{label}/{i}.jpg" for i, label in enumerate(labels)),
        digests=tuple(digests or [f"d{i}" for i in range(n)]),
        labels=np.array([classes.index(one) for one in labels], dtype=np.int64),
        classes=classes,
        splits=tuple(splits or ["train"] * n),
        widths=np.asarray(arrays.get("widths", np.full(n, size[0]))),
        heights=np.asarray(arrays.get("heights", np.full(n, size[1]))),
        sizes=np.asarray(arrays.get("sizes", np.full(n, 5000))),
        formats=tuple(formats or ["JPEG"] * n),
        given=given,
    )


def scene(seed: int, *, side: int = 160) -> Image.Image:
    """A picture with shapes in it, another one for every number."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (side, side), tuple(rng.integers(40, 216, 3).tolist()))
    draw = ImageDraw.Draw(image)
    for _ in range(14):
        x, y = rng.integers(-20, side, 2).tolist()
        w, h = rng.integers(10, side // 2, 2).tolist()
        color = tuple(rng.integers(0, 256, 3).tolist())
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((x, y, x + w, y + h), fill=color)
    return image


def recompressed(image: Image.Image, quality: int) -> bytes:
    """A JPEG file."""
    sink = io.BytesIO()
    image.save(sink, "JPEG", quality=quality)
    return sink.getvalue()


def looks(images: Sequence[Image.Image]) -> np.ndarray:
    """What the checks know of them."""
    return np.concatenate([look_at(one) for one in images]) if images else np.empty(0, LOOK)
