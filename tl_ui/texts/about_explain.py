"""What the numbers of an explanation mean, how they are computed, what would change them."""

from __future__ import annotations

from tl_ui.texts import explain as text
from tl_ui.texts.meanings import Meaning

__all__ = ["reasons"]

DRAWS, ALIKE, STEPS = 3, 0.5, 32  # as tl_core.explain.sanity and heat have them
FAR = 95  # per cent, as tl_core.explain.neighbours has it


def reasons() -> Meaning:
    """The map with its check, the near pictures and the blocks."""
    return Meaning(
        means={
            text.CHECKED: "Some maps look convincing and say nothing about what was learned. This "
            "one was made again with a network that has forgotten everything: only a map that "
            "changes then is a reason of this answer. It shows where it looked, not what it saw.",
            text.NEAR: "The training pictures that the network takes for most alike. Wrong labels "
            "among them explain many mistakes.",
            text.BLOCKS: "Early blocks answer to edges and colours, late ones to parts and things.",
        },
        computed={
            text.CHECKED: f"All weights are put in random order, {DRAWS} times. Likeness is the "
            "mean rank correlation (Spearman) of the maps: 1 is the same map, 0 another. From "
            f"{ALIKE} on the map is not trusted. The fine map adds up the influence on {STEPS} "
            "steps from an even colour to the picture; what its sum leaves of the answer is told.",
            text.NEAR: "Distances are cosines between what the last layer reads: 0 is the same. "
            f"Nothing is near beyond the distance that {FAR} % of the training pictures have to "
            "their own nearest.",
            text.BLOCKS: "How strongly all channels of a block together differ from their mean.",
        },
        changes="Heat beside the subject means it learned the surroundings: bring pictures with "
        "other surroundings, or cut them closer. Pictures like this one added to training bring "
        "near neighbours.",
    )
