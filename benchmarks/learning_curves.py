"""Does the look ahead hold? Curves of parts of a set, against what was measured with more of it.

``python -m benchmarks.learning_curves [--sets hymenoptera clothing sample] [--seeds 6]`` takes each
set in, measures it whole, and then takes stratified parts of it as if they were somebody's whole
set. The outlook of a part (twice and four times as many pictures) is compared with what heads on as
many pictures of the whole set reach. Prints Markdown: the curve of each set, how often the interval
holds what was measured, how often nothing was said and why, and the same where no outlook is good:
with shuffled labels.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from benchmarks.gap import ARCHIVES, seen, taken_in
from benchmarks.pictures import Pictures
from tl_core.check.division import all_units
from tl_core.data.sample import SampleOptions, write_sample
from tl_core.jobs.processes import keep_freed_memory
from tl_core.probe.pooling import Block
from tl_core.probe.select import prepared_features
from tl_core.storage import Home
from tl_core.worth.growth import Curve, Growth
from tl_core.worth.outlook import outlook
from tl_core.worth.thinning import curve_rows, measured, thinned

SHARES = (2, 4, 8)  # parts of a set: one picture in so many
RULE = "\n|---|---|---|---|---|---|---|"
CURVE = f"| set | pictures | measured with | now | twice | most | seconds |{RULE}"
HELD = f"| set | compared | held | mean width | mean error | nothing said | why |{RULE}"


@dataclass(slots=True)
class Held:
    """Outlooks of one kind, against what was measured."""

    inside: list[bool] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)
    off: list[float] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, curve: Curve, truth: list[tuple[float, float]]) -> None:
        """Compare one curve with (pictures, share) of what was measured with more."""
        if not curve.known:
            self.reasons[curve.reason] += 1
            return
        places = [one.pictures for one in curve.line]
        for pictures, share in truth:
            low, value, high = (
                float(np.interp(pictures, places, [getattr(p, end) for p in curve.line]))
                for end in ("low", "value", "high")
            )
            self.inside.append(low <= share <= high)
            self.widths.append(high - low)
            self.off.append(value - share)

    def row(self, name: str) -> str:
        """As a row of HELD."""
        said, silent = len(self.inside), sum(self.reasons.values())
        why = ", ".join(f"{one} {n}" for one, n in self.reasons.most_common())
        if not said:
            return f"| {name} | 0 | | | | {silent} | {why} |"
        return (
            f"| {name} | {said} | {sum(self.inside)} ({np.mean(self.inside):.0%}) | "
            f"{100 * np.mean(self.widths):.1f} | {100 * np.mean(self.off):+.1f} | {silent} | "
            f"{why} |"
        )


@dataclass(frozen=True, slots=True)
class Known:
    """A set with features."""

    features: torch.Tensor
    blocks: tuple[Block, ...]
    labels: np.ndarray
    units: np.ndarray
    classes: tuple[str, ...]

    def grown(self, rows: np.ndarray, labels: np.ndarray | None = None, seed: int = 0) -> Growth:
        """The outlook of some pictures."""
        some = (self.labels if labels is None else labels)[rows]
        ready = prepared_features(self.features[torch.from_numpy(rows)], self.blocks)
        answers = measured(ready, some, self.units[rows], len(self.classes), seed=seed)
        return outlook(answers, some, self.units[rows], self.classes)


def known(root: Path, home: Home) -> Known:
    checked, copies = taken_in(root, home)
    found = seen(home, checked)
    units = all_units(checked, copies)
    rows = curve_rows(checked.labels, units, found.rows)
    return Known(
        found.of(rows),
        tuple(found.looked.taps.blocks),
        checked.labels[rows],
        units[rows],
        checked.classes,
    )


def ahead(curve: Curve, pictures: int) -> list[tuple[float, float]]:
    """What was measured with more than ``pictures``, up to four times as many."""
    return [
        (one.pictures, one.value)
        for one in curve.points
        if 1.3 * pictures <= one.pictures <= 4.1 * pictures
    ][::2]


def report(
    name: str, root: Path, scratch: Path, seeds: int
) -> Iterator[tuple[str, str, Held, Held]]:
    """Rows about one set, and the outlooks of its parts for all pictures and for classes."""
    data = known(root, Home(scratch / f"home-{name}"))
    everything = np.arange(len(data.labels))
    begun = time.perf_counter()
    whole = data.grown(everything)
    seconds = time.perf_counter() - begun
    points = ", ".join(f"{p.pictures:.0f}: {100 * p.value:.1f}" for p in whole.overall.points)
    yield (
        CURVE,
        f"| {name} | {whole.pictures:,} | {points} | {told(whole.overall, 'now')} | "
        f"{told(whole.overall, 'twice')} | {', '.join(whole.most)} | {seconds:.1f} |",
        Held(),
        Held(),
    )
    truth = {one.name: one for one in whole.classes}
    for share in SHARES:
        overall, classes = Held(), Held()
        for seed in range(seeds):
            rng = np.random.default_rng((share, seed))
            rows = thinned(data.labels, data.units, 1 / share, rng)
            if len(rows) < 60:
                continue
            part = data.grown(rows, seed=seed)
            overall.add(part.overall, ahead(whole.overall, len(rows)))
            for one in part.classes:
                classes.add(one, ahead(truth[one.name], one.pictures))
        what = f"{name}, 1 in {share}"
        yield HELD, overall.row(what), overall, classes
    shuffled = Held()
    for seed in range(seeds):
        labels = np.random.default_rng(seed).permutation(data.labels)
        rows = thinned(labels, everything, min(1.0, 400 / len(labels)), np.random.default_rng(seed))
        shuffled.add(data.grown(rows, labels=labels, seed=seed).overall, [])
    yield HELD, shuffled.row(f"{name}, labels shuffled"), Held(), Held()


def told(curve: Curve, which: str) -> str:
    """A share of a curve with its interval."""
    share = getattr(curve, which)
    if share is None:
        return f"cannot say ({curve.reason})"
    return f"{100 * share.value:.1f} ({100 * share.low:.1f} to {100 * share.high:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=["hymenoptera", "clothing", "sample"])
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--folder", help="kept, so that features are computed once")
    args = parser.parse_args()
    keep_freed_memory()
    every, of_classes = Held(), Held()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        scratch = Path(args.folder or folder)
        pictures = Pictures(scratch, ARCHIVES)
        for name in args.sets:
            if name == "sample":
                root = scratch / "sample"
                if not root.is_dir():
                    write_sample(root, SampleOptions(per_class=60))
            else:
                root = pictures.root(name)
            head = ""
            for table, line, overall, classes in report(name, root, scratch, args.seeds):
                print(f"\n{table}\n{line}" if table != head else line, flush=True)
                head = table
                for mine, all_of in ((overall, every), (classes, of_classes)):
                    all_of.inside += mine.inside
                    all_of.widths += mine.widths
                    all_of.off += mine.off
                    all_of.reasons += mine.reasons
    print(f"\n{HELD}\n{every.row('all of them')}\n{of_classes.row('their classes')}")


if __name__ == "__main__":
    main()
