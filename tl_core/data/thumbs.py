"""Small JPEG pictures for the pages, made once per content and size."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from tl_core.data.decode import open_rgb
from tl_core.errors import ConfigError
from tl_core.storage import Home, atomic_path, renamed

__all__ = ["THUMB_SIZES", "ensure_thumb", "keep_thumb", "thumb_bytes"]

THUMB_SIZES = (160, 320)  # longer side in pixels: grids, and one picture shown alone
QUALITY = 80  # at 160 px about 6 KB for a photo; WebP saves a fifth and takes 12 times as long


def ensure_thumb(home: Home, digest: str, size_px: int) -> Path:
    """The path of a thumbnail that exists, made from the stored picture when it did not.

    Args:
        home: The store.
        digest: Of a stored picture.
        size_px: One of ``THUMB_SIZES``, the longer side.

    Raises:
        ConfigError: Another size.
        StorageError: The picture is not stored, or the thumbnail cannot be written.
        UnreadableImageError: The stored file is no picture.
    """
    if size_px not in THUMB_SIZES:
        raise ConfigError(
            f"There are no thumbnails of {size_px} pixels.",
            field="size_px",
            hint=f"Ask for one of: {', '.join(map(str, THUMB_SIZES))}.",
        )
    path = home.thumb(digest, size_px)
    if not path.exists():
        with home.open_blob(digest) as stream:
            image = open_rgb(stream, max_side_px=2 * size_px)
        keep_thumb(home, digest, size_px, thumb_bytes(image, size_px))
    return path


def thumb_bytes(image: Image.Image, size_px: int) -> bytes:
    """A JPEG file of an RGB picture, its longer side at most ``size_px``; never enlarged."""
    scale = min(1.0, size_px / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    small = image.resize(size, Image.Resampling.HAMMING, reducing_gap=1.5)
    sink = io.BytesIO()
    small.save(sink, "JPEG", quality=QUALITY)
    return sink.getvalue()


def keep_thumb(
    home: Home, digest: str, size_px: int, body: bytes, *, scratch: Path | None = None
) -> None:
    """Put a thumbnail in its place, unless one is there.

    Args:
        home: The store.
        digest: Of the picture.
        size_px: One of ``THUMB_SIZES``.
        body: The JPEG file.
        scratch: A folder to write it in first, for many at a time: making files in one folder
            and renaming them takes a third of the time of making them in hundreds of folders.
    """
    path = home.thumb(digest, size_px)
    if path.exists():
        return
    if scratch is not None:
        part = scratch / path.name
        part.write_bytes(body)
        if renamed(part, path):
            return
        part.unlink()
    with atomic_path(path) as part:
        part.write_bytes(body)
