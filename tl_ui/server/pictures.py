"""Pictures at screen size, re-encoded so that no metadata of the original leaves the store."""

from __future__ import annotations

from pathlib import Path

from tl_core.data.decode import open_rgb
from tl_core.storage import Home, atomic_path

__all__ = ["SCREEN_PX", "screen_picture"]

SCREEN_PX = 1600  # longest side
QUALITY = 88  # JPEG


def screen_picture(home: Home, digest: str) -> Path:
    """Return the JPEG of a stored picture at most ``SCREEN_PX`` long, made when missing.

    Raises:
        StorageError: No such picture.
        UnreadableImageError: It cannot be decoded.
    """
    target = home.thumb(digest, SCREEN_PX)
    if not target.is_file():
        with home.open_blob(digest) as stream:
            image = open_rgb(stream, max_side_px=SCREEN_PX)
        image.thumbnail((SCREEN_PX, SCREEN_PX))
        with atomic_path(target) as part:
            image.save(part, format="JPEG", quality=QUALITY)
    return target
