"""Sentences of the Data page."""

from __future__ import annotations

from collections.abc import Sequence

from tl_core.session import ClassRow

PARTS = {"train": "Training", "val": "Validation", "test": "Test"}
ONE_LABEL = "One picture has one label: the name of the folder it lies in."

# -- bringing --------------------------------------------------------------------------------------

EMPTY = "Bring your pictures"
EMPTY_BODY = f"A folder per class is all Thaw needs; it divides and checks them itself. {ONE_LABEL}"
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
ON_DISK = "Or the full path of a folder or zip on this machine"
ON_DISK_HINT = "/data/leaves or C:\\pictures\\leaves.zip"
ON_DISK_GO = "Read it"
SAMPLE_GO = "Use the sample pictures instead"
REPLACE = "Replace the pictures"
REPLACE_NOTE = "The new set takes the place of this one once it is complete; runs stay."

READING = "Reading your pictures"
DRAWING = "Making the sample"
LEAVE = "You may leave this page; it goes on."
KEPT = "The pictures you have stay until the new ones are complete."
DISMISS = "Dismiss"

# -- what is there ---------------------------------------------------------------------------------

VIEW = "Show"
VIEWS = {"classes": "Classes", "pictures": "Pictures", "split": "The split", "left": "Left out"}
N_PICTURES = "Pictures"
N_CLASSES = "Classes"
N_LEFT = "Left out"
CLASS = "Class"
TOTAL = "All"
BALANCE_MOST = 30  # classes in the chart
ALL_CLASSES = "All classes"
ALL_PARTS = "All"
PART = "Part"
NOTHING_SHOWN = "No picture of this class is in this part."
FILE = "File"
REASON = "Why it was left out"
CSV = "Download the list"
CSV_NAME = "left-out.csv"
NOTHING_LEFT = "Every file was taken in."


def arrived(n_pictures: int, n_left: int) -> str:
    """What a finished intake brought."""
    pictures = "1 picture is" if n_pictures == 1 else f"{n_pictures:,} pictures are"
    left = (
        "" if not n_left else f" {n_left:,} {'file was' if n_left == 1 else 'files were'} left out."
    )
    return f"{pictures} here.{left}"


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


def shown(first: int, last: int, of: int) -> str:
    """Which pictures are on the screen."""
    return (
        f"{first:,} to {last:,} of {of:,} pictures" if of > last - first + 1 else f"{of:,} pictures"
    )


def left_out(n_files: int) -> str:
    """How many files were left out."""
    if n_files == 1:
        return "1 file was left out; nothing else is affected."
    return f"{n_files:,} files were left out; nothing else is affected."
