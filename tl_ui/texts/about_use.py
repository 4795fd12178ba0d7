"""What the numbers of the Predict and the Export page mean, and how they are computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tl_core.config import PROBES
from tl_ui.texts import export, predict
from tl_ui.texts.meanings import Meaning

__all__ = ["answers", "certificate", "int8"]

TOLERANCE = "0.001"  # of a probability, as the certificate asks (tl_core.export.certificate)
MOST = 48  # pictures compared


def answers(layers: str | None) -> Meaning:
    """The probabilities of an answer.

    Args:
        layers: As the run's settings name them; None for a classifier that was brought.
    """
    honest = (
        "How boldly it speaks was set on training pictures left out in turn (a temperature), so "
        "that the shares are neither too high nor too low on the whole."
        if layers in PROBES
        else "How boldly it speaks was settled where it was made."
        if layers is None
        else "They are as trained, unless you corrected them on the Evaluate page (Look closer, "
        "Confidence), which also says how far they can be believed."
    )
    likely, fairly, leaning = (round(100 * least) for least, _ in predict.SURE)
    return Meaning(
        means="How the network divides 100 % among your classes. A high share says that it is sure "
        "between these classes, not that it is right, nor that the picture shows any of them.",
        computed="The network gives every class a score, and the softmax function turns the scores "
        f"into shares that sum to 100 %. {honest} “Very sure” is said from {likely} % on, “fairly "
        f"sure” from {fairly} %, “leaning towards” from {leaning} %, below that “undecided”. The "
        f"{predict.MOST_BARS} highest shares are drawn. What to say to be right in 90 of 100 such "
        "pictures are the classes whose share reaches that of the true class in all but the least "
        "sure tenth of the validation pictures (split conformal prediction).",
        changes="Another photo of the same thing: nearer, sharper, in other light. If the shares "
        "jump from one to the next, the network has not learned what you mean; bring training "
        "pictures that look like those you try here.",
    )


def certificate(found: Mapping[str, Any]) -> Meaning:
    """What the certificate counts; ``found`` may be empty."""
    n = int(found.get("pictures") or 0)
    told = f"{n:,} pictures" if n else f"Up to {MOST} pictures"
    return Meaning(
        means=f"{export.SAME_MEANS} It says nothing about how often the answers are right: that is "
        "on the Evaluate page.",
        computed=f"{told} that were not trained on, test pictures first and the classes in turn, "
        "went two ways from the same files: through the network as it is here, and through the "
        "bundle's own program in a process of its own. Counted is where both give the "
        "same class; the difference is the largest of any class's probability on any picture. "
        f"Above {TOLERANCE} nothing is exported.",
        changes="Making the bundle again compares again. Very small differences are the rounding "
        "of sums in another order and stay; another program or another processor may show others.",
    )


def int8(found: Mapping[str, Any]) -> Meaning:
    """What the 8-bit network costs and saves, as the certificate has it."""
    n = int(found.get("pictures") or 0)
    return Meaning(
        means="Whether the smaller network answers as well as the full one, and what it saves.",
        computed=f"Both were asked about all {n:,} held-out pictures. The difference is how much "
        "more often the small one is right, in points of 100, with the interval of a paired "
        "comparison (Tango, McNemar). The ranges of its numbers are from training pictures; of "
        "several ways the one that agreed best with the full network on other training pictures "
        "was kept. A loss is called not tolerable above 2 points. The times are medians of 30 "
        "single pictures on this machine.",
        changes="More held-out pictures make the interval narrower. Other processors give other "
        "times, and can be slower in 8-bit numbers than in full ones.",
    )
