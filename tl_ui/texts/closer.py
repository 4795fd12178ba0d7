"""Words of "Look closer" on the Evaluate page: all scores, one class, kinds, confidence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tl_core.evaluate.confidence import Believed, Sets
from tl_core.evaluate.scores import Score
from tl_core.evaluate.thresholds import Counted, Curves
from tl_core.report.words import BY, THIRDS
from tl_ui.text import plural
from tl_ui.texts.numbers import interval, percent

TITLE = "Look closer"
VIEW = "What to look at"
VIEWS = {
    "scores": "All scores",
    "class": "One class",
    "kinds": "Kinds of pictures",
    "confidence": "Confidence",
}
OLD = (
    "This run is of an earlier version of Thaw, which kept no more than its result. Judge it anew "
    "to look closer: its network answers the same pictures once more, and nothing is trained."
)
JUDGE = "Judge it anew"

NAMES = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Average over classes",
    "macro_f1": "F1 over classes",
    "macro_auc": "Area under ROC",
    "top2": "In the first two",
    "top3": "In the first three",
    "top5": "In the first five",
    "log_loss": "Log loss (low is good)",
}
COLUMNS = {"name": "Score", "value": "Value", "range": "likely"}
GROUPED = (
    "The {n} pictures form {groups} groups that belong together (copies, bursts, patients, ...). "
    "Pictures of a group count as one witness, so the ranges are wider than for as many single "
    "pictures."
)

CLASS = "Is it this class?"
MISS = "Missing one is as bad as how many false alarms?"
MISS_HELP = (
    "1: both are equally bad. 10: you would rather check ten pictures for nothing than miss one. "
    "0.1: a false alarm is ten times worse than a miss."
)
OWN = "Move the line by hand"
LINE = "Line"
CHOSEN = "chosen for your costs"
BY_HAND = "by hand"
PLAIN = "the class with the highest probability"
ROC, PR = "Found against false alarms (ROC)", "Right when said against found (PR)"
CURVE = "Curve"
FOUND, ALARMS, PRECISION, COST = "Found", "False alarms", "Right when said", "Cost"
NO_CURVE = "There are no pictures of this class here, or no others, so there is nothing to weigh."
SAME_PART = (
    "The line is chosen and counted on the same pictures, because this set has no others: the "
    "numbers are a little too good."
)

KIND, KINDS_N = "Kind", "Pictures"
KINDS_COLUMNS = {
    "kind": "Kind of pictures",
    "n": "Pictures",
    "share": "Right",
    "expected": "Expected",
    "gap": "Difference",
    "range": "likely",
    "says": "Says",
}
NO_KINDS = "There are too few pictures to compare kinds of them: it takes 10 of a kind."
OPEN_KIND = "Show the pictures of"
WEAKER, BETTER, NO_DIFFERENCE = "weaker", "better", "not clear"

RELIABILITY = "Sure and right"
CLAIMED, RIGHT = "Confidence", "Share right"
CORRECT, AS_TRAINED = "Correct the confidence", "Take it back"
CORRECTED = "Its confidence was corrected (temperature {t:.2f})."
NOT_CORRECTED = "Its confidence is as trained."
SETS = "Several answers instead of one"
PROMISE = "The true class shall be among them in"
PROMISES = (0.8, 0.9, 0.95)
NO_SETS = "There are too few validation pictures for such a promise: it takes {n}."
FEW_TO_CORRECT = "It takes {n} validation pictures to correct the confidence."


def score_rows(report: Mapping[str, Any]) -> list[dict[str, str]]:
    """The table of all scores."""
    found = report["scores"]
    return [
        {
            "name": NAMES[name],
            "value": _value(name, found[name]["value"]),
            "range": _range(name, found[name]["ci"]),
        }
        for name in NAMES
        if name in found
    ]


def _value(name: str, value: float) -> str:
    return f"{value:.2f}" if name in ("log_loss", "macro_f1", "macro_auc") else percent(value)


def _range(name: str, ci: Sequence[float]) -> str:
    if name in ("log_loss", "macro_f1", "macro_auc"):
        return f"{ci[0]:.2f} to {ci[1]:.2f}"
    return interval(ci)


def grouped(report: Mapping[str, Any]) -> str:
    """Why the ranges are wider than those of single pictures; "" when all stand alone."""
    if report["groups"] == report["n"]:
        return ""
    return GROUPED.format(n=report["n"], groups=report["groups"])


def share(one: Score | None) -> str:
    """A share, or a dash where there is nothing to divide by."""
    return "-" if one is None else percent(one.value)


def likely(one: Score | None, k: int, n: int) -> str:
    """The pictures behind a share and where the true one lies."""
    return f"{k} of {n}" if one is None else f"{k} of {n}, likely {interval((one.low, one.high))}"


def cost_words(now: Counted, plain: Counted, miss: float) -> str:
    """What the line saves beside the plain answer."""
    saved = plain.cost - now.cost
    unit = "in false alarms" if miss != 1 else "mistakes"
    if abs(saved) < 1e-9:
        return f"{unit}, as much as without a line"
    more = "less" if saved > 0 else "more"
    return f"{unit}, {number(abs(saved))} {more} than without a line"


def number(value: float) -> str:
    """A cost without needless digits."""
    return f"{value:,.0f}" if abs(value - round(value)) < 1e-9 else f"{value:,.1f}"


def line_words(now: Counted, label: str, *, by_hand: bool) -> str:
    """The line in one sentence."""
    how = BY_HAND if by_hand else CHOSEN
    return f"Say “{label}” from {percent(min(1.0, now.threshold))} on ({how})."


def kind_name(one: Mapping[str, Any]) -> str:
    """A kind in words: "Brightness: darkest third"."""
    value = THIRDS.get(one["by"], {}).get(one["value"], one["value"])
    return f"{BY.get(one['by'], one['by'])}: {value}"


def kind_caption(mistake: Mapping[str, Any] | None, label: str) -> str:
    """Below a picture of a kind: what it is, and what it was taken for."""
    return label if mistake is None else f"{label}, taken for {mistake['predicted']}"


def curve_words(found: Curves, label: str) -> str:
    """The curve in one sentence."""
    area = found.area
    return (
        f"“{label}”: {found.n_class} pictures against {found.n_others} others. Area under the ROC "
        f"curve {area.value:.2f}, likely {area.low:.2f} to {area.high:.2f}; average precision "
        f"{found.average_precision:.2f}."
    )


def least_for(promised: float) -> int:
    """Validation pictures that a promise needs."""
    return math.ceil(promised / (1.0 - promised) - 1e-9)


def kind_rows(slices: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The table of kinds."""
    return [
        {
            "kind": kind_name(one),
            "n": one["n"],
            "share": round(100 * one["share"]),
            "expected": percent(one["expected"]),
            "gap": f"{_points(one['gap'])} points",
            "range": f"{_points(one['gap_ci'][0])} to {_points(one['gap_ci'][1])}",
            "says": _says(one),
        }
        for one in slices
    ]


def _points(share: float) -> str:
    whole = round(100 * share)
    return f"{whole:+d}" if whole else "0"


def _says(one: Mapping[str, Any]) -> str:
    if not one["clear"]:
        return NO_DIFFERENCE
    return WEAKER if one["gap"] < 0 else BETTER


def kinds_sentence(slices: Sequence[Mapping[str, Any]]) -> str:
    """What the kinds say together."""
    weak = [kind_name(one) for one in slices if one["clear"] and one["gap"] < 0]
    if not weak:
        return (
            f"None of {plural(len(slices), 'kind')} of pictures is clearly weaker than the others "
            "would lead one to expect. With more pictures to judge by, smaller differences would "
            "show."
        )
    return (
        f"It is clearly weaker on: {'; '.join(weak)}. Train with more such pictures, or do not use "
        "it for them."
    )


def calibration_words(report: Mapping[str, Any]) -> str:
    """Whether the confidence can be believed."""
    found = report["calibration"]
    ece, most = 100 * found["ece"], 100 * found["null_p95"]
    if not found["alarm"]:
        return (
            f"Confidence and share of right answers differ by {ece:.1f} points on average. With so "
            f"few pictures up to {most:.1f} would come about by chance: nothing speaks against "
            "believing it."
        )
    too = "sure" if found["mean_confidence"] > found["accuracy"] else "modest"
    return (
        f"It is too {too}: confidence and share of right answers differ by {ece:.1f} points on "
        f"average, where chance would give up to {most:.1f}."
    )


def believed_words(found: Believed) -> str:
    """What a correction does on pictures it was not fitted to."""
    way = "less" if found.temperature > 1 else "more"
    clear = (
        "a clear gain" if found.low > 0 else "a clear loss" if found.high < 0 else "no clear gain"
    )
    return (
        f"Correcting it makes it {way} sure (temperature {found.temperature:.2f}, fitted on "
        f"validation pictures). Here the log loss goes from {found.before:.3f} to "
        f"{found.after:.3f}: {clear} ({found.low:+.3f} to {found.high:+.3f}). No answer changes."
    )


def sets_words(found: Sets, *, same_part: bool) -> str:
    """Whether the promise holds here, and what it costs."""
    kept = found.expected[0] <= found.covered / found.n <= found.expected[1]
    verdict = "as promised" if kept else "not as promised: these pictures differ from the others"
    one = percent(found.sizes[1] / found.n) if len(found.sizes) > 1 else percent(0.0)
    text = (
        f"The true class is among the answers of {found.covered} of {found.n} pictures "
        f"({percent(found.covered / found.n)}, likely {interval((found.low, found.high))}): "
        f"{verdict}. On average it takes {found.mean_size:.1f} classes; {one} of the pictures need "
        "one only."
    )
    if found.sizes[0]:
        text += f" For {plural(found.sizes[0], 'picture')} no class is likely enough."
    return text + (" Counted on the pictures it was fitted to." if same_part else "")


def size_words(size: int) -> str:
    """How many answers a set has."""
    return "no answer" if size == 0 else plural(size, "answer")
