"""Say in plain words what a file is that could not be opened as a picture."""

from __future__ import annotations

from tl_core.data.quarantine import unreadable
from tl_core.errors import UnreadableArchiveError, UnreadableImageError

__all__ = [
    "describe_archive_start",
    "describe_start",
    "is_dicom",
    "is_heif",
    "is_tiff",
    "kind_of_container",
    "may_be_dicom",
]

_SAVE = "save it as JPEG or PNG"
_STARTS: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", f"is a PDF document: {_SAVE}", "unsupported"),
    (b"8BPS", f"is a Photoshop file: {_SAVE}", "unsupported"),
    (b"\x00\x00\x00\x0cjP  ", f"is a JPEG 2000 picture: {_SAVE}", "unsupported"),
    (b"\x00\x00\x00\x0cJXL ", f"is a JPEG XL picture: {_SAVE}", "unsupported"),
    (b"\xff\x0a", f"is a JPEG XL picture: {_SAVE}", "unsupported"),
    (b"\x00\x00\x01\x00", f"is an icon: {_SAVE}", "unsupported"),
    (b"version https://git-lfs", "is only a Git LFS pointer, not the picture", "not_a_picture"),
)
_CONTAINERS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", *_TIFF)
_HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
_DICOM_GROUPS = (
    b"\x02\x00",
    b"\x08\x00",
    b"\x00\x08",
)  # the first of a file without the usual 132 bytes
_DICOM_KINDS = (b"UL", b"OB", b"UI", b"CS", b"DA", b"TM", b"SH", b"LO")  # of their first values


def describe_start(start: bytes) -> UnreadableImageError:
    """The error for a file that no picture decoder accepts.

    Args:
        start: The first bytes of the file, about 512, not empty.
    """
    reason, code = _reason(start)
    return unreadable(reason, code=code)


def kind_of_container(start: bytes) -> str:
    """The kind of archive: zip, gzip, bzip2, xz, 7z, RAR or zstd; "" when it is none of these."""
    return next((kind for magic, kind in _CONTAINERS if start.startswith(magic)), "")


def is_tiff(start: bytes) -> bool:
    """Whether a file begins as TIFF or BigTIFF does."""
    return start.startswith(_TIFF)


def is_heif(start: bytes) -> bool:
    """Whether a file begins as HEIF does; a few AVIF pictures begin so, too."""
    return start[4:8] == b"ftyp" and start[8:12] in _HEIF


def is_dicom(start: bytes) -> bool:
    """Whether a file says that it is DICOM."""
    return start[128:132] == b"DICM"


def may_be_dicom(start: bytes) -> bool:
    """Whether a file that is nothing else may be DICOM without its first 132 bytes."""
    if start[:2] not in _DICOM_GROUPS or len(start) < 8:
        return False
    implicit = int.from_bytes(start[4:8], "little")  # the length of the first value
    return start[4:6] in _DICOM_KINDS or (start[3] == 0 and implicit <= 64 and implicit % 2 == 0)


def _reason(start: bytes) -> tuple[str, str]:
    for magic, reason, code in _STARTS:
        if start.startswith(magic):
            return reason, code
    if start[4:8] == b"ftyp":
        return _ftyp(start[8:12])
    if start.startswith(_PICTURES) or (start[:4] == b"RIFF" and start[8:12] == b"WEBP"):
        return "is damaged or cut off", "damaged"
    if kind := kind_of_container(start):
        return f"is an archive ({kind}); archives inside are not opened", "not_a_picture"
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in text:
        return f"is a drawing (SVG), not a photo: {_SAVE}", "unsupported"
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<script")):
        return "is not a picture Thaw can read (it starts like a web page)", "not_a_picture"
    if _is_text(start):
        return "is not a picture Thaw can read (it starts like a text file)", "not_a_picture"
    return "is not a picture Thaw can read", "not_a_picture"


def _ftyp(brand: bytes) -> tuple[str, str]:
    if brand in _HEIF or brand in (b"avif", b"avis"):
        return "is damaged or cut off", "damaged"
    if brand == b"crx ":
        return f"is a raw photo: {_SAVE}", "unsupported"
    return "is a film, not a picture", "not_a_picture"


def _is_text(start: bytes) -> bool:
    return all(byte >= 32 or byte in b"\t\r\n\f" for byte in start) and b"\x7f" not in start


def describe_archive_start(name: str, start: bytes) -> UnreadableArchiveError:
    """The error for a file that is no container.

    Args:
        name: The file's name.
        start: Its first bytes.
    """
    hint = "Bring a zip file, or the folder that holds a folder per class."
    kind = kind_of_container(start)
    if not start:
        return UnreadableArchiveError(f"{name} is empty (0 bytes).", hint=hint)
    if kind in ("7z", "RAR", "zstd"):
        return UnreadableArchiveError(
            f"{name} is a {kind} archive, which Thaw does not open.",
            hint="Unpack it and bring the folder, or pack it again as a zip file.",
        )
    if kind:
        return UnreadableArchiveError(
            f"{name} is a compressed file ({kind}) without a tar archive in it.", hint=hint
        )
    if start.startswith(_PICTURES) or start[8:12] == b"WEBP":
        return UnreadableArchiveError(
            f"{name} is a single picture, not a set of pictures.", hint=hint
        )
    reason = _reason(start)[0].replace(
        "not a picture Thaw can read", "neither a zip nor a tar file"
    )
    if "neither" not in reason:
        reason = "is neither a zip nor a tar file"
    return UnreadableArchiveError(f"{name} {reason}.", hint=hint)
