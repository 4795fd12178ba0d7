"""Single pictures that stand out: dark, bright, blurred, empty, of an odd shape or size.

The measures and limits are CleanVision's, made for photographs. A set that breaks a limit as a
whole is of another kind (X-rays are dark, drawings empty): then a picture is only named when it is
far from the others of its own set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from cleanvision.issue_managers.image_property import (
    AspectRatioProperty,
    BlurrinessProperty,
    BrightnessProperty,
    EntropyProperty,
    SizeProperty,
)
from cleanvision.issue_managers.image_property_issue_manager import ImagePropertyIssueManager

from tl_core.check.findings import CheckedSet, DataFinding, Repair

__all__ = ["odd_pictures", "quality_scores"]

NATURE = 0.1  # share of a set beyond a limit from which the limit says nothing about it
FAR = 4.0  # robust standard deviations from the middle of the set
MAD = 1.4826  # median absolute deviation to standard deviation, for normal numbers
FEW = 20  # pictures below which a set has no usual picture
SENTENCES = {
    "dark": ("is very dark", "are very dark"),
    "bright": ("is overexposed", "are overexposed"),
    "blurry": ("is blurred", "are blurred"),
    "low_information": ("shows next to nothing", "show next to nothing"),
    "odd_shape": ("is much longer than wide", "are much longer than wide, or wider than long"),
    "odd_size": ("has an unusual size", "have an unusual size"),
}
ADVICE = {
    "dark": "Leave out what you could not name yourself.",
    "bright": "Leave out what you could not name yourself.",
    "blurry": "Keep them if pictures will look like this in use; leave accidents out.",
    "low_information": "Most often these are empty or broken pictures.",
    "odd_shape": "Squashed into a square they look unlike the others; crop them if you can.",
    "odd_size": "Look whether they came from another place than the others.",
}
_MADE = {
    "dark": ("dark", BrightnessProperty("dark")),
    "bright": ("light", BrightnessProperty("light")),
    "blurry": ("blurry", BlurrinessProperty()),
    "low_information": ("low_information", EntropyProperty()),
    "odd_shape": ("odd_aspect_ratio", AspectRatioProperty()),
    "odd_size": ("odd_size", SizeProperty()),
}


def quality_scores(looks: np.ndarray, widths: np.ndarray, heights: np.ndarray) -> pd.DataFrame:
    """CleanVision's raw measures of each picture, under its own names.

    Args:
        looks: ``LOOK`` (N,).
        widths: Pixels (N,).
        heights: Pixels (N,).
    """
    return pd.DataFrame(
        {
            "brightness_perc_99": looks["dark_end"],
            "brightness_perc_5": looks["light_end"],
            "entropy": looks["entropy"],
            "blurriness": looks["edges"],
            "blurriness_grayscale_std": looks["levels"],
            "aspect_ratio": np.minimum(widths / heights, heights / widths),
            "size": np.sqrt(widths.astype(float) * heights),
        }
    )


def odd_pictures(checked: CheckedSet, looks: np.ndarray) -> list[DataFinding]:
    """A finding for each way in which some pictures stand out."""
    if not len(checked):
        return []
    raw = quality_scores(looks, checked.widths, checked.heights)
    limits = ImagePropertyIssueManager().get_default_params()
    found = []
    for kind, (issue, measure) in _MADE.items():
        options = dict(limits[issue])
        limit = options.pop("threshold", None)
        scores = measure.get_scores(raw, issue, **options)
        beyond = measure.mark_issue(scores, issue, limit).to_numpy()[:, 0].astype(bool)
        values = scores.to_numpy()[:, 0]
        if beyond.mean() > NATURE:
            beyond = _far(values) if len(values) >= FEW else np.zeros(len(values), bool)
        if beyond.any():
            found.append(_told(checked, kind, values, beyond))
    return found


def _far(values: np.ndarray) -> np.ndarray:
    """What lies far below the middle of its set, on the side that CleanVision calls bad."""
    middle = np.median(values)
    spread = float(MAD * np.median(np.abs(values - middle)))
    if spread == 0:  # most are alike: there is no telling how far is far
        return np.zeros(len(values), bool)
    far: np.ndarray = values < middle - FAR * spread
    return far


def _told(checked: CheckedSet, kind: str, values: np.ndarray, beyond: np.ndarray) -> DataFinding:
    worst = [int(one) for one in np.argsort(values, kind="stable") if beyond[one]]
    ids = tuple(checked.ids[one] for one in worst)
    one, several = SENTENCES[kind]
    told = f"1 picture {one}." if len(ids) == 1 else f"{len(ids):,} pictures {several}."
    return DataFinding(
        kind=kind,
        severity="info",
        sentence=told,
        advice=ADVICE[kind],
        evidence={"pictures": len(ids), "of": len(checked)},
        groups=tuple((one,) for one in ids),
        captions=_captions(checked, kind, worst),
        repair=Repair(exclude=ids),
    )


def _captions(checked: CheckedSet, kind: str, worst: list[int]) -> dict[int, str]:
    if kind not in ("odd_shape", "odd_size"):
        return {}
    size: Callable[[Any], str] = lambda at: f"{checked.widths[at]} x {checked.heights[at]}"  # noqa: E731
    return {checked.ids[at]: size(at) for at in worst}
