"""When and with what a photo was taken, from the notes of the camera (EXIF)."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from datetime import UTC, datetime

from PIL import ExifTags, Image

__all__ = ["camera_name", "orientation", "taken_and_camera"]

LONGEST_NAME = 60
FIRST_YEAR = 1980  # what lies before is a clock that was never set


def orientation(exif: Image.Exif) -> int:
    """How the camera was held, 1 to 8 as EXIF numbers it; 1 (upright) when it does not say."""
    try:
        return int(exif.get(ExifTags.Base.Orientation, 1))
    except Exception:  # broken EXIF is no reason to lose the picture
        return 1


def taken_and_camera(exif: Image.Exif) -> tuple[float | None, str]:
    """Seconds since 1970 by the camera's clock and maker with model; (None, "") for rubbish."""
    taken, camera = None, ""
    with suppress(Exception):  # hostile bytes: which error a parser ends in is not defined
        camera = camera_name(exif.get(ExifTags.Base.Make), exif.get(ExifTags.Base.Model))
    with suppress(Exception):
        details = exif.get_ifd(ExifTags.IFD.Exif)
        taken = _seconds(
            details.get(ExifTags.Base.DateTimeOriginal),
            details.get(ExifTags.Base.SubsecTimeOriginal),
        )
    return taken, camera


def camera_name(make: object, model: object) -> str:
    """Maker and model as one clean name of at most ``LONGEST_NAME`` characters."""
    first, second = _clean(make), _clean(model)
    whole = second if second.casefold().startswith(first.casefold()) else f"{first} {second}"
    return whole.strip()[:LONGEST_NAME].strip()


def _clean(value: object) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _seconds(moment: object, fraction: object) -> float | None:
    if not (text := _clean(moment)):
        return None
    when = datetime.strptime(text, "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
    if when.year < FIRST_YEAR:
        return None
    digits = re.fullmatch(r"\d{1,9}", _clean(fraction))
    seconds = when.timestamp() + (float(f"0.{digits[0]}") if digits else 0.0)
    return seconds if math.isfinite(seconds) else None
