"""Words of the gate between two stages of a run."""

from __future__ import annotations

from tl_core.events import GateOpened
from tl_core.jobs.gains import Expected
from tl_ui.texts.meanings import Meaning
from tl_ui.texts.numbers import duration, interval, percent, rate

OPEN = "Open it"
KEEP = "Keep what there is"
MEASURE = "Measure the gain first"
WAITS = "The run waits for your answer, and so do runs behind it. You may leave this page."
WAITING = "Waiting for your answer"
WAITS_FOR_YOU = "waits for your answer"
WAITS_BEHIND = "waits behind a run that waits for your answer"
ANSWER = "Go there and answer"
UNMEASURED = "What opening it brings on these pictures was not measured yet."

STAGES = "How the blocks are opened"
STAGES_HELP = (
    "At once: all chosen blocks learn from the start. In stages: the head first, then one block "
    "more at a time, each from the best so far; what does not help is taken back."
)
STAGE_NAMES = {
    "off": "At once",
    "ask": "In stages, I decide",
    "auto": "In stages, while it helps",
    "gradual": "In stages, all the way",
}


def question(asked: GateOpened) -> str:
    """What is asked."""
    return f"Open {asked.block} too?"


def reached(asked: GateOpened) -> str:
    """Where the run stands, and what the last stage brought."""
    likely = interval(asked.val_accuracy_ci)
    now = f"{percent(asked.val_accuracy)} right in validation (likely {likely})"
    if asked.gained is None or asked.fell is None:
        return f"The head alone reaches {now}."
    if asked.fell_low is not None and asked.fell_low > 0:
        verdict = "it helped"
    elif asked.fell_high is not None and asked.fell_high < 0:
        verdict = "it did not help, and was taken back"
    else:
        verdict = "that is within chance"
    return (
        f"The run stands at {now}. With the last block the loss on the same validation pictures "
        f"changed by {-asked.fell:+.3f} ({-(asked.fell_high or 0):+.3f} to "
        f"{-(asked.fell_low or 0):+.3f}): {verdict}."
    )


def expected(gain: Expected) -> str:
    """What opening the block brought in the comparison of layers."""
    told = (
        f"On training pictures it had not seen, opening it brought {_points(gain.value)} "
        f"({_points(gain.low)} to {_points(gain.high)})"
    )
    if gain.low > 0:
        return f"{told}: it helps."
    if gain.high < 0:
        return f"{told}: it hurts."
    return f"{told}: that cannot be told from nothing."


def cost(asked: GateOpened) -> str:
    """What it takes, and how."""
    time = (
        f"about {duration(asked.expected_seconds)}, " if asked.expected_seconds is not None else ""
    )
    epochs = "1 epoch" if asked.epochs == 1 else f"{asked.epochs} epochs"
    return (
        f"It takes {time}{epochs}. The head goes on at a rate of {rate(asked.lr)}, the block at "
        f"{rate(asked.block_lr)}. If it does not help, it is taken back."
    )


def meaning(asked: GateOpened) -> Meaning:
    """The three answers."""
    return Meaning(
        means="An open block learns from your pictures what it did not know. With few pictures it "
        "may learn them by heart instead, which validation shows.",
        computed="Validation accuracy is of the best epoch so far, with Wilson's interval. The "
        "change of the loss is paired: the same validation pictures before and after. The gain "
        "beforehand is measured on parts of the training pictures (Layers, Which layers suit these "
        "pictures), so validation stays a judge that took no part.",
        changes="More pictures make opening blocks safer. A lower rate changes less. "
        f"{asked.block} is next because blocks nearer the answer are the more particular ones.",
    )


def held(name: str) -> str:
    """Said of work that waits behind a run which waits for an answer."""
    return f"It waits because the run “{name}” waits for your answer."


def closed(opened: bool) -> str:
    """Said when the answer was given."""
    return "The block is opened." if opened else "The run keeps what it has."


def _points(share: float) -> str:
    points = 100 * share
    return f"{points:+.1f} point{'' if abs(points) == 1 else 's'}"
