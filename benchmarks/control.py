"""Does the control tell where transfer helps, and only there?

``python -m benchmarks.control [--sets hymenoptera sample clothing shuffled colour]
[--pictures 400] [--epochs 15 45]`` takes each set in and runs the control as the studio does. Two
sets are planted so that transfer cannot help: ``shuffled`` is hymenoptera with labels dealt out at
random, ``colour`` are pictures of noise whose class is their colour, which both learn at once.
Prints Markdown. ``--folder DIR`` keeps what was computed, and goes on with it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.gap import ARCHIVES, taken_in
from benchmarks.pictures import Pictures
from benchmarks.settings import MODEL
from tl_core.check.findings import CheckedSet
from tl_core.check.honesty import Share
from tl_core.data.sample import SampleOptions, write_sample
from tl_core.jobs.controlling import compared
from tl_core.jobs.processes import keep_freed_memory
from tl_core.storage import Home, read_json, write_json
from tl_core.worth.budget import PICTURES, Budget
from tl_core.worth.control import Found
from tl_core.worth.transfer import Transfer

SETS = ("hymenoptera", "sample", "clothing", "shuffled", "colour")
PLANTS = ("shuffled", "colour")
PLANTED = 160  # pictures of a planted set
HEAD = (
    "| set | pictures | pretrained | from scratch | difference (points) | verdict | nearest | "
    "largest class | scratch, equal time | fine-tuned, equal epochs | scratch settings | minutes |"
    "\n|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def write_colours(root: Path) -> None:
    """Noise with a warm or a cold cast, as plain as colour can be."""
    rng = np.random.default_rng(0)
    for label, cast in (("warm", (40, 0, -40)), ("cold", (-40, 0, 40))):
        (root / label).mkdir(parents=True, exist_ok=True)
        for number in range(PLANTED // 2):
            pixels = rng.normal(128, 40, size=(96, 96, 3)) + cast
            image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
            image.save(root / label / f"{number:03d}.png")


def material(name: str, scratch: Path) -> tuple[Home, CheckedSet]:
    """A set, taken in."""
    real = "hymenoptera" if name == "shuffled" else name
    home = Home(scratch / f"home-{real}")
    root = scratch / real
    if real == "sample":
        if not root.is_dir():
            write_sample(root, SampleOptions(per_class=60))
    elif real == "colour":
        write_colours(root)
    else:
        root = Pictures(scratch, ARCHIVES).root(real)
    checked, _ = taken_in(root, home)
    if name == "shuffled":
        labels = np.random.default_rng(0).permutation(checked.labels)
        checked = replace(checked, labels=labels)
    return home, checked


def between(share: Share, places: int = 1) -> str:
    """A share with its interval, in hundredths."""
    value, low, high = (100 * one for one in (share.value, share.low, share.high))
    return f"{value:.{places}f} ({low:.{places}f} to {high:.{places}f})"


def row(name: str, found: Transfer, seconds: float) -> str:
    """A control as a row of HEAD."""
    arms = {one.name: between(one.accuracy) for one in found.arms}
    needed = f", about {found.needed:,} pictures would tell" if found.needed else ""
    return (
        f"| {name} | {found.pictures} of {found.available} | {arms['pretrained']} | "
        f"{arms['scratch']} | {between(found.difference)} | {found.verdict}{needed} | "
        f"{arms['knn']} | {arms['majority']} | {arms['scratch_time']} ({found.epochs_in_time} "
        f"epochs) | {arms['pretrained_epochs']} | {found.lr:g}, {found.epochs} epochs, best of "
        f"{found.tried} | {seconds / 60:.0f} |"
    )


def kept(path: Path) -> tuple[Found, Callable[[Found], None]]:
    """What is known from before, and how to keep more."""
    found = Found(**read_json(path)) if path.is_file() else Found()
    return found, lambda now: write_json(path, asdict(now))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--pictures", type=int, default=PICTURES)
    parser.add_argument("--epochs", type=int, nargs="+", default=list(Budget().epochs))
    parser.add_argument("--folder", help="kept, and gone on with")
    args = parser.parse_args()
    keep_freed_memory()
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        scratch = Path(args.folder or folder)
        for name in args.sets:
            home, checked = material(name, scratch)
            known, keep = kept(scratch / f"control-{name}-{'-'.join(map(str, args.epochs))}.json")
            begun = time.perf_counter()
            found = compared(
                home,
                checked,
                MODEL,
                lambda stage: lambda done, total: None,
                budget=Budget(epochs=tuple(args.epochs)),
                pictures=min(PLANTED, args.pictures) if name in PLANTS else args.pictures,
                found=known,
                keep=keep,
            )
            print(row(name, found, time.perf_counter() - begun), flush=True)


if __name__ == "__main__":
    main()
