"""From grey of more than 8 bits to 8 bits, by one rule for a whole set of pictures.

Microscopes, X-ray detectors and scanners store 12 to 32 bits of grey of which they use a part. The
rule says which value is black and which is white: the 0.5 % and the 99.5 % point of all values of
the set, so that single hot pixels do not count. It is the same for every picture, since how bright
a picture is compared with the others may be what tells the classes apart, and it is kept with the
set, its runs and their exports.

Without a rule unsigned 16-bit grey is divided by 257 (0..65535 becomes 0..255); every other kind
has no agreed range: the picture's own smallest value becomes black and its largest white.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self, TypeAlias

import numpy as np
from PIL import Image

from tl_core.data.quarantine import unreadable

__all__ = ["AT_MOST", "SIXTEEN_BITS", "Deep", "Ends", "Reading", "ValueSample", "number_words"]

SIXTEEN_BITS = (0.0, 65535.0)
Ends: TypeAlias = tuple[tuple[float, float], ...]  # black and white of each channel
ENDS = (0.005, 0.995)  # shares of all values of a set that become black and white: SCIENCE, 9
PER_PICTURE = 2000  # values looked at in each picture, on a regular grid
AT_MOST = 2_000_000  # values held, however many pictures come; the ends are then sure to 0.01 %
AT_ONCE = 1 << 21  # values converted at a time: 16 MB as numbers
CODES = (
    1 << 16
)  # different values that 16 bits can have: larger pictures go through a table of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The rule of a set: ``low`` and what is below becomes 0, ``high`` and what is above 255.

    ``unit`` is "HU" where all values are Hounsfield units, else ""; ``pictures`` is the number of
    pictures the rule was made from. ``planes`` has the two ends of every channel, once for each
    number of channels that there was, for pictures whose channels are no colours.
    """

    low: float
    high: float
    unit: str = ""
    pictures: int = 0
    planes: tuple[Ends, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        kept = {"rule": "grey values low..high become 0..255", **asdict(self)}
        if not self.planes:
            del kept["planes"]
        return kept

    @classmethod
    def from_dict(cls, values: Mapping[str, Any] | None) -> Self | None:
        """The rule kept with a set, or None where it has none."""
        if not values or "low" not in values or "high" not in values:
            return None
        return cls(
            low=float(values["low"]),
            high=float(values["high"]),
            unit=str(values.get("unit", "")),
            pictures=int(values.get("pictures", 0)),
            planes=tuple(
                tuple((float(low), float(high)) for low, high in ends)
                for ends in values.get("planes", ())
            ),
        )

    def of(self, channels: int) -> Self:
        """The same rule without the ends of other numbers of channels."""
        kept = tuple(ends for ends in self.planes if len(ends) == channels)
        return replace(self, planes=kept)

    def ends(self, channels: int) -> Ends:
        """Black and white of each channel, () where the rule says nothing of so many."""
        return next((ends for ends in self.planes if len(ends) == channels), ())

    def in_words(self) -> str:
        """The rule as the end of a sentence: "values up to 12 are black, from 900 on white"."""
        unit = f" {self.unit}" if self.unit else ""
        low, high = number_words(self.low), number_words(self.high)
        return f"values up to {low}{unit} are black and from {high}{unit} on white"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Deep:
    """Grey of more than 8 bits as a file holds it.

    Attributes:
        stored: (H, W), upright, of any integer or floating type.
        slope: With ``intercept``, makes numbers of what is stored: stored * slope + intercept.
        intercept: See ``slope``.
        missing: Stored values from the first to the second stand for no measurement; like
            numbers that are not finite they are shown black and do not count.
        inverted: The largest value is black.
        full: What is black and what is white without a rule; None = the picture's own ends.
        unit: Of the numbers, "HU" or "".
    """

    stored: np.ndarray
    slope: float = 1.0
    intercept: float = 0.0
    missing: tuple[float, float] | None = None
    inverted: bool = False
    full: tuple[float, float] | None = None
    unit: str = ""

    def sample(self) -> np.ndarray:
        """About ``PER_PICTURE`` numbers from a regular grid, float64 (n,), those that count."""
        height, width = self.stored.shape
        step = max(1, math.ceil(math.sqrt(height * width / PER_PICTURE)))
        first = (min(step, height, width) - 1) // 2
        values = self.numbers(self.stored[first::step, first::step]).ravel()
        kept: np.ndarray = values[np.isfinite(values)]
        return kept

    def numbers(self, stored: np.ndarray) -> np.ndarray:
        """float64 of some of what is stored; NaN or infinite where it does not count."""
        values: np.ndarray = stored.astype(np.float64)
        with np.errstate(all="ignore"):
            values = values * self.slope + self.intercept
        if self.missing is not None:
            first, last = self.missing
            values[(stored >= first) & (stored <= last)] = np.nan
        return values

    def shown(self, reading: Reading | None) -> Image.Image:
        """The picture in 8 bits of grey (mode "L"), by the rule of its set if it has one.

        Raises:
            UnreadableImageError: It holds not one number.
        """
        if reading is not None:
            return self.between(reading.low, reading.high)
        return self.between(*(self.full or self._ends()))

    def plane(self, reading: Reading | None, channel: int, channels: int) -> Image.Image:
        """One channel of several in 8 bits (mode "L"): by its own ends in the rule, by the rule of
        the set's grey, or by its kind.
        """
        if reading is not None and (ends := reading.ends(channels)):
            return self.between(*ends[channel])
        if reading is not None and reading.high > reading.low:
            return self.between(reading.low, reading.high)
        return self.between(*(self.full or self._ends()))

    def between(self, low: float, high: float) -> Image.Image:
        """8 bits of grey (mode "L"): ``low`` becomes 0 and ``high`` 255, with ties to even."""
        stored = self.stored
        if stored.dtype.itemsize == 2 and stored.dtype.kind in "iu" and stored.size > CODES:
            stored = stored.astype(stored.dtype.newbyteorder("="), copy=False)
            codes = np.arange(CODES, dtype=np.uint16).view(stored.dtype)
            return Image.fromarray(self._grey(codes, low, high)[stored.view(np.uint16)])
        out = np.empty(stored.shape, np.uint8)
        for rows in self._parts():
            out[rows] = self._grey(stored[rows], low, high)
        return Image.fromarray(out)

    def _grey(self, stored: np.ndarray, low: float, high: float) -> np.ndarray:
        values = self.numbers(stored)
        counts = np.isfinite(values)
        with np.errstate(all="ignore"):
            scaled = (values - low) / (high - low) * 255.0 if high > low else values * 0.0
        grey = np.rint(np.where(counts & ~np.isnan(scaled), scaled, 0.0)).clip(0, 255)
        grey = 255.0 - grey if self.inverted else grey
        return np.where(counts, grey, 0.0).astype(np.uint8)

    def _ends(self) -> tuple[float, float]:
        low, high = math.inf, -math.inf
        for rows in self._parts():
            values = self.numbers(self.stored[rows])
            values = values[np.isfinite(values)]
            if values.size:
                low, high = min(low, float(values.min())), max(high, float(values.max()))
        if low > high:
            raise unreadable("holds no numbers that can be shown", code="damaged")
        return low, high

    def _parts(self) -> Iterator[slice]:
        height, width = self.stored.shape
        rows = max(1, AT_ONCE // max(1, width))
        return (slice(start, start + rows) for start in range(0, height, rows))


class ValueSample:
    """Values of all pictures of a set, thinned evenly so that memory does not grow with them."""

    def __init__(self, at_most: int = AT_MOST) -> None:
        self._at_most = at_most
        self._parts: list[np.ndarray] = []
        self._held = self._seen = 0
        self._step = 1
        self._units: set[str] = set()
        self.pictures = 0

    def add(self, values: np.ndarray, unit: str = "") -> None:
        """Count one picture's values, of ``Deep.sample``."""
        kept = values[-self._seen % self._step :: self._step]
        self._seen += len(values)
        self._held += len(kept)
        self._parts.append(kept)
        self._units.add(unit)
        self.pictures += 1
        while self._held > self._at_most:
            whole = np.concatenate(self._parts)[::2]
            self._parts, self._held, self._step = [whole], len(whole), 2 * self._step

    def reading(self) -> Reading:
        """The rule for these pictures. Where nearly all values are one, the ends are all values'.

        All black when there is one value only, or none.
        """
        values = np.concatenate(self._parts) if self._parts else np.zeros(0)
        low, high = (float(one) for one in np.quantile(values, ENDS)) if values.size else (0.0, 0.0)
        if values.size and not high > low:
            low, high = float(values.min()), float(values.max())
        unit = self._units.pop() if len(self._units) == 1 else ""
        return Reading(low=low, high=high, unit=unit, pictures=self.pictures)

    def outside(self, reading: Reading) -> float:
        """The share of the values, 0 to 1, below the black or above the white of a rule."""
        values = np.concatenate(self._parts) if self._parts else np.zeros(0)
        beyond = (values < reading.low) | (values > reading.high)
        return float(beyond.mean()) if values.size else 0.0


def number_words(value: float) -> str:
    """A number for people: whole ones with separators, others with four digits that count."""
    if abs(value) >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.4g}"
