"""What a run's last layer reads of its own pictures, part by part, kept with the run.

torch is imported when something is to be computed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tl_core.data.pixels import open_pixels
from tl_core.jobs.maps import VERSION, folder_of
from tl_core.storage import Home, atomic_path

if TYPE_CHECKING:
    from tl_core.jobs.loading import Classifier

__all__ = ["kept_features", "normalised"]

AT_ONCE = 32  # pictures whose features are computed together


def kept_features(
    home: Home, one: Classifier, part: str, report: Callable[[int, int], None]
) -> NDArray[np.float16]:
    """(N, D) rows of unit length for the pictures of one part of a run, in the run's order.

    Args:
        home: The home.
        one: The run's classifier.
        part: "train", "val" or "test".
        report: Told how many pictures were looked at, of how many; not when they were kept.
    """
    from tl_core.explain.neighbours import features_of

    kept = folder_of(home, one.row.id) / f"{part}-v{VERSION}.npy"
    rows = one.snapshot.part(part)
    if kept.is_file():
        found: NDArray[np.float16] = np.load(kept, allow_pickle=False)
        return found
    if not rows:
        return np.zeros((0, 1), dtype=np.float16)
    pixels = open_pixels(
        home,
        [row.digest for row in rows],
        size_px=one.size_px,
        resize=one.spec.train.resize,
        channels=one.card.channels,
    ).images
    parts, n = [], len(rows)
    for start in range(0, n, AT_ONCE):
        some = normalised(one, np.asarray(pixels[start : start + AT_ONCE]))
        parts.append(features_of(one.model, some).astype(np.float16))
        report(min(start + AT_ONCE, n), n)
    found = np.concatenate(parts)
    kept.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(kept) as part_file, part_file.open("wb") as stream:
        np.save(stream, found)
    return found


def normalised(one: Classifier, pixels: NDArray[np.uint8]) -> Any:
    """uint8 (B, C, S, S) as the network is fed: float32, shifted and scaled."""
    import torch

    shift = torch.tensor(one.card.mean, dtype=torch.float32).view(1, -1, 1, 1)
    scale = torch.tensor(one.card.std, dtype=torch.float32).view(1, -1, 1, 1)
    return (torch.from_numpy(np.array(pixels)).float() / 255.0 - shift) / scale
