"""What the numbers of the Data page mean: the set, the baseline, the split, many divisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tl_core.check.honesty import GAP_SHOWN, Honesty
from tl_core.session import DataView
from tl_ui.texts import curation, data, split
from tl_ui.texts.meanings import Meaning
from tl_ui.texts.numbers import percent

__all__ = ["baseline", "classes", "honesty", "numbers", "parts"]

EXAMPLE = "If 85 % were right"
MOST_JUDGED = 2000  # pictures in repeated divisions (tl_core.check.gap)


def numbers(view: DataView) -> Meaning:
    """The row of counts at the top."""
    train, val, test = data.PARTS.values()
    return Meaning(
        means={
            data.N_PICTURES: "What can be used: read, labelled and not left out.",
            train: split.PART_ROLES["train"],
            val: split.PART_ROLES["val"],
            test: split.PART_ROLES["test"],
            data.N_LEFT: "Files that are no usable picture, and pictures you left out.",
        },
        computed=f"Counted. {_divided(view)} Left out: "
        + curation.left_out_help(view.n_quarantine, view.n_left_out),
        changes="Add pictures below; leave some out or bring them back under Pictures; change the "
        "shares under Split.",
    )


def baseline(found: Mapping[str, Any]) -> Meaning:
    """The instant baseline."""
    n = int(found["n_val"])
    return Meaning(
        means="How well your classes can be told apart by what the network knows already, before "
        "anything is trained. Training has to beat it to be worth its time. The line in the bar is "
        "what always guessing the largest class gives.",
        computed=f"{found['title']} stayed as it is and looked at the training pictures. From what "
        "its last block sees, the best linear answer was calculated (logistic regression), held "
        "back as firmly as cross-validation on these pictures asks for. It then answered the "
        f"{n:,} validation pictures. The range is Wilson's 95 % interval; the line is the share of "
        f"the largest class among them, {percent(found['majority'])}.",
        changes="Another network, more or better labelled training pictures. With few validation "
        "pictures, dividing again also moves it: that is luck, and what the range is for.",
    )


def classes(view: DataView) -> Meaning:
    """The chart and the table of classes."""
    return Meaning(
        means="How much there is to learn from and to judge by, class by class. A class with few "
        "pictures is learned badly and judged roughly, however good the total looks.",
        computed=f"Counted; what is left out is not in it. {_divided(view)}",
        changes="Bring pictures of the small classes, or merge classes below. Other shares are set "
        "under Split.",
    )


def parts(view: DataView) -> Meaning:
    """The three parts, their tables, and how certain a test part of this size is."""
    return Meaning(
        means={
            **{name: split.PART_ROLES[part] for part, name in data.PARTS.items()},
            EXAMPLE: "The example shows how wide the honest range of the final number will be with "
            "so many test pictures.",
        },
        computed={
            "The parts": f"{_divided(view)} Exact copies, named groups and, if you wish, bursts "
            "move as one; classes come as near to their shares as whole groups allow.",
            EXAMPLE: "Wilson's 95 % interval of 85 % right answers among the test pictures; "
            "pictures that belong together count once.",
        },
        changes="The sliders below change the shares, the shuffle number who is where. More test "
        "pictures make the final number surer and leave fewer to learn from.",
    )


def honesty(found: Honesty) -> Meaning:
    """Repeated cross-validation, and the gap where there is one."""
    divisions = found.folds * found.repeats
    means = {
        split.GROUPED: "What to expect of these pictures, with less luck in it than one validation "
        "part: every picture judges, several times."
    }
    computed = {
        split.GROUPED: f"{found.repeats} times the pictures are dealt into {found.folds} folds, "
        "what belongs together into one. A simple head (ridge regression on what every block of "
        f"Thaw's own network sees) learns from all folds but one and answers that one, {divisions} "
        "times in all. How firmly it is held back is chosen once, on one further division. The "
        "range counts that the folds share their pictures (Nadeau and Bengio) and is never "
        f"narrower than Wilson's. At most {MOST_JUDGED:,} pictures take part, test pictures none."
    }
    if found.gap:
        told = f"{100 * GAP_SHOWN:.0f} points"
        means[split.SINGLE] = (
            "What the same pictures seem to promise when groups are torn apart, as a random split "
            "does: too much, because a picture's twin was learned from."
        )
        means[split.GAP] = "By how much a random split would flatter."
        computed[split.SINGLE] = "As before, with pictures dealt out one by one."
        computed[split.GAP] = (
            "The second share less the first, compared picture by picture; the 95 % range comes "
            f"from the spread over groups and over repeats. It is told from {told} on, if the "
            "range lies above zero."
        )
    return Meaning(
        means=means,
        computed=computed,
        changes="More pictures of other subjects narrow the range; wrong labels mended raise the "
        "share. Naming what belongs together (groups in a table, bursts, copies) changes what is "
        "kept on one side.",
    )


def _divided(view: DataView) -> str:
    given = [data.PARTS[part].lower() for part in view.given_splits if part in data.PARTS]
    if "train" in view.given_splits and "val" in view.given_splits:
        return f"Your folders name the parts ({', '.join(given)})."
    val, test = percent(view.config.val_fraction), percent(view.config.test_fraction)
    if "test" in view.given_splits:
        return f"Your folders name the test part; {val} of each class is asked for validation."
    return (
        f"Of each class {val} is asked for validation and {test} for test, drawn by shuffle number "
        f"{view.config.seed}."
    )
