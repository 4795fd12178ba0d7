"""What the numbers of the Layers page mean: the blocks, and what a run will cost."""

from __future__ import annotations

from tl_core.jobs.estimate import START_S
from tl_ui.texts import layers as text
from tl_ui.texts.meanings import Meaning

__all__ = ["EXPECTED_TIME", "EXPECTED_TIME_SOLVED", "blocks", "costs"]

_CORRECTED = (
    f"{START_S:.0f} seconds for the start are added, and the whole is corrected by how the last "
    "three finished runs took compared with what was told. A download of weights is not in it."
)
EXPECTED_TIME = (
    "What one picture costs in these blocks is measured on this machine with a batch of noise (a "
    "first guess is its calculations over the machine's speed). Frozen blocks are counted once for "
    f"every version of a picture that is kept, what learns once an epoch. {_CORRECTED}"
)
EXPECTED_TIME_SOLVED = (
    "What one picture costs in this network is measured on this machine with a batch of noise (a "
    "first guess is its calculations over the machine's speed), times the looks at the pictures, "
    f"and the time to solve. {_CORRECTED}"
)


def blocks() -> Meaning:
    """The drawing of the network."""
    return Meaning(
        means=f"{text.BLOCKS_HELP} The bar of a block is its part of the network's parameters, the "
        "numbers that training can change.",
        computed="Parameters are counted from the network itself, the head for your number of "
        "classes. What a block knows is what is generally seen in blocks at this place; it is not "
        "measured on this one.",
        changes="Another network on the Model page. Opening a block does not change its size, only "
        "whether it learns.",
    )


def costs(*, probe: bool) -> Meaning:
    """What learns, the expected time and memory; ``probe`` where a head is solved."""
    return Meaning(
        means={
            text.LEARNS: "The part of the network's parameters that will change. The more, the "
            "better it can adapt, and the sooner a small set is learned by heart.",
            text.TIME: "From the start to the result on this machine, when nothing else runs.",
            text.MEMORY: text.MEMORY_HELP,
        },
        computed={
            text.LEARNS: "None of the network's own: only a new head is found."
            if probe
            else "Parameters of the open blocks and the head, over those of all.",
            text.TIME: EXPECTED_TIME_SOLVED if probe else EXPECTED_TIME,
            text.MEMORY: "4 bytes for every parameter, 12 more for one that learns (its slope and "
            "two averages that AdamW keeps), and about four times what the open blocks give for "
            "each picture of a batch. A rule, not a measurement: Python and the libraries come on "
            "top.",
        },
        changes="Fewer open blocks and smaller pictures cost less time and memory; a smaller batch "
        "less memory; fewer epochs or kept versions less time.",
    )
