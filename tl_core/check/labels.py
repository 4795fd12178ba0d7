"""Labels that are probably wrong, told from hard pictures by how often even certain answers differ.

A probe that has not seen a picture says how likely each class is (0..1, calibrated on what it has
not seen). Where it disagrees with the label, either the label is wrong or the picture is hard. Hard
pictures do not occur where the probe is most certain; wrong labels do, as often as anywhere. So the
share of disagreement among the most certain answers is the share of wrong labels in the set, the
noise floor e. If every other class is as likely to be written by mistake, a class that a picture
truly has with probability t is written on it with probability

    p = (1 - e) t + e / (C - 1) (1 - t)

of which the probe tells p for the label that is there. Solved for t, the label is wrong with
probability 1 - (1 - e) t / p. On a clean set e is 0 and nothing is named, however hard it is.

Against confident learning (cleanlab's five rules) on the same probabilities, see
docs/decisions/0013-data-check.md: an eighth or less of the false alarms on clean photographs, and
more of the planted mistakes found at equal precision.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tl_core.check.findings import CheckedSet, DataFinding, Repair

__all__ = ["Suspect", "noise_floor", "suspects", "wrong_labels"]

CERTAIN = 0.2  # share of the pictures, the probe's most certain answers, that give the floor
LIKELY = 0.35  # probability of a wrong label from which a picture is named; best F1 on two sets
MOST_NOISE = 0.35  # beyond it the probe does not know the classes, and names nothing
FEWEST = 8  # pictures of a class below which its labels are not judged
FEWEST_JUDGED = 80  # pictures of a set, below which the floor is a matter of luck
SHOWN = 500  # pictures in one finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A picture, the class it looks like, and how likely its label is wrong (0..1)."""

    position: int
    looks_like: int
    wrong: float


def noise_floor(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The share of wrong labels: of disagreement among the most certain answers.

    Args:
        labels: int (N,), class positions.
        probabilities: (N, C), none of them NaN.
    """
    certain = probabilities.max(axis=1)
    top = certain >= np.quantile(certain, 1 - CERTAIN)
    wrong = int((probabilities.argmax(axis=1) != labels)[top].sum())
    return (wrong + 0.5) / (int(top.sum()) + 1)


def suspects(labels: np.ndarray, probabilities: np.ndarray) -> list[Suspect]:
    """Pictures whose label is probably wrong, the most certain first.

    Args:
        labels: int (N,), class positions.
        probabilities: (N, C), of a probe that does not know the picture; NaN = not judged.
    """
    n_classes = probabilities.shape[1]
    counts = np.bincount(labels, minlength=n_classes)
    judged = np.isfinite(probabilities).all(axis=1) & (counts[labels] >= FEWEST)
    rows = np.flatnonzero(judged)
    if n_classes < 2 or len(rows) < FEWEST_JUDGED:
        return []
    given, chances = labels[rows], probabilities[rows]
    floor = noise_floor(given, chances)
    if floor > MOST_NOISE:
        return []
    own = chances[np.arange(len(rows)), given]
    mistaken = floor / (n_classes - 1)
    truly = ((own - mistaken) / max(1 - floor - mistaken, 1e-9)).clip(0, 1)
    wrong = (1 - (1 - floor) * truly / np.maximum(own, 1e-12)).clip(0, 1)
    looks_like = chances.argmax(axis=1)
    named = np.flatnonzero((wrong >= LIKELY) & (looks_like != given))
    order = named[np.lexsort((own[named], -wrong[named]))]
    return [
        Suspect(position=int(rows[at]), looks_like=int(looks_like[at]), wrong=float(wrong[at]))
        for at in order
    ]


def wrong_labels(checked: CheckedSet, probabilities: np.ndarray) -> list[DataFinding]:
    """The finding about labels that are probably wrong, if there are any."""
    found = suspects(checked.labels, probabilities)
    if not found:
        return []
    n_judged = int(np.isfinite(probabilities).all(axis=1).sum())
    shown = found[:SHOWN]
    relabel = {checked.ids[one.position]: checked.classes[one.looks_like] for one in shown}
    captions = {
        checked.ids[one.position]: f"{checked.label(one.position)}, or "
        f"{checked.classes[one.looks_like]}?"
        for one in shown
    }
    one = len(found) == 1
    return [
        DataFinding(
            kind="wrong_labels",
            severity="warning",
            sentence=f"{len(found):,} {'picture looks' if one else 'pictures look'} like another "
            f"class than {'its' if one else 'their'} own, of {n_judged:,} that were judged.",
            advice="Look at each: some are mistakes, some are hard pictures with a right label.",
            evidence={
                "suspected": len(found),
                "expected_wrong": sum(one.wrong for one in found),
                "judged": n_judged,
            },
            groups=tuple((checked.ids[one.position],) for one in shown),
            captions=captions,
            repair=Repair(relabel=relabel),
        )
    ]
