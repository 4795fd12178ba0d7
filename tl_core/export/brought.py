"""What a bundle says of itself, as it is written into one and read out of one. No torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tl_core.intervals import LEVEL

__all__ = [
    "PROMISED",
    "SCORES",
    "Brought",
    "Scores",
    "read_likely",
    "read_scores",
    "scores_body",
]

SCORES = "scores.json"  # its name in a bundle
PROMISED = 0.9  # of the sets of likely classes
PARTS = ("test", "val")
SLACK = 1e-9  # of sums in another order


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """How good a classifier was when it was exported: of ``n`` pictures of a part ``right``.

    ``accuracy`` and ``balanced`` (mean over the classes; None where it was not taken) are value,
    and the ends of the 95 % interval, 0 to 1.
    """

    split: str
    n: int
    right: int
    accuracy: tuple[float, float, float]
    balanced: tuple[float, float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """A bundle that somebody brought, checked, as the studio keeps it.

    Attributes:
        name: Of its folder or zip.
        classes: In output order.
        size_px: Side of the network's input.
        resize: How a picture becomes square, "squash", "crop" or "pad".
        channels: Of a picture.
        reading: The rule for grey of more than 8 bits, {} without one.
        model: timm's name of the network; "" where it does not say.
        certified: Whether the files are those its certificate speaks of: "same", "changed", or
            "none" without a certificate.
        compared: Held-out pictures that were compared when it was exported.
        exported: The date in its certificate.
        scores: None where it does not say.
        likely: Probability from which classes hold the true one in ``PROMISED`` of the pictures;
            None where it does not say.
        weights: SHA-256 of its weights in the store, to train from; "" where they cannot be used.
        obstacle: Why not, a sentence; "" when they can.
    """

    name: str
    classes: tuple[str, ...]
    size_px: int
    resize: str
    channels: int
    reading: Mapping[str, Any]
    model: str
    certified: str
    compared: int
    exported: str
    scores: Scores | None
    likely: float | None = None
    weights: str = ""
    obstacle: str = ""

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Brought:
        """The inverse of ``dataclasses.asdict``, from the studio's own file."""
        scores = body["scores"]
        told = None
        if scores is not None:
            balanced = scores["balanced"]
            told = Scores(
                **{
                    **scores,
                    "accuracy": tuple(scores["accuracy"]),
                    "balanced": tuple(balanced) if balanced is not None else None,
                }
            )
        return cls(**{**body, "classes": tuple(body["classes"]), "scores": told})


def scores_body(report: Mapping[str, Any], likely: float | None) -> dict[str, Any]:
    """The content of ``scores.json``; nothing in it names a picture.

    Args:
        report: Of ``build_report``.
        likely: As in ``Brought``, from validation pictures; None where it is not known.
    """
    accuracy, balanced = report["accuracy"], report.get("balanced_accuracy")
    return {
        "schema": 1,
        "split": report["split"],
        "n": report["n"],
        "right": accuracy["right"],
        "accuracy": [accuracy["value"], *accuracy["ci"]],
        "balanced_accuracy": [balanced["value"], *balanced["ci"]] if balanced else None,
        "level": LEVEL,
        "likely": None if likely is None else {"limit": likely, "promised": PROMISED},
    }


def read_likely(body: Any) -> float | None:
    """The limit of likely classes in ``scores.json``; None where it is not there.

    Raises:
        ValueError: It is no probability, or promises something else.
    """
    told = body.get("likely") if isinstance(body, dict) else None
    if told is None:
        return None
    if not isinstance(told, dict) or told.get("promised") != PROMISED:
        raise ValueError("its limit of likely classes promises something unknown")
    limit = told.get("limit")
    if not isinstance(limit, int | float) or not 0 <= limit <= 1:
        raise ValueError("its limit of likely classes is no probability")
    return float(limit)


def read_scores(body: Any) -> Scores:
    """The scores of a bundle somebody brought.

    Raises:
        ValueError: They are no such scores, or contradict each other.
    """
    if not isinstance(body, dict) or body.get("split") not in PARTS:
        raise ValueError("its scores are of no known part")
    n, right = _count(body.get("n")), _count(body.get("right"))
    if not 0 <= right <= n or n < 1:
        raise ValueError("its counts do not fit each other")
    accuracy = _shares(body.get("accuracy"))
    if abs(accuracy[0] - right / n) > 1e-6:
        raise ValueError("its accuracy is not what its counts give")
    balanced = body.get("balanced_accuracy")
    return Scores(
        split=body["split"],
        n=n,
        right=right,
        accuracy=accuracy,
        balanced=None if balanced is None else _shares(balanced),
    )


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("a count is no whole number")
    return value


def _shares(value: Any) -> tuple[float, float, float]:
    if not isinstance(value, list) or len(value) != 3:
        raise ValueError("a score is not three numbers")
    if not all(isinstance(one, int | float) and math.isfinite(one) for one in value):
        raise ValueError("a score is no number")
    first, low, high = (float(one) for one in value)
    if not (-SLACK <= low <= first + SLACK and first - SLACK <= high <= 1 + SLACK):
        raise ValueError("a score lies outside its interval")
    return first, low, high
