"""Cut-outs: a picture that is a part of another one, and so the same shot again.

A fingerprint changes with the frame, so each picture is also looked at through ``WINDOWS``, parts
of it of several sizes at several places; a window whose fingerprint is another picture's makes the
two a candidate. The second look is finer: the window is moved until it fits the other picture best
(Gauss-Newton on the grey levels), and the detail that is left after taking off soft light and shade
must agree as well, nearly everywhere. Shirts photographed on one table pass the first look in
hundreds: their outlines agree, but not the print, the folds and the cloth.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter

from tl_core.check.duplicates import FLAT, Pair, fingerprint, standardized

__all__ = ["FINE_PX", "WINDOWS", "crop_pairs", "fitted", "through"]

FINE_PX = 128  # side of the grey pictures the second look needs
FIT_PX = 64  # the window is compared at this size
MOST_BITS = 12  # different bits of 64 that a candidate may have
FIRST_ALIKE = 0.82  # correlation that makes a candidate
MOST_CANDIDATES = 3000  # the most alike ones; each takes 6 ms
SPARE_CANDIDATES = 4 * MOST_CANDIDATES  # held before the less alike are let go
STEPS = 12  # of Gauss-Newton; most need 5
SOON, HOPELESS = 4, 0.9  # after so many steps, less correlation than this ends it
FAR, STILL = 0.05, 2e-4  # of a side: the longest step, and one that ends the search
SHADE = 1.5  # pixels of FIT_PX: softer than this is light and shade
PATCH_PX, FAINT, FEWEST = 16, 0.1, 0.2  # detail is compared by patches, the faintest left out
# Correlation of the fitted pictures, and of the detail in four of five patches. Of 600 cut-outs of
# photographs, small and recompressed ones included, 1 in 50 had less than 0.97 and 0.76; of 3,409
# photographs of clothes one pair of different ones had more than 0.97 and 0.63.
ALIKE, DETAIL_ALIKE = 0.97, 0.63
BLOCK = 256  # pictures compared with all others at a time
AT_ONCE = 4096  # pairs whose pictures are compared at a time: 32 MB

Box = tuple[float, float, float, float]  # left, top, width, height in parts of the side


def _windows() -> tuple[Box, ...]:
    places = (0.0, 0.5, 1.0)
    found = [
        ((1 - side) * x, (1 - side) * y, side, side)
        for side in (0.95, 0.9, 0.85, 0.8)
        for x in places
        for y in places
    ]
    for side in (0.9, 0.85, 0.8):
        found += [((1 - side) * place, 0.0, side, 1.0) for place in places]
        found += [(0.0, (1 - side) * place, 1.0, side) for place in places]
    return tuple(found)


WINDOWS = _windows()


def crop_pairs(
    grey: np.ndarray,
    fine: Callable[[int], np.ndarray],
    *,
    known: Collection[tuple[int, int]] = (),
) -> list[Pair]:
    """Pairs of which one picture is a part of the other, cut off by up to about a fifth.

    Args:
        grey: uint8 (N, 32, 32), each squeezed into a square.
        fine: Gives a picture by position as float32 (``FINE_PX``, ``FINE_PX``), squeezed alike.
        known: Pairs (smaller position first) that need no look.
    """
    usable = grey.reshape(len(grey), -1).std(axis=1) >= FLAT
    candidates = _candidates(grey, usable, set(known))
    found = []
    for _, one in _most_alike(candidates):
        alike, detail = fitted(fine(one.whole), fine(one.part), WINDOWS[one.window])
        if alike >= ALIKE and detail >= DETAIL_ALIKE:
            first, second = sorted((one.whole, one.part))
            pair = Pair(first=first, second=second, bits=one.bits, alike=alike, orientation=0)
            found.append(pair)
    return sorted(found, key=lambda pair: (pair.first, pair.second))


class _Candidate(NamedTuple):
    whole: int
    part: int
    alike: float
    bits: int
    window: int


def _candidates(
    grey: np.ndarray, usable: np.ndarray, known: Collection[tuple[int, int]]
) -> dict[tuple[int, int], _Candidate]:
    """The best window for every two pictures, whichever of them is the part.

    Sets of one scene have millions of them: only the most alike are held.
    """
    prints, ready = fingerprint(grey), standardized(grey).reshape(len(grey), -1)
    best: dict[tuple[int, int], _Candidate] = {}
    least = FIRST_ALIKE
    for number, window in enumerate(WINDOWS):
        seen = through(grey, window)
        seen_prints = fingerprint(seen)
        seen_ready = standardized(seen).reshape(len(grey), -1)
        for start in range(0, len(grey), BLOCK):
            differing = np.bitwise_count(seen_prints[start : start + BLOCK, None] ^ prints[None])
            rows, parts = np.nonzero(differing <= MOST_BITS)
            bits, wholes = differing[rows, parts], rows + start
            for some in _some(wholes, parts, usable):
                alike = np.einsum("ij,ij->i", seen_ready[wholes[some]], ready[parts[some]])
                alike /= ready.shape[1]
                for place in np.flatnonzero(alike >= least).tolist():
                    at = int(some[place])
                    whole, part = int(wholes[at]), int(parts[at])
                    pair = min(whole, part), max(whole, part)
                    one = _Candidate(whole, part, float(alike[place]), int(bits[at]), number)
                    if pair not in known and (pair not in best or one.alike >= best[pair].alike):
                        best[pair] = one
                if len(best) > SPARE_CANDIDATES:
                    best = dict(_most_alike(best))
                    least = min(one.alike for one in best.values())
    return best


def _some(wholes: np.ndarray, parts: np.ndarray, usable: np.ndarray) -> Iterator[np.ndarray]:
    """Places of the pairs that are two usable pictures, some at a time."""
    wanted = np.flatnonzero((wholes != parts) & usable[wholes] & usable[parts])
    return (wanted[start : start + AT_ONCE] for start in range(0, len(wanted), AT_ONCE))


def _most_alike(
    best: dict[tuple[int, int], _Candidate],
) -> list[tuple[tuple[int, int], _Candidate]]:
    return sorted(best.items(), key=lambda one: -one[1].alike)[:MOST_CANDIDATES]


def through(pictures: np.ndarray, window: Box) -> np.ndarray:
    """What is seen through a window, at the pictures' own size, between pixels by straight lines.

    Args:
        pictures: (..., S, S).
        window: Of the side; what lies outside repeats the nearest pixel.

    Returns:
        float32 (..., S, S).
    """
    left, top, width, height = window
    side = pictures.shape[-1]
    rows, columns = _weights(top, height, side), _weights(left, width, side)
    seen: np.ndarray = rows @ pictures.astype(np.float32) @ columns.T
    return seen


def _weights(start: float, length: float, side: int) -> np.ndarray:
    """(side, side) that takes values between the pixels of a line."""
    pixel, share = _between(start, length, side, side)
    weights, each = np.zeros((side, side), np.float32), np.arange(side)
    weights[each, pixel], weights[each, pixel + 1] = 1 - share, share
    return weights


def _between(start: float, length: float, side: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """For ``n`` places along a line: the pixel before, and the share of the one after (float32)."""
    places = start + (np.arange(n) + 0.5) / n * length
    places = np.clip(places * side - 0.5, 0.0, side - 1.001)
    pixel = places.astype(np.int64)
    return pixel, (places - pixel).astype(np.float32)


def _sampled(picture: np.ndarray, window: np.ndarray | Box, size_px: int) -> np.ndarray:
    """One picture (S, S) through a window, (size_px, size_px); as ``through``, without matrices:
    many small products would keep all threads of the linear algebra busy.
    """
    left, top, width, height = window
    row, down = _between(top, height, len(picture), size_px)
    column, across = _between(left, width, len(picture), size_px)
    upper, lower = picture[row], picture[row + 1]
    lines = upper + (lower - upper) * down[:, None]
    before, after = lines[:, column], lines[:, column + 1]
    seen: np.ndarray = before + (after - before) * across
    return seen


def fitted(whole: np.ndarray, part: np.ndarray, window: Box) -> tuple[float, float]:
    """How well a window of one picture becomes the other, after moving it to where it fits best.

    Args:
        whole: float32 (``FINE_PX``, ``FINE_PX``).
        part: The same of the picture that may be cut out of it.
        window: Where to begin.

    Returns:
        Correlation (-1..1) of the grey levels, and of the detail in the patches, where a fifth of
        them has less.
    """
    smooth = gaussian_filter(whole, 1.0)
    slope_y, slope_x = np.gradient(smooth)
    small = _sampled(part, (0.0, 0.0, 1.0, 1.0), FIT_PX)
    target = standardized(gaussian_filter(small, 0.7))
    middles = (np.arange(FIT_PX) + 0.5) / FIT_PX
    place, alike, best = np.array(window), -1.0, np.array(window)
    for number in range(STEPS):
        seen = _sampled(smooth, place, FIT_PX)
        spread = max(float(seen.std()), 1e-6)
        missed = target - (seen - seen.mean()) / spread
        agreed = 1 - float((missed * missed).mean()) / 2
        if agreed > alike:
            alike, best = agreed, place.copy()
        if number >= SOON and alike < HOPELESS:
            break
        x = _sampled(slope_x, place, FIT_PX) * (len(whole) / spread)
        y = _sampled(slope_y, place, FIT_PX) * (len(whole) / spread)
        step = _step(np.stack([x, y, x * middles, y * middles[:, None]]), missed)
        place = place + step
        place[2:] = np.clip(place[2:], 0.6, 1.02)
        place[:2] = np.clip(place[:2], -0.02, 1.02 - place[2:])
        if np.abs(step).max() < STILL:
            break
    return alike, _agreement(_sampled(whole, best, FIT_PX), small)


def _step(slopes: np.ndarray, missed: np.ndarray) -> np.ndarray:
    """How left, top, width and height should change: a damped least-squares step."""
    jacobian = slopes.reshape(len(slopes), -1)
    jacobian = jacobian - jacobian.mean(axis=1, keepdims=True)
    normal = jacobian @ jacobian.T
    normal += np.eye(len(normal)) * (1e-3 * np.trace(normal) / len(normal) + 1e-9)
    step: np.ndarray = np.linalg.solve(normal, jacobian @ missed.ravel()).clip(-FAR, FAR)
    return step


def _agreement(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation of the detail by patches; a fifth of them has less. 0 without any detail."""
    first, second = (
        _patches(picture - gaussian_filter(picture, SHADE)) for picture in (one, other)
    )
    strength = np.sqrt((first**2).mean(axis=1) * (second**2).mean(axis=1))
    clear = strength >= max(1.0, FAINT * float(np.median(strength)))
    if not clear.any():
        return 0.0
    return float(np.quantile((first * second).mean(axis=1)[clear] / strength[clear], FEWEST))


def _patches(picture: np.ndarray) -> np.ndarray:
    """(S, S) to (patches, pixels), each with mean 0."""
    n = len(picture) // PATCH_PX
    cut = picture.reshape(n, PATCH_PX, n, PATCH_PX).transpose(0, 2, 1, 3).reshape(n * n, -1)
    centred: np.ndarray = cut - cut.mean(axis=1, keepdims=True)
    return centred
