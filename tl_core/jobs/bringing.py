"""Queue the taking in of pictures, whichever way they were brought."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from tl_core.data.naming import class_name
from tl_core.errors import ConfigError, DataError
from tl_core.jobs import incoming
from tl_core.jobs.queue import Queue
from tl_core.storage import Home

__all__ = ["Mode", "queue_intake"]

Mode = Literal["replace", "add"]
_NAMES = {"replace": "Reading pictures", "add": "Adding pictures"}


def queue_intake(
    home: Home,
    queue: Queue,
    project_id: str,
    *,
    upload_id: str = "",
    folder: str = "",
    files: Sequence[tuple[str, bytes]] = (),
    mode: str = "replace",
    label: str = "",
) -> str:
    """Queue the taking in of one source and return the task's id.

    Args:
        home: The home.
        queue: Its queue.
        project_id: Whose set is replaced, or added to, once everything is read.
        upload_id: A finished upload.
        folder: A folder, archive or table on the machine Thaw runs on.
        files: (relative name, content) pairs from the browser's own uploader; one archive, or
            pictures named ``class/file``.
        mode: "replace" the set, or "add" to it; an empty set is begun either way.
        label: The class into which every picture goes; "" = as folders and tables say.

    Raises:
        DataError: No source given.
        ConfigError: The class's name is too long, or the mode unknown.
    """
    label = class_name(label) if label.strip() else ""
    if mode not in _NAMES:
        raise ConfigError(f"Pictures come to replace or to add, not to {mode}.", field="mode")
    if files:
        upload_id = incoming.keep_files(home, _below(label, files) if label else files)
    if not upload_id and not folder.strip():
        raise DataError("No pictures were given.", hint="Choose a zip, a folder or files.")
    source = {"upload_id": upload_id} if upload_id else {"folder": folder.strip()}
    spec = {**source, "mode": mode} if mode != "replace" else source
    if label:
        spec["label"] = label
    return queue.submit("import", spec, project_id=project_id, name=_NAMES[mode])


def _below(label: str, files: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """The files in a folder of the class's name, pasted ones of equal names told apart."""
    folder = re.sub(r'[\\/:*?"<>|]', "_", label).lstrip(".") or "class"
    seen: Counter[str] = Counter()
    out = []
    for name, content in files:
        last = name.replace("\\", "/").rsplit("/", 1)[-1]
        seen[last] += 1
        stem, dot, ending = last.rpartition(".")
        if seen[last] > 1:
            last = f"{stem or ending} ({seen[last]}){dot}{ending if stem else ''}"
        out.append((f"{folder}/{last}", content))
    return out
