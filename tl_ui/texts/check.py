"""Words of the data check on the Data page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tl_ui.text import plural
from tl_ui.texts.numbers import duration

TITLE = "Data check"
HELP = (
    "Looks for copies, copies in two classes or on both sides of the split, labels that are "
    "probably wrong, shortcuts a network could take, uneven classes and pictures that stand out. "
    "Nothing is changed before you say so, and every change can be undone."
)
UNCHECKED = (
    "Find copies, probably wrong labels, shortcuts and odd pictures before you train on them."
)
GO = "Check the pictures"
AGAIN = "Check again"
STALE = "The pictures were changed since they were checked."
FAILED = "The check could not be finished."
CLEAN = "Nothing was found."
NOT_JUDGED = "Labels were not judged: there are too few pictures."
TITLES = {
    "across_classes": "One picture, two classes",
    "leak": "Copies on both sides of the split",
    "copies": "Copies",
    "gap": "The gap",
    "one_group": "A class that cannot be judged",
    "wrong_labels": "Probably wrong labels",
    "shortcut": "A shortcut",
    "too_few": "Too few pictures",
    "imbalance": "Uneven classes",
    "subgroups": "One kind of picture is missing",
    "series": "File names look like series",
    "dark": "Dark pictures",
    "bright": "Overexposed pictures",
    "blurry": "Blurred pictures",
    "low_information": "Empty pictures",
    "odd_shape": "Odd shapes",
    "odd_size": "Odd sizes",
}
ICONS = {
    "problem": ":red[:material/error:]",
    "warning": ":orange[:material/warning:]",
    "info": ":blue[:material/info:]",
}
PER_PAGE = 12  # pictures with a choice beside each
GROUPS_SHOWN = 12  # groups of copies
ALL = "Choose all on this page"
RELABEL = "Give the chosen the other class"
EXCLUDE_CHOSEN = "Leave the chosen out"
EXCLUDE_COPIES = "Leave the spare copies out"
EXCLUDE_MIXED = "Leave all of these out"
CHOOSE_CLASS = "Choose their class"
EXCLUDE_LEAK = "Leave the training copies out"
TOGETHER = "Divide again, copies kept together"
TOGETHER_SERIES = "Divide again, each series kept together"
DONE = "Every one of these is dealt with."
NOTHING_CHOSEN = "Choose at least one picture first."


def found(counts: Mapping[str, int]) -> str:
    """How many findings of each severity, in words."""
    parts = [
        f"{counts[one]} {words if counts[one] == 1 else several}"
        for one, words, several in (
            ("problem", "problem", "problems"),
            ("warning", "thing to look at", "things to look at"),
            ("info", "thing good to know", "things good to know"),
        )
        if counts.get(one)
    ]
    return ", ".join(parts) if parts else CLEAN


def checked(result: Mapping[str, Any]) -> str:
    """What was checked, and how well the judge knows the classes."""
    told = f"{result['pictures']:,} pictures in {duration(result['seconds'])}."
    if not result["judged"]:
        return f"{told} {NOT_JUDGED}"
    return (
        f"{told} Labels were judged by a network that had not seen them: it gives "
        f"{result['accuracy'] * 100:.0f} % of the pictures the same class as you. Test pictures "
        "are not judged."
    )


def excluded(n: int) -> str:
    """Title of a change that left pictures out."""
    return f"{plural(n, 'picture')} left out"


def relabelled(n: int) -> str:
    """Title of a change that gave pictures another class."""
    return f"{plural(n, 'picture')} given another class"


def together(n: int) -> str:
    """Title of a change that kept copies together."""
    return f"{n:,} {'group' if n == 1 else 'groups'} of copies kept together, divided again"


def together_series(n: int) -> str:
    """Title of a change that kept series of file names together."""
    return f"{n:,} series of files kept together, divided again"


def more_groups(n: int) -> str:
    """How many groups are not shown."""
    return f"{n:,} more {'group is' if n == 1 else 'groups are'} not shown."


def group(number: int, caption: str) -> str:
    """Caption of a picture in a group of copies."""
    return f"{number} · {caption}"
