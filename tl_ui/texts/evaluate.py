"""What the Evaluate page says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tl_ui.texts.numbers import interval, percent, right_of

VIEW = "View"
VIEWS = {
    "result": "Result",
    "mistakes": "Mistakes",
    "closer": "Look closer",
    "better": "Improve",
}
FIRST_VIEW = "result"
SPLIT = "Judged on"
SPLITS = {"test": "Test pictures", "val": "Validation pictures"}
SPLIT_WORDS = {
    "test": "Test pictures were put aside from the start. Nothing was trained, chosen or stopped "
    "on them, so this is the number to quote.",
    "val": "Validation pictures were not trained on, but they chose the best epoch, so this "
    "number is a little too good. Quote the one on test pictures.",
}
SPLIT_WORDS_SOLVED = {
    **SPLIT_WORDS,
    "val": "Validation pictures were not used to find this answer. If you compare runs by them, "
    "the number of the winner is a little too good: quote the one on test pictures.",
}
ONLY_VAL_SOLVED = (
    "This set has no test pictures, so only the validation pictures can be judged. They were not "
    "used to find this answer; if you compare runs by them, the winner's number is a little too "
    "good."
)
ONLY_VAL = (
    "This set has no test pictures, so only the validation pictures can be judged. They chose the "
    "best epoch, so the number is a little too good."
)
NO_REPORT = "This run has left no result to judge."
NO_REPORT_HINT = "It may have been stopped before there was anything to judge. Train again."

MAJORITY_HELP = "The line to beat: what somebody who never looks at the picture would reach."
BALANCED = "Average over classes"
BALANCED_HELP = (
    "Balanced accuracy: every class counts the same, however many pictures it has. Far below the "
    "accuracy means that small classes are missed."
)
TOP3 = "Among the first three"
TOP3_HELP = "The share of pictures whose true class is one of the three most likely answers."
SAYS = "What this says"

CLASSES = "Class by class"
COLUMNS = {
    "class": ("Class", None),
    "support": ("Pictures", "Pictures that truly are of this class."),
    "recall": ("Found", "Recall: of the pictures that are of this class, the share found."),
    "recall_ci": ("likely", "Where the true recall lies (95 %)."),
    "precision": (
        "Right when said",
        "Precision: of the pictures answered with this class, the share that are of it.",
    ),
    "precision_ci": ("likely ", "Where the true precision lies (95 %)."),
    "f1": ("F1", "One number from both, between 0 and 1; their harmonic mean."),
}

CONFUSION = "What is taken for what"
CONFUSION_HINT = "Click a cell to see its pictures, or choose it here."
TRUE, ANSWERED = "True class", "Answered"
CELL_EMPTY = "No picture of this class was answered so."

MISTAKES = "Most confident mistakes"
MISTAKES_HINT = (
    "Where it was sure and wrong. Look for a wrong label, two classes in one picture, or something "
    "in the background that gives the answer away."
)


def right_words(found: Mapping[str, Any], n: int) -> str:
    """How many were right: "49 of 57 right"."""
    return right_of(found["right"], n)


def likely_words(report: Mapping[str, Any]) -> str:
    """Where the true accuracy lies."""
    return f"the true figure is likely {interval(report['accuracy']['ci'])}"


def majority_mark(report: Mapping[str, Any]) -> str:
    """The majority line in the picture of the interval."""
    return f"{majority_name(report)}: {percent(report['majority']['value'])}"


def hundredths(share: float | None) -> int | None:
    """A share in whole percent, for a bar in the table."""
    return None if share is None else round(100 * share)


def majority_name(report: Mapping[str, Any]) -> str:
    """What the majority line is."""
    return f"Always “{report['majority']['class']}”"


def majority_words(report: Mapping[str, Any]) -> str:
    """The majority line in pictures."""
    return right_of(report["majority"]["right"], report["n"])


def balanced_words(report: Mapping[str, Any]) -> str:
    """The interval of the balanced accuracy."""
    return f"likely {interval(report['balanced_accuracy']['ci'])}"


def bar_words(report: Mapping[str, Any]) -> str:
    """The picture of the interval in one sentence."""
    found = report["accuracy"]
    return (
        f"Accuracy {percent(found['value'])}, likely between {interval(found['ci'])}; always "
        f"answering the most frequent class gives {percent(report['majority']['value'])}."
    )


def confusion_words(report: Mapping[str, Any]) -> str:
    """The matrix in one sentence, for those who cannot see it."""
    names, matrix = report["classes"], report["confusion"]
    wrong = [
        (n, names[i], names[j])
        for i, row in enumerate(matrix)
        for j, n in enumerate(row)
        if i != j and n
    ]
    right = report["accuracy"]["right"]
    if not wrong:
        return f"All {right} answers are right."
    n, true, answered = max(wrong, key=lambda one: one[0])
    return (
        f"{right} of {report['n']} answers are right. The most frequent mistake is "
        f"{true} taken for {answered}, {n} of them."
    )


def cell_title(true: str, answered: str, n: int) -> str:
    """What a cell holds; names already safe for Markdown."""
    if true == answered:
        return f"**{true}**, rightly answered: {n}"
    return f"**{true}** taken for **{answered}**: {n}"


def f1(value: float | None) -> float | None:
    """F1 as shown."""
    return None if value is None else round(value, 2)


def range_of(bounds: Sequence[float] | None) -> str:
    """An interval, empty when there was nothing to divide by."""
    return interval(bounds) if bounds else ""
