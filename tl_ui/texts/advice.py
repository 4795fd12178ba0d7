"""What is said about networks measured on the user's pictures."""

from __future__ import annotations

from tl_core.advise.advice import Advice, Candidate, SourceDistance
from tl_core.advise.scale import ladder as steps
from tl_core.advise.words import speed
from tl_ui.text import plural
from tl_ui.texts.meanings import Meaning
from tl_ui.texts.model import size
from tl_ui.texts.numbers import count, duration, interval, percent

TITLE = "Measured on your pictures"
HELP = (
    "Every network looks at your pictures, and the best simple head on what it sees is judged on "
    "pictures that head does not know. Nothing is trained, and test pictures are never looked at."
)
UNMEASURED = (
    "Which network sees what matters in your pictures? Let those that are on this machine look at "
    "them, and see how many pictures each gets right before you train anything."
)
GO = "Measure on my pictures"
AGAIN = "Measure again"
WHICH = "Which networks"
WHICH_LABEL = "Networks to measure"
WHICH_HELP = "Those whose weights are on this machine; download others first."
WAITS = "About half a minute for each network. You need not wait for it."
FAILED = "The networks could not be measured."
CANCELLED = "The measurement was stopped. What was looked at is kept, so it goes on from there."
STALE = "The pictures were changed since this was measured."
NOT_AMONG = "The network you have chosen is not among them."
OWN_SEEN = (
    "Your weights file is judged like the others. If it has learned from these very pictures, its "
    "result here is too good."
)
LEVEL = "Cannot be told apart on your pictures"
BEHIND = "Behind, beyond chance"
COMPARED = "For comparison"
MISSING = "Not measured"
CHOOSE = "Choose"
IS_CHOSEN = "Chosen"
MORE = "More numbers"
YOURS = "your pictures"
DISTANCE = "How far are your pictures from what it learned on?"
RANDOM = "A random network"
RANDOM_BELOW = "The same kind as {title}, without having learned anything."
NEIGHBOURS = "The 5 most alike pictures vote"
ALWAYS = "Dashed line: always guessing the largest class"

COLUMNS = {
    "network": "Network",
    "balanced": "Classes alike",
    "log_loss": "Log-loss",
    "nearest": "Nearest picture",
    "nearest5": "Nearest five",
    "evidence": "LogME",
    "top1": "ImageNet",
}
ASK_RIGHT, ASK_LEVEL, ASK_SPEED = "Right", "Told apart", "Speed and size"
ASK_RANDOM, ASK_NEAR, ASK_MORE, ASK_FAR = "Random", "Alike pictures", "These numbers", "Distance"


def title(one: Candidate) -> str:
    """A network's name, with what is special about its weights."""
    if one.control:
        return RANDOM
    return f"{one.title}, your weights file" if one.weights == "file" else one.title


def right(one: Candidate) -> str:
    """Its accuracy and how far that can be trusted."""
    assert one.scores is not None
    bounds = one.scores.accuracy
    return f"{percent(bounds.value)} right, likely {interval((bounds.low, bounds.high))}"


def facts(one: Candidate) -> str:
    """Speed and size in a line."""
    assert one.cost is not None
    parts = [speed(one), f"{count(one.cost.parameters)} parameters", f"{one.cost.image_size} px"]
    if one.top1 is not None:
        parts.append(f"ImageNet {one.top1:.0f} %")
    return " · ".join(parts)


def measured(found: Advice) -> str:
    """What was done, in a line under the bars."""
    return (
        f"{ALWAYS} ({percent(found.majority)}). "
        f"{plural(found.pictures, 'picture')}, {found.repeats} times divided into {found.folds}, "
        f"in {duration(found.seconds)}; no test picture among them."
    )


def bar(one: Candidate, majority: float) -> str:
    """A bar in words."""
    return f"{title(one)}: {right(one)}; always guessing the largest class: {percent(majority)}."


def missing(one: Candidate) -> str:
    """Why a network has no bar, and what to do."""
    more = f" ({size(one.download_mb)})" if one.state == "not_here" and one.download_mb else ""
    return f"{one.title}{more}: {one.reason} {one.hint}".strip()


def left_out(n: int) -> str:
    """Pictures that took no part; "" when all did."""
    if not n:
        return ""
    return (
        f"{plural(n, 'picture')} took no part: the only one of a class cannot be judged, and from "
        "2,000 on more pictures change little."
    )


def ladder(kid: SourceDistance) -> str:
    """What lies where on the scale of the distance to the source, near to far; Markdown."""
    named = [f"{at} {what}" if what else f"**{at} {YOURS}**" for at, what in steps(kid)]
    return " · ".join(named)


# -- what numbers mean -----------------------------------------------------------------------------


def about_right(found: Advice) -> Meaning:
    """Of the accuracy."""
    first = found.ranked[0]
    assert first.scores is not None
    share = first.scores.accuracy
    return Meaning(
        means=f"Of 100 pictures like yours, a simple head on what {title(first)} sees gets about "
        f"{100 * share.value:.0f} right; {100 * share.low:.0f} to {100 * share.high:.0f} is "
        "likely. Training further blocks can do better than this.",
        computed=f"Your {found.pictures:,} training and validation pictures were divided into "
        f"{found.folds} parts, {found.repeats} times. Each part was judged by a linear head "
        "(ridge regression) that knew only the others; pictures that belong together were in one "
        "part. The interval is Nadeau and Bengio's, which counts that the heads share pictures.",
        changes="More pictures make the interval narrower. Corrected labels and clearer pictures "
        "raise the number; so may another network or a larger picture size.",
    )


def about_level(found: Advice) -> Meaning:
    """Of groups that cannot be told apart."""
    n = len(found.ranked)
    return Meaning(
        means="Networks in one group may be equally good: their difference on your pictures is no "
        "larger than chance makes it. It does not mean that they are the same.",
        computed=f"Every two of the {n} networks were compared on the same parts of the pictures, "
        "and the chances were adjusted for the number of comparisons (Holm). Within a group "
        "those within 2 points of the most accurate one come first; among these, one that is both "
        "faster and lighter by a quarter, else the one whose features explain the labels best "
        "(corrected LogME).",
        changes="More pictures: four times as many halve what can be told apart.",
    )


def about_speed(one: Candidate) -> Meaning:
    """Of milliseconds and parameters."""
    assert one.cost is not None
    return Meaning(
        means=f"{title(one)} needs {speed(one)} on this machine to look at a picture, and has "
        f"{count(one.cost.parameters)} numbers below its head. Training takes several times as "
        "long per picture for every block that learns.",
        computed="The frozen network was timed on your pictures in the precision that was fastest "
        "here. Other work on the machine at that moment makes it look slower.",
        changes="A smaller picture size or a lighter network.",
    )


def about_random(found: Advice) -> Meaning:
    """Of the random control."""
    control = found.control
    assert control is not None and control.behind is not None
    gain = control.behind
    return Meaning(
        means="A network of the same kind that has learned nothing. What the first network has "
        "more than this one is what its learning is worth on your pictures.",
        computed="Its weights were drawn at random and it was measured like the others, on the "
        f"same parts of the pictures. The difference is {100 * gain.value:.1f} points, likely "
        f"{100 * gain.low:.1f} to {100 * gain.high:.1f}.",
        changes="If it is nearly as good, colours and textures alone may tell your classes apart; "
        "look for a shortcut on the Data page.",
    )


def about_near(found: Advice) -> Meaning:
    """Of the neighbours' vote."""
    first = found.ranked[0]
    return Meaning(
        means="How often the pictures most alike, as the network sees them, are of the same class. "
        "Where it is far below the bar above, classes lie close together and need a head.",
        computed=f"Each picture was left out in turn and the five most alike by {title(first)} "
        "voted (cosine of the features); pictures of its own group had no vote. The interval is "
        f"Wilson's for {found.units:,} independent pictures.",
        changes="Another network, clearer pictures, or cropping to the subject.",
    )


def about_more() -> Meaning:
    """Of the table."""
    return Meaning(
        means="Classes alike: the mean over the classes of what is right, so that a large class "
        "does not decide. Log-loss: how wrong the head's probabilities are, 0 is perfect. Nearest "
        "picture and nearest five: the vote of the pictures most alike. LogME: how well the "
        "features explain the labels; higher is better. ImageNet: its publisher's own accuracy.",
        computed="The first two from the same held-out parts as the bars; the votes by leaving one "
        "picture out at a time; LogME is the log evidence of a Bayesian linear model per picture, "
        "with the part of the sum that the published code leaves out.",
        changes="None of them decides on its own: the order follows the bars, then speed, and only "
        "then LogME.",
    )


def about_far(one: Candidate) -> Meaning:
    """Of the distance to the source, by blocks and as a whole."""
    means, computed = [], []
    if one.distance:
        means.append(
            "By blocks, 0 would be pictures just like those the network learned from. Large "
            "numbers in the first blocks: light, contrast or sharpness differ. In the last: other "
            "things are shown."
        )
        computed.append(
            "Its normalisation layers have kept the mean and the spread of what they saw while "
            "learning; these were compared with those of up to 128 of your pictures (symmetric "
            "Kullback-Leibler divergence, the middle of all channels of a block). Blurred, pale "
            "and dark pictures are noticed; inverted and grey ones may pass for other things."
        )
    if one.kid:
        means.append(
            "As a whole, what the network's last block sees in your pictures is compared with what "
            "it sees in pictures of the kind it learned from. A set of few kinds of things lies "
            "farther from them by that alone, so a part of its own pictures stands beside yours."
        )
        computed.append(
            f"Kernel distance (KID): features of {one.kid.pictures:,} of your pictures against "
            f"those of {one.kid.compared:,} that come with Thaw, without bias for small sets. It "
            f"is {one.kid.value:.4f}, with 95 % confidence {one.kid.low:.4f} to "
            f"{one.kid.high:.4f} (one picture, or group that belongs together, left out at a time)."
        )
    return Meaning(
        means=" ".join(means),
        computed=" ".join(computed),
        changes=f"Pictures taken in more usual light, or a network that learned from pictures like "
        f"yours. It explains {title(one)}'s result; the order of networks does not depend on it.",
    )
