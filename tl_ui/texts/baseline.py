"""What the instant baseline says: how far the network gets before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tl_ui.texts.numbers import duration, interval, percent, right_of

TITLE = "Instant baseline"
HELP = (
    "The best linear answer on what the chosen network already sees, found without training and "
    "judged on the validation pictures. Training has to beat it to be worth its time."
)
MAKING = "Finding out how far the network gets on your pictures without training"
WAITS = "You need not wait for it."
FAILED = "The instant baseline could not be made; everything else works without it."
AGAIN = "Try again"
NOT_HERE = (
    "How far this network gets without training is told here once its weights are on this machine."
)
NOT_OWN = (
    "It is made for published weights only. With weights of your own, the deep probe on the Layers "
    "page tells as quickly what they are worth."
)
ASK = "Make it now"
CANCELLED = "The instant baseline was cancelled."
LARGEST = "always the largest class"


def score(found: Mapping[str, Any]) -> str:
    """The accuracy, for the big number."""
    return percent(found["accuracy"])


def right(found: Mapping[str, Any]) -> str:
    """How many validation pictures were right."""
    n = int(found["n_val"])
    return f"{right_of(round(found['accuracy'] * n), n)} in validation"


def likely(found: Mapping[str, Any]) -> str:
    """Where the true accuracy likely lies."""
    return f"likely {interval(found['ci'])}"


def meaning(found: Mapping[str, Any]) -> str:
    """What the number is worth, in a sentence or two."""
    how = f"Reached in {duration(found['seconds'])} and without training ({found['title']})."
    guess = f"always guessing the largest class gives {percent(found['majority'])}"
    low, high = found["ci"]
    if low > found["majority"]:
        return f"{how} It tells your classes apart already: {guess}."
    if high < found["majority"]:
        return f"{how} It is worse than guessing: {guess}."
    return f"{how} That is not shown to be better than guessing: {guess}."


def bar(found: Mapping[str, Any]) -> str:
    """The bar in words."""
    return (
        f"Accuracy {score(found)}, {likely(found)}; the line of always guessing the largest class "
        f"is at {percent(found['majority'])}."
    )
