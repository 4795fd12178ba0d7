"""What every block makes of a picture and its mirror image, as one row of numbers, kept once known.

The deep probe is solved on these rows, and they do not depend on labels, folds, seeds or the split:
a set that was looked at once is probed again in the time of the solution alone, after relabelling
too, and a picture that comes later costs only itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tl_core.cache.choosing import choose_prefix
from tl_core.cache.keys import network_digest, view_key
from tl_core.cache.numerics import Numerics, prepared
from tl_core.cache.shelf import Shelf
from tl_core.cache.views import Store, Views
from tl_core.data.rows import Rows
from tl_core.models.groups import LayerGroup
from tl_core.probe.taps import MOST, Taps, tap
from tl_core.storage import Home

__all__ = ["BlockFeatures", "both_views"]

FEATURE_BYTES = 512_000_000  # of all pictures' features together, as float16
HELD_BYTES = 2 * FEATURE_BYTES  # training and validation pictures' features are held in memory
STORED = "float16"
TRIED = 32  # pictures that ways of computing are tried on, at most
AT_ONCE = 256  # pictures between two reports
VERSION = 1  # of what is made of the blocks' outputs besides pooling


class BlockFeatures:
    """A network opened behind each of its blocks, and how it is computed.

    Args:
        model: Moved to ``device`` and put in eval mode; its weights stay.
        groups: From ``layer_groups(model)``.
        image_size: Side of the square pictures in pixels.
        mean: Per channel, for pixels scaled to 0..1.
        std: Per channel, for pixels scaled to 0..1.
        n_pictures: About how many will be asked for; decides how finely blocks are read, and what
            is worth measuring.
        device: Where to compute.
        numerics: How; None = measured on the first pictures asked for.
        name: Of the network; what a measurement is remembered under.
        home: Where measurements are remembered; None = nowhere.
        shelf: Where rows are kept; None = nowhere.
        facts: What else the pixels depend on (how pictures were made square).

    Raises:
        ModelError: The network cannot be taken apart.
    """

    def __init__(
        self,
        model: nn.Module,
        groups: Sequence[LayerGroup],
        *,
        image_size: int,
        mean: Sequence[float],
        std: Sequence[float],
        n_pictures: int,
        device: torch.device | str = "cpu",
        numerics: Numerics | None = None,
        name: str = "",
        home: Home | None = None,
        shelf: Shelf | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self.device = torch.device(device)
        model.to(self.device).eval()
        most = min(MOST, max(1, FEATURE_BYTES // (2 * max(n_pictures, 1))))
        self.taps: Taps = tap(model, groups, image_size=image_size, most=most)
        self.seconds = 0.0  # per picture and look, once it is measured
        self._numerics, self._home, self._shelf = numerics, home, shelf
        self._looks = 2 * n_pictures
        self._mean, self._std = tuple(mean), tuple(std)
        self._signature = f"deep probe|{name}|{image_size}|{self.taps.width}|{self.device}"
        self._facts = {"size": image_size, **(facts or {})}

    def numerics(self, images: np.ndarray | Rows) -> Numerics:
        """How the network is computed; measured on some of these pictures when it is not known."""
        if self._numerics is None:
            some = np.arange(min(TRIED, len(images)))
            self._numerics, self.seconds = choose_prefix(
                self.taps.network,
                self._pictures(images, some),
                pictures=self._looks,
                signature=self._signature,
                home=self._home,
            )
        return self._numerics

    def of(
        self,
        images: np.ndarray | Rows,
        keys: Sequence[str] = (),
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Tensor:
        """(N, D) float16 on the device.

        Args:
            images: uint8 (N, 3, S, S); may be memory-mapped.
            keys: The pictures' contents; without them nothing is kept.
            progress: Told how many pictures are looked at, of how many.
        """
        n = len(images)
        progress(0, n)
        if n == 0:
            return torch.empty(0, self.taps.width, dtype=torch.float16, device=self.device)
        numerics = self.numerics(images)
        numerics = replace(numerics, stored=STORED)  # whatever else is kept of this network
        network = prepared(self.taps.network, numerics)
        known = self._shelf is not None and len(keys) == n
        views = Views(
            lambda pictures: (both_views(network, pictures),),
            lambda view, positions: self._pictures(images, positions),
            keys=keys if known else [str(place) for place in range(n)],
            shapes=[(self.taps.width,)],
            numerics=numerics,
            device=self.device,
            store=(lambda view: self._store(numerics)) if known else None,
            held_bytes=HELD_BYTES,
        )
        parts = [np.arange(start, min(start + AT_ONCE, n)) for start in range(0, n, AT_ONCE)]
        return views.whole(0, parts, progress)

    def _pictures(self, images: np.ndarray | Rows, positions: np.ndarray) -> Tensor:
        """Normalised pictures, in the order of ``positions``."""
        spread = torch.tensor(self._std, dtype=torch.float32, device=self.device).view(1, -1, 1, 1)
        shift = torch.tensor(self._mean, dtype=torch.float32, device=self.device).view(1, -1, 1, 1)
        batch = torch.from_numpy(np.ascontiguousarray(images[positions])).to(self.device)
        batch = batch.contiguous(memory_format=torch.channels_last).float()
        return torch.addcmul(-shift / spread, batch, 1 / (255 * spread))

    def _store(self, numerics: Numerics) -> Store:
        assert self._shelf is not None
        body = {
            **self._facts,
            "mean": list(self._mean),
            "std": list(self._std),
            "looks": VERSION,
            "numerics": numerics.prefix_key,
        }
        key = view_key(network_digest(self.taps.network), body, device=self.device.type)
        return self._shelf.view(key, values=self.taps.width, dtype=numerics.stored_dtype)


def both_views(network: nn.Module, images: Tensor) -> Tensor:
    """(B, D): the average of the pictures' and their mirror images' features, signed square roots.

    Roots tame the few large values that would otherwise decide alone.
    """
    seen: list[Tensor] = [network(view) for view in (images, images.flip(3))]
    rooted = [one.sign() * one.abs().sqrt() for one in seen]
    return (rooted[0] + rooted[1]) / 2
