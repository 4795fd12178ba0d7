"""File names that say what belongs together: ``patient012_img3``, ``P17-2``, ``vid3_0007``.

Such a name has two numbers: of the series (a patient, a plant, a video) and of the picture in it.
Names written by cameras and download pages look alike and mean nothing of the kind, so a pattern
counts only where nearly all names follow it, most series have several pictures, and every class has
several series. Even then it is a guess, to be offered and never taken for granted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

__all__ = ["series_of"]

NAME = re.compile(
    r"(?P<series>(?P<word>[a-z]*)[-_ ]?(?P<number>\d+))[-_. ]+(?P<shot>[a-z]*[-_ ]?\d+)",
    re.IGNORECASE,
)
DATE = re.compile(r"(19|20)\d{2}(\d{2}){0,2}")  # a year, a month or a day: no series, a calendar
NEARLY_ALL = 0.8  # of the pictures, in series of two or more
FEWEST = 4  # series of two or more
MOST = 0.5  # of all pictures in one series


def series_of(paths: Sequence[str], labels: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Series of two pictures or more by name, as positions; empty where names follow no pattern.

    Where two classes have a picture of the very same name, numbers begin anew in each class, and a
    series is one of its class; otherwise one series may hold pictures of several classes.

    Args:
        paths: Relative names; only the last part is read.
        labels: The class of each.
    """
    stems = [path.rsplit("/", 1)[-1].rsplit(".", 1)[0].strip() for path in paths]
    matches = [NAME.fullmatch(stem) for stem in stems]
    classes_of: dict[str, set[str]] = {}
    for stem, match, label in zip(stems, matches, labels, strict=True):
        if match:
            classes_of.setdefault(stem.lower(), set()).add(label)
    anew = any(len(several) > 1 for several in classes_of.values())
    found: dict[str, list[int]] = {}
    for position, (match, label) in enumerate(zip(matches, labels, strict=True)):
        if match and not DATE.fullmatch(match["number"]):
            name = f"{match['series']} of {label}" if anew else match["series"]
            found.setdefault(name.lower(), []).append(position)
    several = {name: tuple(ats) for name, ats in found.items() if len(ats) > 1}
    return several if _convincing(several, found, labels) else {}


def _convincing(
    several: dict[str, tuple[int, ...]], found: dict[str, list[int]], labels: Sequence[str]
) -> bool:
    sizes = [len(positions) for positions in several.values()]
    if len(sizes) < FEWEST or sum(sizes) < NEARLY_ALL * len(labels):
        return False
    if max(sizes) > MOST * len(labels):
        return False
    per_class = Counter(
        label for positions in found.values() for label in {labels[at] for at in positions}
    )
    return all(per_class[label] >= 2 for label in set(labels))
