"""Words of the comparison of layer choices on the Layers page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tl_ui.texts.layers import PRESETS, PROBES
from tl_ui.texts.meanings import Meaning
from tl_ui.texts.numbers import duration, interval, percent

TITLE = "Which layers suit these pictures"
MEASURING = "The heads that open no block are being compared on your training pictures."
UNASKED = (
    "Whether opening blocks does better can be measured too: they are trained on parts of your "
    "training pictures and judged on the parts they have not seen. Validation and test pictures "
    "take no part."
)
GO = "Compare with opened blocks"
AGAIN = "Compare again"
HEADS = "Compare the heads"
STALE = (
    "The pictures, the model or what it sees of a picture were changed since opened blocks were "
    "compared."
)
DIFFERENT = (
    "Your pictures look different from those the model learned from, so the first block took part."
)
AS_COMPARED = {"train.lr": None, "train.epochs": None, "train.views": None}  # chosen for the layers
FAILED = "The choices could not be compared."
CANCELLED = "The comparison was stopped."


def name(layers: str) -> str:
    """A choice of layers as the page calls it."""
    if layers in PROBES:
        return PROBES[layers]
    if layers.startswith("last:"):
        n = int(layers.removeprefix("last:"))
        return PRESETS["last"] if n == 1 else f"Last {n} blocks"
    return PRESETS.get(layers, layers)


def at_most(seconds: float | None) -> str:
    """How long it will take, before it is asked for."""
    if seconds is None:
        return "It takes some minutes; you may go on meanwhile."
    return f"At most about {duration(seconds)}; you may go on meanwhile."


def use(layers: str) -> str:
    """The button that takes the choice over."""
    return f"Use {name(layers)}"


def verdict(found: Mapping[str, Any]) -> str:
    """What came out, in one or two sentences."""
    chosen, best = str(found["chosen"]), str(found["best"])
    rows = {one["layers"]: one for one in found["raced"]}
    told = (
        f"**{name(chosen)}** suits these pictures: {percent(rows[chosen]['accuracy'])} right on "
        "training pictures it had not seen."
    )
    if best != chosen:
        gain = rows[best]["accuracy"] - rows[chosen]["accuracy"]
        points = f"{100 * gain:.1f} points" if gain >= 0.0005 else "not a picture"
        told += f" {name(best)} came out {points} ahead, which is within chance, and costs more."
        return told
    apart, alike = _others(found)
    if alike:
        told += f" {_listed(alike)} cannot be told apart from it."
    if apart and not alike:
        told += " All others are behind it."
    return told


def note(one: Mapping[str, Any], folds: int) -> str:
    """Beside a bar: the time of one training, and whether it left early."""
    ran = len(one["right"])
    time = f"{duration(one['seconds'])} a training"
    if one["left"]:
        return f"{time}; left after {ran} of {folds}: no gain to be seen"
    return time


def bar(one: Mapping[str, Any]) -> str:
    """A bar in words."""
    return f"{name(one['layers'])}: {percent(one['accuracy'])}, likely {interval(one['interval'])}"


def measured(found: Mapping[str, Any]) -> str:
    """On what and how long."""
    part = "" if found["pictures"] == found["of"] else f" of {found['of']:,}"
    told = (
        f"{found['pictures']:,}{part} training pictures in {found['folds']} parts, "
        f"{duration(found['seconds'])}, {found['title']}."
    )
    return f"{told} {DIFFERENT}" if found.get("looks_different") else told


def meaning(found: Mapping[str, Any]) -> Meaning:
    """The three answers."""
    n = int(found["pictures"])
    return Meaning(
        means="How often each choice is right about pictures like yours that it was not trained "
        "on. The line around it is where the true number likely lies.",
        computed=f"The {n:,} training pictures were dealt into {found['folds']} parts, what "
        "belongs together on one side. Each choice was trained on all parts but one and judged on "
        "that one, in turn. A dearer choice leaves when it is clearly behind after one part, or "
        "not ahead after two. The cheapest choice within one standard error of the best is taken, "
        "and of the heads that are solved at once, which cost seconds, the better one. Differences "
        "use the interval of Nadeau and Bengio, because the trainings share pictures, and never a "
        "narrower one than so few pictures allow (Tango).",
        changes="More training pictures make the lines shorter. Other pictures, another model or "
        "another picture size can change the order.",
    )


def _others(found: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Choices that are shown to be worse than the one taken, and those not told apart from it."""
    apart, alike = [], []
    for one in found["raced"]:
        if one["layers"] == found["chosen"]:
            continue
        gain = found["gains"].get(one["layers"])
        if one["left"] or (gain is not None and gain["high"] < 0):
            apart.append(name(one["layers"]))
        else:
            alike.append(name(one["layers"]))
    return apart, alike


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
