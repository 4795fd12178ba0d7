"""The service under load, beside the bundle's own code and bare onnxruntime, all in one run.

``python -m benchmarks.service BUNDLE PICTURES [--seconds 60] [--callers 4]`` starts ``tl_core
serve`` for a bundle, lets callers send one picture a request for so long, and prints requests a
second, latencies, errors, and the service's memory over time. Beside it stand the latencies of the
bundle's own code on the same files (decoding included) and of onnxruntime on ready pixels.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnxruntime
import psutil

from tl_core.export.load import Bundle
from tl_core.export.predict_template import find_pictures, pixels_and_note

STARTED_S = 60.0
WARM, TIMED = 5, 100
EVERY_S = 5.0


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--callers", type=int, default=4)
    given = parser.parse_args()
    files = list(find_pictures([given.pictures]))[:TIMED]
    own, bare = _own(given.bundle, files), _bare(given.bundle, files)
    served = _served(given.bundle, files, given.seconds, given.callers)
    alone = served["one_caller"]["median_ms"]
    print(
        json.dumps(
            {
                "pictures": len(files),
                "bare_onnxruntime": bare,
                "bundle_code": own,
                "service": served,
                "service_over_bundle": round(alone / own["median_ms"], 2),
                "bundle_over_bare": round(own["median_ms"] / bare["median_ms"], 2),
            },
            indent=1,
        )
    )


def _own(bundle: Path, files: Sequence[Path]) -> dict[str, float]:
    opened = Bundle.open(bundle)
    return _latencies(lambda file: list(opened.predict([file])), files)


def _bare(bundle: Path, files: Sequence[Path]) -> dict[str, float]:
    session = onnxruntime.InferenceSession(
        str(bundle / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    how = json.loads((bundle / "preprocessing.json").read_text("utf-8"))
    ready = [pixels_and_note(file, how)[0][None] for file in files]
    return _latencies(lambda pixels: session.run(None, {"image": pixels}), ready)


def _latencies(call: Callable[[Any], Any], given: Sequence[Any]) -> dict[str, float]:
    for one in given[:WARM]:
        call(one)
    times = []
    for one in given:
        begun = time.perf_counter()
        call(one)
        times.append(time.perf_counter() - begun)
    return _told(times)


def _told(times: Sequence[float]) -> dict[str, float]:
    median, high = np.quantile(np.array(times) * 1000, [0.5, 0.95])
    return {"median_ms": round(float(median), 2), "p95_ms": round(float(high), 2)}


def _served(bundle: Path, files: Sequence[Path], seconds: float, callers: int) -> dict[str, Any]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tl_core", "serve", str(bundle), "--port", str(port)]
    process = subprocess.Popen([*command, "--per-minute", "10000000"], stdout=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address)
        contents = [file.read_bytes() for file in files]
        with httpx.Client(base_url=address, timeout=60, trust_env=False) as client:
            alone = _latencies(lambda content: _ask(client, content), contents)
        return {"one_caller": alone, **_load(process, address, contents, seconds, callers)}
    finally:
        process.terminate()
        process.wait()


def _load(
    process: subprocess.Popen[bytes],
    address: str,
    contents: Sequence[bytes],
    seconds: float,
    callers: int,
) -> dict[str, Any]:
    end = time.monotonic() + seconds
    times: list[float] = []
    errors: list[str] = []

    def call(first: int) -> None:
        with httpx.Client(base_url=address, timeout=60, trust_env=False) as client:
            at = first
            while time.monotonic() < end:
                begun = time.perf_counter()
                try:
                    _ask(client, contents[at % len(contents)])
                except (httpx.HTTPError, AssertionError) as err:
                    errors.append(repr(err))
                times.append(time.perf_counter() - begun)
                at += 1

    threads = [threading.Thread(target=call, args=(at * 7,)) for at in range(callers)]
    for one in threads:
        one.start()
    memory: list[float] = []
    watched = psutil.Process(process.pid)
    while time.monotonic() < end:
        memory.append(round(watched.memory_info().rss / 1e6, 1))
        time.sleep(min(EVERY_S, max(0.0, end - time.monotonic())))
    for one in threads:
        one.join()
    return {
        "callers": callers,
        "seconds": seconds,
        "requests": len(times),
        "requests_per_s": round(len(times) / seconds, 1),
        "errors": len(errors),
        **_told(times),
        "memory_mb": memory[:: max(1, len(memory) // 12)],
    }


def _ask(client: httpx.Client, content: bytes) -> None:
    answer = client.post("/predict", files={"files": ("a.jpg", content)})
    answer.raise_for_status()
    assert not answer.json()["answers"][0]["error"]


def _wait_for(address: str) -> None:
    end = time.monotonic() + STARTED_S
    while time.monotonic() < end:
        try:
            if httpx.get(f"{address}/health", trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise SystemExit("the service did not start")


if __name__ == "__main__":
    main()
