"""Does training in bfloat16 cost accuracy? The same runs in float32 and bfloat16, paired by seed.

``python -m benchmarks.precisions [--layers last:1 all] [--seeds 5] [--sets hymenoptera clothing]``
trains what is open in either precision on the same kept views, whatever is faster on this machine.
Differences are bfloat16 less float32, with Student's 95 % interval over the seeds.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.views import SETS, SHARED, Bench, interval
from tl_core.storage import Home

PRECISIONS = ("float32", "bfloat16")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", nargs="*", default=["last:1", "all"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--epochs", type=int, help="default: Thaw's choice")
    options = parser.parse_args()
    print("| set, layers | float32: loss, accuracy | bfloat16: loss | accuracy | times faster |")
    print("|---|---|---|---|---|")
    for name in options.sets:
        for layers in options.layers:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                bench = Bench(SHARED / SETS[name], Home(Path(folder)), layers, options.epochs)
                print(_row(bench, f"{name}, {layers}", options.seeds), flush=True)


def _row(bench: Bench, what: str, seeds: int) -> str:
    views = bench.spec.train.views or 0
    seconds: dict[str, list[float]] = {one: [] for one in PRECISIONS}
    scores: dict[str, list[tuple[float, float]]] = {one: [] for one in PRECISIONS}
    for seed in range(seeds):
        for precision in PRECISIONS:
            decided = bench.decide(views, seed)
            numerics = replace(decided.numerics, train_precision=precision)
            bench.decided = replace(decided, numerics=numerics)
            scores[precision].append(bench.train(views, seed))
            seconds[precision].append(bench.seconds)
    exact, lower = (np.array(scores[one]) for one in PRECISIONS)
    ratio = np.median(seconds["float32"]) / np.median(seconds["bfloat16"])
    return (
        f"| {what} | {exact[:, 0].mean():.3f}, {exact[:, 1].mean():.3f} | "
        f"{interval(lower[:, 0] - exact[:, 0])} | {interval(lower[:, 1] - exact[:, 1])} | "
        f"{ratio:.1f} |"
    )


if __name__ == "__main__":
    main()
