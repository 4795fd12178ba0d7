"""The frozen blocks' output for every picture, view by view, made when it is first asked for.

A view is one changed version of every picture. While a view is being made, its rows are handed on
at once, so that training does not wait for it; when it is complete it is kept, on disk where there
is a store, and every later epoch, run, fold or layer choice with the same frozen blocks reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from tl_core.cache.numerics import Numerics, settled
from tl_core.data.mapped import Pages

__all__ = ["Store", "Views"]

AHEAD = 256  # pictures computed at a time while a view is made: half a second of waiting at most


class Store(Protocol):
    """Where one view is kept (``tl_core.data.rows.RowStore``)."""

    def missing(self, keys: Sequence[str]) -> list[str]:
        """Those of ``keys`` that are not kept."""

    def rows(self, keys: Sequence[str]) -> Any:
        """An array-like of the rows, in order."""

    def adding(self, keys: Sequence[str]) -> AbstractContextManager[np.ndarray]:
        """An array to fill, kept when the context ends well."""


class Views:
    """Features at a cut for one list of pictures.

    Args:
        compute: Normalised images (B, 3, S, S) -> tuple of tensors at the cut, without gradients.
        images: (view, positions) -> normalised images of those pictures, float32 on ``device``.
        keys: One content key per picture; equal pictures share their row.
        shapes: Per picture, of the tensors at the cut.
        numerics: Stored precision, layout and how many pictures go through at a time.
        device: Where features are wanted.
        store: View -> where it is kept; None keeps them in memory only.
        held_bytes: Memory that views may take on ``device``; beyond it they are read from the
            store (without a store everything is held).
    """

    def __init__(
        self,
        compute: Callable[[Tensor], tuple[Tensor, ...]] | nn.Module,
        images: Callable[[int, np.ndarray], Tensor],
        *,
        keys: Sequence[str],
        shapes: Sequence[tuple[int, ...]],
        numerics: Numerics,
        device: torch.device,
        store: Callable[[int], Store] | None = None,
        held_bytes: int = 1 << 30,
    ) -> None:
        self._compute, self._images = compute, images
        self._keys = list(dict.fromkeys(keys))
        place = {key: row for row, key in enumerate(self._keys)}
        self._row = np.array([place[key] for key in keys], dtype=np.int64)
        self._position = np.zeros(len(self._keys), dtype=np.int64)  # a picture that has the row
        self._position[self._row] = np.arange(len(keys))
        self._shapes = tuple(shapes)
        self._sizes = [int(np.prod(shape, dtype=np.int64)) for shape in self._shapes]
        self._numerics, self._device = numerics, device
        self._store, self._held_bytes = store, held_bytes
        self._done: dict[int, Tensor | Any] = {}
        self._taken = 0

    @property
    def values(self) -> int:
        """Numbers kept per picture and view."""
        return sum(self._sizes)

    @property
    def view_bytes(self) -> int:
        """Of one whole view."""
        return len(self._keys) * self.values * self._numerics.stored_dtype.itemsize

    def ready(self, view: int) -> bool:
        """Whether nothing would have to be computed for this view."""
        return self._recalled(view) is not None

    def batches(self, view: int, parts: Sequence[np.ndarray]) -> Iterator[tuple[Tensor, ...]]:
        """Features of the pictures at the positions of each part, in turn.

        A view asked for in full for the first time is computed on the way and kept at the end;
        one that is left early is not kept.
        """
        yield from (self._shaped(rows) for rows in self._rows(view, parts))

    def whole(
        self,
        view: int,
        parts: Sequence[np.ndarray],
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Tensor:
        """(N, values) in the stored precision, on the device, one row per picture.

        Args:
            view: Which.
            parts: Positions, in the steps in which it is made; together all of them.
            progress: Told how many pictures are done, of how many, after each part.
        """
        done = 0
        if self._recalled(view) is None:
            for rows in self._rows(view, parts):
                done += len(rows)
                progress(done, len(self._row))
        elif len(self._row):
            progress(len(self._row), len(self._row))
        return self._gathered(self._recalled(view), np.arange(len(self._row)))

    def _rows(self, view: int, parts: Sequence[np.ndarray]) -> Iterator[Tensor]:
        """As ``batches``, in the stored precision, everything of a picture in one row."""
        known = self._recalled(view)
        if known is not None:
            yield from (self._gathered(known, part) for part in parts)
            return
        store = self._store(view) if self._store is not None else None
        missing = self._keys if store is None else store.missing(self._keys)
        with self._filling(store, missing) as array:
            filled = _Filled(self, view, array, store, missing)
            for number, part in enumerate(parts):
                filled.want(self._row[part], lambda at=number: parts[at:])  # type: ignore[misc]
                yield filled.gathered(self._row[part])
            filled.want(np.arange(len(self._keys)), lambda: ())
        self._done[view] = self._hold(filled.tensor if store is None else store.rows(self._keys))

    def of(self, view: int, positions: np.ndarray) -> tuple[Tensor, ...]:
        """Features of some pictures; the whole view is made first when it is not there."""
        return next(iter([*self.batches(view, [positions])]))

    def forget(self) -> None:
        """Let go of what is held in memory; what is stored stays."""
        self._done.clear()
        self._taken = 0

    def compute_rows(self, view: int, rows: np.ndarray) -> Tensor:
        """(len(rows), values) in the stored precision, always in batches of one size."""
        size = self._numerics.prefix_batch
        parts = []
        for start in range(0, len(rows), size):
            mine = rows[start : start + size]
            images = self._images(view, self._position[mine])
            if len(mine) < size:  # another batch size may round differently: fill it up
                images = torch.cat([images, images[-1:].expand(size - len(mine), -1, -1, -1)])
            images = images.contiguous(memory_format=self._numerics.layout)
            with torch.no_grad(), settled(self._numerics):
                found = self._compute(images)
            flat = torch.cat([one.flatten(1) for one in found], dim=1)[: len(mine)]
            parts.append(flat.to(self._numerics.stored_dtype))
        return torch.cat(parts)

    # -- inside ------------------------------------------------------------------------------------

    def _recalled(self, view: int) -> Tensor | Any | None:
        if view not in self._done and self._store is not None:
            store = self._store(view)
            if not store.missing(self._keys):
                self._done[view] = self._hold(store.rows(self._keys))
        return self._done.get(view)

    def _hold(self, rows: Any) -> Any:
        """On the device while there is room, else as it lies on disk."""
        if isinstance(rows, Tensor):
            return rows.to(self._device)
        if self._taken + self.view_bytes > self._held_bytes:
            return rows
        self._taken += self.view_bytes
        held = torch.empty((len(rows), self.values), dtype=self._numerics.stored_dtype)
        for start in range(0, len(rows), AHEAD):  # in steps: a map read at once is all in memory
            held[start : start + AHEAD] = torch.from_numpy(rows[start : start + AHEAD])
        return held.to(self._device)

    def _gathered(self, known: Any, part: np.ndarray) -> Tensor:
        rows = self._row[part]
        if isinstance(known, Tensor):
            if len(rows) == len(known) and (rows == np.arange(len(rows))).all():
                return known
            return known[torch.from_numpy(rows).to(known.device)]
        return self._moved(torch.from_numpy(np.ascontiguousarray(known[rows])))

    def _moved(self, rows: Tensor) -> Tensor:
        if self._device.type == "cuda":
            return rows.pin_memory().to(self._device, non_blocking=True)
        return rows.to(self._device)

    def _shaped(self, rows: Tensor) -> tuple[Tensor, ...]:
        whole = rows.to(torch.float32)
        parts = torch.split(whole, self._sizes, dim=1)
        return tuple(
            self._laid_out(part.reshape(len(rows), *shape))
            for part, shape in zip(parts, self._shapes, strict=True)
        )

    def _laid_out(self, part: Tensor) -> Tensor:
        if part.ndim == 4:
            return part.contiguous(memory_format=self._numerics.layout)
        return part.contiguous()

    def _filling(self, store: Store | None, missing: Sequence[str]) -> Any:
        if store is None:
            return nullcontext(None)
        return store.adding(missing) if missing else nullcontext(None)


class _Filled:
    """A view while it is made: rows computed so far, and those kept from before."""

    def __init__(
        self,
        views: Views,
        view: int,
        array: np.ndarray | None,
        store: Store | None,
        missing: Sequence[str],
    ) -> None:
        self._views, self._view = views, view
        place = {key: slot for slot, key in enumerate(missing)}
        self._slot = np.array([place.get(key, -1) for key in views._keys], dtype=np.int64)
        self._made = self._slot < 0
        self.tensor = (
            torch.empty((len(missing), views.values), dtype=views._numerics.stored_dtype)
            if array is None
            else torch.from_numpy(array)
        )
        self._pages = Pages([] if array is None else [array])
        kept = [key for key in views._keys if key not in place]
        self._kept = store.rows(kept) if store is not None and kept else None
        self._kept_at = np.cumsum(self._made) - 1  # position of a kept row among the kept ones

    def want(self, rows: np.ndarray, later: Callable[[], Sequence[np.ndarray]]) -> None:
        """Compute those of ``rows`` that are not there, and some of those wanted next."""
        if self._made[rows].all():
            return
        ahead, count = [rows], len(rows)
        for part in later():
            if count >= AHEAD:
                break
            ahead.append(self._views._row[part])
            count += len(part)
        todo = np.unique(np.concatenate(ahead))
        todo = todo[~self._made[todo]]
        for start in range(0, len(todo), AHEAD):
            mine = todo[start : start + AHEAD]
            found = self._views.compute_rows(self._view, mine)
            self.tensor[torch.from_numpy(self._slot[mine])] = found.to(self.tensor.device)
            self._made[mine] = True
            self._pages.used(found.nbytes)

    def gathered(self, rows: np.ndarray) -> Tensor:
        slots = self._slot[rows]
        if (slots >= 0).all():
            return self._views._moved(self.tensor[torch.from_numpy(slots)])
        found = torch.empty((len(rows), self._views.values), dtype=self.tensor.dtype)
        fresh = slots >= 0
        found[torch.from_numpy(fresh)] = self.tensor[torch.from_numpy(slots[fresh])]
        old = np.ascontiguousarray(self._kept[self._kept_at[rows[~fresh]]])  # type: ignore[index]
        found[torch.from_numpy(~fresh)] = torch.from_numpy(old)
        return self._views._moved(found)
