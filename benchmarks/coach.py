"""What a newcomer gets who does what the coach says, beside fastai's ``fine_tune``.

``python -m benchmarks.coach [--sets hymenoptera clothing] [--seeds 5] [--sides coach fastai]
[--keep FOLDER]`` divides train and val of each set anew for every seed and runs both sides on the
same pictures, one after the other:

- coach: ``train SET --layers auto``, as typed, in an empty home: the pictures taken in, the heads
  that are solved at once compared on the training pictures, the better one solved and judged, the
  report written; where a finding of the run has a remedy, it would be said. With ``--sides race``
  all usual choices of layers are compared (``--layers race``).
- fastai: what its documentation shows, with the same backbone and picture size: ``fine_tune(5)``,
  ``aug_transforms``; its best epoch by validation loss counts, which flatters it.

Time begins after the imports on both sides. It prints accuracies on the validation pictures, the
seconds, and the mean difference with Student's paired interval over the seeds, and with the wider
one of Nadeau and Bengio (2003), which counts that the divisions share pictures.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import fmean
from typing import Any

from scipy import stats

from benchmarks.__main__ import ARCHIVES
from benchmarks.measuring import ROOT, Asked, measure
from benchmarks.pictures import Pictures
from tl_core.intervals import LEVEL, fold_error, paired_mean

EPOCHS = 5  # of fine_tune, after its one frozen epoch
WAYS = {"coach": "auto", "race": "race"}
FASTAI = "fastai"


def coached(root: Path, layers: str, seed: int) -> dict[str, Any]:
    """The command line's own way from picture files to a judged classifier; in this process."""
    import tl_core.jobs.choosing
    import tl_core.jobs.probing
    import tl_core.jobs.training  # noqa: F401  # imports are not timed
    from tl_core.cli.main import main as thaw

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        said = io.StringIO()
        began = time.perf_counter()
        with contextlib.redirect_stdout(said):
            code = thaw(
                [
                    *("train", str(root), "--layers", layers, "--seed", str(seed)),
                    "--json",
                    "--home",
                    home,
                ]
            )
        seconds = time.perf_counter() - began
    if code:
        raise RuntimeError(f"train --layers {layers} ended with {code}")
    lines = [json.loads(one) for one in said.getvalue().splitlines()]
    compared = next(one for one in lines if one.get("event") == "layers_compared")
    findings = [one["verdict"] for one in lines if one.get("event") == "finding_raised"]
    return {
        "seconds": seconds,
        "val_accuracy": lines[-1]["val_accuracy"],
        "chosen": compared["chosen"],
        "expected": next(
            one["accuracy"] for one in compared["raced"] if one["layers"] == compared["chosen"]
        ),
        "findings": findings,
        "n_val": sum(1 for _ in root.glob("val/*/*")),
        "n_train": sum(1 for _ in root.glob("train/*/*")),
    }


def side(name: str, data: str, pictures: Pictures, seed: int) -> dict[str, Any]:
    """One measurement in a process of its own."""
    if name == FASTAI:
        asked = Asked("fastai", "fine_tune", data, {"epochs": EPOCHS, "seed": seed})
        return measure(asked, pictures, run=seed)
    command = [sys.executable, "-m", "benchmarks.coach", "--run", str(pictures.root(data))]
    command += [WAYS[name], str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def told(name: str, found: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Lines of the table, and the comparison of the first side with fastai."""
    lines = []
    for label, runs in found.items():
        accuracy = fmean(one["val_accuracy"] for one in runs)
        seconds = fmean(one["seconds"] for one in runs)
        single = ", ".join(f"{one['val_accuracy']:.3f}" for one in runs)
        chosen = "/".join(sorted({one["chosen"] for one in runs if "chosen" in one}))
        lines.append(f"| {name} | {label} {chosen} | {accuracy:.3f} ({single}) | {seconds:.1f} s |")
    base = found.get(FASTAI, [])
    for label, runs in found.items():
        n = min(len(runs), len(base))
        if label == FASTAI or n < 2:
            continue
        pairs = list(zip(runs, base, strict=False))
        gaps = [100 * (mine["val_accuracy"] - other["val_accuracy"]) for mine, other in pairs]
        mean, low, high = paired_mean(gaps)
        reach = fold_error(gaps, runs[0]["n_val"] / runs[0]["n_train"])
        reach *= float(stats.t.ppf((1 + LEVEL) / 2, n - 1))
        ratio = math.exp(fmean(math.log(theirs["seconds"] / mine["seconds"])
                               for mine, theirs in pairs))  # fmt: skip
        lines.append(
            f"| {name} | **{label} less fastai**, {n} seeds | **{mean:+.1f} points** "
            f"({low:+.1f} to {high:+.1f}; corrected {mean - reach:+.1f} to {mean + reach:+.1f}) "
            f"| {ratio:.1f} times as fast |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=["hymenoptera", "clothing"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sides", nargs="+", default=["coach", FASTAI])
    parser.add_argument("--keep", type=Path, help="results are kept here and not measured again")
    parser.add_argument("--run", nargs=3, metavar=("FOLDER", "LAYERS", "SEED"))
    args = parser.parse_args()
    if args.run:
        print(json.dumps(coached(Path(args.run[0]), args.run[1], int(args.run[2]))))
        return
    print("| set | side | validation accuracy | time |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        keep = args.keep or Path(scratch) / "kept"
        keep.mkdir(parents=True, exist_ok=True)
        pictures = Pictures(Path(scratch), ARCHIVES)
        for name in args.sets:
            found: dict[str, list[dict[str, Any]]] = {one: [] for one in args.sides}
            for seed in range(1, args.seeds + 1):
                for label in args.sides:
                    file = keep / f"{name}-{seed}-{label}.json"
                    if not file.is_file():
                        result = side(label, f"{name}~{seed}", pictures, seed)
                        file.write_text(json.dumps(result), encoding="utf-8")
                    found[label].append(json.loads(file.read_text(encoding="utf-8")))
            print("\n".join(told(name, found)), flush=True)


if __name__ == "__main__":
    main()
