"""Sentences of the split on the Data page."""

from __future__ import annotations

from collections.abc import Sequence

from tl_core.check.honesty import Honesty, Share
from tl_core.data.divided import Divided
from tl_core.intervals import wilson
from tl_ui.text import plural
from tl_ui.texts.numbers import interval, percent

PART_ROLES = {
    "train": "The network learns from these.",
    "val": "Looked at after every epoch, to keep the best one.",
    "test": "Looked at once, at the very end: the honest number.",
}
IN_PICTURES = "Pictures of each class"
GROUPS = "Separate subjects of each class"
GROUPS_HELP = (
    "Groups, and pictures that stand alone. They say more than the number of pictures about how "
    "much there is to learn from and to judge by."
)
VAL_SHARE = "Validation share"
VAL_HELP = "Part of each class that chooses the best epoch."
TEST_SHARE = "Test share"
TEST_HELP = "Part of each class that is kept for the final number."
SEED = "Shuffle number"
SEED_HELP = "Another number divides the pictures in another way; the same number in the same way."
BURSTS = "Keep bursts on one side"
BURSTS_HELP = (
    "Pictures that one camera took less than 2 seconds after each other show nearly the same. The "
    "time is read from the files."
)
NO_TIMES = "No picture says when it was taken, so bursts cannot be told."
DIVIDE = "Divide again"
UNDIVIDED = (
    "Nothing changed: the same shares and the same number divide the pictures in the same way. "
    "Change the shuffle number for another division."
)
DIVIDED = "The pictures are divided anew. Earlier runs keep the division they were trained with."
HOW = (
    "Every class is divided in the same shares, so that rare classes are in all parts, and what "
    "belongs together always stays on the same side."
)
NO_GROUPS = (
    "As far as the files say, every picture stands alone. The data check also looks for pictures "
    "that are nearly the same."
)
HONESTY = "How steady is the result?"
UNMEASURED = (
    "“Check the pictures”, above: then this says how much the result depends on luck in dividing."
)
TOO_FEW = "The check has measured no repeated divisions: there are too few pictures, or very many."
OUTDATED = "Measured before the pictures were last changed."
GROUPED = "Judged on many divisions"
SINGLE = "With groups torn apart"
GAP = "Difference"
ALL_TOGETHER = "what belongs together on one side"
FLATTERED = "as a random split does"

KINDS = {  # one, several
    "burst": ("burst", "bursts"),
    "copy": ("set of exact copies", "sets of exact copies"),
    "set kept together": ("set kept together by hand", "sets kept together by hand"),
    "group": ("named group", "named groups"),
    "file": ("file of several pages", "files of several pages"),
    "recording": ("recording", "recordings"),
}


def given(parts: Sequence[str]) -> str:
    """Which parts the folders give, and what is done about the others."""
    if "train" in parts and "val" in parts:
        rest = (
            ""
            if "test" in parts
            else " There is no test part, so the result is the validation one."
        )
        return f"The division is the one your folders give, and is kept as it is.{rest}"
    if "train" in parts and "test" in parts:
        return (
            "Your folders give a training and a test part. The validation pictures are drawn from "
            "the training part."
        )
    return ""


def certainty(n_test: int, n_independent: int) -> str:
    """What a test part of this size can tell; pictures of one group count once."""
    if n_test == 0:
        return "Without test pictures there is no number from pictures that nothing was chosen by."
    if n_independent < n_test:
        told = interval(wilson(round(0.85 * n_independent), n_independent))
        return (
            f"The {n_test:,} test pictures are {n_independent:,} groups and single ones: with 85 % "
            f"of those right, the accuracy may be anything from {told}. More groups make this "
            "narrower, more pictures of the same groups hardly."
        )
    right = round(0.85 * n_test)
    pictures = "picture" if n_test == 1 else "pictures"
    return (
        f"If {right:,} of the {n_test:,} test {pictures} are right, the true accuracy lies "
        f"somewhere from {interval(wilson(right, n_test))}. More test pictures make this narrower."
    )


def groups(found: Divided) -> str:
    """What is kept together, and why."""
    if not found.groups:
        return NO_GROUPS
    made = ", ".join(_kind(kind, n) for kind, n in found.why.items())
    whole = "" if len(found.why) == 1 else f"{plural(found.groups, 'group')}: "
    return f"{found.in_groups:,} pictures belong together in {whole}{made}."


def role(part: str, n: int, total: int) -> str:
    """What a part is for, and how much of the set it is."""
    return f"{percent(n / max(1, total))} of the pictures. {PART_ROLES[part]}"


def torn(found: Divided) -> str:
    """Groups that lie on both sides; "" when there are none."""
    if not found.torn:
        return ""
    lie = "lies" if found.torn == 1 else "lie"
    return (
        f"{plural(found.torn, 'group')} {lie} in more than one part, so results look better than "
        "they are."
    )


def alone(found: Divided) -> str:
    """Classes that cannot be judged; "" when there are none."""
    names = [one.label for one in found.alone]
    if not names:
        return ""
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return (
        f"All pictures of {shown} belong together, so nothing independent of the training pictures "
        "can judge the class. Bring pictures of another subject."
    )


def cross_validated(found: Honesty) -> str:
    """What repeated folds are, and why they are steadier than one validation part."""
    return (
        f"{found.repeats} x {found.folds}-fold cross-validation: a simple head is trained "
        f"{found.repeats * found.folds} times, and every one of the {found.pictures:,} training "
        f"and validation pictures is judged {found.repeats} times by one that has not seen it. A "
        "single validation part is a fraction of them, and which pictures are in it is luck. Test "
        "pictures are left alone."
    )


def gap(found: Honesty) -> str:
    """What a random split would have said."""
    if found.gap is None:
        return ""
    if found.shown:
        return (
            f"A random split of these pictures would promise {points(found.gap)} too much. Believe "
            "the number with groups on one side."
        )
    return (
        "Keeping groups on one side makes no difference beyond chance here: tearing them apart "
        f"would change the number by {points(found.gap)} ({gap_between(found.gap)})."
    )


def between(found: Share, what: str = "") -> str:
    """The interval of an accuracy, and of what it is."""
    told = interval((found.low, found.high))
    return f"{told}; {what}" if what else told


def points(found: Share) -> str:
    """A difference of accuracies: "9 points"."""
    n = round(found.value * 100)
    return f"{_signed(n)} point" if abs(n) == 1 else f"{_signed(n)} points"


def gap_between(found: Share) -> str:
    """The interval of a difference."""
    return f"{_signed(round(found.low * 100))} to {_signed(round(found.high * 100))} points"


def _signed(n: int) -> str:
    """With a minus sign that is none of a hyphen."""
    return f"\N{MINUS SIGN}{-n}" if n < 0 else str(n)


def _kind(kind: str, n: int) -> str:
    one, several = KINDS.get(kind, (kind, f"{kind}s"))
    return f"{n:,} {one if n == 1 else several}"
