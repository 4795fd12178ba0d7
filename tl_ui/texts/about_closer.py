"""What the numbers of "Look closer" mean, how they are computed, what would change them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tl_core.evaluate.confidence import FEWEST
from tl_core.evaluate.scores import DRAWS
from tl_core.evaluate.slices import FEWEST as KIND_FEWEST
from tl_ui.texts import closer as text
from tl_ui.texts.meanings import Meaning

__all__ = ["kinds", "one_class", "reliability", "scores", "sets"]


def scores(report: Mapping[str, Any]) -> Meaning:
    """The table of scores."""
    names = text.NAMES
    means = {
        names["accuracy"]: "The share of pictures answered rightly.",
        names["balanced_accuracy"]: "Every class counts the same, however many pictures it has.",
        names["macro_f1"]: "High only where classes are found and answers are right when given.",
        names["macro_auc"]: "How often a picture of a class gets a higher probability for it than "
        "a picture of another class does: 0.5 is guessing, 1 is perfect.",
        names["log_loss"]: "Punishes being sure and wrong; the only one that judges the "
        "probabilities themselves.",
    }
    if "top2" in report["scores"]:
        means[names["top2"]] = "The true class is one of the two most likely answers."
    return Meaning(
        means=means,
        computed=f"The range (95 %) is Wilson's. Its width comes from {DRAWS} redraws of the "
        "pictures, class by class, in which pictures that belong together stay together "
        "(bootstrap); the spread is turned into the number of independent pictures that it is "
        "worth, so that the range is right for few pictures and near 100 % too.",
        changes="More pictures to judge by narrow the ranges. Which score matters is yours to "
        "say: rare classes that count as much as frequent ones ask for the average over classes, "
        "costs that differ for the view of one class.",
    )


def one_class() -> Meaning:
    """The line for one class."""
    return Meaning(
        means={
            text.FOUND: "Of the pictures of this class, the share that is found.",
            text.ALARMS: "Of all other pictures, the share that is taken for this class.",
            text.PRECISION: "Of the pictures taken for this class, the share that are of it.",
            text.COST: "Misses times what one is worth, plus false alarms.",
        },
        computed={
            text.LINE: "Every possible line is tried on the validation pictures, and the one that "
            "costs least is taken, in the middle of its stretch. It is counted on the pictures "
            "judged here, which did not choose it.",
            text.CURVE: "Every point is one line, from never saying the class to always saying it. "
            "The area under the ROC curve is the share of pairs, one picture of the class and one "
            "of another, that are in the right order.",
        },
        changes="What a miss is worth moves the line along the curve; only a better classifier "
        "moves the curve. Your own costs are kept with this browser only and change no run.",
    )


def kinds() -> Meaning:
    """The table of kinds."""
    return Meaning(
        means="Whether it is weaker on some kind of pictures: dark ones, small ones, those of one "
        "camera. “Expected” is what the other pictures of the same classes give, so that a kind "
        "that holds a hard class is not blamed for it.",
        computed=f"Brightness, sharpness and size are divided into thirds; kinds of {KIND_FEWEST} "
        "pictures and more are compared with all others (Newcombe's interval of the difference). "
        "The ranges are corrected for all kinds looked at (Holm), so that in 95 of 100 sets "
        "without any difference none is named.",
        changes="Training pictures of a weak kind. More pictures to judge by make smaller "
        "differences visible.",
    )


def reliability() -> Meaning:
    """The diagram of confidence."""
    return Meaning(
        means="Whether “90 % sure” is right nine times in ten. Points below the line: it claims "
        "too much. Above: it is better than it says.",
        computed="Answers in the order of their confidence, in steps of as many pictures each, "
        "with Wilson's 95 % interval. The correction divides the network's outputs by one number, "
        f"the temperature, that fits the validation pictures best (from {FEWEST} of them); it is "
        "judged on the pictures shown here.",
        changes="The correction changes what Predict and an export say, and no answer. Label "
        "smoothing and fewer epochs keep the confidence lower from the start.",
    )


def sets() -> Meaning:
    """The sets of answers."""
    return Meaning(
        means="Instead of one answer it gives all that are likely enough: “one of these two”. The "
        "promise holds over many pictures of the kind it was made for, not for each one.",
        computed="Split conformal prediction: a class is among the answers if its probability "
        "reaches that which the true class had in all but the least sure part of the validation "
        "pictures. What lies between is chance of so many pictures.",
        changes="A better classifier makes the sets smaller. Pictures of another kind (another "
        "camera, another place) break the promise: bring some of them for validation.",
    )
