"""Classes that are too small or too uneven, and parts of a set that a class has nothing of."""

from __future__ import annotations

import numpy as np

from tl_core.check.findings import CheckedSet, DataFinding

__all__ = ["class_sizes", "shapes", "thin_subgroups"]

FEWEST, FEW = 10, 20  # pictures of a class: nothing can be judged; little can
UNEVEN, VERY_UNEVEN = 3.0, 20.0  # largest class over the smallest
NAMED = 5  # classes named in one sentence
EXPECTED = 8.0  # pictures of a class one would expect in a part of the set before its lack is told
LACKS = 0.1  # of what would be expected


def class_sizes(checked: CheckedSet) -> list[DataFinding]:
    """Too few pictures of a class, and classes of very different sizes."""
    counts = np.bincount(checked.labels, minlength=len(checked.classes))
    order = np.argsort(counts, kind="stable")
    found = []
    short = [at for at in order.tolist() if counts[at] < FEW]
    if short:
        least = int(counts[short[0]])
        found.append(
            DataFinding(
                kind="too_few",
                severity="problem" if least < FEWEST else "warning",
                sentence=f"{_names(checked, short, counts)}: with fewer than {FEW} pictures a "
                "class can hardly be learnt, and not be judged.",
                advice="Collect more of them before anything else; 50 of each class is a good aim.",
                evidence={checked.classes[at]: int(counts[at]) for at in short},
            )
        )
    smallest, largest = int(counts[order[0]]), int(counts[order[-1]])
    ratio = largest / max(1, smallest)
    if len(counts) > 1 and ratio > UNEVEN:
        found.append(
            DataFinding(
                kind="imbalance",
                severity="warning" if ratio > VERY_UNEVEN else "info",
                sentence=f"{checked.classes[order[-1]]} has {largest:,} pictures, "
                f"{checked.classes[order[0]]} {smallest:,}: {ratio:.0f} times as many.",
                advice="Collect more of the small classes, and read the results class by class: "
                "the accuracy of all pictures hides the small ones.",
                evidence={"ratio": ratio, "effective_classes": _effective(counts)},
            )
        )
    return found


def shapes(checked: CheckedSet) -> np.ndarray:
    """Whether each picture is landscape, portrait or square, (N,)."""
    found = np.where(checked.widths > checked.heights, "landscape", "portrait")
    return np.where(checked.widths == checked.heights, "square", found)


def thin_subgroups(checked: CheckedSet, looks: np.ndarray) -> list[DataFinding]:
    """Kinds of pictures (file type, orientation, camera) that a class has nearly nothing of.

    A classifier cannot learn what a class looks like under a camera it was never taken with.
    """
    found: list[str] = []
    evidence: dict[str, float] = {}
    kinds = {
        "format": np.asarray(checked.formats),
        "shape": shapes(checked),
        "camera": np.asarray([f"camera {one}" if one else "" for one in looks["camera"]]),
    }
    names = {"format": "{} files", "shape": "{} pictures", "camera": "pictures of one camera"}
    sizes = np.bincount(checked.labels, minlength=len(checked.classes))
    for what, values in kinds.items():
        for value in np.unique(values[values != ""]):
            mine = np.bincount(checked.labels[values == value], minlength=len(checked.classes))
            expected = sizes * mine.sum() / max(1, len(checked))
            for at in np.flatnonzero((expected >= EXPECTED) & (mine < LACKS * expected)):
                name = names[what].format(value)
                found.append(
                    f"{checked.classes[at]} has {mine[at]} {name} where {expected[at]:.0f} would "
                    "be its share"
                )
                evidence[f"{checked.classes[at]} | {name}"] = float(mine[at] / expected[at])
    if not found:
        return []
    more = f", and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return [
        DataFinding(
            kind="subgroups",
            severity="warning",
            sentence=f"{'; '.join(found[:NAMED])}{more}.",
            advice="Collect these, or the network may take the kind of picture for the class.",
            evidence=evidence,
        )
    ]


def _names(checked: CheckedSet, short: list[int], counts: np.ndarray) -> str:
    shown = [f"{checked.classes[at]} has {counts[at]}" for at in short[:NAMED]]
    more = [f"{len(short) - NAMED} more are as small"] if len(short) > NAMED else []
    return ", ".join(shown + more)


def _effective(counts: np.ndarray) -> float:
    """How many classes of equal size would be as varied: exp of the entropy of the shares."""
    shares = counts[counts > 0] / counts.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))
