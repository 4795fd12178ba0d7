"""What the numbers of the Train page mean: the plan, the figures, the curves, the strengths."""

from __future__ import annotations

from tl_core.jobs.view import RunView
from tl_core.train.forecast import LOOKS
from tl_ui.texts import train as text
from tl_ui.texts.about_layers import EXPECTED_TIME, EXPECTED_TIME_SOLVED
from tl_ui.texts.meanings import Meaning

__all__ = ["curves", "headline", "plan", "strengths"]

MOST_FIT = 200  # training pictures judged each epoch (tl_core.train.recipe)
LOSS, ACCURACY, RATE = "Loss", "Accuracy", "Learning rate"
_ONCE_MORE = "The result on the Evaluate page is computed once more, in full precision."


def plan(*, probe: bool) -> Meaning:
    """What will run; ``probe`` where a head is solved."""
    return Meaning(
        means={
            text.NETWORK: "The network the run begins with, and where its weights come from.",
            text.PROBE if probe else text.BLOCKS: "What changes. The rest stays exactly as it is.",
            text.PICTURES: "Pictures to learn from. Validation and test pictures are never among "
            "them; all are brought to the size told.",
            text.SOLVING if probe else text.TRAINING: "About how long it takes on this machine "
            "when nothing else runs.",
        },
        computed=f"Counted, but for the time. {EXPECTED_TIME_SOLVED if probe else EXPECTED_TIME}",
        changes="Change, in each box, leads to where it is chosen.",
    )


def headline(view: RunView) -> Meaning:
    """The big numbers of a run, while it runs and when it is over."""
    probe = view.is_probe
    means = {
        text.VAL: text.VAL_PROBE_HELP if probe else text.VAL_HELP,
        **_middle_means(view),
        text.FIT: text.FIT_HELP,
        text.TIME: "Since the run began, without pauses, waiting and interruptions.",
    }
    return Meaning(
        means=means,
        computed=_computed(view),
        changes="More or better labelled pictures, other layers, another network. A validation "
        "accuracy that jumps from epoch to epoch has few validation pictures behind it."
        if not probe
        else "More or better labelled pictures, another network. If both accuracies are low, the "
        "network does not see what tells your classes apart: let blocks learn.",
    )


def _middle_means(view: RunView) -> dict[str, str]:
    if view.is_probe:
        return {text.STRENGTH if view.history else text.STRENGTH_SO_FAR: text.STRENGTH_HELP}
    return {text.BEST_KEPT if view.over else text.BEST: text.BEST_HELP}


def _computed(view: RunView) -> dict[str, str]:
    if view.is_probe:
        return {
            text.VAL: f"Right answers over validation pictures, with Wilson's 95 % interval. "
            f"{_ONCE_MORE}",
            text.STRENGTH if view.history else text.STRENGTH_SO_FAR: "The factor of the penalty on "
            "the squares of the head's weights, for pictures of mean squared length 1. It is the "
            "one of the lowest loss on training pictures left out in turn.",
            text.FIT: f"Up to {MOST_FIT} training pictures, the classes in proportion. The head "
            "was solved on them, so this shows how closely it follows them, not how good it is.",
            text.TIME: "From the run's own record.",
        }
    return {
        text.VAL: f"After every epoch the network answers all validation pictures as they are. The "
        f"range is Wilson's 95 % interval. {_ONCE_MORE}",
        text.BEST_KEPT if view.over else text.BEST: "The validation loss decides, not the "
        "accuracy: it counts how sure each answer was, where the accuracy moves in steps of one "
        "picture. Of equals the earlier one is kept.",
        text.FIT: f"Up to {MOST_FIT} training pictures, the same ones every epoch, the classes in "
        "proportion. What it is above validation is the gap; it is one beyond chance only when "
        "its 95 % interval (Newcombe) lies above zero.",
        text.TIME: "From the run's own record. The time left is the middle one of the last five "
        "epochs times what is to come, and for stages still to come what was expected of them; "
        "before there are epochs to go by, what was expected from "
        "measuring this machine, less the time since.",
    }


def curves() -> Meaning:
    """The curves of a run that takes steps."""
    return Meaning(
        means={
            LOSS: "How wrong the answers are, being sure and wrong counting most. Both lines "
            "should fall. If validation turns up while training falls on, pictures are being "
            "learned by heart.",
            ACCURACY: "The share of right answers; the line across is that of always guessing the "
            "largest class.",
            RATE: "The size of a learning step, as planned.",
        },
        computed={
            LOSS: "Cross-entropy: minus the logarithm of the probability given to the true class, "
            "the mean over pictures. In training it is taken step by step while the network "
            "changes, on pictures changed by augmentation and with label smoothing and mixup where "
            "they are on; in validation after the epoch, on pictures as they are. So validation "
            "may well lie lower.",
            ACCURACY: f"After each epoch, on all validation and up to {MOST_FIT} training "
            "pictures, both as they are.",
            RATE: "Of the head, after the epoch's last step. Open blocks learn at their part of "
            "it, and rise and fall with it.",
        },
        changes="Falls too slowly: a larger learning rate or more epochs. Jumps about: a smaller "
        "rate. Training far better than validation: fewer open blocks, more augmentation, more "
        "pictures.",
    )


def strengths() -> Meaning:
    """The charts of a head that is solved."""
    return Meaning(
        means="How well the head does on training pictures that it has not seen, for every "
        "strength tried. Held back too little, it follows single pictures; too much, it learns "
        "nothing.",
        computed="The training pictures are dealt into folds (5, from a thousand pictures on 3); "
        "for each, a logistic regression is solved on the others and answers it. The loss is the "
        "mean cross-entropy after one number has set how boldly the head speaks (a temperature). "
        "From strong to weak it is tried until it gets worse. The deep probe looks at every "
        f"picture {'twice, the second time mirrored' if LOOKS == 2 else f'{LOOKS} times'}, and "
        "each of its lines is another mix of what is seen and where.",
        changes="More training pictures let a weaker strength win. Another network sees something "
        "else altogether.",
    )
