"""What the Layers page says of learning rates: the range test, and the rate of each block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tl_ui.texts.meanings import Meaning
from tl_ui.texts.numbers import duration, rate

FIND = "Find a rate on my pictures"
FIND_HINT = (
    "Tries rates from very small to far too large for a few steps each and looks where the loss "
    "falls. Nothing is kept of what is learned."
)
TITLE = "Rates tried on your pictures"
FAILED = "The rates could not be tried; everything else works without it."
CANCELLED = "Trying the rates was cancelled."
AGAIN = "Try again"
IN_USE = "In use"
REASONS = {
    "no_drop": "**No answer.** At no rate did the loss fall by more than its own noise, so this "
    "curve cannot tell a good rate from a bad one.",
    "disagree": "**No answer.** The four rules that read the curve say different things, so it "
    "cannot be trusted to name one rate.",
    "short": "**No answer.** The loss went up before it could come down at any rate.",
}
RULES = {"valley": "Valley", "steep": "Steepest", "minimum": "Lowest / 10", "slide": "Slide"}
MEASURED = "Loss of the steps"
AVERAGED = "Running average"
SUGGESTED = "Suggested"
DEFAULT = "Thaw's own"
AXIS_RATE = "Learning rate of the head"
AXIS_LOSS = "Training loss"
CURVE_NAME = "Training loss at each learning rate tried"
MANY_PASSES = 10.0  # beyond which the words warn of learning by heart

BLOCKS = "Rate of each block"
BLOCKS_HINT = (
    "The head learns at the learning rate above; each open block at a part of it, by rule the less "
    "the nearer it is to the picture. A part you set yourself stays when the learning rate changes."
)
BY_RULE, BY_HAND = "by rule", "set by you"
ALL_BY_RULE = "All blocks back to the rule"
BLOCKS_MEANING = Meaning(
    means="The size of a learning step of this block. A block with a small rate keeps most of what "
    "it knows; one with a large rate adapts faster and forgets sooner.",
    computed="The learning rate of the head times the part shown. By rule the last open block gets "
    "a tenth of the head's rate and each one before it 0.4 of the next one's, unless you changed "
    "these two under More settings. This is the highest rate of the run; the course of the "
    "learning rate lowers it from there.",
    changes="Another learning rate for the head changes all of them in step. Set a part yourself "
    "where one block should adapt more (another camera: the first ones) or be left alone.",
)


def use(value: float) -> str:
    """The button that takes the suggestion."""
    return f"Use {rate(value)}"


def suggestion(found: Mapping[str, Any], usual: float) -> str:
    """What came out, in a sentence or two of Markdown."""
    own = f"By itself, Thaw takes {rate(usual)} here."
    value = found["rate"]
    if value is None:
        return f"{REASONS[found['reason']]} {own}"
    agreed = [RULES[name].lower() for name in found["agreed"]]
    names = f"{', '.join(agreed[:-1])} and {agreed[-1]}"
    count = {2: "Two", 3: "Three", 4: "All four"}[len(agreed)]
    said = f"**{rate(value)}** is suggested. {count} rules agree ({names})."
    return f"{said} {own} {beside(found, usual)}"


def beside(found: Mapping[str, Any], usual: float) -> str:
    """How the suggestion stands to the automatic rate."""
    ratio = float(found["rate"]) / usual
    if 1 / 3 <= ratio <= 3:
        return "The two are close: expect much the same result."
    return DISTANT


DISTANT = (
    "They differ. The automatic rate was measured with whole runs, the curve shows only first "
    "steps: where unsure, train once with each and compare."
)


def how(result: Mapping[str, Any]) -> str:
    """What was done, under the curve."""
    passes = float(result["passes"])
    words = (
        f"{len(result['rates'])} rates, {result['seeds']} runs averaged, each {passes:.1f} passes "
        f"over {int(result['n_train']):,} training pictures; {duration(result['seconds'])}."
    )
    if passes > MANY_PASSES:
        words += (
            " With so few pictures part of the fall is learning them by heart, so take the rate "
            "as a rough one."
        )
    return words


def expected(seconds: float | None) -> str:
    """Under the button: what it does and about how long it takes."""
    return FIND_HINT if seconds is None else f"{FIND_HINT} About {duration(seconds)}."


def rule(name: str, value: float) -> str:
    """A rule in the legend."""
    return f"{RULES[name]}: {rate(float(f'{value:.2g}'))}"


def meaning(result: Mapping[str, Any]) -> Meaning:
    """The three answers beside the suggestion."""
    found = result["found"]
    computed = (
        f"{result['seeds']} times, the network started as your run would and took "
        f"{len(result['rates'])} steps, each with a larger rate than the one before, from "
        f"{rate(result['rates'][0])} to {rate(result['rates'][-1])}. Validation pictures were not "
        "looked at, and the network is as it was. Each batch is compared with what the same "
        f"pictures gave before: from {found['start']:.2f} the loss fell by {found['drop']:.3f}, "
        f"where noise alone makes about {found['noise']:.3f}; 3.5 times that is asked for. "
    )
    if found["rules"]:
        said = ", ".join(rule(name, value) for name, value in found["rules"].items())
        computed += (
            f"Four rules read the average: {said}. The suggestion is the geometric mean of those "
            "that lie within a factor of ten, at most a tenth of the rate with the lowest loss."
        )
    return Meaning(
        means="The rate at which the loss falls well and is not yet near the rate at which it goes "
        "up again. It need not be exact: a rate a few times smaller learns as much in more epochs, "
        "and one a few times larger often does as well.",
        computed=computed,
        changes="Other blocks, another network, batch size, picture size or other pictures: then "
        "it is asked anew. More pictures give a smoother curve.",
    )


def part_label(title: str) -> str:
    """The field of a block's part."""
    return f"{title}: part of the head's rate"


def part_words(value: float, by_hand: bool) -> str:
    """Under a block's part: the rate it comes to, and who chose it."""
    return f"learns at {rate(float(f'{value:.2g}'))}, {BY_HAND if by_hand else BY_RULE}"


def block_line(title: str, value: float, by_hand: bool) -> str:
    """A block with its rate, in a list: "Stage 4: 0.001 (by rule)"."""
    return f"{title}: {rate(float(f'{value:.2g}'))} ({BY_HAND if by_hand else BY_RULE})"


def blocks_line(lines: Sequence[str]) -> str:
    """Under the plan of a run: blocks whose rates are not all those of the rule."""
    return f"{BLOCKS}. {', '.join(lines)}."


def head_words(value: float, frozen: int) -> str:
    """The head's rate, and how many blocks have none."""
    words = f"The head learns at {rate(value)}."
    if frozen == 1:
        return f"{words} One block is frozen and has no rate."
    return f"{words} {frozen} blocks are frozen and have no rate." if frozen else words
