"""Pictures of other than three channels: stains, wavelengths, depths.

They are stored as TIFF with one 8-bit plane per channel, written by us while they are taken in, so
that reading them again depends on nobody's reading of colours.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

__all__ = ["MARK", "MOST_CHANNELS", "plane_file", "preview"]

MOST_CHANNELS = 32
MARK = "Thaw planes"  # the description by which our own files are known


def plane_file(planes: np.ndarray) -> bytes:
    """A TIFF file of planes, lossless.

    Args:
        planes: uint8 (H, W, C), 2 to ``MOST_CHANNELS`` channels.
    """
    from tifffile import imwrite  # few sets need it

    sink = io.BytesIO()
    imwrite(
        sink,
        np.ascontiguousarray(np.moveaxis(planes, -1, 0)),
        photometric="minisblack",
        planarconfig="separate",
        compression="zlib",
        description=MARK,
        metadata=None,
        software=False,
    )
    return sink.getvalue()


def preview(planes: np.ndarray) -> Image.Image:
    """The first three channels as red, green and blue; two leave blue empty, one is grey.

    Args:
        planes: uint8 (H, W, C).
    """
    if planes.shape[-1] == 1:
        return Image.fromarray(np.ascontiguousarray(planes[..., 0])).convert("RGB")
    colors = np.zeros((*planes.shape[:2], 3), np.uint8)
    some = planes[..., :3]
    colors[..., : some.shape[-1]] = some
    return Image.fromarray(colors)
