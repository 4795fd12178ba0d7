"""Sentences of the Predict page."""

from __future__ import annotations

from collections.abc import Sequence

from tl_ui.texts.numbers import percent

SOURCE = "Picture from"
SOURCES = {"photo": "Photos", "camera": "Webcam", "held": "Held out", "many": "Many at once"}
PHOTO = "Photos to try, up to 8 at a time"
CAMERA = "Take a photo"
WEBCAM = "Webcam photo"
CAMERA_NOTE = "The browser asks for permission; the photo stays on this machine."
HELD = "Pictures the network has never trained on, one click each."
HELD_NONE = "Every picture of this run was trained on; bring a photo of your own."
TRY = "Try"
OTHERS = "Other pictures"
LOOKING = "The network is looking"
FIRST = "The first picture takes a few seconds longer, until the network is loaded."
EMPTY = "The answer appears here."
EMPTY_BODY = "Bring a photo, use the webcam, or try one of the held-out pictures."
SEEN = "As the network sees it"
MOST_BARS = 5
TOO_MANY = "Only the first 8 photos were taken."

SURE = ((0.95, "Very sure"), (0.8, "Fairly sure"), (0.5, "Leaning towards"))


def verdict(top: Sequence[tuple[str, float]]) -> str:
    """The answer in words: "Fairly sure: scratch, 84 %"."""
    label, p = top[0]
    for least, words in SURE:
        if p >= least:
            return f"{words}: {label}, {percent(p)}"
    if len(top) > 1:
        second = top[1]
        return f"Undecided: {label} {percent(p)}, {second[0]} {percent(second[1])}"
    return f"Undecided: {label}, {percent(p)}"


def likely_ones(top: Sequence[tuple[str, float]], limit: float, promised: float) -> str:
    """The classes that hold the true one as often as promised: "say: hat or dress"."""
    often = f"in {round(100 * promised)} of 100 such pictures"
    names = [label for label, p in top if p >= limit]
    if not names:
        return "No class is likely enough for such a picture: look at it yourself."
    if len(names) == 1:
        return f"One class is enough to be right {often}."
    *first, last = names
    return f"To be right {often}, say: {', '.join(first)} or {last}."


NONE = "None of these"


def none_but(top: Sequence[tuple[str, float]]) -> str:
    """What it would answer if it had to."""
    label, p = top[0]
    return (
        "It is farther from everything the network learned from than pictures of its classes are. "
        f"If it had to choose: {label}, {percent(p)}."
    )


def truth(label: str, answer: str) -> str:
    """Whether a held-out picture was answered rightly."""
    return (
        f"Right: it is labelled {label}." if label == answer else f"Wrong: it is labelled {label}."
    )


def bars(top: Sequence[tuple[str, float]], n_classes: int) -> str:
    """The chart in words."""
    words = ", ".join(f"{label} {percent(p)}" for label, p in top)
    rest = n_classes - len(top)
    if rest <= 0:
        return f"{words}."
    left = max(0.0, 1.0 - sum(p for _, p in top))
    classes = "1 other class" if rest == 1 else f"{rest} other classes"
    return f"{words}; {classes} together {percent(left)}."


def seen(size_px: int) -> str:
    """Caption of the fitted picture."""
    return f"{SEEN}: {size_px} × {size_px} px"
