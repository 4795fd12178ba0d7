"""Where views of features are kept on disk, within a budget; the least recently used go first."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import numpy as np
import torch

from tl_core.data.rows import RowStore, evict
from tl_core.errors import ConfigError
from tl_core.storage import Home

__all__ = ["CACHE_GB", "Shelf"]

CACHE_GB = 10.0  # default budget on disk; THAW_CACHE_GB overrides it
FREE_SHARE = 0.5  # of the free disk that a cache may take at most
STORED = {torch.float16: np.float16, torch.float32: np.float32}


class Shelf:
    """The folder ``cache/features`` of a home.

    Args:
        home: The store.
        limit_bytes: Budget; None = ``THAW_CACHE_GB`` or the default.

    Raises:
        ConfigError: ``THAW_CACHE_GB`` is not a number (field="THAW_CACHE_GB").
    """

    def __init__(self, home: Home, *, limit_bytes: int | None = None) -> None:
        self._home = home
        self._folder = home.folder("cache", "features")
        self._limit = _limit() if limit_bytes is None else limit_bytes
        self._used: set[Path] = set()

    @property
    def room(self) -> int:
        """Bytes the views of one run may take: the budget, and what the disk can spare."""
        return min(self._limit, int(self._home.free_bytes() * FREE_SHARE))

    def view(self, key: str, *, values: int, dtype: torch.dtype) -> RowStore:
        """One view's store; what was not used for longest is thrown out when space is short."""
        path = self._folder / key
        store = RowStore(path, shape=(values,), dtype=np.dtype(STORED[dtype]))
        self._used.add(path)
        return store

    def tidy(self, *, coming_bytes: int = 0, keep: Collection[Path] = ()) -> None:
        """Make room for ``coming_bytes``; views used through this object stay."""
        limit = max(0, self._limit - coming_bytes)
        evict(self._folder, limit_bytes=limit, keep={*self._used, *keep})


def _limit() -> int:
    text = os.environ.get("THAW_CACHE_GB", "")
    try:
        gigabytes = float(text) if text else CACHE_GB
    except ValueError as err:
        raise ConfigError(
            f"THAW_CACHE_GB is {text!r}, which is not a number.",
            field="THAW_CACHE_GB",
            hint="Set it to gigabytes, such as 5, or remove it.",
        ) from err
    return int(max(0.0, gigabytes) * 1e9)
