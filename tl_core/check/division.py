"""Findings about what belongs together: the gap, classes of one group, names that look like series.

What belongs together is what the records say (``CheckedSet.units``) and the near-duplicates that
the check itself finds, whether or not the user has the split keep them on one side.
"""

from __future__ import annotations

import numpy as np

from tl_core.check.copies import Copies
from tl_core.check.findings import CheckedSet, DataFinding, Repair
from tl_core.check.gap import in_groups
from tl_core.check.honesty import Honesty
from tl_core.data.series import series_of
from tl_core.data.together import connected, readable

__all__ = ["all_units", "told_division"]

SHOWN = 200  # groups in one finding
SHOWN_SERIES, SHOWN_EACH = 3, 4  # series whose pictures are shown, and how many of each
NAMED = 3  # classes in one sentence


def all_units(checked: CheckedSet, copies: Copies) -> np.ndarray:
    """What each picture moves with, the check's own copies included, int (N,)."""
    members: dict[int, list[int]] = {}
    for position, unit in enumerate(checked.units or range(len(checked))):
        members.setdefault(unit, []).append(position)
    return np.array(connected([*members.values(), *copies.groups], len(checked)), dtype=np.int64)


def told_division(
    checked: CheckedSet, copies: Copies, honesty: Honesty | None
) -> list[DataFinding]:
    """Every finding about what belongs together."""
    units = all_units(checked, copies)
    return [
        *_gap(checked, copies, units, honesty),
        *_one_group(checked, units),
        *_series(checked, units),
    ]


def _gap(
    checked: CheckedSet, copies: Copies, units: np.ndarray, honesty: Honesty | None
) -> list[DataFinding]:
    if honesty is None or not honesty.shown:
        return []
    assert honesty.gap is not None and honesty.single is not None
    gap, parts = honesty.gap, np.array(checked.splits)
    on_both = any(len(set(parts[units == unit])) > 1 for unit in np.unique(units[in_groups(units)]))
    known = checked.units or tuple(range(len(checked)))
    loose = [one for one in copies.groups if len({known[at] for at in one}) > 1]
    repair = Repair()
    if not on_both:
        advice = (
            "Thaw keeps them on one side, so its own results do not flatter. Do not compare them "
            "with results from a random split."
        )
    elif checked.given:
        advice = (
            "Your folders have such pictures on both sides, so results flatter as well. Let each "
            "group lie in one part only."
        )
    elif not loose:
        advice = "Have bursts kept on one side under Split, and divide the pictures again."
    else:
        advice = "Divide the pictures again with copies kept on one side."
        repair = Repair(together=tuple(tuple(checked.ids[at] for at in one) for one in loose))
    return [
        DataFinding(
            kind="gap",
            severity="warning" if on_both else "info",
            sentence=f"A random split would look {_points(gap.value)} better than it is: "
            f"{_of(honesty.single.value)} right, against {_of(honesty.grouped.value)} where what "
            f"belongs together stays on one side (95 % interval of the gap {100 * gap.low:.0f} to "
            f"{_points(gap.high)}).",
            advice=advice,
            evidence=honesty.to_dict(),
            groups=repair.together[:SHOWN],
            repair=repair,
        )
    ]


def _one_group(checked: CheckedSet, units: np.ndarray) -> list[DataFinding]:
    alone: dict[str, str] = {}
    for number, label in enumerate(checked.classes):
        mine = np.flatnonzero(checked.labels == number)
        if len(mine) > 1 and len(np.unique(units[mine])) == 1:
            name = readable(checked.unit_names[checked.units[mine[0]]]) if checked.units else ""
            alone[label] = f"All {len(mine):,} pictures of {label} {_together(name)}"
    if not alone:
        return []
    shown = "; ".join([*alone.values()][:NAMED])
    more = f"; and {len(alone) - NAMED} more classes" if len(alone) > NAMED else ""
    one = len(alone) == 1
    return [
        DataFinding(
            kind="one_group",
            severity="warning",
            sentence=f"{shown}{more}: nothing independent of the training pictures can judge "
            f"{'this class' if one else 'these classes'}.",
            advice="Collect pictures of other subjects (another patient, plant or object) for "
            f"{'it' if one else 'them'}.",
            evidence={"classes": list(alone)},
        )
    ]


def _series(checked: CheckedSet, units: np.ndarray) -> list[DataFinding]:
    if checked.given:
        return []  # the folders decide, and nothing could be divided again
    labels = [checked.label(at) for at in range(len(checked))]
    found = series_of(checked.paths, labels)
    if all(len(set(units[list(one)])) == 1 for one in found.values()):
        return []
    largest = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    shown = largest[:SHOWN_SERIES]
    names = ", ".join(name for name, _ in shown)
    n = sum(len(one) for one in found.values())
    captions = {checked.ids[at]: name for name, one in shown for at in one[:SHOWN_EACH]}
    return [
        DataFinding(
            kind="series",
            severity="info",
            sentence=f"The names of {n:,} files look like {len(found):,} series ({names}...), "
            "which the split tears apart.",
            advice="If each series is one patient, plant, object or video, keep it on one side: a "
            "network that has seen one picture of it knows the others. If the numbers mean nothing "
            "of the kind, leave it.",
            evidence={"series": len(found), "pictures": n},
            groups=tuple(tuple(checked.ids[at] for at in one[:SHOWN_EACH]) for _, one in shown),
            captions=captions,
            repair=Repair(
                together=tuple(tuple(checked.ids[at] for at in one) for _, one in largest)
            ),
        )
    ]


def _together(name: str) -> str:
    return f"are of {name}" if name else "belong together"


def _of(share: float) -> str:
    return f"{share * 100:.0f} of 100"


def _points(share: float) -> str:
    return "1 point" if round(share * 100) == 1 else f"{share * 100:.0f} points"
