"""Near-duplicates: the same shot again, smaller, recompressed, brightened, mirrored or turned.

A fingerprint of 64 bits per picture and orientation (pHash: the low frequencies of a cosine
transform against their median) finds candidates; the pictures themselves, 32 pixels wide and turned
alike, must then agree. Flat pictures have no fingerprint worth comparing and are left out.
Cut-outs have another frame and need ``tl_core.check.crops``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.fft import dctn

from tl_core.data.together import connected

__all__ = [
    "FLAT",
    "Pair",
    "clusters",
    "fingerprint",
    "fingerprints",
    "near_pairs",
    "standardized",
    "turned",
]

LOW = 8  # frequencies each way
SURE_BITS, MOST_BITS = 4, 10  # different bits: near certain, and at most (imagededup's default)
SURE_ALIKE, ALIKE = 0.90, 0.97  # correlation that the pictures must have at each
FLAT = 5.0  # standard deviation of grey levels below which a picture says nothing
BLOCK = 64  # pictures compared with all others at a time
ORIENTATIONS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two positions, ``first`` < ``second``, how many of 64 bits differ, how alike the pictures
    are (-1..1), and by which of the eight ``turned`` orientations the first becomes the second.
    """

    first: int
    second: int
    bits: int
    alike: float
    orientation: int


def turned(grey: np.ndarray, orientation: int) -> np.ndarray:
    """Pictures (..., S, S) turned by ``orientation`` % 4 quarters, mirrored from 4 on."""
    quarters, mirrored = orientation % 4, orientation >= 4
    found = np.rot90(grey, quarters, axes=(-2, -1))
    return found[..., ::-1] if mirrored else found


def fingerprints(grey: np.ndarray) -> np.ndarray:
    """The fingerprint of each picture in each orientation.

    Args:
        grey: uint8 (N, 32, 32).

    Returns:
        uint64 (N, 8).
    """
    found = np.empty((len(grey), ORIENTATIONS), np.uint64)
    for orientation in range(ORIENTATIONS):
        found[:, orientation] = fingerprint(turned(grey, orientation))
    return found


def fingerprint(grey: np.ndarray) -> np.ndarray:
    """The fingerprint of each picture as it is: (N, 32, 32) of any type to uint64 (N,)."""
    weights = 1 << np.arange(LOW * LOW, dtype=np.uint64)
    low = dctn(grey.astype(np.float32), axes=(1, 2))[:, :LOW, :LOW].reshape(len(grey), -1)
    bits = low > np.median(low, axis=1, keepdims=True)
    found: np.ndarray = (bits * weights).sum(axis=1, dtype=np.uint64)
    return found


def near_pairs(grey: np.ndarray, same: Sequence[str] | None = None) -> list[Pair]:
    """Pairs of near-duplicates.

    Args:
        grey: uint8 (N, 32, 32).
        same: A name for each picture's content; pairs of one name are exact copies and left out.
    """
    prints = fingerprints(grey)
    usable = grey.reshape(len(grey), -1).std(axis=1) >= FLAT
    ready = standardized(grey)
    found: list[Pair] = []
    for start in range(0, len(grey), BLOCK):
        block = prints[start : start + BLOCK]
        differing = np.bitwise_count(block[:, :, None] ^ prints[None, None, start:, 0])
        close = np.argwhere(differing <= MOST_BITS)
        for row, orientation, offset in close.tolist():
            first, second = start + row, start + offset
            if second <= first or not (usable[first] and usable[second]):
                continue
            if same is not None and same[first] == same[second]:
                continue
            bits = int(differing[row, orientation, offset])
            own = turned(ready[first], orientation)
            alike = float((own * ready[second]).mean())
            if alike >= (SURE_ALIKE if bits <= SURE_BITS else ALIKE):
                found.append(
                    Pair(
                        first=first, second=second, bits=bits, alike=alike, orientation=orientation
                    )
                )
    return _best_each(found)


def standardized(grey: np.ndarray) -> np.ndarray:
    """Pictures (..., S, S), each with mean 0 and standard deviation 1, float32."""
    values = grey.astype(np.float32)
    values -= values.mean(axis=(-2, -1), keepdims=True)
    spread = values.std(axis=(-2, -1), keepdims=True)
    ready: np.ndarray = values / np.maximum(spread, 1e-6)
    return ready


def _best_each(pairs: Sequence[Pair]) -> list[Pair]:
    """Of every two pictures, the orientation in which they are most alike."""
    best: dict[tuple[int, int], Pair] = {}
    for pair in pairs:
        key = pair.first, pair.second
        if key not in best or pair.alike > best[key].alike:
            best[key] = pair
    return [best[key] for key in sorted(best)]


def clusters(pairs: Sequence[tuple[int, int]], n: int) -> list[list[int]]:
    """Positions that belong together, through whatever chain of pairs; only groups of two or more.

    Args:
        pairs: Of positions.
        n: Of pictures.
    """
    found: dict[int, list[int]] = {}
    for position, number in enumerate(connected(pairs, n)):
        found.setdefault(number, []).append(position)
    return [group for group in found.values() if len(group) > 1]
