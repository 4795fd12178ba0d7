"""What stored pictures move with when they are divided, copies that nobody joined included."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from tl_core.check.copies import Copies, copies_of
from tl_core.check.crops import FINE_PX
from tl_core.check.division import all_units
from tl_core.check.findings import CheckedSet
from tl_core.check.looks import fine_grey, looks_of
from tl_core.storage import Home

__all__ = ["copies_in", "moving_together"]


def moving_together(
    home: Home,
    checked: CheckedSet,
    report: Callable[[int, int], None],
    *,
    cut_outs: bool = False,
) -> np.ndarray:
    """The unit of each picture, int (N,): groups, bursts, copies and near-duplicates joined.

    Args:
        home: The store that holds the pictures.
        checked: The pictures; all of them are opened.
        report: Called with (pictures looked at, pictures to look at).
        cut_outs: Whether pictures that are a part of another one are looked for too, which takes
            about 6 ms a picture.
    """
    grey = looks_of(home, checked.digests, report=report)["grey"]
    found = copies_of(checked, grey) if not cut_outs else copies_in(home, checked, grey)
    return all_units(checked, found)


def copies_in(home: Home, checked: CheckedSet, grey: np.ndarray) -> Copies:
    """Copies, near-duplicates and cut-outs among stored pictures.

    Args:
        home: The store that holds the pictures.
        checked: The pictures.
        grey: uint8 (N, 32, 32), as in ``LOOK``.
    """

    @lru_cache(maxsize=2048)  # 128 MB
    def fine(position: int) -> np.ndarray:
        return fine_grey(home, checked.digests[position], FINE_PX)

    return copies_of(checked, grey, fine)
