"""What a drift says, in plain words; for pages and the command line alike. No numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tl_core.evaluate.drift import Drift

__all__ = ["drift_sentences"]

WORDS = {
    "brightness": ("are brighter", "are darker"),
    "sharpness": ("have more fine detail", "are blurrier or smoother"),
    "colour": ("have warmer colours", "have cooler colours"),
    "distance": (
        "are less like anything it learned from",
        "are more like what it learned from (perhaps the same pictures)",
    ),
}


def drift_sentences(found: Sequence[Drift]) -> list[str]:
    """What differs and what to do; [] when nothing does."""
    if not found:
        return []
    told = [WORDS[one.measure][0 if one.higher else 1] for one in found if one.measure in WORDS]
    *first, last = told
    what = f"{', '.join(first)} and {last}" if first else last
    return [
        f"Compared with the held-out pictures of this run, these {what}.",
        "Its scores were measured on those and may not hold here: check some answers by eye, and "
        "train again with pictures like these if they are wrong.",
    ]
