"""What the numbers of the Evaluate page mean, how they are computed, what would change them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tl_core.evaluate.metrics import ECE_BINS, NULL_DRAWS
from tl_ui.texts import evaluate as text
from tl_ui.texts.meanings import Meaning
from tl_ui.texts.numbers import percent

__all__ = ["classes", "confusion", "mistakes", "says", "score"]

ACCURACY = "Accuracy"
BETTER, WEAKEST, FREQUENT = (
    "Better than the line?",
    "The weakest class",
    "The most frequent mistake",
)
SURE = "How sure it is"


def score(report: Mapping[str, Any]) -> Meaning:
    """The accuracy with its interval, and the numbers below it."""
    n, right, base = report["n"], report["accuracy"]["right"], report["majority"]
    line = text.majority_name(report)
    means = {
        ACCURACY: "The share of these pictures that it answered rightly. The range is where the "
        "true figure likely lies (95 %): with other pictures of the same kind the number would "
        "come out a little different.",
        line: text.MAJORITY_HELP,
        text.BALANCED: text.BALANCED_HELP,
    }
    computed = {
        ACCURACY: f"{right:,} right answers of {n:,}; the answer is the class of the highest "
        f"probability. The range is Wilson's 95 % interval, which holds for few pictures too. "
        f"{_alone(report)}",
        line: f"“{base['class']}” has the most training pictures. {base['right']:,} of the "
        f"{n:,} pictures judged here are of it.",
        text.BALANCED: "The share found is taken of each class that occurs here, and the mean of "
        "these shares (balanced accuracy). How far redraws of the pictures move it says how many "
        "independent pictures it is worth; its range is Wilson's for that many.",
    }
    if report["top3"]:
        means[text.TOP3] = text.TOP3_HELP
        computed[text.TOP3] = (
            f"{report['top3']['right']:,} of {n:,} pictures have their true class among the three "
            "highest probabilities."
        )
    changes = (
        "More pictures to judge by make the ranges narrower, not the numbers better. Better "
        "labels, more training pictures, other layers or another network change the numbers."
    )
    if report["split"] == "test":
        changes += (
            " Do not try many runs and quote the best on these pictures: it would owe something to "
            "luck. Choose by validation."
        )
    return Meaning(means=means, computed=computed, changes=changes)


def _alone(report: Mapping[str, Any]) -> str:
    n, groups = report["n"], report.get("groups", report["n"])
    if groups < n:
        return (
            f"The {n:,} pictures form {groups:,} groups that belong together (copies, bursts, "
            "patients), and a group counts as one witness."
        )
    return (
        "None of them are known to belong together; where several show the same subject without "
        "Thaw knowing, the true range is wider."
    )


def says(report: Mapping[str, Any]) -> Meaning:
    """The sentences, the calibration among them."""
    found = report["calibration"]
    return Meaning(
        means="The same numbers in words, the most important first. A weakness is named only where "
        "these pictures show it clearly; what is not named may still be there.",
        computed={
            BETTER: "It and the line are compared picture by picture (McNemar's exact test): were "
            "both equally good, a difference as large as here would come about by chance with a "
            f"probability of {_chance(report['majority']['p_value'])}. Above 5 % the sentence says "
            "that one cannot tell.",
            WEAKEST: "A class is named when the share found of it is lower than that of all other "
            "classes together, with an interval (Newcombe) that does not reach zero; the more "
            "classes were looked at, the wider the interval (Bonferroni).",
            FREQUENT: "The largest count in the table of what is taken for what, from two on.",
            SURE: f"Answers are sorted by their confidence into {ECE_BINS} steps. The mean "
            "difference between confidence and share of right answers, the calibration error "
            f"(ECE), is {_points(found['ece'])} here. Confidence that is exactly right still shows "
            f"up to {_points(found['null_p95'])} with so many pictures, in 95 of 100 of "
            f"{NULL_DRAWS} simulations; only what is above that is told. On average it claims "
            f"{percent(found['mean_confidence'])} and is right {percent(found['accuracy'])}.",
        },
        changes="More pictures to judge by make smaller differences visible. Confidence that is "
        "too high comes down with label smoothing (Layers, More settings) or fewer epochs.",
    )


def classes() -> Meaning:
    """The table of classes."""
    found, right, f1 = (text.COLUMNS[one][0] for one in ("recall", "precision", "f1"))
    return Meaning(
        means={
            found: "Recall: of the pictures that are of this class, the share found. Low: it is "
            "missed.",
            right: "Precision: of the pictures answered with this class, the share that are of it. "
            "Low: others are taken for it.",
            f1: "One number from both, between 0 and 1; high only where both are high.",
        },
        computed={
            found: "Right answers for the class, divided by its pictures here.",
            right: "Right answers for the class, divided by all answers that name it; empty where "
            "it was never answered.",
            f1: "Twice the right answers, divided by the pictures of the class plus the answers "
            "that name it (the harmonic mean of both).",
            text.COLUMNS["recall_ci"][0]: "Wilson's 95 % interval of the share before it, for as "
            "many pictures as they are worth where some belong together. Of few pictures it is "
            "wide: then do not compare classes by the number alone.",
        },
        changes="More pictures of a class to judge by narrow its intervals. More training pictures "
        "of it, clearer labels, or merging classes that even people confuse raise the shares.",
    )


def confusion() -> Meaning:
    """The matrix."""
    return Meaning(
        means="A row is the true class, a column the answer (the confusion matrix). What lies on "
        "the line from the upper left to the lower right is right, everything else a mistake.",
        computed="Every picture judged is counted once, in the cell of its class and its answer. "
        "The stronger its colour, the larger its share of its row: rare classes show as well as "
        "frequent ones. Pictures of a cell are in the order of confidence.",
        changes="Open the cells off the line. A wrong label is mended on the Data page; classes "
        "that cannot be told apart in a picture need clearer pictures, or are better one class.",
    )


def mistakes() -> Meaning:
    """The gallery of mistakes."""
    return Meaning(
        means="How sure it was of its wrong answer. What is wrong and sure is worth a look first: "
        "it is often the label that is wrong.",
        computed="The percentage is the probability it gave its answer; all classes together have "
        "100 %. The highest of them are shown.",
        changes="Mend wrong labels and train again. Pictures like those it gets wrong, added to "
        "training, help more than pictures like those it knows.",
    )


def _chance(p: float) -> str:
    return "under 0.1 %" if p < 0.001 else f"{100 * p:.1f} %"


def _points(share: float) -> str:
    return f"{100 * share:.1f} points"
