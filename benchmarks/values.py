"""The values that targets are held against, and the sentences below some tables.

Each function here returns a function of a question's results, which gives None (or nothing) while
what it needs is not measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.formula import speed_up
from benchmarks.medians import Measured, median, present, range_of

__all__ = [
    "BARE",
    "FEATURES",
    "PRODUCT",
    "STEP",
    "TRAINING",
    "accuracy_gain",
    "mean_over",
    "number",
    "predictions",
    "share_of_bare",
    "share_of_step",
    "times",
    "told_ways",
]

FEATURES = "Thaw, features"
BARE = "bare forward pass, the fastest"
TRAINING = "Thaw, all layers"
STEP = "bare training step, the fastest"
PRODUCT = "matrix product, the fastest"
Value = Callable[[Measured], float | None]
Sentences = Callable[[Measured], Sequence[str]]


def times(slow: str, fast: str, key: str = "seconds", factor: int = 1) -> Value:
    """How many times more the slow line takes; ``factor`` multiplies it (runs not repeated)."""

    def value(measured: Measured) -> float | None:
        above, below = median(measured, slow, key), median(measured, fast, key)
        return None if above is None or not below else factor * above / below

    return value


def number(label: str, key: str) -> Value:
    """One number of a line."""
    return lambda measured: median(measured, label, key)


def accuracy_gain(label: str, other: str) -> Value:
    """Points of validation accuracy above the other line."""

    def value(measured: Measured) -> float | None:
        mine, theirs = (median(measured, one, "val_accuracy") for one in (label, other))
        return None if mine is None or theirs is None else 100 * (mine - theirs)

    return value


def mean_over(labels: Sequence[str], key: str) -> Value:
    """The mean of several lines' medians, all of which must be there."""

    def value(measured: Measured) -> float | None:
        found = [median(measured, label, key) for label in labels]
        known = [one for one in found if one is not None]
        return sum(known) / len(known) if known and len(known) == len(labels) else None

    return value


def share_of_bare(measured: Measured) -> float | None:
    """Feature extraction over the fastest bare pass in the same precision and layout."""
    runs, mine = present(measured, FEATURES), median(measured, FEATURES, "images_per_s")
    if mine is None:
        return None
    same = f"{runs[-1]['precision']} {runs[-1]['layout']} "
    known = [value for name, value in _bare(measured).items() if name.startswith(same)]
    return mine / max(known) if known else None


def share_of_step(measured: Measured) -> float | None:
    """All-layers training over the bare step in the same precision."""
    runs, mine = present(measured, TRAINING), median(measured, TRAINING, "images_per_s")
    bare = present(measured, STEP)
    if mine is None or not bare:
        return None
    return mine / range_of([one["ways"][runs[-1]["train_precision"]] for one in bare]).median


def told_ways(measured: Measured) -> list[str]:
    """Every way of the bare pass, and the pass as a share of the matrix product."""
    ways = _bare(measured)
    if not ways:
        return []
    named = ", ".join(f"{name} {value:.0f}" for name, value in ways.items())
    told = [f"Bare forward pass in images/s by precision, layout and batch: {named}."]
    products, flop = present(measured, PRODUCT), present(measured, BARE)[0]["flop_per_image"]
    for precision in products[0]["precisions"] if products else ():
        peak = range_of([one["precisions"][precision] for one in products]).median
        best = max(value for name, value in ways.items() if name.startswith(precision))
        told.append(
            f"{precision}: the product reaches {peak:.0f} GFLOP/s, the bare pass "
            f"{best * flop / 1e9:.0f} ({100 * best * flop / 1e9 / peak:.0f} %)."
        )
    runs = present(measured, FEATURES)
    if runs:
        told.append(f"Thaw chose {runs[-1]['precision']}, {runs[-1]['layout']}.")
    return told


def predictions(choices: Sequence[str]) -> Sentences:
    """A table of the cost model's speed-ups beside the measured ones.

    For each choice of layers the lines "NAME, Thaw", "NAME, Thaw without cache", "NAME, plain
    loop" and "NAME, costs" are read.
    """

    def told(measured: Measured) -> list[str]:
        rows = [row for name in choices if (row := _predicted(measured, name))]
        head = (
            "| layers | E | K | p, s in ms (float32) | predicted | plain loop / Thaw | "
            "p, s in ms (as chosen) | predicted | Thaw without / with cache |",
            "|---|---|---|---|---|---|---|---|---|",
        )
        return ["\n".join([*head, *rows]), *_forecasts(measured, choices)] if rows else []

    return told


def _predicted(measured: Measured, name: str) -> str:
    runs, costs = present(measured, f"{name}, Thaw"), present(measured, f"{name}, costs")
    if not runs or not costs:
        return ""
    epochs, views = int(runs[-1]["epochs"]), int(runs[-1]["views"])
    cells = [name, str(epochs), str(views)]
    for line, slower in (("costs", "plain loop"), ("Thaw", "Thaw without cache")):
        prefix, suffix = (
            median(measured, f"{name}, {line}", key) for key in ("prefix_ms", "suffix_ms")
        )
        ratio = times(f"{name}, {slower}", f"{name}, Thaw")(measured)
        if prefix is None or suffix is None or prefix + suffix <= 0:
            cells += ["not measured yet", "", _ratio(ratio)]
            continue
        suffix = max(suffix, 0.0)  # a difference of two times, about nothing for a head
        gain = speed_up(epochs=epochs, views=views, prefix=prefix, suffix=suffix)
        cells += [f"{prefix:.2f}, {suffix:.2f}", f"{gain:.1f}", _ratio(ratio)]
    return f"| {' | '.join(cells)} |"


def _forecasts(measured: Measured, choices: Sequence[str]) -> list[str]:
    told = []
    for name in choices:
        before, after = (median(measured, f"{name}, Thaw", key) for key in ("expected_s", "run_s"))
        if before is not None and after:
            told.append(
                f"{name}: {before:.2f} s were told before the start, {after:.2f} s it took "
                f"({100 * (before / after - 1):+.0f} %)."
            )
    return told


def _ratio(value: float | None) -> str:
    return "not measured yet" if value is None else f"{value:.1f}"


def _bare(measured: Measured) -> dict[str, float]:
    runs = present(measured, BARE)
    names = runs[0]["ways"] if runs else {}
    return {name: range_of([one["ways"][name] for one in runs]).median for name in names}
