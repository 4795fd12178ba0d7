"""Find the picture that a cell of a table names: with or without folder, ending and case.

A cell and a path mean the same picture when one is the end of the other, whole names at a time:
"ants/1.jpg" is "set/ants/1.jpg", "/home/me/set/1.jpg" is "1.jpg", "1" is "1.jpg". What could be
several pictures is none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

__all__ = ["PICTURE_ENDINGS", "PictureNames", "looks_like_a_picture"]

_ENDINGS = "jpg jpeg jpe jfif png webp bmp gif tif tiff heic heif avif dcm dicom mpo"
PICTURE_ENDINGS = frozenset(_ENDINGS.split())
DEEPEST = 6  # names of a path that a cell may hold, the file's own included
LONGEST = 200  # characters of them; names may be hostile, and every end of one is kept


def looks_like_a_picture(cell: str) -> bool:
    """Whether a cell ends like the name of a picture."""
    return cell.casefold().rpartition(".")[2] in PICTURE_ENDINGS and "." in cell


class PictureNames:
    """The pictures of a set by every name a table may call them.

    Args:
        paths: Relative names, "/" between their parts.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self.paths = tuple(paths)
        self._top = _common_folders(self.paths)
        # ends of paths -> the path, None where several share it
        self._exact: dict[str, str | None] = {}
        self._folded: dict[str, str | None] = {}
        self._bare: dict[str, str | None] = {}
        for path in self.paths:
            for end in _ends(path):
                folded = end.casefold()
                for index, key in (
                    (self._exact, end),
                    (self._folded, folded),
                    (self._bare, _without_ending(folded)),
                ):
                    if index.setdefault(key, path) != path:
                        index[key] = None

    def find(self, cell: str, folder: str = "", *, loose: bool = False) -> str | None:
        """The picture a cell names; None when there is none, or more than one.

        Args:
            cell: What the table says.
            folder: Of the table, "" at the top: names are first looked for from there.
            loose: Look at the last name of the cell alone.
        """
        name = _clean(cell)
        if not name:
            return None
        if loose:
            return self._of_end(name.rsplit("/", 1)[-1])
        if folder and (found := self._of_end(f"{folder}/{name}")) is not None:
            return found
        return self._of_end(name) or self._of_longer(name)

    def _of_end(self, name: str) -> str | None:
        """The picture whose path ends with the name."""
        folded = name.casefold()
        tries = [(self._exact, name), (self._folded, folded), (self._bare, folded)]
        if looks_like_a_picture(name):
            tries.append((self._bare, _without_ending(folded)))
        return next((found for index, key in tries if (found := index.get(key))), None)

    def _of_longer(self, name: str) -> str | None:
        """The picture whose whole path, below the folders all share, is the end of the name."""
        parts = name.split("/")
        for start in range(max(1, len(parts) - DEEPEST), len(parts)):
            found = self._of_end("/".join(parts[start:]))
            if found is not None and found.count("/") - self._top == len(parts) - start - 1:
                return found
        return None


def _clean(cell: str) -> str:
    cell = unicodedata.normalize("NFC", cell)  # as paths are
    parts = re.split(r"[\\/]+", cell.strip().strip("\"'"))
    return "/".join(part for part in parts if part not in ("", ".", ".."))


def _ends(path: str) -> Iterator[str]:
    parts = path.split("/")
    for start in range(max(0, len(parts) - DEEPEST), len(parts)):
        end = "/".join(parts[start:])
        if len(end) <= LONGEST:
            yield end


def _without_ending(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return stem if dot and stem and "/" not in ending else name


def _common_folders(paths: tuple[str, ...]) -> int:
    """How many first folders all paths share."""
    if not paths:
        return 0
    low, high = min(paths).split("/")[:-1], max(paths).split("/")[:-1]
    n = 0
    while n < min(len(low), len(high)) and low[n] == high[n]:
        n += 1
    return n
