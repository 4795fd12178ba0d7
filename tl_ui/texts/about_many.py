"""What the answers to many pictures mean, how they are computed, what would change them."""

from __future__ import annotations

from tl_ui.texts import many as text
from tl_ui.texts.meanings import Meaning

__all__ = ["many"]

SHARE, PROMISED, FEWEST = 5, 90, 20  # per cent and pictures, as the engine has them


def many() -> Meaning:
    """The table, "none of these" and the warning."""
    return Meaning(
        means={
            text.COLUMNS["probability"]: "How sure it is of the class named. It is not the chance "
            "of being right for pictures of another kind.",
            text.NONE: "The picture is farther from everything it learned from than pictures of "
            "its classes are. What is alike is not refused: a class it was never shown can look "
            "like one it knows.",
            text.UNSURE: f"To be right in {PROMISED} of 100 pictures it would have to name several "
            "classes, or none.",
            text.DIFFERENT: "The pictures that came in are not like those it was judged on, so its "
            "scores may not hold for them.",
        },
        computed={
            text.NONE: "The distance (cosine, of what the last layer reads) to the nearest "
            f"training picture, beyond that of {100 - SHARE} of 100 validation pictures. How often "
            "that is wrong is counted on pictures of known classes; how often it is right is "
            "estimated by treating each class as unknown in turn.",
            text.UNSURE: "Conformal sets from the validation pictures.",
            text.DIFFERENT: "Brightness, sharpness, colour and the distance to training pictures "
            "are compared with those of held-out pictures that were answered with the same classes "
            "in the same shares (Kolmogorov and Smirnov), corrected by Holm: of batches of the "
            f"same kind about 5 in 100 are called different. From {FEWEST} pictures on.",
        },
        changes="More varied training pictures let it refuse less and be surer. Pictures of what "
        "must be refused, brought as a class of their own, are refused far more surely.",
    )
