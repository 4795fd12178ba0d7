"""What the numbers of the data check mean, and how each kind of finding is computed.

Limits stand here as words; a test holds them against the checks' own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tl_core.check.findings import DataFinding
from tl_ui.texts.meanings import Meaning

__all__ = ["LIMITS", "card", "finding", "judged"]

COUNTS = {
    "Problem": "Left as it is, it spoils the result or makes it look better than it is.",
    "Thing to look at": "It may be a fault; only you can tell.",
    "Good to know": "Harmless for most sets.",
}
LIMITS = {  # as said below, by the module and the name of each
    ("tl_core.check.duplicates", "MOST_BITS"): 10,
    ("tl_core.check.duplicates", "SURE_BITS"): 4,
    ("tl_core.check.duplicates", "SURE_ALIKE"): 0.90,
    ("tl_core.check.duplicates", "ALIKE"): 0.97,
    ("tl_core.check.labels", "CERTAIN"): 0.2,
    ("tl_core.check.labels", "LIKELY"): 0.35,
    ("tl_core.check.labels", "FEWEST"): 8,
    ("tl_core.check.labels", "FEWEST_JUDGED"): 80,
    ("tl_core.check.shortcuts", "FOLDS"): 5,
    ("tl_core.check.shortcuts", "SHUFFLES"): 200,
    ("tl_core.check.shortcuts", "SURE_P"): 0.01,
    ("tl_core.check.shortcuts", "OF_LIFT"): 0.6,
    ("tl_core.check.shortcuts", "OF_ONE_LIFT"): 0.8,
    ("tl_core.check.shortcuts", "ONE_AT_LEAST"): 0.85,
    ("tl_core.check.shortcuts", "MARGIN"): 1.64,
    ("tl_core.check.balance", "FEWEST"): 10,
    ("tl_core.check.balance", "FEW"): 20,
    ("tl_core.check.balance", "UNEVEN"): 3.0,
    ("tl_core.check.balance", "VERY_UNEVEN"): 20.0,
    ("tl_core.check.balance", "EXPECTED"): 8.0,
    ("tl_core.check.balance", "LACKS"): 0.1,
    ("tl_core.check.quality", "NATURE"): 0.1,
    ("tl_core.check.quality", "FAR"): 4.0,
    ("tl_core.check.gap", "FOLDS"): 5,
    ("tl_core.check.gap", "REPEATS"): 5,
    ("tl_core.check.honesty", "GAP_SHOWN"): 0.02,
    ("tl_core.data.series", "NEARLY_ALL"): 0.8,
}
_PAIRS = (
    "Files with the same content count as exact copies. Of all others, a fingerprint of 64 bits "
    "(pHash) is compared, turned and mirrored in eight ways: at most 10 bits may differ, and the "
    "two pictures, made small, must then agree (correlation 0.90 up to 4 bits, 0.97 beyond). "
    "Cut-outs are laid over their picture and compared in detail. What is connected through any "
    "chain is one group."
)
_MOVED = (
    "What belongs together is what your table, your choices and the files say (named groups, "
    "copies, bursts if you wish), and the near-copies found here."
)
_QUALITY = (
    "Measured on every picture with the limits of CleanVision, which were made for photographs: "
    "{what}. If more than a tenth of the set is beyond a limit, the limit does not suit your kind "
    "of picture; then only what lies more than 4 robust standard deviations off the middle of the "
    "set is named."
)


def card() -> Meaning:
    """The counts on the card."""
    return Meaning(
        means=COUNTS,
        computed="Every picture is compared with all others, measured, and judged by Thaw's own "
        "network; each finding counts once, however many pictures it is about. How each is found "
        "is told in it.",
        changes="Nothing changes by itself. Each finding offers what would mend it, every change "
        "can be undone, and Check again looks anew.",
    )


def judged() -> Meaning:
    """How often the judge of labels agrees with the labels."""
    return Meaning(
        means="How well the judge knows your classes. Only where it is right often is its doubt in "
        "a label worth much.",
        computed="Thaw's own network stays as it is; a head on what all its blocks see (the deep "
        "probe) learns from a part of the pictures and answers the others, in turn, so that nobody "
        "judges what it has learned from. Of each group of copies only one is judged, test "
        "pictures are not.",
        changes="More pictures and clearer classes raise it. So do labels that are mended.",
    )


def finding(found: DataFinding) -> Meaning:
    """One finding, by its kind and with its numbers."""
    return _KINDS[found.kind](found.evidence)


def _across_classes(_: Mapping[str, Any]) -> Meaning:
    return Meaning(
        means="The same picture stands under two names. At most one is right, and the network is "
        "taught both.",
        computed=f"{_PAIRS} A group counts when its pictures have more than one class.",
        changes="Give every picture of a group its right class, or leave all of it out.",
    )


def _leak(_: Mapping[str, Any]) -> Meaning:
    return Meaning(
        means="These pictures judge the result although a copy of them was learned from. They are "
        "too easy, so the result looks better than it is.",
        computed=f"{_PAIRS} A group counts when it lies in more than one part; counted are its "
        "validation and test pictures.",
        changes="Divide again with copies kept together, or leave the training copies out.",
    )


def _copies(found: Mapping[str, Any]) -> Meaning:
    exact = f" {found['exact']:,} of all pictures are exact copies." if "exact" in found else ""
    return Meaning(
        means="Pictures that are there more than once. They count several times in training, and "
        "the set is smaller than it looks.",
        computed=f"{_PAIRS} Spare is every picture of a group but the largest.{exact}",
        changes="Leave the spare ones out; the largest of each group stays.",
    )


def _gap(_: Mapping[str, Any]) -> Meaning:
    return Meaning(
        means="By how much a random split would flatter, because it puts pictures that belong "
        "together on both sides.",
        computed=f"{_MOVED} 5 times 5 folds of a simple head are judged twice, once with these "
        "kept on one side, once picture by picture. The gap is the difference; it is told from 2 "
        "points on, if its 95 % range lies above zero.",
        changes="Nothing has to change when groups stay on one side: the smaller number is true.",
    )


def _one_group(_: Mapping[str, Any]) -> Meaning:
    return Meaning(
        means="Whatever judges this class was nearly learned from: its result will be good even if "
        "the network only knows that one subject.",
        computed=f"{_MOVED} A class is named when all its pictures are one such group.",
        changes="Pictures of another subject (patient, plant, object) for the class.",
    )


def _wrong_labels(found: Mapping[str, Any]) -> Meaning:
    expected = found.get("expected_wrong")
    about = "" if expected is None else f" Of those named, about {expected:.0f} should be wrong."
    return Meaning(
        means="Pictures whose label is more likely a mistake than the others'. Some are only hard.",
        computed="The judge says how likely each class is for a picture it has not learned from. "
        "Where it is most certain (a fifth of the pictures), hard pictures do not occur; the share "
        "that contradicts its label there is taken as the share of wrong labels in the whole set. "
        "From both follows how likely this label is wrong; from 35 % on a picture is named."
        f"{about} Classes under 8 pictures and sets with under 80 judged ones are left alone.",
        changes="Look at each: give it the other class, leave it out, or leave it as it is.",
    )


def _shortcut(found: Mapping[str, Any]) -> Meaning:
    return Meaning(
        means="The class shows in something that has nothing to do with it. A network may learn "
        "that, look good here, and fail where it is missing.",
        computed="A simple rule sees nothing else of a picture and guesses its class, having "
        "learned from the other folds (5 folds); right means the mean over classes. It is told "
        "when the guess, less 1.64 standard errors, reaches 60 % of what the network gains over "
        "chance (for one class against the others 80 %, and 85 of 100 right), and at most 1 of "
        "200 shuffles of the labels does as well.",
        changes="Pictures of every class under the same circumstances. If it belongs to the class, "
        "nothing needs to change.",
    )


def _too_few(_: Mapping[str, Any]) -> Meaning:
    return Meaning(
        means="With so few pictures, what is common to the class cannot be told from chance, and "
        "one picture more or less changes the result.",
        computed="Counted over all parts; named under 20 pictures, called a problem under 10.",
        changes="More pictures, of different subjects.",
    )


def _imbalance(found: Mapping[str, Any]) -> Meaning:
    equal = found.get("effective_classes")
    told = "" if equal is None else f" The set is as varied as {equal:.1f} classes of equal size."
    return Meaning(
        means="The large class carries the accuracy: a network that hardly knows the small ones "
        "still looks good.",
        computed="Pictures of the largest class over those of the smallest; told above 3 times, "
        f"more strongly above 20 times.{told}",
        changes="More pictures of the small classes. The average over classes on the Evaluate page "
        "is not taken in by it.",
    )


def _subgroups(_: Mapping[str, Any]) -> Meaning:
    return Meaning(
        means="A class is hardly ever seen this way. The network may take the kind of file, shape "
        "or camera for a sign of the class.",
        computed="Were kinds spread evenly, a class would have its share of each. Told is where 8 "
        "or more would be its share, and under a tenth of that is there.",
        changes="Pictures of this class of the kind that is missing.",
    )


def _series(_: Mapping[str, Any]) -> Meaning:
    return Meaning(
        means="Names that count, like patient012_3, may say which pictures show the same thing. It "
        "is a guess from names alone.",
        computed="Told when at least 80 % of the names have two numbers in this way and lie in "
        "series of two or more, every class has several series, and the split divides some.",
        changes="If each series is one subject, keep it together. If the numbers mean nothing of "
        "the kind, leave it.",
    )


def _quality(means: str, what: str, changes: str) -> Callable[[Mapping[str, Any]], Meaning]:
    meaning = Meaning(means=means, computed=_QUALITY.format(what=what), changes=changes)
    return lambda _: meaning


_LEAVE = "Leave out what you could not name yourself; keep what will look like this in use."
_KINDS: dict[str, Callable[[Mapping[str, Any]], Meaning]] = {
    "across_classes": _across_classes,
    "leak": _leak,
    "copies": _copies,
    "gap": _gap,
    "one_group": _one_group,
    "wrong_labels": _wrong_labels,
    "shortcut": _shortcut,
    "too_few": _too_few,
    "imbalance": _imbalance,
    "subgroups": _subgroups,
    "series": _series,
    "dark": _quality(
        "So dark that little can be seen.",
        "dark is a picture of which 99 of 100 points stay under 32 % of full brightness",
        _LEAVE,
    ),
    "bright": _quality(
        "So bright that little can be seen.",
        "overexposed is a picture of which 95 of 100 points lie above 95 % of full brightness",
        _LEAVE,
    ),
    "blurry": _quality(
        "Edges are soft: out of focus or moved.",
        "blurred is a picture whose edges, and whose grey levels, vary little",
        _LEAVE,
    ),
    "low_information": _quality(
        "Next to nothing is to be seen.",
        "empty is a picture whose levels vary so little that their entropy is under 3 bits",
        "Most often these are broken or empty: leave them out.",
    ),
    "odd_shape": _quality(
        "Much longer than wide, or the other way round.",
        "odd is a shape whose short side is under 35 % of its long one",
        "Crop them; or have pictures padded, not squashed (Layers).",
    ),
    "odd_size": _quality(
        "Much smaller or larger than the others; often from another place.",
        "odd is a size (the root of width times height) more than 3 times the middle half's spread "
        "beyond that half",
        "Look whether they came from somewhere else. The size itself does no harm.",
    ),
}
