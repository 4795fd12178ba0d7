"""What the map and the comparison after mending mean, how computed, what would change them."""

from __future__ import annotations

from tl_ui.texts.meanings import Meaning

__all__ = ["again", "map_of"]

MOST, NEAR, STRANGE = 5000, 10, 2  # as tl_core.jobs.mapping and tl_core.explain.layout have them


def map_of() -> Meaning:
    """The map of the pictures."""
    return Meaning(
        means="Every point is a picture. The network turns each into a long list of numbers, the "
        "ones its last layer reads; pictures with similar lists lie close together. A point of one "
        "colour among points of another is a picture the network sees as the other class: look at "
        "its label first. Two mixed colours are two classes it cannot keep apart.",
        computed="The lists are laid out in two dimensions by t-SNE, begun with their two main "
        f"directions. At most {MOST:,} pictures are drawn. Which pictures lie among another class "
        f"is decided on the full lists, not on the map: at most {STRANGE} of the {NEAR} most alike "
        "pictures have its class, and more than half have one other. How many neighbours the map "
        "keeps is counted and told below it.",
        changes="Right labels, more open blocks, or another network. The position of an island, "
        "its size and the distance to the next mean nothing.",
    )


def again() -> Meaning:
    """Training again after mending, and the verdict."""
    return Meaning(
        means="Whether the run on the mended pictures is better than this one, asked of the same "
        "pictures, picture by picture. “Cannot tell” is the usual answer after few changes: it "
        "does not mean that mending was wrong. Right labels are right, whatever the score says.",
        computed="McNemar's exact test and the interval of Tango on validation pictures whose "
        "class was not changed and from which neither run has learned. Pictures that were mended "
        "are left out: they were found because this run was wrong on them, which would favour "
        "whoever is asked again.",
        changes="More pictures to judge by, or more mended ones. Mending only what the run got "
        "wrong is no harm to training, but it flatters the score on those pictures: keep some "
        "test pictures that you never look at.",
    )
