"""One picture of a set, as the store keeps it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ImageRecord"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord:
    """A stored picture.

    ``path`` is its relative name in what the user brought, unique in the set; ``split`` the part
    its folder gave ("train", "val" or "test"), or None; ``digest`` the SHA-256 of the original
    bytes, the same for exact copies; ``width`` and ``height`` pixels, upright; ``bytes`` the
    file's size; ``format`` the decoder's name, e.g. "JPEG".
    """

    path: str
    label: str
    split: str | None
    digest: str
    width: int
    height: int
    bytes: int
    format: str
