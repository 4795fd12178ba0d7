"""Sentences of the report that no other module says, for a reader who was not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tl_core.evaluate.words import percent

__all__ = [
    "BY",
    "ENDS",
    "SCORES",
    "THIRDS",
    "augmented",
    "kind_name",
    "limits",
    "plural",
    "setting",
    "span",
    "summary",
]

BY = {
    "brightness": "Brightness",
    "sharpness": "Sharpness",
    "side": "Size",
    "shape": "Shape",
    "format": "File type",
    "camera": "Camera",
    "group": "Group",
}
THIRDS = {
    "brightness": {"low": "darkest third", "middle": "middle third", "high": "brightest third"},
    "sharpness": {"low": "least sharp third", "middle": "middle third", "high": "sharpest third"},
    "side": {"low": "smallest third", "middle": "middle third", "high": "largest third"},
}
SCORES = {
    "accuracy": ("Right", "share of pictures"),
    "balanced_accuracy": ("Average over classes", "balanced accuracy"),
    "macro_f1": ("F1", "mean over classes"),
    "macro_auc": ("Area under ROC", "mean over classes; 0.5 is guessing"),
    "top2": ("Among the first two", "share of pictures"),
    "top3": ("Among the first three", "share of pictures"),
    "top5": ("Among the first five", "share of pictures"),
    "log_loss": ("Log loss", "nats a picture; lower is better"),
}
NUMBERS = ("macro_f1", "macro_auc", "log_loss")
ENDS = {
    "completed": "It ran all its epochs.",
    "early_stop": "It ended early, because nothing got better any more.",
    "stopped": "It was stopped by hand; its best epoch was kept.",
    "diverged": "It ended because the loss stopped being a number; its best epoch was kept.",
}
FEW_OF_CLASS = 20  # judged pictures of a class, below which its row says little


def plural(n: int, one: str, several: str = "") -> str:
    """A number with its noun: "1 picture", "1,200 pictures"."""
    return f"{n:,} {one if n == 1 else several or one + 's'}"


def span(seconds: float) -> str:
    """A time as a person says it."""
    if seconds < 90:
        return plural(max(1, round(seconds)), "second")
    if seconds < 90 * 60:
        return plural(round(seconds / 60), "minute")
    return f"{seconds / 3600:.1f} hours"


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names in a row; of many the first."""
    shown = [f"“{one}”" for one in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most:,} more"
    return f"{', '.join(shown[:-1])} or {shown[-1]}" if len(shown) > 1 else "".join(shown)


def summary(
    classes: Sequence[str], n_train: int, network: str, sentences: Sequence[str]
) -> list[str]:
    """What it does and how good it is, in one paragraph."""
    return [
        f"This classifier looks at a picture and says which of {len(classes)} classes it shows: "
        f"{listed(classes)}. It learned from {plural(n_train, 'picture')}, starting from "
        f"{network}.",
        *sentences,
    ]


def score_row(name: str, one: Mapping[str, Any]) -> dict[str, str]:
    """A score as it is written."""
    title, what = SCORES[name]
    low, high = one["ci"]
    if name in NUMBERS:
        value, likely = f"{one['value']:.3f}", f"{low:.3f} to {high:.3f}"
    else:
        value, likely = percent(one["value"]), f"{percent(low)} to {percent(high)}"
    return {"title": title, "what": what, "value": value, "likely": likely}


def kind_name(by: str, value: str) -> str:
    """A kind in words: "Brightness: darkest third"."""
    return f"{BY.get(by, by)}: {THIRDS.get(by, {}).get(value, value)}"


def setting(value: Any) -> str:
    """A setting's value."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == "":
        return "-"
    return f"{value:g}" if isinstance(value, float) else str(value)


def augmented(own: Mapping[str, Any]) -> str:
    """How training pictures were changed at random."""
    told = []
    if own["flip"]:
        told.append("mirrored")
    if own["flip_vertical"]:
        told.append("turned upside down")
    if own["crop"] < 1:
        told.append(f"cropped to no less than {percent(own['crop'])} of their area")
    if own["rotate"]:
        told.append(f"turned by up to {own['rotate']:g} degrees")
    if own["color"]:
        told.append(f"changed in brightness and colour by up to {percent(own['color'])}")
    if own["mixup"]:
        told.append("blended with each other")
    return f"Training pictures were {', '.join(told)}, at random." if told else ""


def limits(body: Mapping[str, Any], *, solved: bool, commercial: bool | None) -> list[str]:
    """What the numbers cannot say, from a judgement (``tl_core.evaluate.report``)."""
    names = body["classes"]
    said = [
        f"It knows {plural(len(names), 'class', 'classes')} and nothing else. A picture of "
        "anything else is given one of these names too, sometimes with high confidence.",
        "The numbers speak of pictures like those it was judged on. Another camera, place, season "
        "or way of preparing the subject can make it worse, and only new pictures can tell.",
    ]
    if body["split"] == "val":
        said.append(
            "There were no test pictures. The validation pictures were not learned from"
            + (
                "."
                if solved
                else ", but they chose the epoch that was kept, so the number is a little too good."
            )
        )
    few = [row for row in body["per_class"] if 0 < row["support"] < FEW_OF_CLASS]
    if few:
        told = ", ".join(f"“{row['class']}” ({row['support']})" for row in few[:8])
        said.append(f"Few pictures judged these classes, so their rows say little: {told}.")
    none = [f"“{row['class']}”" for row in body["per_class"] if not row["support"]]
    if none:
        said.append(f"No picture judged {', '.join(none[:8])}.")
    if body["calibration"]["alarm"]:
        said.append(
            "How sure it says it is cannot be taken at its word; see “How sure it is” above."
        )
    weak = [one for one in body["slices"] if one["clear"] and one["gap"] < 0]
    if weak:
        said.append("It is clearly weaker on some kinds of pictures; see the table above.")
    if commercial is False:
        said.append("The licence of the pretrained network forbids commercial use.")
    elif commercial is None:
        said.append(
            "Whether the pretrained network may be used commercially has to be read in its licence."
        )
    return said
