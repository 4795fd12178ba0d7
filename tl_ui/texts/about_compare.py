"""What the numbers of the Compare page mean, how they are computed, what would change them."""

from __future__ import annotations

from tl_core.evaluate.paired import DRAWS, FEWEST
from tl_core.jobs.comparing import Comparison
from tl_ui.texts import compare as text
from tl_ui.texts.meanings import Meaning

__all__ = ["costs", "curves", "differ", "disagree", "runs", "transfer", "verdicts"]


def runs(split: str) -> Meaning:
    """The list of runs, and the cards of those compared."""
    part = text.SPLITS[split].lower()
    return Meaning(
        means="Every training of this project that left a result. The share is how many of the "
        f"{part} were answered rightly; the range beside it is where the true share likely lies "
        "(95 %). Ranges that overlap do not mean that two runs are equally good: the verdicts "
        "below look at the same pictures one by one and see more.",
        computed="Share and Wilson's interval as on the Evaluate page. Seconds are counted from "
        "start to end without pauses; the size is that of the file with the network that was kept.",
        changes="More pictures in this part narrow the ranges. Another network, other blocks or "
        "other settings change the shares.",
    )


def verdicts(found: Comparison) -> Meaning:
    """Who is better, and how that is known."""
    return Meaning(
        means="Two runs answered the same pictures. Only those count on which one is right and the "
        "other wrong: if both were equally good, each side would get about half of them. “Better” "
        "is said where chance would seldom share them out so unevenly, otherwise “cannot tell”, "
        "with about how many pictures probably would. The probabilities are a question of their "
        "own: a run can be right as often and yet know better how sure to be.",
        computed="Pictures are matched by content and class; a picture that either run has learned "
        "from is left out, and so is one whose class was changed in between. McNemar's exact test "
        f"gives the chance, Holm's method corrects it for the {max(found.tests, 1)} comparisons "
        "made at once. The interval (Tango's, and at least the exact test's own) has the level the "
        "comparison was tested at, so it leaves 0 out exactly where a verdict is given. The "
        f"log-loss is compared by drawing the pictures anew {DRAWS:,} times, with an interval "
        "never narrower than Student's. The number of "
        f"pictures is for four chances of five to tell. Below {FEWEST} pictures nothing is said. "
        "Pictures that belong together (copies, bursts, a patient's) count as one witness: the "
        "signs of whole groups are compared, and the groups are drawn anew.",
        changes="More pictures of this part; fewer runs compared at once, since each has to show "
        "less; and holding the others against a run you choose, instead of against the best.",
    )


def curves() -> Meaning:
    """Validation loss and accuracy over the epochs."""
    return Meaning(
        means="How loss (lower is better) and accuracy (higher is better) on validation pictures "
        "went from epoch to epoch. A loss that rises again while another stays low is learning its "
        "pictures by heart.",
        computed="Measured after every epoch on the validation pictures that the run had. Runs on "
        "other pictures cannot be read off against each other here; the verdicts above can.",
        changes="Rate, epochs and blocks change the course; more validation pictures make it "
        "smoother.",
    )


def costs() -> Meaning:
    """Accuracy against time and size."""
    return Meaning(
        means="What each run reached for what it cost. A ring marks the runs that nothing beats: "
        "no other is at least as often right for less. The others can be passed over, unless the "
        "intervals (upright lines, 95 %) overlap.",
        computed="Accuracy on the pictures chosen above. Time is what the training took on this "
        "machine, with all that was kept from before making it quicker; size is that of the "
        "network's file.",
        changes="A smaller network or a smaller picture costs less; a solved head costs seconds.",
    )


def differ() -> Meaning:
    """Settings and pictures that are not the same."""
    return Meaning(
        means="Everything that is not the same in these runs; what is not listed is the same. Two "
        "runs that differ in one line only say what that line does.",
        computed="The settings as they were when each run began, automatic ones filled in. A dash "
        "is a setting without effect in that run. Pictures are compared with those of the run "
        "that the others are held against.",
        changes="“Change its settings” takes one of them over, to change a single line.",
    )


def disagree() -> Meaning:
    """Pictures that two runs answered differently."""
    return Meaning(
        means="The pictures that make the difference, the surest answers first. Look for what they "
        "share: one kind of picture, one class, a wrong label.",
        computed="Each picture of this part that both were asked about and neither learned from, "
        "with each run's answer and the probability it gave it.",
        changes="Mend wrong labels on the Data page and train again; add pictures like those that "
        "both get wrong.",
    )


def transfer() -> Meaning:
    """A control from scratch among the runs."""
    return Meaning(
        means="A run from scratch uses nothing that the network learned before. If the pretrained "
        "one is better, that knowledge helps; if it is worse, it hurts.",
        computed="The verdict of the comparison above, of two runs of the same network.",
        changes="More pictures tell more surely, and usually make the gain smaller.",
    )
