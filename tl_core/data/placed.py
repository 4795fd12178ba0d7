"""Where a picture belongs, and the names by which parts of a set are known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["FILLERS", "SPLITS", "Placed", "split_of"]

SPLITS = ("train", "val", "test")
_SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
# Words that may stand beside a part's name without changing it: training_set, test-images.
FILLERS = {"set", "data", "dataset", "image", "images", "img", "imgs", "pictures", "photos"}
FILLERS |= {"split", "seg"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A file that may be a picture, and where it belongs.

    ``split`` is the part that a folder or a table gives, or None; ``group`` names pictures that
    must stay on one side of the split, "" for those that stand alone.
    """

    path: str
    label: str
    split: str | None
    group: str = ""


@lru_cache(maxsize=4096)  # asked of every folder of every picture
def split_of(name: str) -> str | None:
    """The part that the name of a folder or a value stands for: "Training_Set" -> "train"."""
    words = [word for word in re.split(r"[\W_]+", name.casefold()) if word]
    telling = [word for word in words if word not in FILLERS]
    return _SPLIT_NAMES.get(telling[0]) if len(telling) == 1 else None
