"""Words of "How much of it is luck?": cross-validation of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tl_core.worth.crossing import FOLDS, Crossing, crossing_sentences
from tl_ui.texts.meanings import Meaning
from tl_ui.texts.numbers import duration, percent

TITLE = "How much of it is luck?"
INTRO = (
    "The scores above come from one small part of your pictures; another part could have said "
    "something else. Cross-validation lets every training and validation picture judge once: "
    f"{FOLDS} networks are trained as this one was, each without a fifth of the pictures, and "
    "answer for those. Test pictures are not touched."
)
MANY = (
    "With {n:,} pictures one split says almost the same as many; this is for certainty's sake, "
    "and takes its time."
)
OPEN = "Judge on all pictures anyway"
GO = "Judge on all pictures"
AGAIN = "Judge again"
GO_ON = "Go on"
MORE = "Divide {n} more times"
STOPPED = "It was stopped. The parts that are done are kept; go on whenever you like."
FAILED = "It could not be done; everything else works without it."
UNKNOWN_TIME = "It takes a few times as long as the training took."
CLASS, COUNT, FOUND = "Class", "Judged", "Found"
FOUND_HELP = "Of the pictures of this class, how many were found, and how far chance reaches"
FOLD, ALL, ONE = "Each part", "All together", "This run's part"
RIGHT = "Right"
ABOUT_CLASSES = "What does this table mean?"


def expected(seconds: float | None) -> str:
    """How long it will take, before the click."""
    if seconds is None:
        return UNKNOWN_TIME
    return (
        f"It takes up to {duration(seconds)} on this machine when nothing else runs. You can close "
        "the page, or stop and go on later."
    )


def many(pictures: int) -> str:
    """Why it is folded away."""
    return MANY.format(n=pictures)


def more(repeats: int) -> str:
    """The button that narrows the interval."""
    return MORE.format(n=repeats)


def sentences(found: Crossing) -> list[str]:
    """What was found, then what it says of the one split."""
    return crossing_sentences(found)


def how(result: Mapping[str, Any], found: Crossing) -> str:
    """On what it was measured."""
    times = "" if found.repeats == 1 else f", {found.repeats} times"
    groups = f" in {found.groups:,} groups" if found.groups < found.pictures else ""
    also = f"; {found.always:,} that belong to one group of their class only taught"
    return (
        f"{found.pictures:,} pictures{groups} in {found.folds} parts{times}; "
        f"{result['title']}, in {duration(result['seconds'])}{also if found.always else ''}."
    )


def meaning(found: Crossing) -> Meaning:
    """Behind the sentences and the figure."""
    epoch = (
        " Which epoch is kept was decided on pictures cut from those a network might see, never on "
        "those it then judged."
        if found.chose
        else ""
    )
    return Meaning(
        means={
            ALL: "How many of 100 new pictures of the same kind a network trained like this one "
            "gets right. Every picture had its say, so this is the steadiest number on a small "
            "set.",
            FOLD: "What one part of the pictures says by itself. How far the dots lie apart is how "
            "far one split can be off by chance.",
            ONE: "What the run's own validation pictures said: the number on top of this page if "
            "there are no test pictures.",
            "Balanced": f"{percent(found.balanced.value)}: the mean over the classes, large or "
            "small.",
        },
        computed=f"The pictures were dealt into {found.folds} parts with every class in its "
        "proportion, and what belongs together (copies, patients, bursts) in one part. For each "
        f"part a network learned from the others with the settings of this run.{epoch} The range "
        "counts that the networks share most of their pictures (Nadeau and Bengio), and is never "
        "narrower than so few pictures allow (Wilson).",
        changes="More pictures narrow the range, and so does dividing them several times anew. "
        "Other settings change the number itself: to choose between many settings by it would "
        "make it too good again.",
    )


def meaning_classes() -> Meaning:
    """Behind the table of the classes."""
    return Meaning(
        means="For each class: of its pictures, how many were found by a network that had not seen "
        "them. It rests on all of them, not only on the few of one part.",
        computed="Right answers over pictures of the class, a mean over the divisions; the range "
        "is Wilson's, with what belongs together counted once.",
        changes="More pictures of the class, above all of the kind that is mistaken: the confusion "
        "matrix shows for what.",
    )
