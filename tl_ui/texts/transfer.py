"""Words of "Does transfer help?"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tl_core.worth import words
from tl_core.worth.transfer import ARMS, Transfer
from tl_ui.text import plural
from tl_ui.texts.meanings import Meaning
from tl_ui.texts.numbers import duration

TITLE = "Does transfer help?"
INTRO = (
    "The honest test of the pretrained network: the same network is trained on your pictures from "
    "scratch, with its own best settings, and both answer for the same pictures that neither has "
    "seen. No test picture is touched."
)
GO = "Run the control"
AGAIN = "Run it again"
GO_ON = "Go on"
STOPPED = "The control was stopped. What was computed is kept; go on whenever you like."
FAILED = "The control could not be run; everything else works without it."
STALE = "The pictures or the network are others since this was measured."
UNKNOWN_TIME = (
    "Training from scratch is slow: expect minutes to hours, depending on the network and this "
    "machine. You can close the page, or stop and go on later."
)
RIGHT = "Right"
SHOWN = ARMS[:4]
NAMES = words.ARM_NAMES


def expected(seconds: float | None) -> str:
    """How long it will take, before the click."""
    if seconds is None:
        return UNKNOWN_TIME
    return (
        f"It takes up to {duration(seconds)} on this machine when nothing else runs, because "
        "training from scratch is slow. You can close the page, or stop and go on later."
    )


def sentences(found: Transfer) -> list[str]:
    """The verdict, then equal time and equal epochs."""
    return words.transfer_sentences(found)


def how(result: Mapping[str, Any], found: Transfer) -> str:
    """On what it was measured."""
    part = (
        f"{found.pictures:,} of {found.available:,} pictures that are not for the test (the "
        "classes in their proportions)"
        if found.pictures < found.available
        else f"All {plural(found.pictures, 'picture')} that are not for the test"
    )
    return (
        f"{part}, at {found.image_px} px on both sides; {result['title']}. {found.repeats} times "
        f"{found.folds} folds in {duration(result['seconds'])}."
    )


def meaning(found: Transfer) -> Meaning:
    """Behind the verdict and the bars."""
    return Meaning(
        means="Whether what the network learned before, on other pictures, is worth something for "
        "yours. “Helps” and “hurts” are only said when chance alone can hardly explain the "
        "difference; otherwise it cannot be told with so few pictures.",
        computed=f"{found.repeats} times the pictures were dealt into {found.folds} folds, with "
        "what belongs together in one. For each fold both sides learned from the others: the "
        "pretrained network with the deep probe, and the same network from random weights, tuned "
        f"beforehand over {found.tried} settings (best: rate {found.lr:g}, {found.epochs} epochs). "
        f"The {found.folds * found.repeats} differences give the interval, widened because folds "
        "share their pictures (Nadeau and Bengio), and never narrower than so few pictures allow "
        "(Tango). “Most similar pictures” answers with what the "
        "five nearest pictures are, as the pretrained network sees them.",
        changes="More pictures narrow the interval, and usually shrink the gain: from scratch "
        "catches up as pictures are added. Pictures nearer to what the network was trained on, or "
        "another network, change the gain itself.",
    )
