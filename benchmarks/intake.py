"""Taking many photographs in, beside nothing but decoding the same files: speed, memory, disk.

``python -m benchmarks.intake [--n 10000] [--rounds 3] [--archives FOLDER] [--folder FOLDER]``
cuts N different photographs of 500 x 375 pixels out of the real ones beside the project (random
part, mirrored or not, JPEG of quality 95) and measures, each in a process of its own:

- Pillow alone, decoding every file completely in two threads;
- the zip taken in as the studio does it: every file hashed, decoded, stored, with its thumbnail and
  the working copy that training starts from;
- a folder of 1.2 times as many files, and a zip of photographs of 2000 x 1500 pixels that has
  N / 10,000 GB;
- how long it takes from the wish to stop to the end of the process, in the middle of the zip.

Memory is the peak of the whole process (VmHWM), interpreter and libraries included. Files are read
once before anything is timed, so that all sides find them in the page cache alike.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import psutil
from PIL import Image

from benchmarks.measuring import ROOT
from benchmarks.memory import peak_bytes
from tl_core.config import TrainConfig
from tl_core.data.intake import take_in
from tl_core.jobs.queue import Queue
from tl_core.jobs.schema import open_engine
from tl_core.models.catalog import DEFAULT_MODEL, card
from tl_core.session import Studio
from tl_core.storage import Home

SETS = ("hymenoptera.zip", "clothing_small.zip")
PHOTO_PX, LARGE_PX = (500, 375), (2000, 1500)
QUALITY = 95
LEAST_SIDE = 300  # of a photograph that parts are cut out of
CLASSES = 10
THREADS = 2  # of both sides; take_in has as many as the machine has cores
FOLDER_TIMES = 1.2
LARGE_BYTES = 1e9  # of the second zip for 10,000 photographs
STOP_AFTER = 0.2  # of the pictures; then the wish to stop

Numbers = dict[str, float]


# -- the photographs -------------------------------------------------------------------------------


def originals(archives: Path) -> list[bytes]:
    """The real photographs that are large enough.

    Raises:
        FileNotFoundError: Their archives are not there.
    """
    found = []
    for name in SETS:
        with zipfile.ZipFile(archives / name) as packed:
            for member in sorted(packed.namelist()):
                if not member.lower().endswith((".jpg", ".jpeg")):
                    continue
                body = packed.read(member)
                with Image.open(io.BytesIO(body)) as image:
                    if image.format == "JPEG" and min(image.size) >= LEAST_SIDE:
                        found.append(body)
    return found


def cut_out(number: int, sources: list[bytes], size: tuple[int, int]) -> bytes:
    """One new photograph: a random part of an original, scaled, perhaps mirrored."""
    rng = np.random.default_rng(number)
    image = Image.open(io.BytesIO(sources[number % len(sources)])).convert("RGB")
    share = rng.uniform(0.6, 1.0)
    width = int(min(image.width, image.height * size[0] / size[1]) * share)
    height = width * size[1] // size[0]
    left = int(rng.integers(0, image.width - width + 1))
    top = int(rng.integers(0, image.height - height + 1))
    part = image.resize(size, Image.Resampling.BICUBIC, (left, top, left + width, top + height))
    if rng.random() < 0.5:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    sink = io.BytesIO()
    part.save(sink, "JPEG", quality=QUALITY)
    return sink.getvalue()


_sources: list[bytes] = []  # of a worker process that cuts photographs


def _begin(sources: list[bytes]) -> None:
    _sources[:] = sources


def _cut(number: int, size: tuple[int, int]) -> bytes:
    return cut_out(number, _sources, size)


def photographs(n: int, sources: list[bytes], size: tuple[int, int]) -> Iterator[tuple[str, bytes]]:
    """(name, JPEG file), made by two processes."""
    with ProcessPoolExecutor(THREADS, initializer=_begin, initargs=(sources,)) as pool:
        made = pool.map(partial(_cut, size=size), range(n), chunksize=16)
        for number, body in enumerate(made):
            yield f"class {number % CLASSES}/{number:06}.jpg", body


def write_all(folder: Path, n: int, sources: list[bytes]) -> dict[str, Path]:
    """The zip, the folder and the large zip, by name."""
    paths = {
        "zip": folder / "photos.zip",
        "folder": folder / "photos",
        "large": folder / "large.zip",
    }
    with zipfile.ZipFile(paths["zip"], "w") as archive:
        for position, (name, body) in enumerate(
            photographs(int(n * FOLDER_TIMES), sources, PHOTO_PX)
        ):
            target = paths["folder"] / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(body)
            if position < n:
                archive.writestr(name, body)
    wanted, written = LARGE_BYTES * n / 10_000, 0
    with zipfile.ZipFile(paths["large"], "w") as archive:
        for name, body in photographs(n, sources, LARGE_PX):
            archive.writestr(name, body)
            written += len(body)
            if written >= wanted:
                break
    return paths


# -- in a process of its own -----------------------------------------------------------------------


def decode_zip(source: Path, home: Path) -> Numbers:
    """Pillow alone: every member decoded completely to RGB."""
    with zipfile.ZipFile(source) as archive:
        names = archive.namelist()

        def pixels(body: bytes) -> int:
            with Image.open(io.BytesIO(body)) as image:
                return len(image.convert("RGB").getbands())

        begun = time.perf_counter()
        with ThreadPoolExecutor(THREADS) as pool:
            for start in range(0, len(names), 64):  # a few at a time, or the zip lies in memory
                list(pool.map(pixels, [archive.read(name) for name in names[start : start + 64]]))
    return {"pictures": len(names), "seconds": time.perf_counter() - begun}


def take_all(source: Path, home: Path) -> Numbers:
    """As the studio's worker does it."""
    store = Home(home)
    begun = time.perf_counter()
    found = take_in(source, store, working=(card(DEFAULT_MODEL).input_px, TrainConfig().resize))
    seconds = time.perf_counter() - begun
    stored = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    return {"pictures": len(found.records), "seconds": seconds, "stored": stored}


CHILDREN: dict[str, Callable[[Path, Path], Numbers]] = {"bare": decode_zip, "take in": take_all}


def child(name: str, source: Path, home: Path) -> None:
    """Do one of ``CHILDREN`` and print its numbers as JSON."""
    before = peak_bytes()
    told = CHILDREN[name](source, home)
    # what reached the disk, or will, as far as this system tells
    counters = psutil.Process().io_counters() if hasattr(psutil.Process, "io_counters") else None
    told |= {"before": before, "peak": peak_bytes()}
    told["written"] = float(counters.write_bytes) if counters else 0.0
    print(json.dumps(told))


# -- measuring -------------------------------------------------------------------------------------


def measured(name: str, source: Path) -> Numbers:
    """One measurement in a fresh process with a home of its own, removed afterwards."""
    with tempfile.TemporaryDirectory(dir=source.parent) as home:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.intake", "--child", name, str(source), home],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
    numbers: Numbers = json.loads(done.stdout.splitlines()[-1])
    return {**numbers, "rate": numbers["pictures"] / numbers["seconds"]}


def seconds_to_stop(source: Path, n: int) -> float:
    """From the wish to stop in the middle of taking in to the end of the worker process."""
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        home = Home(folder)
        studio = Studio(home)
        project = studio.create("Stopped").id
        task_id = studio.take_in(project, folder=str(source))
        Queue(open_engine(home)).claim("side", "benchmark", task_id)
        worker = subprocess.Popen(
            [sys.executable, "-m", "tl_core.jobs.worker", task_id, "--home", folder], cwd=ROOT
        )
        while worker.poll() is None and _done(studio, task_id) < STOP_AFTER * n:
            time.sleep(0.02)
        studio.stop(task_id)
        begun = time.perf_counter()
        worker.wait()
        seconds = time.perf_counter() - begun
        if studio.count(project) or studio.run(task_id).state != "failed":
            raise RuntimeError("the intake was not stopped, or the set has changed")
        return seconds


def _done(studio: Studio, task_id: str) -> int:
    told = studio.task_progress(task_id)
    return told[1] if told else 0


def read_through(path: Path) -> int:
    """Read everything once; bytes."""
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    total = 0
    for file in files:
        with file.open("rb") as stream:
            while part := stream.read(1 << 22):
                total += len(part)
    return total


def told(label: str, runs: list[Numbers], source_bytes: int) -> str:
    """One line of the table."""
    middle = {key: median(run[key] for run in runs) for key in runs[0]}
    line = f"{label:<34}{middle['rate']:>8.0f} pictures/s {middle['seconds']:>7.1f} s"
    line += f"  peak {middle['peak'] / 1e6:.0f} MB (start {middle['before'] / 1e6:.0f})"
    line += f"  of {source_bytes / 1e6:.0f} MB"
    if "stored" in middle:
        line += (
            f"; stored {middle['stored'] / 1e6:.0f} MB, written {middle['written'] / 1e6:.0f} MB"
        )
    rates = sorted(run["rate"] for run in runs)
    return line + (f"; {rates[0]:.0f} to {rates[-1]:.0f}/s" if len(runs) > 1 else "")


def compare(paths: dict[str, Path], n: int, rounds: int) -> None:
    """Measure all and print."""
    size = {name: read_through(path) for name, path in paths.items()}
    runs: dict[str, list[Numbers]] = {"bare": [], "take in": []}
    for _ in range(rounds):  # in turn, so that a machine that grows busy slows both
        for name in runs:
            runs[name].append(measured(name, paths["zip"]))
    print(told("Pillow alone, two threads", runs["bare"], size["zip"]))
    print(told("zip taken in", runs["take in"], size["zip"]))
    shares = sorted(
        one["rate"] / bare["rate"] for one, bare in zip(runs["take in"], runs["bare"], strict=True)
    )
    print(f"{'taken in / bare decoding':<34}{median(shares):>8.2f}")
    print(told("folder taken in", [measured("take in", paths["folder"])], size["folder"]))
    print(told("large photographs, bare", [measured("bare", paths["large"])], size["large"]))
    print(
        told(
            "large photographs, zip taken in", [measured("take in", paths["large"])], size["large"]
        )
    )
    stopping = [seconds_to_stop(paths["zip"], n) for _ in range(rounds)]
    print(f"{'from Stop to the end':<34}{median(stopping):>8.2f} s (at most {max(stopping):.2f})")


def main() -> None:
    """Make the photographs, measure and print."""
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--n", type=int, default=10_000, help="photographs in the zip")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--archives", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--folder", type=Path, help="for scratch; needs about 5 GB for 10,000")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        begun = time.perf_counter()
        paths = write_all(Path(folder), options.n, originals(options.archives))
        seconds = time.perf_counter() - begun
        print(f"{options.n:,} photographs made in {seconds:.0f} s; {os.cpu_count()} cores")
        compare(paths, options.n, options.rounds)


if __name__ == "__main__":
    main()
