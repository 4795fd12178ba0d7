"""Runs in words: where one stands, when it was started, what it was."""

from __future__ import annotations

from datetime import datetime, tzinfo

from tl_core.session import RunRow
from tl_ui.text import STATES
from tl_ui.texts.numbers import percent

PICK = "Run"
PICK_HELP = "Every training of this project, the newest first."
NEW = "New run with the settings as they are now"
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
    if row.place is not None:
        return f"number {row.place} in the queue"
    return STATES.get(row.state, row.state)
