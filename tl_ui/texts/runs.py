"""Runs in words: where one stands, when it was started, what it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, tzinfo

from tl_core.session import RunRow
from tl_ui.text import STATES
from tl_ui.texts.numbers import percent

PICK = "Run"
PICK_HELP = "Every training of this project, the newest first."
NEW = "New run with the settings as they are now"
IN_PROGRESS = "in progress"  # the list is not drawn anew with every step of the run
NO_RUN = "No training run of this project has finished yet."
NO_RUN_HINT = "Train first; what it learned is judged here."


def line(row: RunRow, zone: tzinfo | None) -> str:
    """One run in a list: "ResNet-18, head only · 86 % on validation · 20 Nov 14:05"."""
    when = datetime.fromtimestamp(row.created_at, zone).strftime("%d %b %H:%M").lstrip("0")
    return f"{row.name} · {standing(row)} · {when}"


def standing(row: RunRow) -> str:
    """Where a run stands, or how good it became."""
    if row.state == "finished" and row.result and row.result.get("val_accuracy") is not None:
        return f"{percent(row.result['val_accuracy'])} on validation"
    return IN_PROGRESS if row.active else STATES.get(row.state, row.state)


def distinct(names: Mapping[str, str]) -> dict[str, str]:
    """Number the names that occur more than once: a list of choices is told apart by its words."""
    seen: Counter[str] = Counter()
    found: dict[str, str] = {}
    for key, name in reversed(list(names.items())):  # the oldest keeps its plain name
        seen[name] += 1
        found[key] = name if seen[name] == 1 else f"{name} ({seen[name]})"
    return {key: found[key] for key in names}
