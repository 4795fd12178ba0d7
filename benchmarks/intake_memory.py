"""Memory and speed while a zip of many pictures is taken in by the worker process.

``python -m benchmarks.intake_memory [--pictures 10000]`` generates JPEGs of 640 x 480, queues the
zip as the studio does, runs the worker in a process of its own and prints the growth of its
resident memory, sampled 20 times a second, over what it holds before the first picture.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from tl_core.jobs.log import EventLog
from tl_core.jobs.queue import Queue
from tl_core.jobs.schema import open_engine
from tl_core.session import Studio
from tl_core.storage import Home

CLASSES = 10


def write_zip(path: Path, pictures: int) -> None:
    """Pictures of blurred noise, each another one."""
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(pictures):
            coarse = rng.integers(0, 255, (30, 40, 3), dtype=np.uint8)
            sink = io.BytesIO()
            Image.fromarray(coarse).resize((640, 480)).save(sink, "JPEG", quality=85)
            archive.writestr(f"class {number % CLASSES}/{number:06}.jpg", sink.getvalue())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "many.zip"
        write_zip(archive, options.pictures)
        home = Home(Path(folder) / "home")
        studio = Studio(home)
        task_id = studio.take_in(studio.create("Many").id, folder=str(archive))
        queue, log = Queue(open_engine(home)), EventLog(open_engine(home))
        queue.claim("side", "benchmark", task_id)
        command = [sys.executable, "-m", "tl_core.jobs.worker", task_id, "--home", str(home.root)]
        begun = time.perf_counter()
        child = subprocess.Popen(command)
        process, before, peak = psutil.Process(child.pid), 0, 0
        while child.poll() is None:
            try:
                now = process.memory_info().rss
            except psutil.Error:
                break
            if before == 0 and log.last(task_id, "progress") is not None:
                before = now
            peak = max(peak, now)
            time.sleep(0.05)
        child.wait()
        seconds = time.perf_counter() - begun
        row = queue.get(task_id)
        megabytes = archive.stat().st_size / 1e6
        print(
            f"{options.pictures:,} pictures, zip of {megabytes:.0f} MB: {row.state}, {row.result}"
        )
        print(
            f"{seconds:.1f} s, {options.pictures / seconds:.0f} pictures/s, process start included"
        )
        print(
            f"resident memory {before / 1e6:.0f} MB before the first picture, "
            f"{peak / 1e6:.0f} MB at the peak: {(peak - before) / 1e6:.0f} MB more"
        )


if __name__ == "__main__":
    main()
