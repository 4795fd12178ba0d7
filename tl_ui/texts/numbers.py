"""Numbers as a person says them: counts, shares with their interval, time, memory, rates."""

from __future__ import annotations

from collections.abc import Sequence

from tl_core.evaluate.words import percent

__all__ = [
    "clock",
    "count",
    "duration",
    "interval",
    "memory",
    "milliseconds",
    "percent",
    "rate",
    "right_of",
    "storage",
]

MINUTE_S = 60
HOUR_S = 3600
DAY_S = 86_400


def count(number: int) -> str:
    """A whole number: "5,130" below a million, "5.03 million" from there on."""
    if abs(number) < 1_000_000:
        return f"{number:,}"
    millions = number / 1_000_000
    return f"{millions:.2f} million" if millions < 10 else f"{millions:,.0f} million"


def duration(seconds: float) -> str:
    """A span of time, rounded as far as anybody trusts it: "40 seconds", "3 minutes"."""
    if seconds < 1.5:
        return "1 second"
    if seconds < 10:
        return f"{round(seconds)} seconds"
    if seconds < 1.5 * MINUTE_S:
        return f"{round(seconds / 5) * 5} seconds"
    if seconds < 1.5 * HOUR_S:
        return f"{round(seconds / MINUTE_S)} minutes"
    if seconds < 1.5 * DAY_S:
        hours = round(seconds / HOUR_S * 2) / 2
        return f"{hours:g} hours"
    return f"{round(seconds / DAY_S)} days"


def clock(seconds: float) -> str:
    """A measured span: "0:42", "12:05", "1:02:09"."""
    whole = round(seconds)
    hours, rest = divmod(whole, HOUR_S)
    minutes, left = divmod(rest, MINUTE_S)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def memory(megabytes: float) -> str:
    """An amount of memory (10^6 bytes): "120 MB", "1.4 GB"."""
    if megabytes < 950:
        step = 10 if megabytes >= 100 else 5
        return f"{max(step, round(megabytes / step) * step)} MB"
    return f"{megabytes / 1000:.1f} GB"


def storage(megabytes: float) -> str:
    """A measured size (10^6 bytes): "0.4 MB", "38 MB", "1.4 GB"."""
    if megabytes >= 950:
        return f"{megabytes / 1000:.1f} GB"
    return f"{megabytes:.0f} MB" if megabytes >= 9.5 else f"{max(megabytes, 0.1):.1f} MB"


def milliseconds(value: float) -> str:
    """A short time: "0.3 ms", "12 ms", "1.4 s"."""
    if value >= 950:
        return f"{value / 1000:.1f} s"
    return f"{value:.0f} ms" if value >= 9.5 else f"{max(value, 0.01):.2g} ms"


def rate(value: float) -> str:
    """A learning rate without exponent: "0.01", "0.0003", "0.000003"."""
    return f"{value:.12f}".rstrip("0").rstrip(".") if value < 1 else f"{value:g}"


def interval(bounds: Sequence[float]) -> str:
    """The two ends of an interval of a share: "75 to 93 %"."""
    low, high = bounds
    if percent(low) == percent(high):
        return percent(low)
    return f"{percent(low).removesuffix(' %')} to {percent(high)}"


def right_of(right: int, n: int) -> str:
    """How many were right: "49 of 57 right"."""
    return f"{right:,} of {n:,} right"
