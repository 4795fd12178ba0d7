"""Pages of mapped files, given back to the system from time to time.

A mapped page counts as memory of the process until it is given back; without that, a pass over a
large array ends with the whole array resident. The system keeps what it can in its own file cache,
so reading a page again costs a page fault, not a read from the disk.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable

import numpy as np

__all__ = ["EVERY_BYTES", "KEPT_BYTES", "Pages"]

KEPT_BYTES = 256 << 20  # maps that are no larger together stay resident
# Used between two givings back. Rows in random order bring their neighbours in: on Linux 6.18 so
# much, read 150 KB at a time, leaves 0.4 GB resident, and twice as much 0.7 GB. Giving back so
# often makes reading a tenth slower, which is a hundredth of what is then done with the rows.
EVERY_BYTES = 32 << 20
ADVICE = getattr(mmap, "MADV_DONTNEED", None)  # not on Windows, which trims by itself


class Pages:
    """The mapped files behind some arrays.

    Only for arrays whose writes reach the file (shared maps) or that are never written to: a
    private map forgets what was written to a page that is given back.

    Args:
        arrays: Those in memory cost and do nothing.
    """

    def __init__(self, arrays: Iterable[np.ndarray]) -> None:
        maps = {id(one): one for array in arrays if (one := _map_of(array)) is not None}
        large = ADVICE is not None and sum(map(len, maps.values())) > KEPT_BYTES
        self._maps = tuple(maps.values()) if large else ()
        self._used_bytes = 0

    def used(self, n_bytes: int) -> None:
        """Note that so much was read or written, and give everything back when it is time.

        Threads may call it at once: a page that another one reads this moment is fetched again.
        """
        if not self._maps:
            return
        self._used_bytes += n_bytes
        if self._used_bytes >= EVERY_BYTES:
            self._used_bytes = 0
            for one in self._maps:
                one.madvise(ADVICE)  # type: ignore[arg-type]


def _map_of(array: np.ndarray) -> mmap.mmap | None:
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None
