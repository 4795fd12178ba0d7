"""Is the gap between a random and a grouped split found where there is one, and only there?

``python -m benchmarks.gap [--sets hymenoptera clothing sample] [--resamples 60] [--planted 60]
[--cropped 0.02]`` takes each set in, and prints Markdown tables: what the set as it is measures and
how long that takes; what is measured with copies planted (each of some pictures five times, a
little cropped and recompressed, kept together by their names); and how many resamples with groups
that mean nothing raise the finding.
"""

from __future__ import annotations

import argparse
import io
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.pictures import Pictures
from benchmarks.settings import MODEL
from tl_core.check.copies import Copies, copies_of
from tl_core.check.crops import FINE_PX
from tl_core.check.findings import CheckedSet
from tl_core.check.honesty import Honesty
from tl_core.check.looks import fine_grey, looks_of
from tl_core.check.whole import checked_set
from tl_core.data.decode import open_rgb
from tl_core.data.intake import take_in
from tl_core.data.sample import SampleOptions, write_sample
from tl_core.jobs.checking import Seen, measured_honesty, seen_by_network
from tl_core.jobs.processes import keep_freed_memory
from tl_core.models.catalog import card
from tl_core.storage import Home

ARCHIVES = Path(__file__).resolve().parents[2] / "shared" / "data"
COPIES = 5  # of each planted picture
KEPT = 0.7  # of the pictures in a resample
GROUP = 5  # pictures in a group that means nothing
HEAD = (
    "| what | pictures, groups | one by one | groups whole | gap (points) | told | seconds |"
    "\n|---|---|---|---|---|---|---|"
)


def taken_in(root: Path, home: Home, *, split: str = "train") -> tuple[CheckedSet, Copies]:
    """A set with everything open to the check, and its near-duplicates."""
    records = take_in(root, home, working=(card(MODEL).input_px, "squash")).records
    checked = checked_set([replace(one, split=None) for one in records], [split] * len(records))
    grey = looks_of(home, checked.digests)["grey"]
    fine = lru_cache(maxsize=2048)(lambda at: fine_grey(home, checked.digests[at], FINE_PX))
    return checked, copies_of(checked, grey, fine)


def seen(home: Home, checked: CheckedSet) -> Seen:
    """Features of every picture."""
    found = seen_by_network(
        home, checked, np.arange(len(checked)), lambda stage: lambda done, total: None
    )
    assert found is not None
    return found


def row(what: str, found: Honesty | None, seconds: float) -> str:
    """One measurement as a row."""
    if found is None:
        return f"| {what} | not measured | | | | | {seconds:.1f} |"
    sizes = f"{found.pictures:,}, {found.groups:,}"
    grouped = f"{found.grouped.value:.3f} ({found.grouped.low:.3f} to {found.grouped.high:.3f})"
    if found.single is None or found.gap is None:
        return f"| {what} | {sizes} | | {grouped} | | | {seconds:.1f} |"
    single = f"{found.single.value:.3f} ({found.single.low:.3f} to {found.single.high:.3f})"
    gap, low, high = (100 * one for one in (found.gap.value, found.gap.low, found.gap.high))
    told = "yes" if found.shown else "no"
    return (
        f"| {what} | {sizes} | {single} | {grouped} | {gap:.1f} ({low:.1f} to {high:.1f}) | "
        f"{told} | {seconds:.1f} |"
    )


def timed(
    what: str, checked: CheckedSet, copies: Copies, known: Seen
) -> tuple[str, Honesty | None]:
    """A measurement as a row and as it is."""
    begun = time.perf_counter()
    found = measured_honesty(checked, copies, known)
    return row(what, found, time.perf_counter() - begun), found


def planted(checked: CheckedSet, home: Home, root: Path, n: int, cropped: float) -> Path:
    """The set with ``n`` of its pictures five times, as series of file names; ``cropped`` is the
    largest share of a side that is cut off at each end.
    """
    rng = random.Random(0)
    chosen = set(rng.sample(range(len(checked)), min(n, len(checked))))
    for at in range(len(checked)):
        folder = root / checked.label(at)
        folder.mkdir(parents=True, exist_ok=True)
        with home.open_blob(checked.digests[at]) as stream:
            image = open_rgb(stream)
        for number in range(COPIES if at in chosen else 1):
            (folder / f"s{at}_{number}.jpg").write_bytes(shot_again(image, rng, cropped))
    return root


def shot_again(image: Image.Image, rng: random.Random, cropped: float) -> bytes:
    """The picture a little cropped and recompressed."""
    width, height = image.size
    left, top, right, bottom = (rng.uniform(0, cropped) for _ in range(4))
    corner = round(width * left), round(height * top)
    opposite = round(width * (1 - right)), round(height * (1 - bottom))
    sink = io.BytesIO()
    image.crop((*corner, *opposite)).save(sink, "JPEG", quality=rng.choice([70, 85]))
    return sink.getvalue()


def by_name(checked: CheckedSet) -> CheckedSet:
    """The series of ``planted`` kept together, as a user would after the finding on names."""
    names = [path.rsplit("/", 1)[-1].partition("_")[0] for path in checked.paths]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return replace(
        checked, units=tuple(numbers[one] for one in names), unit_names=tuple(dict.fromkeys(names))
    )


def false_alarms(checked: CheckedSet, known: Seen, resamples: int) -> str:
    """A row: how many resamples with groups that mean nothing are told to have a gap."""
    told, gaps = 0, []
    for seed in range(resamples):
        rng = np.random.default_rng(seed)
        some = np.sort(rng.choice(len(checked), round(KEPT * len(checked)), replace=False))
        units = np.arange(len(checked))
        for label in range(len(checked.classes)):
            mine = rng.permutation(some[checked.labels[some] == label])
            units[mine] = mine[np.arange(len(mine)) // GROUP * GROUP]
        part = replace(checked, units=tuple(units.tolist()), unit_names=())
        some_seen = Seen(looked=known.looked, rows=some, features=known.of(some))
        found = measured_honesty(part, Copies(groups=(), n_exact=0), some_seen)
        if found is not None and found.gap is not None:
            told += found.shown
            gaps.append(100 * found.gap.value)
    return (
        f"{told} of {resamples} resamples with groups of {GROUP} that mean nothing raised the "
        f"finding; their gaps: mean {np.mean(gaps):.2f} points, largest {np.max(gaps):.2f}."
    )


def report(
    name: str, root: Path, scratch: Path, *, n_planted: int, cropped: float, resamples: int
) -> Iterator[str]:
    """All lines about one set."""
    home = Home(scratch / f"home-{name}")
    checked, copies = taken_in(root, home)
    known = seen(home, checked)
    yield f"\n### {name}, {len(checked):,} pictures\n\n{HEAD}"
    yield timed("as it is", checked, copies, known)[0]
    more = planted(checked, home, scratch / f"planted-{name}", n_planted, cropped)
    other = Home(scratch / f"home-planted-{name}")
    again, near = taken_in(more, other)
    known_again = seen(other, again)
    what = f"{n_planted} pictures {COPIES} times"
    yield timed(f"{what}, copies that the check finds", again, near, known_again)[0]
    yield timed(f"{what}, kept together", by_name(again), near, known_again)[0]
    if resamples:
        yield f"\n{false_alarms(checked, known, resamples)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=["hymenoptera", "clothing", "sample"])
    parser.add_argument("--planted", type=int, default=60)
    parser.add_argument("--cropped", type=float, default=0.02)
    parser.add_argument("--resamples", type=int, default=60)
    args = parser.parse_args()
    keep_freed_memory()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        scratch = Path(folder)
        pictures = Pictures(scratch, ARCHIVES)
        for name in args.sets:
            if name == "sample":
                root = scratch / "sample"
                write_sample(root, SampleOptions(per_class=60))
            else:
                root = pictures.root(name)
            told = report(
                name,
                root,
                scratch,
                n_planted=args.planted,
                cropped=args.cropped,
                resamples=args.resamples,
            )
            for line in told:
                print(line, flush=True)


if __name__ == "__main__":
    main()
