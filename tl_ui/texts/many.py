"""What the Predict page says about many pictures at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tl_core.evaluate.foreign import Refusal
from tl_core.intervals import wilson
from tl_core.jobs.batches import Answered, Batch
from tl_ui.text import plural
from tl_ui.texts.numbers import interval, percent

TITLE = "Many pictures"
ZIP = "A zip of pictures to answer"
FOLDER = "Or a folder of pictures"
ON_DISK = "Or a folder or zip on the machine Thaw runs on"
ON_DISK_HINT = "/home/me/pictures"
ON_DISK_GO = "Answer"
EARLIER = "Answers"
SHOW = "Show"
EVERYTHING = "All"
NONE = "None of these"
UNSURE = "Unsure"
ERRORS = "Could not be used"
COLUMNS = {
    "picture": "",
    "file": "File",
    "answer": "Answer",
    "probability": "Probability",
    "others": "Next likely",
    "likely": "Likely classes",
    "remark": "Remark",
}
CSV = "Download as CSV"
XLSX = "Download as Excel, with thumbnails"
MAKING = "Make the tables"
REMOVE = "Remove these answers"
REMOVED = "The answers and their pictures were removed"
ONLY_THESE = (
    "The network knows only these classes: a picture of anything else is given one of them too. "
    "A high probability means it is sure, not that it is right."
)
LEARN = "Let it say “none of these”"
LEARN_HELP = (
    "It looks at the pictures it learned from once more (some seconds for hundreds of pictures) "
    "and from then on says when a picture is like none of them, for new questions."
)
KEPT = (
    "Answers and pictures stay with this run until you remove them or the run. Nothing leaves this "
    "machine."
)
NOT_TOLD = "Fewer than 20 pictures: whether they differ from what it learned from cannot be told."
NOT_COMPARED = (
    "Too few held-out pictures were answered like these: whether they differ from what it was "
    "judged on cannot be told."
)
ALIKE = "Nothing says that they differ from the pictures it was judged on."
DIFFERENT = "These pictures are different"


def title(batch: Batch) -> str:
    """What the table is about: "birds.zip: 412 pictures"."""
    n = sum(not one.error for one in batch.rows)
    return f"{batch.name}: {plural(n, 'picture')}"


def earlier(spec: Mapping[str, Any], result: Mapping[str, Any] | None, when: str) -> str:
    """The same of answers that are not read yet, with the time: what was asked, and its result."""
    asked = str(spec.get("name") or spec.get("folder") or "")
    name = asked.replace("\\", "/").rstrip("/").split("/")[-1]
    n = (result or {}).get("pictures", 0) - (result or {}).get("errors", 0)
    return f"{name}: {plural(n, 'picture')}, {when}"


def choices(batch: Batch) -> dict[str, str]:
    """What can be shown, with how many pictures each."""
    rows = batch.rows
    found = {"": f"{EVERYTHING} ({len(rows):,})"}
    for label, n in batch.counts().items():
        found[f"={label}"] = f"{label} ({n:,})"
    for key, words, n in (
        ("none", NONE, sum(one.none for one in rows)),
        ("unsure", UNSURE, sum(one.unsure for one in rows)),
        ("error", ERRORS, sum(bool(one.error) for one in rows)),
    ):
        if n:
            found[key] = f"{words} ({n:,})"
    return found


def matches(one: Answered, choice: str) -> bool:
    """Whether a picture is shown under a choice."""
    if choice.startswith("="):
        return one.answer == choice[1:]
    shown = {"none": one.none, "unsure": one.unsure, "error": bool(one.error)}
    return shown.get(choice, True)


def row(one: Answered) -> Mapping[str, str | float | None]:
    """A row of the table."""
    others = ", ".join(f"{label} {percent(p)}" for label, p in one.top[0 if one.none else 1 :])
    return {
        "file": one.file,
        "answer": NONE if one.none else one.answer,
        "probability": round(100 * one.top[0][1]) if one.top and not one.none else None,
        "others": others,
        "likely": ", ".join(one.likely or ()),
        "remark": one.error or (UNSURE if one.unsure else ""),
    }


def refused(found: Refusal | None) -> str:
    """How often "none of these" is right, in a sentence."""
    if found is None:
        return "“None of these” cannot be said: there are too few validation pictures."
    part = "test" if found.part == "test" else "validation"
    told = (
        f"“None of these” was said of {found.refused:,} of {found.known:,} {part} pictures of the "
        f"known classes, wrongly ({interval(wilson(found.refused, found.known))} of "
        "all such pictures)"
    )
    if not found.foreign:
        return f"{told}."
    return (
        f"{told}; and of {found.found:,} of {found.foreign:,} pictures whose class was treated as "
        "unknown, rightly. Pictures of quite other things are found more often."
    )
