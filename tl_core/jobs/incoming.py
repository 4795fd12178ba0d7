"""What a browser hands over in memory, small uploads and photos, put where work finds it."""

from __future__ import annotations

import secrets
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tl_core.errors import DataError
from tl_core.storage import Home

__all__ = ["KeptPicture", "keep_files", "keep_picture"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPicture:
    """A stored photo, and what to call it: of a file with several pages it is the first one."""

    digest: str
    name: str


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


def keep_picture(
    home: Home,
    name: str,
    content: bytes,
    *,
    reading: Callable[[], Mapping[str, Any]] = dict,
) -> KeptPicture:
    """Check a photo and put it into the store, as the pictures of a set are.

    Args:
        home: The store.
        name: The file's name.
        content: The file.
        reading: Gives the rule for grey of more than 8 bits, {} without one; asked only when the
            photo has some.

    Raises:
        UnreadableImageError: Not a picture; the sentence names the file.
    """
    from tl_core.data.decode import decode, pages  # numpy and Pillow: not before a photo comes
    from tl_core.data.passes import page_name, write_rendered
    from tl_core.data.reading import Reading

    part = home.folder("tmp") / f"{secrets.token_hex(8)}.photo"
    shown = part.with_suffix(".png")
    try:
        part.write_bytes(content)
        found = decode(part, max_side_px=640)
        if found.native:
            return KeptPicture(digest=home.put_blob(part), name=name)
        deep = found.sample is not None or found.plane_samples
        rule = Reading.from_dict(reading()) if deep else None
        _, page = next(pages(part, reading=rule))
        assert not isinstance(page, Exception)  # it was decoded just now
        digest = home.put_blob(shown, digest=write_rendered(page, shown))
        return KeptPicture(digest=digest, name=page_name(name, 1) if page.n_pages > 1 else name)
    except DataError as err:
        raise type(err)(f"{name}: {err.message}", hint=err.hint) from err
    finally:
        part.unlink(missing_ok=True)
        shown.unlink(missing_ok=True)
