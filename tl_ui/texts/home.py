"""Sentences of the Home page."""

from __future__ import annotations

from tl_ui.texts.numbers import interval, percent

TITLE = "Teach a network to tell your pictures apart"
LEAD = (
    "Bring a few dozen pictures of each class. Thaw takes a network that has learned to see from "
    "very many others, unfreezes the layers you choose, and says honestly how good the result is. "
    "No picture leaves this machine."
)

SAMPLE_TITLE = "Try the sample"
SAMPLE_BODY = (
    "Pictures of good surfaces and of five faults, drawn on this machine in a few seconds. "
    "From here to a trained classifier in about a minute."
)
SAMPLE_GO = "Try the sample"
SAMPLE_OPTIONS = "Options for the sample"
SAMPLE_PER_CLASS = "Pictures per class"
SAMPLE_PER_CLASS_HELP = "There are six classes."
SAMPLE_FAULTS = "Faults to plant, to see what they do to a result"
SAMPLE_WRONG = "Wrong labels"
SAMPLE_WRONG_HELP = "This share of the pictures is put into the folder of another class."
SAMPLE_COPIES = "Near-duplicates"
SAMPLE_COPIES_HELP = "This share of the pictures is almost the same as another one of its class."
SAMPLE_SHORTCUT = "A shortcut"
SAMPLE_SHORTCUT_HELP = (
    "One class carries a sticker, so a network can recognise the sticker instead of the fault."
)
SAMPLE_LIGHT = "A second lighting"
SAMPLE_LIGHT_HELP = "Half of the pictures of every class are taken under another lamp."

NEW_TITLE = "New project"
NEW_BODY = "Bring your own pictures: a zip, a folder, or files class by class."
NEW_FORMATS = "Photos, HEIC, TIFF, DICOM; a folder for each class, or a table of labels."
NEW_LABEL = "Name of the project"
NEW_PLACEHOLDER = "Leaf diseases"
NEW_GO = "Start"

START_MORE = "Start something new"
PROJECTS = "Your projects"
OPEN = "Open"
MENU = "More"
RENAME = "Rename"
RENAME_TITLE = "Rename the project"
RENAME_LABEL = "New name"
RENAME_GO = "Rename"
DELETE = "Delete"
DELETE_TITLE = "Delete the project?"
DELETE_GO = "Delete for good"
KEEP = "Keep it"
NO_PICTURES = "No pictures yet"
NOT_TRAINED = "Not trained yet"
SAMPLE_BADGE = "sample"

WORKING = "At work"
RUNS = "Recent runs"
RUN_OPEN = "Look"

_OUTCOMES = {
    "failed": "Failed",
    "interrupted": "Interrupted, can go on",
    "cancelled": "Cancelled",
    "queued": "Waiting for its turn",
    "starting": "Starting",
    "running": "Running",
    "paused": "Paused",
    "stopping": "Stopping",
    "finished": "Finished",
}


def size(n_images: int, n_classes: int) -> str:
    """Say a size: "240 pictures in 6 classes"."""
    if not n_images:
        return NO_PICTURES
    pictures = "picture" if n_images == 1 else "pictures"
    classes = "class" if n_classes == 1 else "classes"
    return f"{n_images:,} {pictures} in {n_classes} {classes}"


def measured(result: dict[str, object] | None) -> tuple[str, str, str] | None:
    """A run's accuracy: what it was measured on, the value, and its interval; None without one."""
    for part, words in (("test", "test"), ("val", "validation")):
        value = (result or {}).get(f"{part}_accuracy")
        bounds = (result or {}).get(f"{part}_accuracy_ci")
        if isinstance(value, float | int) and isinstance(bounds, list):
            likely = f"likely between {interval(bounds).replace(' to ', ' and ')}"
            return f"Right on {words} pictures", percent(float(value)), likely
    return None


def in_a_line(measured: tuple[str, str, str]) -> str:
    """The same as one sentence, in Markdown."""
    where, value, likely = measured
    return f"**{value}** {where[0].lower()}{where[1:]}, {likely}"


def outcome(state: str) -> str:
    """How a run without a result stands."""
    return _OUTCOMES.get(state, state)


def training(share: float, state: str) -> str:
    """How far a training run is."""
    words = {"paused": "Paused", "stopping": "Stopping", "starting": "Starting"}.get(state, "")
    return words or f"{percent(share)} done"


def ago(seconds: float) -> str:
    """How long ago: "just now", "5 minutes ago", "yesterday", "3 days ago"."""
    for limit, unit, name in ((60, 1, ""), (3600, 60, "minute"), (86_400, 3600, "hour")):
        if seconds < limit:
            n = int(seconds // unit)
            return "just now" if not name else f"{n} {name}{'' if n == 1 else 's'} ago"
    days = int(seconds // 86_400)
    return "yesterday" if days == 1 else f"{days} days ago"


def deletion(n_images: int, n_runs: int, n_active: int) -> str:
    """What is lost with a project."""
    parts = [size(n_images, 0).split(" in ")[0] if n_images else "no pictures"]
    parts.append("1 run" if n_runs == 1 else f"{n_runs} runs")
    running = " Work on it is stopped." if n_active else ""
    return (
        f"Its {parts[0]} and {parts[1]} with their results are removed and cannot be brought "
        f"back.{running}"
    )
