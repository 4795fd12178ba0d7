"""One picture of a set, as the store keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tl_core.data.quarantine import Quarantined

__all__ = ["ImageRecord", "Intake"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord:
    """A stored picture.

    ``path`` is its relative name in what the user brought, unique in the set; ``split`` the part
    its folder gave ("train", "val" or "test"), or None; ``digest`` the SHA-256 of the stored
    file, the same for exact copies; ``width`` and ``height`` pixels, upright; ``bytes`` of the
    user's file, a page counting as its share; ``format`` what the user's file was, e.g. "JPEG" or
    "DICOM" (DICOM, pages and grey of more than 8 bits are stored as PNG); ``group`` names pictures
    that must stay on one side of the split, "" for those that stand alone; ``taken`` is when by the
    camera's clock, in seconds since 1970 without a time zone, or None; ``camera`` its maker and
    model.
    """

    path: str
    label: str
    split: str | None
    digest: str
    width: int
    height: int
    bytes: int
    format: str
    group: str = ""
    taken: float | None = None
    camera: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What was taken in.

    ``records`` and ``quarantine`` are sorted by path; ``given_splits`` are the parts the folders
    name, in the order train, val, test, or empty; ``notes`` are plain sentences for the user;
    ``reading`` holds the rules by which pictures of more than 8 bits became 8 bits, as plain
    values, {} when there were none.
    """

    records: tuple[ImageRecord, ...]
    quarantine: tuple[Quarantined, ...]
    given_splits: tuple[str, ...]
    notes: tuple[str, ...]
    reading: dict[str, Any] = field(default_factory=dict)
