"""Open what the user brought, a zip, a tar or a folder, recognised by content, not by name."""

from __future__ import annotations

from pathlib import Path

from tl_core.data.archive_folder import FolderContainer
from tl_core.data.archive_tar import TarContainer, starts_tar
from tl_core.data.archive_zip import ZipContainer
from tl_core.data.container import Container, IntakeLimits
from tl_core.data.sniff import describe_archive_start, kind_of_container
from tl_core.errors import DataError

__all__ = ["open_container"]

START_BYTES = 512


def open_container(source: Path, limits: IntakeLimits) -> Container:
    """List a container; close it after use (it is a context manager).

    Args:
        source: A folder, or a zip or tar file (the latter plain or with gzip, bzip2 or xz).
        limits: Those on entries are checked now, for a compressed tar also those on bytes.

    Raises:
        DataError: There is nothing at that place.
        UnreadableArchiveError: Broken, protected with a password, or of another kind.
        UnsafeArchiveError: A limit is exceeded.
    """
    if source.is_dir():
        return FolderContainer(source, limits)
    try:
        with source.open("rb") as stream:
            start = stream.read(START_BYTES)
    except OSError as err:
        raise DataError(
            f"{source.name} cannot be opened ({err.strerror or err}).",
            hint="Check that the path is right and that it may be read.",
        ) from err
    kind = kind_of_container(start)
    if kind == "zip":
        return ZipContainer(source, limits)
    if kind in ("gzip", "bzip2", "xz", "") and starts_tar(source, kind):
        return TarContainer(source, kind, limits)
    raise describe_archive_start(source.name, start)
