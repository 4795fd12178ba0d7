"""What was measured of more pictures and of transfer, as sentences; for pages and scripts alike."""

from __future__ import annotations

from tl_core.check.honesty import Share
from tl_core.worth.growth import Curve, Growth
from tl_core.worth.transfer import Transfer

__all__ = [
    "ARM_NAMES",
    "WHY",
    "WHY_SHORT",
    "class_sentence",
    "growth_sentences",
    "of_100",
    "points",
    "range_100",
    "transfer_sentences",
]

LITTLE = 0.015  # a gain that is at most this is little
CLEAR = 0.005  # a gain that is surely above this is one

ARM_NAMES = {
    "pretrained": "Pretrained network",
    "scratch": "Same network from scratch",
    "knn": "Most similar pictures",
    "majority": "Always the largest class",
    "scratch_time": "From scratch, equal time",
    "pretrained_epochs": "Fine-tuned, equal epochs",
}
WHY = {
    "few": "There are too few pictures to leave some out and still learn from the rest.",
    "chance": "So far nothing better than always guessing the largest class has been learned, and "
    "a curve that has not begun to rise does not say how far it will.",
    "families": "Curves that fit what was measured equally well lead to different places.",
    "back_cast": "The same forecast, made from half of the pictures, did not come true with all of "
    "them.",
    "wide": "The interval would be so wide that it says nothing.",
}
WHY_SHORT = {
    "few": "cannot say: too few",
    "chance": "cannot say: no better than guessing",
    "families": "cannot say: curves part",
    "back_cast": "cannot say: forecast failed",
    "wide": "cannot say: too uncertain",
}


def of_100(share: float) -> str:
    """Say it as "88 of 100"."""
    return f"{100 * share:.0f} of 100"


def range_100(share: Share) -> str:
    """Say an interval as "85 to 91"."""
    return f"{100 * share.low:.0f} to {100 * share.high:.0f}"


def growth_sentences(found: Growth) -> list[str]:
    """The answer first, then which classes; one sentence each."""
    return [_overall(found.overall), *([class_sentence(found)] if found.overall.known else [])]


def class_sentence(found: Growth) -> str:
    """Which classes would gain most, or that none stands out."""
    if not found.most:
        return "No class stands out as the one to collect for."
    by_name = {one.name: one for one in found.classes}
    if len(found.most) > 1:
        names = f"{', '.join(found.most[:-1])} and {found.most[-1]}"
        return f"More pictures of {names} would help most."
    one = by_name[found.most[0]]
    assert one.now is not None and one.twice is not None
    return (
        f"More pictures of {one.name} would help most: about {of_100(one.twice.value)} found "
        f"({range_100(one.twice)}) instead of {100 * one.now.value:.0f}."
    )


def _overall(curve: Curve) -> str:
    if curve.now is None or curve.twice is None or curve.gain is None:
        return f"Cannot say whether more pictures would help. {WHY[curve.reason]}"
    twice = (
        f"with twice as many about {of_100(curve.twice.value)} right ({range_100(curve.twice)}) "
        f"instead of {100 * curve.now.value:.0f}."
    )
    if curve.gain.value <= LITTLE:
        return f"More pictures would change little: {twice}"
    if curve.gain.low >= CLEAR:
        return f"More pictures would help: {twice}"
    return f"More pictures may help: {twice}"


# -- transfer --------------------------------------------------------------------------------------


def points(share: Share) -> str:
    """Say a difference's interval as "2 to 9 points" or "-1 to 6 points"."""
    return f"{100 * share.low:.0f} to {100 * share.high:.0f} points"


def transfer_sentences(found: Transfer) -> list[str]:
    """The verdict first, then what equal time and equal epochs gave; one sentence each."""
    return [_verdict(found), _equal_time(found), _equal_epochs(found)]


def _verdict(found: Transfer) -> str:
    ours, theirs = (found.arm(name).accuracy.value for name in ("pretrained", "scratch"))
    if found.verdict == "helps":
        return (
            f"Transfer helps: about {of_100(ours)} right with the pretrained network, "
            f"{100 * theirs:.0f} from scratch, a gain of {points(found.difference)}."
        )
    if found.verdict == "hurts":
        lost = Share(
            value=-found.difference.value, low=-found.difference.high, high=-found.difference.low
        )
        return (
            f"Transfer hurts: about {of_100(ours)} right with the pretrained network, "
            f"{100 * theirs:.0f} from scratch, a loss of {points(lost)}."
        )
    told = (
        f"Cannot tell whether transfer helps: about {of_100(ours)} right with the pretrained "
        f"network, {100 * theirs:.0f} from scratch, a difference of {points(found.difference)}."
    )
    if found.needed is None:
        return f"{told} If there is one, it is too small to be shown on a set like this."
    return f"{told} About {found.needed:,} pictures would tell."


def _equal_time(found: Transfer) -> str:
    arm = found.arm("scratch_time")
    epochs = "1 epoch" if found.epochs_in_time == 1 else f"{found.epochs_in_time} epochs"
    return (
        f"In the time of the pretrained network, from scratch gets {epochs}: "
        f"{of_100(arm.accuracy.value)} ({range_100(arm.accuracy)})."
    )


def _equal_epochs(found: Transfer) -> str:
    arm = found.arm("pretrained_epochs")
    return (
        f"Fine-tuned for the same {found.epochs} epochs, the pretrained network gets "
        f"{of_100(arm.accuracy.value)} ({range_100(arm.accuracy)})."
    )
