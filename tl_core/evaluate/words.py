"""A report in plain words: what the numbers say, and what they cannot say.

Reads the dictionary of ``tl_core.evaluate.report`` and imports nothing heavy, so that a page may
call it on every run. A weakness is only named where the pictures show it clearly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tl_core.intervals import newcombe

__all__ = ["percent", "sentences"]

CLEAR_P = 0.05  # two-sided; above it the sentence says that the pictures cannot tell
FEW_PICTURES = 200  # below it the interval is wider than about +-5 points, and the sentence says so


def percent(share: float) -> str:
    """A fraction as whole percent that never rounds to an untrue 0 % or 100 %."""
    if 0.0 < share < 0.005:
        return "under 1 %"
    if 0.995 <= share < 1.0:
        return "over 99 %"
    return f"{share * 100:.0f} %"


def sentences(report: Mapping[str, Any]) -> list[str]:
    """What the numbers say, in plain words, the most important first; 2 to 6 sentences."""
    return [
        _accuracy_words(report),
        _majority_words(report),
        *_weakest_words(report),
        *_confusion_words(report),
        *_calibration_words(report),
    ]


def _accuracy_words(report: Mapping[str, Any]) -> str:
    n, accuracy = report["n"], report["accuracy"]
    seen = {
        "test": f"On {_pictures(n)} it has never seen",
        "val": f"On {_pictures(n)} that it did not train on"
        + (" but that chose its best epoch" if report.get("chose_epoch", True) else ""),
        "train": f"On {_pictures(n)} it has trained on",
    }.get(report["split"], f"On {_pictures(n)}")
    low, high = accuracy["ci"]
    why = "With so few pictures the true figure" if n < FEW_PICTURES else "The true figure"
    return (
        f"{seen} it was right {_times(accuracy['right'])}: {percent(accuracy['value'])}. "
        f"{why} lies between {percent(low)} and {percent(high)}."
    )


def _majority_words(report: Mapping[str, Any]) -> str:
    base, accuracy = report["majority"], report["accuracy"]
    line = f"Always answering “{base['class']}” would be right {percent(base['value'])}"
    if base["p_value"] > CLEAR_P:
        return f"{line}; from these pictures one cannot tell that it does better than that."
    if accuracy["right"] < base["right"]:
        return f"{line}: it does clearly worse than that."
    return f"{line}."


def _weakest_words(report: Mapping[str, Any]) -> list[str]:
    """The weakest class, if it is clearly weaker than the other classes together.

    The level is corrected for having looked at every class (Bonferroni).
    """
    rows = [row for row in report["per_class"] if row["support"]]
    level = 1.0 - CLEAR_P / max(1, len(rows))
    right, n = report["accuracy"]["right"], report["n"]
    clear = []
    for row in rows:
        found, of = row["right"], row["support"]
        if newcombe(right - found, n - of, found, of, level)[0] > 0:
            clear.append(row)
    if not clear:
        return []
    worst = min(clear, key=lambda row: (row["recall"], row["class"]))
    return [
        f"It is clearly weaker on “{worst['class']}”: it found {worst['right']} of "
        f"{worst['support']}."
    ]


def _confusion_words(report: Mapping[str, Any]) -> list[str]:
    names, matrix = report["classes"], report["confusion"]
    pairs = [
        (count, i, j)
        for i, row in enumerate(matrix)
        for j, count in enumerate(row)
        if i != j and count > 1
    ]
    if not pairs:
        return []
    count, i, j = max(pairs, key=lambda pair: (pair[0], -pair[1], -pair[2]))
    return [f"Its most frequent mistake: {names[i]} taken for {names[j]}, {_times(count)}."]


def _calibration_words(report: Mapping[str, Any]) -> list[str]:
    found = report["calibration"]
    if not found["alarm"]:
        return []
    too = "high" if found["mean_confidence"] > found["accuracy"] else "low"
    return [
        f"Its confidence is too {too}: on average it claims {percent(found['mean_confidence'])} "
        f"and is right {percent(found['accuracy'])}."
    ]


def _pictures(n: int) -> str:
    return "1 picture" if n == 1 else f"{n} pictures"


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n} times"
