"""Sentences of the Data page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tl_core.session import ClassRow

PARTS = {"train": "Training", "val": "Validation", "test": "Test"}
PARTS_SHORT = {"train": "Train", "val": "Val", "test": "Test"}  # heads of narrow columns
ONE_LABEL = "One picture has one label: the name of its folder, or what a table says."

# -- bringing --------------------------------------------------------------------------------------

EMPTY = "Bring your pictures"
EMPTY_BODY = (
    "A folder per class is all Thaw needs, or a table that names the class of each picture; it "
    f"divides and checks them itself. {ONE_LABEL}"
)
EXPECTED = "What it looks like inside"
EXPECTED_ROOT = "my pictures"
EXPECTED_ROWS = (("ants", 5), ("bees", 4), ("wasps", 5))
EXPECTED_NOTE = (
    "About 20 pictures per class is enough to begin. Folders named train, val and test are "
    "used as they are. Anything that is no picture is left out and listed with its reason."
)
EXPECTED_ALT = (
    "A folder called my pictures holds the folders ants, bees and wasps; each holds the pictures "
    "of its class."
)
SMALL_ZIP = "A zip or tar of class folders"
SMALL_FOLDER = "Or a folder of class folders"
SMALL_NOTE = (
    "Up to 200 MB this way. Larger sets: start Thaw with make run, or name a folder on this "
    "machine below."
)
SMALL_GO = "Bring in this folder"
ON_DISK = "Or a folder, zip or table on this machine"
ON_DISK_HINT = "Full path: /data/leaves or C:\\leaves.zip"
ON_DISK_GO = "Read it"
SAMPLE_GO = "Use the sample pictures instead"
MORE = "Add pictures or bring another set"
MODE = "What to do with them"
MODES = {"add": "Add to this set", "replace": "Replace it"}
MODE_NOTES = {
    "add": (
        "Pictures that are here keep their class and their part; the new ones are divided in the "
        "same shares. New classes appear by themselves. It can be undone."
    ),
    "replace": "The new set takes the place of this one once it is complete; runs stay.",
}
INTO = "Or single pictures into a class"
INTO_HINT = "Choose a class or type a new one"

READING = "Reading your pictures"
DRAWING = "Making the sample"
LEAVE = "You may leave this page; it goes on."
KEPT = "The pictures you have stay until the new ones are complete."
DISMISS = "Dismiss"

# -- what is there ---------------------------------------------------------------------------------

VIEW = "Show"
VIEWS = {
    "check": "Check",
    "classes": "Classes",
    "pictures": "Pictures",
    "split": "Split",
    "left": "Left out",
}
FIRST = "classes"  # the view of a page that is opened
TAKEN_IN = "What was taken in"
BUSY = "Pictures are coming in; they can be checked once they are here."
N_PICTURES = "Pictures"
N_CLASSES = "Classes"
N_LEFT = "Left out"
CLASS = "Class"
TOTAL = "All"
BALANCE_MOST = 30  # classes in the chart


def arrived(result: Mapping[str, Any]) -> str:
    """What a finished intake brought."""
    pictures, quarantined = int(result.get("pictures", 0)), int(result.get("quarantined", 0))
    added, known = result.get("added"), int(result.get("known", 0))
    words = "1 picture is" if pictures == 1 else f"{pictures:,} pictures are"
    told = [f"{words} here."]
    if added is not None:
        told = ["1 picture was added." if added == 1 else f"{added:,} pictures were added."]
    if known:
        told.append(f"{known:,} {'was' if known == 1 else 'were'} here already.")
    if quarantined:
        files = "file was" if quarantined == 1 else "files were"
        told.append(f"{quarantined:,} {files} left out.")
    return " ".join(told)


def into(label: str) -> str:
    """The uploader of single pictures for a class."""
    return f"Pictures of {label}"


def balance(rows: Sequence[ClassRow]) -> str:
    """The chart of class sizes in words."""
    ordered = sorted(rows, key=lambda row: (row.total, row.label))
    least, most = ordered[0], ordered[-1]
    if least.total == most.total:
        return f"Every class has {most.total:,} pictures."
    words = (
        f"The largest class is {most.label} with {most.total:,} pictures, the smallest "
        f"{least.label} with {least.total:,}."
    )
    if most.total >= 3 * max(1, least.total):
        words += " With classes this uneven, read the results class by class."
    return words


def shortened(n_classes: int) -> str:
    """Which classes the chart shows when there are many."""
    return f"The {BALANCE_MOST} largest of {n_classes} classes; the table lists all."
