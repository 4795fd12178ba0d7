"""What a network is fed: pictures by position, changed by view or by epoch, normalised.

With a fixed number of views the change of a picture depends on its content and the view alone, so
that every run, fold and seed can share what frozen blocks make of it. View 0 is the picture as it
is; odd views are mirrored where mirroring is on. Without views every epoch draws anew from the
run's seed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tl_core.config import AugmentConfig
from tl_core.train import augment
from tl_core.train.recipe import PictureRows, Recipe
from tl_core.train.seed import generator

__all__ = ["Feed", "view_draws", "view_facts", "view_of"]

VERSION = 1  # of how views are drawn; part of what they are kept under
FEATURE_FIELDS = ("mixup", "feature_noise", "feature_brightness")  # act behind the frozen blocks


def view_of(epoch: int, views: int) -> int:
    """The view that a 1-based epoch trains on."""
    return (epoch - 1) % views


def view_draws(keys: Sequence[str], view: int, config: AugmentConfig) -> Tensor:
    """(len(keys), augment.DRAWS) float32 in [0, 1): a function of the content and the view."""
    found = np.empty((len(keys), augment.DRAWS), dtype=np.float32)
    for row, key in enumerate(keys):
        digest = hashlib.blake2b(f"{VERSION}/{view}/{key}".encode(), digest_size=40).digest()
        whole = np.frombuffer(digest, dtype="<u4")
        found[row] = (whole >> 8).astype(np.float32) / np.float32(1 << 24)
    if config.flip:  # a coin per picture would often leave both views the same way round
        found[:, 0] = 0.25 if view % 2 else 0.75
    return torch.from_numpy(found)


def view_facts(view: int, config: AugmentConfig) -> dict[str, Any]:
    """What of a view's change must be part of its key."""
    if view == 0 or not config.any:
        return {"change": "none"}
    pixels = {k: v for k, v in asdict(config).items() if k not in FEATURE_FIELDS}
    return {"change": pixels, "view": view, "draws": VERSION}


class Feed:
    """Pictures of one list as normalised images.

    Args:
        pixels: uint8 (N, 3, S, S), array or array-like.
        keys: Content of each picture, for the views' draws.
        recipe: For augmentation, normalisation and seed.
        device: Where images are wanted.
    """

    def __init__(
        self, pixels: PictureRows, keys: Sequence[str], recipe: Recipe, device: torch.device
    ) -> None:
        self.pixels, self.keys, self.recipe, self.device = pixels, keys, recipe, device
        self._draws: dict[int, Tensor] = {}

    def view(self, view: int, positions: np.ndarray) -> Tensor:
        """Images of one view: (B, 3, S, S) float32, in the order of ``positions``."""
        config = self.recipe.augment
        if view == 0 or not config.any:
            return self._normalised(self._read(positions))
        if view not in self._draws:
            self._draws[view] = view_draws(self.keys, view, config)
        draws = self._draws[view][torch.from_numpy(positions)]
        return self._changed(positions, draws)

    def epoch(self, epoch: int, positions: np.ndarray) -> Tensor:
        """Images as drawn for this epoch from the run's seed."""
        if -epoch not in self._draws:
            self._draws = {
                -epoch: augment.draw(len(self.keys), generator(self.recipe.seed, epoch, "augment"))
            }
        return self._changed(positions, self._draws[-epoch][torch.from_numpy(positions)])

    def _read(self, positions: np.ndarray) -> Tensor:
        order = np.argsort(positions, kind="stable")  # memory maps are read front to back
        read = torch.from_numpy(np.ascontiguousarray(self.pixels[positions[order]]))
        if (order == np.arange(len(order))).all():
            found = read
        else:
            back = np.empty_like(order)
            back[order] = np.arange(len(order))
            found = read[torch.from_numpy(back)]
        if self.device.type == "cuda":
            return found.pin_memory().to(self.device, non_blocking=True)
        return found.to(self.device)

    def _changed(self, positions: np.ndarray, draws: Tensor) -> Tensor:
        images = augment.apply(self._read(positions), draws.to(self.device), self.recipe.augment)
        return self._normalised(images)

    def _normalised(self, images: Tensor) -> Tensor:
        return augment.normalise(images, self.recipe.mean, self.recipe.std)
