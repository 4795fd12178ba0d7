"""What a browser hands over in memory, small uploads and photos, put where work finds it."""

from __future__ import annotations

import secrets
import zipfile
from collections.abc import Sequence

from tl_core.errors import DataError
from tl_core.storage import Home

__all__ = ["keep_files", "keep_picture"]


def keep_files(home: Home, files: Sequence[tuple[str, bytes]]) -> str:
    """Write (relative name, content) pairs as one finished upload; returns its id.

    One file without a folder in its name is an archive and kept as it is.
    """
    upload_id = secrets.token_hex(16)
    target = home.folder("uploads") / f"{upload_id}.upload"
    if len(files) == 1 and "/" not in files[0][0]:
        target.write_bytes(files[0][1])
        return upload_id
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files:
            archive.writestr(name, content)
    return upload_id


def keep_picture(home: Home, name: str, content: bytes) -> str:
    """Check a photo and put it into the store; returns its digest.

    Raises:
        UnreadableImageError: Not a picture; the sentence names the file.
    """
    from tl_core.data.decode import open_rgb  # numpy and Pillow: not before a photo comes

    part = home.folder("tmp") / f"{secrets.token_hex(8)}.photo"
    try:
        part.write_bytes(content)
        open_rgb(part, max_side_px=640)
        return home.put_blob(part)
    except DataError as err:
        raise type(err)(f"{name}: {err.message}", hint=err.hint) from err
    finally:
        part.unlink(missing_ok=True)
