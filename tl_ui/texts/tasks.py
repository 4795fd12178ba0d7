"""Sentences about short work in the background: waiting, how far, cancelled."""

from __future__ import annotations

CANCEL = "Cancel"
CANCELLING = "Stopping…"
STARTING = "Starting"
WAITING = "Waiting for its turn"

_KINDS = {
    "train": "Training",
    "import": "Reading pictures",
    "sample": "Drawing the sample pictures",
    "download": "Downloading weights",
    "export": "Writing the export",
    "predict": "Looking at your picture",
    "report": "Writing the report",
    "preview": "Preparing a preview",
    "advise": "Measuring networks on your pictures",
    "bring_bundle": "Checking a classifier",
    "baseline": "Making the instant baseline",
    "describe": "Looking into the network",
    "explain": "Looking for the reasons",
    "check": "Checking the pictures",
    "choose_layers": "Comparing choices of layers",
    "compare_heads": "Comparing the heads that are solved at once",
    "measure": "Measuring this machine",
    "control": "Comparing with training from scratch",
    "cross_validate": "Judging on all pictures, part by part",
    "learning_curve": "Measuring with fewer pictures",
    "check_weights": "Trying the weights file",
    "lr_find": "Trying learning rates",
    "judge": "Judging the run anew",
    "familiar": "Learning when to say none of these",
    "predict_many": "Answering many pictures",
    "map": "Drawing the map of the pictures",
}


def kind(name: str) -> str:
    """What a piece of work does: "Reading pictures"."""
    return _KINDS.get(name, name.capitalize())


def waiting(place: int | None) -> str:
    """Where a queued task stands."""
    if place is None or place <= 1:
        return f"{WAITING}: next in the queue."
    return f"{WAITING}: {place - 1} before it in the queue."


def how_far(stage: str, done: int, total: int, *, megabytes: bool = False) -> str:
    """Say it as "Reading the pictures: 120 of 240"."""
    if megabytes:
        if total <= 0:
            return stage
        return f"{stage}: {done / 1e6:,.0f} of {total / 1e6:,.0f} MB"
    return f"{stage}: {done:,} of {total:,}" if total > 0 else stage
