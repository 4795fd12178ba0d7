"""Words of the data check on the Data page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tl_core.check.findings import TITLES as TITLES
from tl_core.check.findings import DataFinding
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
HARMLESS = "Nothing is changed before you say so."
GO = "Check the pictures"
AGAIN = "Check again"
LOOK = "Look at them"
CHECKING = "Looking at every picture."
WAITS = "You need not wait for it."
UNMADE = "These pictures were not checked yet."
AT_WORK = "The check is at work; what it finds stands here once it is done."
STALE = "The pictures were changed since they were checked."
FAILED = "The check could not be finished."
CLEAN = "Nothing was found."
NOT_JUDGED = "Labels were not judged: there are too few pictures."
ICONS = {
    "problem": ":red[:material/error:]",
    "warning": ":orange[:material/warning:]",
    "info": ":blue[:material/info:]",
}
LINES = 4  # kinds of findings named in the card
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


def title(result: Mapping[str, Any] | None) -> str:
    """The head of the card: what was checked, once it was."""
    if result is None:
        return TITLE
    return f"{TITLE} · {result['pictures']:,} pictures in {duration(result['seconds'])}"


def counted(findings: Sequence[DataFinding]) -> str:
    """How many findings of each severity, in words."""
    counts = Counter[str](one.severity for one in findings)
    parts = [
        f"{counts[one]} {words if counts[one] == 1 else several}"
        for one, words, several in (
            ("problem", "problem", "problems"),
            ("warning", "thing to look at", "things to look at"),
            ("info", "thing good to know", "things good to know"),
        )
        if counts[one]
    ]
    return ", ".join(parts) if parts else CLEAN


def titles(findings: Sequence[DataFinding]) -> list[str]:
    """A line for each kind of finding, the gravest first; what is over ``LINES`` in one line."""
    kinds = Counter((one.severity, one.kind) for one in findings)
    lines = [
        f"{ICONS[severity]} {TITLES[kind]}" + (f" ({n})" if n > 1 else "")
        for (severity, kind), n in kinds.items()
    ]
    if len(lines) <= LINES:
        return lines
    return [*lines[: LINES - 1], f"and {len(lines) - LINES + 1} more kinds"]


def judged(result: Mapping[str, Any]) -> str:
    """How well the judge of the labels knows the classes."""
    if not result["judged"]:
        return NOT_JUDGED
    return (
        "Labels were judged by a network that had not seen them: it gives "
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
