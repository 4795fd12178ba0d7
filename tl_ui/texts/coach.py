"""What the coach's findings are called on screen, what they mean, and what can be done."""

from __future__ import annotations

from tl_core.diagnose.verdicts import renamed
from tl_core.events import FindingRaised
from tl_core.session import Origin, RunRow
from tl_ui.text import plural
from tl_ui.texts.meanings import Meaning

__all__ = [
    "ANEW",
    "ANEW_HELP",
    "APPLY",
    "APPLY_HELP",
    "APPLY_STOPS",
    "FIRST",
    "ONLY",
    "begun",
    "cannot",
    "meaning",
    "more",
]

FIRST, ONLY = "What may help first", "What may help"
APPLY = "Apply and continue"
APPLY_HELP = (
    "A new run with just this change begins with the network of the best epoch of this one. "
    "When it ends it says whether the change helped, on the same validation pictures."
)
APPLY_STOPS = "This run is stopped; its best epoch is kept and can be used as before."
ANEW = "Start anew with it"
ANEW_HELP = (
    "A new run with just this change begins from the start. This run stays as it is. When the new "
    "one ends it says whether the change helped, on the same validation pictures."
)


def more(n: int) -> str:
    """The label of the quieter remedies."""
    return f"{plural(n, 'other thing')} that may help"


def cannot(why: str) -> str:
    """Why a change can only start anew."""
    return f"It starts anew. {why}"


def begun(origin: Origin, earlier: RunRow | None, remedy: str) -> str:
    """Where a run began and what for, in one line; empty when there is nothing to say."""
    name = f"the earlier run ({earlier.name})" if earlier else "an earlier run"
    why = f" to try: {remedy}." if remedy else "."
    if origin.weights:
        return f"This run went on from epoch {origin.epoch} of {name}{why}"
    return f"This run started anew after {name}{why}" if remedy else ""


def meaning(found: FindingRaised) -> Meaning:
    """The three answers about a finding; a general one for what this version does not know."""
    means, computed, changes = _MEANINGS.get(renamed(found.verdict), _UNKNOWN)
    return Meaning(means=means, computed=computed, changes=changes)


_COMPARED = (
    "Both networks, each that of its best epoch, answered the same validation pictures. The loss "
    "is "
    "compared picture by picture with an interval that would miss the truth in 2.5 of 100 cases; "
    "the "
    "right answers with McNemar's exact test, which looks only at pictures that changed sides. It "
    "says which of these two networks is better on pictures like these, not that the remedy works "
    "in general."
)
_AGAIN = (
    "More validation pictures make smaller differences visible. The same remedy with another seed "
    "shows how much is chance."
)
_MEANINGS = {
    "diverged": (
        "Learning goes in steps. These steps were so large that each one landed somewhere worse, "
        "and "
        "the network ended up knowing less than before.",
        "The loss on training pictures was compared with that of pure guessing and with its own "
        "lowest value: above 1.2 times guessing, or four times its lowest, in two epochs in a row, "
        "is a breakdown.",
        "A smaller learning rate. If that does not help, look for wrong labels and for pictures of "
        "quite another kind.",
    ),
    "oscillating": (
        "The steps are too large to settle: the network jumps over the best place and back, epoch "
        "after epoch.",
        "Counted was how often the validation loss turned round from one epoch to the next. Chance "
        "turns it in two of three epochs; here it was more than 85 of 100, by more than 5 % of its "
        "value each time. The training loss is not asked, because it may alternate with the "
        "versions of the pictures.",
        "A smaller learning rate, or one that falls towards the end.",
    ),
    "rate_too_low": (
        "The steps are so small that the network is still about where it began. It may be able to "
        "learn these pictures well; it was not given the chance.",
        "The training loss of the first two epochs was compared with that of the last two: it fell "
        "by less than 2 % in a good part of the run, although a larger rate is known to work.",
        "A larger learning rate. Leave it to Thaw on the Layers page if you are not sure.",
    ),
    "no_signal": (
        "Somebody who always names the most frequent class would be right about as often. Nothing "
        "shows that the network has learned what tells the classes apart.",
        "The range in which the true accuracy likely lies (95 %, Wilson) reaches down to the share "
        "of the largest class.",
        "Check the labels first. Then larger pictures, more blocks that learn, or more pictures.",
    ),
    "underfit": (
        "Not even the training pictures are all answered rightly, so there is still something to "
        "learn; it was given too little time or too small steps.",
        "Under 95 % of the training pictures are right and validation is as good. Besides, both "
        "losses were still falling (training by more than 1 % an epoch, validation surely, by more "
        "than 6 % in five epochs), or the training loss has hardly left that of guessing.",
        "More epochs, a larger learning rate, or one more block that learns.",
    ),
    "overfit": (
        "The network learns single training pictures by heart. That makes it better on those and "
        "worse on pictures it has not seen, which are the ones that count.",
        "Every validation picture was compared with itself: its loss in the last five epochs with "
        "that around the best epoch. The rise is more than chance explains (2.5 standard errors, "
        "from pictures and epochs; 1.6 when it is large and training pictures are known much "
        "better), the accuracy fell too, and the training loss went on falling.",
        "Stopping at the best epoch, which is kept in any case; smaller steps, fewer blocks that "
        "learn, more varied pictures, or more pictures.",
    ),
    "overconfident": (
        "It is right as often as before, but says so ever more surely, also where it is wrong. The "
        "answers are as good; how sure it claims to be is not to be trusted.",
        "As for overfitting, every validation picture was compared with itself: the loss rose more "
        "than chance explains, while the share of right answers did not fall.",
        "Label smoothing keeps answers from growing too sure. Stopping early helps as well.",
    ),
    "noisy_validation": (
        "There are too few validation pictures to measure by, as with a poll of twenty people. "
        "Small "
        "differences between epochs or runs may be chance.",
        "The range in which the true accuracy likely lies (95 %, Wilson) reaches further than 5 "
        "points to either side, or the accuracy jumps by more than 5 points between epochs.",
        "More pictures in the validation part, on the Data page.",
    ),
    "plateau": (
        "Nothing moves any more: neither on training pictures nor on new ones, though some are "
        "still answered wrong.",
        "The last third of the epochs was compared with the third before: the training loss moved "
        "by "
        "less than 5 %, and a fall of the validation loss of more than 5 % is ruled out (95 %).",
        "A learning rate that falls towards the end, one more block that learns, larger or more "
        "pictures. More epochs alone do not.",
    ),
    "memorised": (
        "It knows the pictures it was trained on better than others. That is usual, and so far it "
        "has not made it worse on new ones.",
        "The share of right answers on training pictures is higher than on validation pictures by "
        "more than chance explains (Newcombe, 95 %); the validation loss has not clearly risen. "
        "With few validation pictures a rise can be missed.",
        "Nothing needs to change. More pictures make the gap smaller.",
    ),
    "remedy_helped": (
        "The change you tried made the network better on pictures it was not trained on.",
        _COMPARED,
        _AGAIN,
    ),
    "remedy_harmed": (
        "The change you tried made the network worse. The earlier run is still there, with its "
        "network.",
        _COMPARED,
        "Use the earlier run, or try another of its remedies.",
    ),
    "remedy_unclear": (
        "The two networks differ by less than these validation pictures can show. The change may "
        "have helped a little, harmed a little, or done nothing.",
        _COMPARED,
        _AGAIN,
    ),
}
_UNKNOWN = (
    "The coach noticed this in the course of the run.",
    "The numbers it rests on are in the sentence above.",
    "See the guide of the Train page.",
)
