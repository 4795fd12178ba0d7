"""Pictures of other than three channels: stains, wavelengths, depths.

They are stored as TIFF with one 8-bit plane per channel, written by us while they are taken in, so
that reading them again depends on nobody's reading of colours.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import IO

import numpy as np
import tifffile
from PIL import Image

from tl_core.data.quarantine import unreadable

__all__ = ["MOST_CHANNELS", "open_planes", "plane_file"]

MOST_CHANNELS = 32
MOST_PIXELS = 100_000_000  # width * height, as for other pictures
MARK = "Thaw planes"  # the description by which our own files are known


def plane_file(planes: np.ndarray) -> bytes:
    """A TIFF file of planes, lossless.

    Args:
        planes: uint8 (C, H, W), 2 to ``MOST_CHANNELS`` channels.
    """
    sink = io.BytesIO()
    tifffile.imwrite(
        sink,
        planes,
        photometric="minisblack",
        planarconfig="separate",
        compression="zlib",
        description=MARK,
        metadata=None,
        software=False,
    )
    return sink.getvalue()


def open_planes(source: IO[bytes] | Path, channels: int) -> Sequence[Image.Image]:
    """The planes of a file, each an "L" picture.

    Args:
        source: A path, or a binary stream at its start (left open).
        channels: How many there must be.

    Raises:
        UnreadableImageError: Not such a file, or of another number of channels.
    """
    try:
        with (
            source.open("rb") if isinstance(source, Path) else nullcontext(source) as stream,
            tifffile.TiffFile(stream) as file,
        ):
            page = file.pages.first
            shape = (page.samplesperpixel, page.imagelength, page.imagewidth)
            fits = shape[1] * shape[2] <= MOST_PIXELS
            if shape[0] == channels and page.dtype == np.uint8 and fits:
                values = page.asarray().reshape(shape)
                return [Image.fromarray(plane) for plane in values]
    except Exception as err:  # hostile bytes: which error the parser ends in is not defined
        raise unreadable(f"is no picture of {channels} channels", code="damaged") from err
    raise unreadable(
        f"has {shape[0]} channels where the others have {channels}", code="unsupported"
    )
