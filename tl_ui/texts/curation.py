"""Words of the gallery, of changes to pictures and classes, and of their history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

from tl_core.data.wording import named
from tl_core.jobs.versions import Since
from tl_core.session import ClassRow
from tl_ui.text import plural
from tl_ui.texts.data import PARTS

# -- looking through -------------------------------------------------------------------------------

SHOW = "Show"
SHOWS = {"set": "In the set", "selected": "Selected", "left": "Left out"}
ALL_CLASSES = "All classes"
ALL_PARTS = "All"
PART = "Part"
SEARCH = "File name"
SEARCH_HINT = "part of the name"
ORDER = "Order"
ORDERS = {
    "taken_in": "As brought in",
    "newest": "Brought in last",
    "name": "File name",
    "smallest": "Smallest first",
    "largest": "Largest first",
    "time": "Time of the shot",
}
NOTHING_SHOWN = "No picture is like this."
NOTHING_SELECTED = "Nothing is selected here yet."
NOTHING_LEFT_OUT = "You have left no picture out."
NONE = "Select none"
PICKER = {
    "list": "Pictures on this page",
    "none": "Nothing is selected.",
    "one": "1 picture is selected.",
    "many": "{n} pictures are selected.",
    "page": "{n} of them on this page.",
    "hint": "Click to select, Shift-click for a range, double-click to look closely.",
    "keys": (
        "Keyboard: arrows move, Space selects, Enter opens, Ctrl+A takes the page, Escape lets "
        "it go."
    ),
    "touch": "Tap to select; the button in the corner shows a picture large.",
    "group": "Kept together with others",
    "large": "Look closely",
    "select": "Select",
    "selected": "Selected",
    "back": "Previous",
    "next": "Next",
    "close": "Close",
}
FACTS = {"class": "Class", "part": "Part", "size": "Size", "group": "Kept together", "path": "File"}
PLAIN = "Start Thaw with make run to select single pictures here; all that are shown can be."

# -- what is done with the selection ---------------------------------------------------------------

UNSELECTED = "Nothing is selected."
MOVE = "Move to"
TARGET = "Class"
TARGET_HINT = "Choose, or type a new one"
LEAVE = "Leave out"
RESTORE = "Take in again"
TOGETHER = "Keep together"
TOGETHER_HELP = (
    "Shots of one thing, or of one moment: they and what they are kept with already stay on one "
    "side of the split. The pictures are divided again for it."
)
APART = "They stay in different parts, because your folders give the parts."
NO_TARGET = "Choose a class, or type the name of a new one."

# -- what is done with classes ---------------------------------------------------------------------

CHANGE = "Change the classes"
CHANGES = {"rename": "Rename", "merge": "Merge", "leave": "Leave out"}
CHANGE_NOTE = (
    "To split a class, select some of its pictures and move them to a class of a new name."
)
CLASS = "Class"
NEW_NAME = "New name"
RENAME = "Rename"
NO_NAME = "Type the new name first."
MERGED = "Classes"
MERGED_HINT = "two or more"
INTO = "Become the class"

# -- history ---------------------------------------------------------------------------------------

UNDO = "Undo"
REDO = "Redo"
HISTORY = "History"
NOTHING_YET = "Nothing has been changed."
BROUGHT = "As the pictures were brought"
NOW = "now"
GONE = "undone"
BACK = "Go back"
FORTH = "Go on"
SHOWN = 20  # changes in the list
ELSEWHERE = "Trained on pictures that this list does not lead to:"
ELSEWHERE_SHOWN = 5
AGAIN = "Take its pictures"

# -- left out --------------------------------------------------------------------------------------

FILE = "File"
REASON = "Why it was left out"
CSV = "Download the list"
CSV_NAME = "left-out.csv"
NOTHING_LEFT = "Every file was taken in."
LOOK = "Show them"


def shown(first: int, last: int, of: int) -> str:
    """Which pictures are on the screen."""
    if of > last - first + 1:
        return f"{first:,} to {last:,} of {plural(of, 'picture')}"
    return plural(of, "picture")


def select_all(n: int) -> str:
    """The button that selects everything shown, on all pages."""
    return f"Select all {n:,}"


def selected(classes: Mapping[str, int]) -> str:
    """How many pictures are selected, and of what class."""
    if not classes:
        return UNSELECTED
    total = sum(classes.values())
    if len(classes) == 1:
        return f"{total:,} selected: {next(iter(classes))}"
    ranked = sorted(classes.items(), key=lambda one: (-one[1], one[0]))
    told = [f"{n:,} {label}" for label, n in ranked[:3]]
    rest = len(ranked) - len(told)
    return f"{total:,} selected: {', '.join(told)}" + (f" and {rest} more classes" if rest else "")


def move(n: int) -> str:
    """The button that moves."""
    return f"Move {plural(n, 'picture')}"


def size(width: int, height: int) -> str:
    """A picture's size in pixels."""
    return f"{width:,} × {height:,}"


# -- titles of changes, as the history keeps them --------------------------------------------------


def moved(classes: Mapping[str, int], target: str) -> str:
    """Pictures were given another class; ``classes`` counts them by the one they had."""
    sources = {label: n for label, n in classes.items() if label != target}
    total = sum(sources.values())
    source = next(iter(sources)) if len(sources) == 1 else f"{len(sources)} classes"
    return f"{plural(total, 'picture')} moved from {source} to {target}"


def left_out_of(classes: Mapping[str, int]) -> str:
    """Pictures were left out."""
    total = plural(sum(classes.values()), "picture")
    return (
        f"{total} of {next(iter(classes))} left out" if len(classes) == 1 else f"{total} left out"
    )


def restored(n: int) -> str:
    """Pictures were taken in again."""
    return f"{plural(n, 'picture')} taken in again"


def together(n: int) -> str:
    """Pictures are kept on one side of the split."""
    return f"{plural(n, 'picture')} kept together, divided again"


def renamed(label: str, name: str) -> str:
    """A class has another name."""
    return f"{label} renamed to {name}"


def merged(classes: Sequence[str], name: str) -> str:
    """Several classes became one."""
    sources = [label for label in classes if label != name]
    words = " and ".join(sources) if len(sources) <= 2 else f"{len(sources)} classes"
    return f"{words} merged into {name}"


def class_left_out(label: str, n: int) -> str:
    """A class was left out whole."""
    return f"The class {label} left out with its {plural(n, 'picture')}"


def as_run(name: str) -> str:
    """The set was made what a run had."""
    return f"The pictures as the run {name} had them"


# -- questions and warnings ------------------------------------------------------------------------


def already(target: str) -> str:
    """The selected pictures are of that class."""
    return f"They are all in {target} already."


def means(name: str, target: str) -> str:
    """A typed name differs in capitals only from a class that is there."""
    return f"{target} is there already, and {name} differs only in capitals; they go to {target}."


def would_merge(label: str, n: int, target: str, m: int) -> str:
    """The new name of a class is that of another one."""
    return (
        f"There is a class {target} already, with {plural(m, 'picture')}. The "
        f"{plural(n, 'picture')} of {label} would join it."
    )


def merge_into(label: str, target: str) -> str:
    """The button that says yes to it."""
    return f"Merge {label} into {target}"


def merge(n: int) -> str:
    """The button that merges classes."""
    return f"Merge {n} classes" if n > 1 else "Merge"


def leave_class(label: str, n: int) -> str:
    """The button that leaves a class out."""
    return f"Leave out {label}, {plural(n, 'picture')}"


def emptied(labels: Sequence[str]) -> str:
    """Classes that have no picture left."""
    if len(labels) == 1:
        return f"The class {labels[0]} has no pictures left and is gone. Undo brings it back."
    return f"{len(labels)} classes have no pictures left and are gone. Undo brings them back."


def gaps(rows: Sequence[ClassRow], given: Sequence[str] = ()) -> str:
    """Classes that have no picture in a part that the others have; empty when none.

    Args:
        rows: The classes.
        given: Parts that the folders give.
    """
    told = []
    for part, purpose in (
        ("val", "the best epoch is chosen without it"),
        ("test", "it cannot be judged"),
    ):
        lacking = [row.label for row in rows if not getattr(row, part)]
        if not lacking or len(lacking) == len(rows):
            continue
        what = PARTS[part].lower()
        if len(lacking) == 1:
            told.append(f"{lacking[0]} has no {what} picture, so {purpose}.")
        else:
            told.append(f"{named(lacking)} have no {what} pictures.")
    if told and not {"train", "val"} <= set(given):
        told.append("Divide the pictures again under Split.")
    return " ".join(told)


# -- history in words ------------------------------------------------------------------------------


def when(at: float, zone: tzinfo | None) -> str:
    """The time of a change: "26 Nov 17:20"."""
    return datetime.fromtimestamp(at, zone).strftime("%d %b %H:%M").lstrip("0")


def about_change(at: float, zone: tzinfo | None, n: int) -> str:
    """When it was, and how many pictures it touched."""
    return f"{when(at, zone)} · {plural(n, 'picture')}"


def used(names: Sequence[str]) -> str:
    """Which runs were trained on a state."""
    return f"Used by {named(names)}"


def undone(title: str) -> str:
    """What the undo button says was taken back."""
    return f"Undone: {title}"


def redone(title: str) -> str:
    """What the redo button says was made again."""
    return f"Made again: {title}"


def stepped(steps: int) -> str:
    """The set is in another state of its history."""
    return f"{plural(steps, 'change')} taken back or made again."


def earlier(n: int) -> str:
    """Changes that are not listed."""
    return f"{plural(n, 'earlier change')} not shown."


def since(found: Since) -> str:
    """How the set differs from what a run was trained on; empty when it does not."""
    if found.replaced:
        return "The project has other pictures now; this run still knows its own."
    told = changes(found)
    if not told:
        return ""
    return (
        f"The set has changed since this run: {told}. The run keeps its pictures as they were; "
        "train again to use the changes."
    )


def changes(found: Since) -> str:
    """The changes alone: "2 pictures moved to another class, 3 new"; empty without any."""
    if found.replaced:
        return "the project has other pictures now"
    return ", ".join(
        words
        for n, words in (
            (found.moved, f"{plural(found.moved, 'picture')} moved to another class"),
            (found.left_out, f"{found.left_out:,} left out"),
            (found.added, f"{found.added:,} new"),
            (found.parted, f"{found.parted:,} in another part of the split"),
        )
        if n
    )


# -- what was left out -----------------------------------------------------------------------------


def left_out_help(n_files: int, n_pictures: int) -> str:
    """What the number of those left out is made of."""
    files, pictures = plural(n_files, "file"), plural(n_pictures, "picture")
    return f"{files} that could not be used, {pictures} left out by you."


def left_out_by_you(n: int) -> str:
    """How many pictures the user left out."""
    return f"{plural(n, 'picture')} {'was' if n == 1 else 'were'} left out by you."


def left_out(n_files: int) -> str:
    """How many files were left out."""
    if n_files == 1:
        return "1 file was left out; nothing else is affected."
    return f"{n_files:,} files were left out; nothing else is affected."
