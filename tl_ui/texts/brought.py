"""Sentences about a classifier that somebody exported and that was brought here."""

from __future__ import annotations

from collections.abc import Sequence

from tl_core.export.brought import Scores
from tl_ui.text import plural
from tl_ui.texts.numbers import interval, percent

TITLE = "Somebody sent you a classifier?"
BODY = (
    "Bring the bundle that Export has written, as it is: it answers your pictures at once, and can "
    "go on learning from yours. It is checked before it is used; nothing in it is run as a program."
)
UPLOAD = "The bundle's zip, up to 200 MB"
PATH = "Or its path on the machine Thaw runs on"
PATH_HINT = "/home/me/thaw-classifier.zip"
GO = "Bring it"
NOTHING = "Choose the zip of a bundle, or give the path of its zip or folder."
UNNAMED = "Classifier"
CHECKING = "The classifier is being checked"

WHO = "Who answers"
ANSWERERS = {"run": "A run of this project", "brought": "The classifier that was brought"}

CHANGED = (
    "Its files are not those its certificate speaks of: somebody changed them after it was "
    "exported. Ask who sent it before you trust its answers."
)
UNCERTIFIED = "It has no certificate: whether it answers as it did where it was made is not known."
NO_SCORES = "How good it was where it was made, it does not say. Try it on pictures you know."
CARD = "Its model card"
CARD_NOTE = "As its maker wrote it; nobody here has checked what it says."
TEACH = "Teach it more with your own pictures"
TEACH_HELP = (
    "Bring labelled pictures on the Data page; the Model page then begins with its weights, and a "
    "training goes on from what it knows."
)
NOT_FURTHER = "It can answer, but not learn more here."
EMPTY_BODY = "Bring a photo or use the webcam."

MOST_NAMED = 6
PARTS = {"test": "test", "val": "validation"}


def knows(classes: Sequence[str]) -> str:
    """Its classes: "knows 2 classes: ants and bees"."""
    named = list(classes[:MOST_NAMED])
    more = len(classes) - len(named)
    if more:
        said = f"{', '.join(named)} and {more:,} more"
    else:
        *first, last = named
        said = f"{', '.join(first)} and {last}" if first else last
    return f"knows {plural(len(classes), 'class', 'classes')}: {said}"


def score(found: Scores | None) -> str:
    """How good it was, as it says itself."""
    if found is None:
        return NO_SCORES
    value, *ends = found.accuracy
    part = PARTS[found.split]
    said = (
        f"It says of itself: right on {found.right:,} of {found.n:,} {part} pictures where it was "
        f"made (**{percent(value)}**, likely {interval(ends)}). That holds for pictures like "
        "those; how good it is on yours is not known."
    )
    return said.replace(" %", "\N{NO-BREAK SPACE}%")


def certified(date: str, compared: int) -> str:
    """What its certificate says."""
    head = f"Exported on {date} and unchanged since" if date else "Unchanged since it was exported"
    if not compared:
        return f"{head}."
    return (
        f"{head}; then {plural(compared, 'held-out picture')} got the same answers from these "
        "files as from the program that made it."
    )


def card_text(card: str) -> str:
    """A model card without the block for programs at its top."""
    if card.startswith("---\n"):
        return card.partition("\n---\n")[2].strip() or card
    return card


def card_line(classes: Sequence[str]) -> str:
    """On a project's card on the first page."""
    return f"A classifier that was brought; {knows(classes)}"
