"""Words of "Would more pictures help?"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tl_core.worth import words
from tl_core.worth.growth import Curve, Growth
from tl_ui.text import plural
from tl_ui.texts.meanings import Meaning
from tl_ui.texts.numbers import duration, interval, percent

TITLE = "Would more pictures help?"
INTRO = (
    "Measured by leaving pictures out: heads learn from fewer and fewer of your pictures, and the "
    "curve of their results is drawn on to more than you have. It takes some seconds once the "
    "pictures were looked at, and no test picture is touched."
)
GO = "Measure"
AGAIN = "Measure again"
STOPPED = "The measurement was stopped."
FAILED = "The curve could not be measured; everything else works without it."
STALE = "The pictures or the network are others since this was measured."
LINK = "Would more pictures help? Measured on the Evaluate page"
MEASURED, FITTED, AHEAD = "Measured", "Fitted", "Looked ahead"
BAND = "Where the curve likely runs (95 %)"
NOW, TWICE = "now", "twice as many"
PICTURES = "Pictures to learn from"
RIGHT = "Right"
HOVER = "%{x:.0f} pictures: %{y:.1%}<extra></extra>"
CLASS, COUNT, FOUND, THEN = "Class", "Pictures", "Found now", "With twice as many"
FOUND_HELP = "Of 100 pictures of this class, how many would be recognised, with the 95 % interval."
THEN_HELP = (
    "When every class grows alike; “cannot say” where the class has too few pictures or its curve "
    "does not carry."
)
ABOUT_CLASSES = "What does this table mean?"


def sentences(found: Growth) -> list[str]:
    """The answer, then which classes."""
    return words.growth_sentences(found)


def share(curve: Curve, which: str) -> str:
    """A cell of the table: "78 % (70 to 84 %)"."""
    value = getattr(curve, which)
    if value is None:
        return words.WHY_SHORT[curve.reason] if which == "twice" else "-"
    return f"{percent(value.value)} ({interval((value.low, value.high))})"


def how(result: Mapping[str, Any], found: Growth) -> str:
    """On what it was measured."""
    part = (
        f"{found.pictures:,} of {found.available:,} pictures that are not for the test (the "
        "classes in their proportions)"
        if found.pictures < found.available
        else f"All {plural(found.pictures, 'picture')} that are not for the test"
    )
    return (
        f"{part}, {found.repeats} parts of every size, seen by {result['title']}. Measured in "
        f"{duration(result['seconds'])}."
    )


def meaning(found: Growth) -> Meaning:
    """Behind the sentence and the figure."""
    curve = found.overall
    smallest = f"{curve.points[0].pictures:.0f}" if curve.points else "a few"
    return Meaning(
        means="How many of 100 new pictures of the same kind would be right if you collected twice "
        "as many as you have, with the range in which that number likely lies. It speaks of "
        "pictures like yours: other cameras, places or subjects can help more.",
        computed=f"{found.repeats} times, a part of the pictures of each of {len(curve.points)} "
        f"sizes, from {smallest} up, taught a linear head on what the network sees; it was judged "
        "on all the others. What belongs together (copies, patients, bursts) was never on both "
        "sides. A curve floor + drop / pictures^c was fitted and followed to twice as many; the "
        "range comes from doing it again on 400 resamples of the pictures. Nothing is said when "
        "two other families of curves lead elsewhere, or when the fit on half of the pictures "
        "fails to foretell what all of them gave.",
        changes="More pictures narrow the range and make an answer possible. Wrong labels, copies "
        "and classes that look alike keep the curve low, however many pictures are added: see the "
        "data check. A larger network or fine-tuning can raise it without any new picture.",
    )


def meaning_classes() -> Meaning:
    """Behind the table of the classes."""
    return Meaning(
        means="For each class: of 100 of its pictures, how many are found now, and how many with "
        "twice as many pictures of every class. The class with the largest gain is the one to "
        "collect for first.",
        computed="From the same heads as above, counting only the pictures of the class and its "
        "own number of pictures. Classes with fewer than 12 pictures, and those whose curve does "
        "not carry, are left without an answer.",
        changes="Collecting pictures of this class, above all of the kind that is mistaken now: "
        "the confusion matrix shows for what.",
    )
